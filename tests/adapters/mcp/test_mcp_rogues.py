"""Servers that break the rules: whatever one sends is bounded and named, and the next call works."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import time

import pytest

from fakes.mcp_stand import LONG, Stand
from treadle.adapters.mcp.connection import RELIST_PAUSE
from treadle.adapters.mcp.lines import Lines
from treadle.core import mcp
from treadle.core.errors import ToolFailure


def text(result: dict) -> str:
    return result["content"][0]["text"]


async def test_a_hundred_thousand_tools_are_refused_by_their_number(stand: Stand) -> None:
    with pytest.raises(ToolFailure, match=r"rogue is not connected: its list of tools is longer than 2048 tools"):
        await stand.call(stand.rogue("many_tools"), "run")


async def test_a_list_that_never_ends_is_given_up_after_a_hundred_pages(stand: Stand) -> None:
    with pytest.raises(ToolFailure, match=r"longer than 2048 tools or 100 pages"):
        await stand.call(stand.rogue("endless_pages"), "run")


async def test_a_list_that_is_none_is_named(stand: Stand) -> None:
    with pytest.raises(ToolFailure, match="it sent something that is not of the protocol") as failure:
        await stand.call(stand.rogue("no_tools"), "run")
    assert "\n" not in failure.value.sentence()


async def test_odd_names_become_names_that_every_provider_takes(stand: Stand) -> None:
    server = stand.rogue("odd_names")
    assert text(await stand.call(server, "run")) == "ran"
    names = [name for name, _ in mcp.named(stand.pool.tools(stand.settings(server)))]
    assert len(set(names)) == len(names) == 7
    assert all(len(name) <= 128 and name.isascii() and name.startswith("mcp__rogue__") for name in names)


async def test_an_answer_of_a_hundred_megabytes_is_refused_and_the_server_goes_on(stand: Stand) -> None:
    server = stand.rogue("large")
    await stand.pool.settle(stand.settings(server))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        with pytest.raises(ToolFailure, match=r"run of the MCP server rogue failed: its answer is larger than 32 MB"):
            await stand.call(server, "run")
    assert stand.pool.statuses(stand.settings(server))[0].state == "ready"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 * 1024, "kilobytes; less than the answer is long"


async def test_garbage_between_messages_is_passed_over(stand: Stand) -> None:
    assert text(await stand.call(stand.rogue("garbage"), "run")) == "after the garbage"


async def test_a_result_that_is_none_is_named(stand: Stand) -> None:
    server = stand.rogue("not_a_result")
    for _ in range(2):
        with pytest.raises(
            ToolFailure, match="run of the MCP server rogue failed: it sent something that is not of the protocol"
        ):
            await stand.call(server, "run")


async def test_what_a_server_says_on_standard_error_goes_to_the_log_within_bounds(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "treadle")
    server = stand.rogue("loud", env=(("KEY", "sk-very-secret"),))
    assert text(await stand.call(server, "run")) == "said"
    async with asyncio.timeout(60):
        while "more than is logged" not in caplog.text:  # noqa: ASYNC110 - read while the loop turns
            await asyncio.sleep(0.01)
    assert "mcp server rogue says: the key is ***" in caplog.text
    assert "sk-very-secret" not in caplog.text
    assert len(caplog.text) < 30_000_000


async def test_a_server_that_dies_in_a_call_is_named_with_its_last_words(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treadle.adapters.mcp.connection.LAST_WORDS_TIMEOUT", LONG)
    with pytest.raises(
        ToolFailure, match=r"stopped while it worked on run \(it stopped unexpectedly; its last words: out of memory\)"
    ):
        await stand.call(stand.rogue("dies_loudly"), "run")


async def test_a_server_that_changes_its_list_all_the_time_is_asked_now_and_then(stand: Stand) -> None:
    server = stand.rogue("storms")
    began = time.monotonic()
    assert text(await stand.call(server, "run")) == "stormed"
    assert text(await stand.call(server, "run")) == "stormed"
    # when it began, at once, and after each pause
    assert len((stand.folder / "lists").read_text()) <= 2 + (time.monotonic() - began) / RELIST_PAUSE


def test_an_answer_that_is_too_long_is_known_by_its_id_at_either_end() -> None:
    long = "x" * 5_000_000
    answers = [
        json.dumps({"jsonrpc": "2.0", "id": 7, "result": {"text": long}}),
        json.dumps({"result": {"text": long}, "jsonrpc": "2.0", "id": 7}),
        json.dumps({"result": {"text": long}, "id": "7", "jsonrpc": "2.0"}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"text": long}}),
    ]
    for answer, id in zip(answers, (7, 7, "7", None), strict=True):
        lines = Lines(1024 * 1024)
        found = [
            message for start in range(0, len(answer), 65_536) for message in lines.feed(answer[start : start + 65_536].encode())
        ]
        found += [*lines.feed(b"\n"), *lines.feed(b'{"jsonrpc":"2.0","id":8,"result":{}}\n')]
        assert [message.id for message in found] == ([id, 8] if id is not None else [8])  # type: ignore[union-attr]
