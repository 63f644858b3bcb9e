"""tools.sessions: how many may run, who goes first, and that none outlives its thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from fakes.commands import FULL, Shell
from treadle.core.errors import ToolFailure
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import CommandSpec, SandboxStatus
from treadle.tools.sessions import LIVE_PIECE_BYTES, Session, Sessions


class PlayedProcess:
    """Plays its chunks, then runs until it is killed."""

    pid = 0

    def __init__(self, *chunks: bytes, ends: bool = False) -> None:
        self.chunks = chunks
        self.gone = asyncio.Event()
        if ends:
            self.gone.set()

    async def output(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        await self.gone.wait()

    async def write(self, data: bytes) -> None: ...

    async def wait(self) -> int:
        await self.gone.wait()
        return 0

    async def kill(self) -> None:
        self.gone.set()

    def interrupt(self) -> None: ...

    def resize(self, rows: int, cols: int) -> None: ...


class PlayedSandbox:
    def __init__(self) -> None:
        self.processes: list[PlayedProcess] = []

    async def status(self) -> SandboxStatus:
        return SandboxStatus("none", available=False)

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> PlayedProcess:
        self.processes.append(PlayedProcess(ends=command.argv == ("ends",)))
        return self.processes[-1]

    async def close(self) -> None: ...


async def start(sessions: Sessions, sandbox: PlayedSandbox, argv: str = "runs") -> Session:
    return await sessions.start(argv, CommandSpec((argv,), "/"), sandbox, FULL)


async def test_the_least_recently_used_goes_first_and_the_youngest_are_protected():
    sessions, sandbox = Sessions(limit=4, protected=2), PlayedSandbox()
    a, b, c, d = [await start(sessions, sandbox) for _ in range(4)]
    sessions.touch(a)
    e = await start(sessions, sandbox)
    assert [s.id for s in (a, c, d, e) if sessions.get(s.id) is s] == [a.id, c.id, d.id, e.id]
    assert sessions.get(b.id) is None
    assert b.ended.is_set()
    assert len(sessions) == 4
    await sessions.close()


async def test_one_that_has_ended_goes_before_one_that_runs():
    sessions, sandbox = Sessions(limit=3, protected=1), PlayedSandbox()
    runs, ends = await start(sessions, sandbox), await start(sessions, sandbox, "ends")
    await ends.ended.wait()
    await start(sessions, sandbox)
    await start(sessions, sandbox)
    assert sessions.get(runs.id) is runs
    assert sessions.get(ends.id) is None
    await sessions.close()


async def test_one_that_is_being_read_is_spared():
    sessions, sandbox = Sessions(limit=2, protected=0), PlayedSandbox()
    first, second = await start(sessions, sandbox), await start(sessions, sandbox)
    async with first.turn:
        await start(sessions, sandbox)
    assert sessions.get(first.id) is first
    assert sessions.get(second.id) is None
    await sessions.close()


async def test_many_at_once_stay_within_the_limit():
    sessions, sandbox = Sessions(), PlayedSandbox()
    await asyncio.gather(*(start(sessions, sandbox) for _ in range(100)))
    assert len(sessions) <= 64
    assert sum(not p.gone.is_set() for p in sandbox.processes) <= 64
    await sessions.close()
    assert all(p.gone.is_set() for p in sandbox.processes)


async def test_a_command_whose_children_are_still_being_ended_has_not_ended():
    class Leaves(PlayedProcess):
        """What it left behind takes its time to die."""

        def __init__(self) -> None:
            super().__init__(ends=True)
            self.killed, self.reaped = asyncio.Event(), asyncio.Event()

        async def kill(self) -> None:
            self.killed.set()
            await self.reaped.wait()

    process = Leaves()
    session = Session(1, "x", CommandSpec(("x",), "/"), process, confined=False)
    await process.killed.wait()
    assert session.report(0, 100).exit_code is None
    process.reaped.set()
    await session.ended.wait()
    assert session.report(0, 100).exit_code == 0


async def test_ids_are_distinct_and_in_range():
    sessions, sandbox = Sessions(), PlayedSandbox()
    ids = [(await start(sessions, sandbox)).id for _ in range(64)]
    assert len(set(ids)) == 64
    assert all(1_000 <= i < 100_000 for i in ids)
    await sessions.close()


async def test_closing_ends_real_processes_and_refuses_new_ones(shell: Shell):
    spec = CommandSpec(("/bin/sh", "-c", "echo $$; exec sleep 1000"), "/", {"PATH": os.environ["PATH"]})
    session = await shell.sessions.start("sleep", spec, shell.sandbox, FULL)
    with session.shown(shell.emit):
        pid = int(await shell.seen("\n"))
    await shell.sessions.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ToolFailure, match="thread has ended"):
        await shell.sessions.start("sleep", spec, shell.sandbox, FULL)
    await shell.sessions.close()


async def played(*chunks: bytes) -> tuple[Session, list[str]]:
    """A session whose command has played its output and ended, and what was shown of it."""
    process = PlayedProcess(*chunks, ends=True)
    session = Session(1, "x", CommandSpec(("x",), "/"), process, confined=False)
    shown: list[str] = []
    with session.shown(shown.append):
        await session.ended.wait()
    return session, shown


async def test_a_character_split_between_two_reads_stays_whole():
    session, shown = await played("é".encode()[:1], "é".encode()[1:], b"\xff", "🙂".encode()[:2])
    assert session.report(0, 10_000).kept.text() == "é\ufffd\ufffd" == "".join(shown)


async def test_live_output_comes_in_small_pieces():
    session, shown = await played("ä".encode() * 32_000)
    assert "".join(shown) == "ä" * 32_000 == session.report(0, 10_000).kept.text()
    assert max(len(piece.encode()) for piece in shown) <= LIVE_PIECE_BYTES


async def test_a_flood_is_shown_up_to_a_bound():
    session, shown = await played(*[b"x" * 65_536] * 64)
    assert len("".join(shown)) < 1_100_000
    assert session.report(0, 10_000).kept.bytes == 64 * 65_536


async def test_a_report_forgets_what_it_told():
    session, _ = await played(b"once")
    assert session.report(0, 10_000).kept.text() == "once"
    assert session.report(0, 10_000).kept.text() == ""
