"""Servers that are lost: started again by themselves after growing pauses, not for ever, and no call is made twice."""

from __future__ import annotations

import os

import pytest

from fakes.mcp_stand import Stand
from treadle.core.errors import ToolFailure


def text(result: dict) -> str:
    return result["content"][0]["text"]


async def test_a_server_that_died_while_idle_is_started_again_by_itself(stand: Stand) -> None:
    stand.pauses = (0.01,)
    pool = stand.new_pool()
    pool.start(stand.settings(stand.server()))
    await stand.heard("ready")
    stand.said.clear()
    os.kill(stand.pids()[0], 9)
    await stand.heard("ready")
    failed = stand.said[0]
    assert (failed.state, failed.retry_in, failed.attempt) == ("failed", 0.01, 1)
    assert [status.state for status in stand.said] == ["failed", "starting", "ready"]
    assert len(stand.pids()) == 2


async def test_a_server_that_dies_again_and_again_is_left_alone_after_a_few_times(stand: Stand) -> None:
    stand.pauses = (0.01, 0.02, 0.03)
    pool = stand.new_pool()
    server = stand.rogue("dies")
    pool.start(stand.settings(server))
    await stand.heard_of(lambda said: bool(said) and said[-1].state == "failed" and said[-1].retry_in is None)
    failed = [status for status in stand.said if status.state == "failed"]
    assert [status.retry_in for status in failed] == [0.01, 0.02, 0.03, None]
    assert [status.attempt for status in failed] == [1, 2, 3, 4]
    before = len(stand.said)
    with pytest.raises(ToolFailure, match="MCP server rogue"):
        await pool.call(server, stand.settings(server), "run", {}, lambda said: None)
    await stand.heard_of(lambda said: len(said) > before and said[-1].state == "failed")


async def test_a_server_that_was_never_ready_is_not_tried_again_by_itself(stand: Stand) -> None:
    stand.pauses = (0.01,)
    pool = stand.new_pool()
    pool.start(stand.settings(stand.server("--refuse")))
    failed = await stand.heard("failed")
    assert (failed.retry_in, failed.attempt) == (None, 1)


async def test_the_pause_is_cut_short_by_a_call_and_by_the_end(stand: Stand) -> None:
    stand.pauses = (3600.0,)
    pool, server = stand.new_pool(), stand.server()
    settings = stand.settings(server)
    pool.start(settings)
    await stand.heard("ready")
    os.kill(stand.pids()[0], 9)
    assert (await stand.heard("failed")).retry_in == 3600.0
    assert text(await pool.call(server, settings, "echo", {"text": "at once"}, lambda said: None)) == "at once"
    assert pool.statuses(settings)[0].retry_in is None
    stand.said.clear()
    os.kill(stand.pids()[1], 9)
    await stand.heard("failed")
    await pool.close()
    assert len(stand.pids()) == 2


async def test_a_call_that_ended_its_server_is_made_once(stand: Stand) -> None:
    stand.pauses = (0.01,)
    pool, server = stand.new_pool(), stand.server()
    settings = stand.settings(server)
    with pytest.raises(ToolFailure, match="whether the call took effect is not known"):
        await pool.call(server, settings, "crash", {}, lambda said: None)
    assert text(await pool.call(server, settings, "echo", {"text": "again"}, lambda said: None)) == "again"
    assert len(stand.pids()) == 2
