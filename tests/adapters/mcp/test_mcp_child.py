"""The child process of an MCP server: what it says has a bound, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace

import pytest

from fakes.mcp_stand import Stand
from treadle.core.errors import ToolFailure

ENDLESS = "import sys; sys.stdin.readline(); sys.stdout.write('x' * (40 * 1024 * 1024)); sys.stdout.flush(); sys.stdin.read()"
DEAF = "exec 0<&-; echo busy >&2; exec sleep 1000"
"In a shell, which is up in no time: it is to be deaf before anything is written to it."


async def test_lines_that_are_no_messages_are_passed_over(stand: Stand) -> None:
    server = stand.server()
    line = " ".join(["echo Welcome; echo '{}'; echo '[1, 2'; exec", sys.executable, *server.args])
    noisy = replace(server, command="/bin/sh", args=("-c", line))
    result = await stand.call(noisy, "echo", text="through the noise")
    assert result["content"][0]["text"] == "through the noise"


async def test_a_line_without_an_end_costs_no_memory_and_is_given_up_in_time(stand: Stand) -> None:
    server = stand.server(command=sys.executable, args=("-c", ENDLESS), startup_timeout=2.0)
    with pytest.raises(ToolFailure, match=r"MCP server fake is not connected: it was not ready within 2 s"):
        await stand.call(server, "echo")


async def test_a_server_that_does_not_listen_is_told_apart_from_a_slow_one(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    # how long the package waits for its first answer before it says something that cannot be written any more
    monkeypatch.setattr("mcp.client.session.DISCOVER_TIMEOUT_SECONDS", 2.0)
    server = stand.server(command="/bin/sh", args=("-c", DEAF))
    with pytest.raises(ToolFailure, match="it ended before it was ready; its last words: busy"):
        await stand.call(server, "echo")


async def test_what_a_server_has_started_goes_with_it(stand: Stand) -> None:
    server = stand.server()
    line = " ".join([f"sleep 1000 & echo $! >> {stand.folder}/pids; exec", sys.executable, *server.args])
    await stand.call(replace(server, command="/bin/sh", args=("-c", line)), "echo", text="x")
    pids = stand.pids()
    assert len(pids) == 2
    await stand.close()
    async with asyncio.timeout(60):
        while not all(_gone(pid) for pid in pids):  # noqa: ASYNC110 - they die on their own
            await asyncio.sleep(0.01)


async def test_a_server_that_was_killed_is_waited_for_however_busy_the_machine_is(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stand.call(stand.server(), "echo", text="x")
    # such as when nobody comes to see its end in this time
    monkeypatch.setattr("treadle.adapters.mcp.child.GRACE", 0.0)
    await stand.close()
    with pytest.raises(ProcessLookupError):
        os.kill(stand.pids()[0], 0)


async def test_a_server_that_is_given_up_while_it_starts_is_ended(stand: Stand) -> None:
    server = stand.server("--silent")
    waiting = asyncio.ensure_future(stand.call(server, "echo"))
    async with asyncio.timeout(60):
        while not (stand.folder / "pids").exists() or not stand.pids():  # noqa: ASYNC110 - written by another process
            await asyncio.sleep(0.01)
    await stand.close()
    with pytest.raises(ToolFailure, match="it was stopped"):
        await waiting
    assert _gone(stand.pids()[0])


async def test_a_server_that_is_slow_to_end_is_gone_when_its_successor_is_given_up(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("treadle.adapters.mcp.connection.LAST_WORDS_TIMEOUT", 0.0)
    server = stand.server()
    begin, end = f"trap '' TERM; echo $$ >> {stand.folder}/pids;", "; exec >&- 2>&-; sleep 1000"
    line = " ".join([begin, sys.executable, *server.args, end])
    lingers = replace(server, command="/bin/sh", args=("-c", line))
    with pytest.raises(ToolFailure, match="whether the call took effect is not known"):
        await stand.call(lingers, "crash")
    waiting = asyncio.ensure_future(stand.call(lingers, "echo", text="x"))
    await asyncio.sleep(0)  # it waits for the server of before to end
    await stand.close()
    async with asyncio.timeout(60):
        with pytest.raises(ToolFailure, match="it was stopped"):
            await waiting
    assert _gone(stand.pids()[0])


def _gone(pid: int) -> bool:
    """Ended; perhaps not reaped yet, when whoever adopted it is slow."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
