"""What the keeper of a server sees and does: its journal through its lives, and a restart that a hung server cannot refuse."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from fakes.mcp_stand import LONG, Stand
from treadle.adapters.mcp.journal import KEPT, MAX_LINE, Journal
from treadle.core.errors import ToolFailure, TreadleError


def text(result: dict) -> str:
    return result["content"][0]["text"]


def gone(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


async def test_a_hung_server_is_restarted(stand: Stand) -> None:
    pool, server = stand.new_pool(), stand.server()
    settings = stand.settings(server)
    pool.start(settings)
    await stand.heard("ready")
    os.kill(stand.pids()[0], signal.SIGSTOP)  # it answers nothing, and hears no friendly word
    stand.said.clear()
    async with asyncio.timeout(LONG):
        await (await pool.restart(server, settings))
    assert [status.state for status in stand.said] == ["starting", "ready"]
    first, second = stand.pids()
    assert gone(first)
    assert text(await pool.call(server, settings, "echo", {"text": "alive"}, lambda said: None)) == "alive"
    assert "restarted by the user" in pool.journal(server, settings)
    assert not gone(second)


async def test_a_restart_that_the_end_overtakes_leaves_no_server_behind(stand: Stand) -> None:
    pool, server = stand.new_pool(), stand.server()
    settings = stand.settings(server)
    pool.start(settings)
    await stand.heard("ready")
    restarting = asyncio.ensure_future(pool.restart(server, settings))
    await asyncio.sleep(0)  # it waits for the server of before to end
    async with asyncio.timeout(LONG):
        await pool.close()
        assert [gone(pid) for pid in stand.pids()] == [True]
        with pytest.raises(TreadleError, match="stopped"):
            await restarting
    assert len(stand.pids()) == 1


async def test_a_call_under_way_hears_that_its_server_was_restarted(stand: Stand) -> None:
    pool, server = stand.new_pool(), stand.server()
    settings = stand.settings(server)
    pool.start(settings)
    await stand.heard("ready")
    calling = asyncio.ensure_future(pool.call(server, settings, "slow", {}, lambda said: None))
    await stand.until("slow.begun")
    async with asyncio.timeout(LONG):
        await (await pool.restart(server, settings))
        with pytest.raises(ToolFailure):
            await calling


async def test_the_journal_tells_how_a_server_failed_and_outlives_it(stand: Stand) -> None:
    pool, server = stand.new_pool(), stand.server("--refuse")
    settings = stand.settings(server)
    pool.start(settings)
    await stand.heard("failed")
    before = pool.journal(server, settings)
    assert "[starting]" in before
    assert "[failed: " in before
    async with asyncio.timeout(LONG):
        await (await pool.restart(server, settings))
    after = pool.journal(server, settings)
    assert after.startswith(before)
    assert after.count("[failed: ") == 2


async def test_what_a_server_says_is_in_the_journal_without_its_secrets(stand: Stand) -> None:
    pool = stand.new_pool()
    noisy = (
        "import os, sys; print('my key is', os.environ['KEY'], file=sys.stderr); print('started as', sys.argv, file=sys.stderr); "
    )
    noisy += "sys.stderr.write('no newline at the end')"
    args = ("-c", noisy, "--token", "argument-secret")
    server = stand.server(name="noisy", args=args, env=(("KEY", "sk-very-secret"),))
    settings = stand.settings(server)
    pool.start(settings)
    await stand.heard("failed")
    said = pool.journal(server, settings)
    assert "my key is ***" in said
    assert "no newline at the end" in said
    assert "sk-very-secret" not in said
    assert "started as ['-c', '--token', '***']" in said


def test_a_journal_keeps_the_end_and_says_that_it_lost_the_beginning() -> None:
    journal = Journal(lambda: 0.0)
    journal.said("first")
    for number in range(KEPT // 100):
        journal.said(f"{number} " + "x" * 200)
    text = journal.text()
    assert len(text) < KEPT + MAX_LINE
    assert text.startswith("[what came before is not kept]")
    assert "first" not in text
    assert f"{KEPT // 100 - 1} x" in text


def test_a_line_of_a_journal_is_one_line() -> None:
    journal = Journal(lambda: 0.0)
    journal.said("a\x1b[31mred\rback\u2028end" + "y" * 2 * MAX_LINE)
    assert len(journal.text().splitlines()) == 1
    assert len(journal.text()) < MAX_LINE + 20
    assert "\x1b" not in journal.text()
