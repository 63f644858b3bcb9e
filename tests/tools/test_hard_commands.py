"""Commands that print a gigabyte, print nothing for ever, fork without end, hide, or end by any signal: bounded and named."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.commands import FULL, Shell, drawn
from treadle.adapters.outputs import CALL_BYTES, DiskOutputs
from treadle.adapters.sandbox import pick
from treadle.adapters.sandbox.linux import LinuxSandbox
from treadle.core.settings import CommandLimits, SandboxPolicy
from treadle.runtime.ports import ToolResult
from treadle.tools.exec_command import ExecCommand
from treadle.tools.sessions import BUFFER_BYTES, LIVE_BYTES, LIVE_PIECE_BYTES
from treadle.tools.write_stdin import WriteStdin

EXEC, WRITE = ExecCommand(), WriteStdin()
MB = 1024 * 1024
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
HARMLESS = {"SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"}
"Signals that end nothing by themselves."
HIDING = "(trap '' TERM HUP INT QUIT; (setsid sh -c 'trap : TERM HUP INT QUIT; echo x > {0}; while :; do sleep 300; done' &) &)"


@pytest.fixture(params=["workspace-write", "landlock", "danger-full-access"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shell]:
    (tmp_path / "ws").mkdir()
    broken = LinuxSandbox(tmp_path / "state", hidden=(), own=(), bubblewrap="/bin/false")
    sandbox = broken if request.param == "landlock" else pick(tmp_path / "state")
    policy = FULL if request.param == "danger-full-access" else SandboxPolicy("workspace-write")
    shell = Shell(tmp_path / "ws", sandbox, policy, outputs=DiskOutputs(tmp_path / "outputs"))
    yield shell
    await shell.sessions.close()
    await sandbox.close()


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def marked(mark: str) -> list[int]:
    """Processes with `mark` in their environment."""
    found: list[int] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                found += [int(name)] if mark.encode() in file.read() else []
        except OSError:
            continue
    return found


async def to_the_end(here: Shell, result: ToolResult) -> ToolResult:
    """Poll a command that has become a session."""
    while (found := re.search(r"running with session ID (\d+)", result.text)) is not None:
        result = await here.call(WRITE, session_id=int(found[1]))
    return result


async def test_a_gigabyte_is_counted_and_cut_in_bounded_memory(here: Shell, tmp_path: Path) -> None:
    await here.call(EXEC, cmd="true", login=False)
    before = resident()
    result = await here.call(EXEC, cmd="head -c 1000000000 /dev/zero | tr '\\0' x", login=False, yield_time_ms=30_000)
    assert resident() - before < 64 * MB
    calls = 1
    while (found := re.search(r"running with session ID (\d+)", result.text)) is not None:  # on a busy machine
        result, calls = await here.call(WRITE, session_id=int(found[1])), calls + 1
    assert "Process exited with code 0" in result.text
    assert len(result.text) < 60_000
    assert len((drawn(result)["output"] or "").encode()) <= BUFFER_BYTES + 100
    assert all(len(piece.encode()) <= LIVE_PIECE_BYTES for piece in here.emitted)
    assert len("".join(here.emitted)) <= (calls + 1) * LIVE_BYTES
    assert sum(path.stat().st_size for path in (tmp_path / "outputs").rglob("*.txt")) <= (calls + 1) * CALL_BYTES


async def test_silence_for_ever_is_a_session_that_ends_with_its_thread(here: Shell) -> None:
    result = await here.call(EXEC, cmd="exec sleep 100000", login=False, yield_time_ms=250)
    assert "Process running with session ID" in result.text
    assert result.text.endswith("Output:\n")
    (session,) = here.sessions._sessions.values()
    await here.sessions.close()
    assert session.exit_code == 137


async def test_forking_without_end_is_ended_and_the_next_command_runs(here: Shell) -> None:
    here.settings = {"limits": CommandLimits(processes=80)}
    result = await here.call(EXEC, cmd="f() { sleep 300 | f & sleep 300 & wait; }; f", login=False, yield_time_ms=30_000)
    result = await to_the_end(here, result)
    assert "Process exited with code 137\n" in result.text
    assert "Treadle ended this command: it started more than 80 processes and threads." in result.text
    assert (await here.call(EXEC, cmd="echo next", login=False)).text.endswith("Output:\nnext\n")


async def test_eating_memory_is_ended_with_the_bound_in_its_output(here: Shell) -> None:
    here.settings = {"limits": CommandLimits(memory=150 * MB)}
    line = "x=$(head -c 400000000 /dev/zero | tr '\\0' x); sleep 100000"
    result = await here.call(EXEC, cmd=line, login=False, yield_time_ms=30_000)
    result = await to_the_end(here, result)
    assert "Treadle ended this command: it used more than 150 MB of memory." in result.text
    assert (result.status, drawn(result)["exit_code"]) == ("failed", 137)


def deadly() -> list[int]:
    """Every signal that ends a process; 32 and 33 belong to the C library."""
    ordinary = [int(number) for number in signal.Signals if number.name not in HARMLESS]
    return sorted({*ordinary, signal.SIGRTMIN + 1, signal.SIGRTMAX - 1})


async def test_the_end_by_every_signal_is_a_code_and_a_name(here: Shell) -> None:
    async def end_by(number: int) -> str:
        source = f"import os, signal; n = {number}; n in (9, 19) or signal.signal(n, signal.SIG_DFL); os.kill(os.getpid(), n)"
        return (await here.call(EXEC, cmd=f"exec {PYTHON} -ISc '{source}'", login=False)).text

    for number in deadly():
        text = await end_by(number)
        assert f"\nProcess exited with code {128 + number}\n" in text, number
        assert re.search(rf"\nExit code {128 + number} stands for signal SIG[A-Z0-9+]+\n", text), number
    assert "stands for signal SIGSEGV" in await end_by(signal.SIGSEGV)
    assert "stands for" not in (await here.call(EXEC, cmd="exit 3", login=False)).text
    assert "stands for" not in (await here.call(EXEC, cmd="exit 255", login=False)).text


@pytest.mark.parametrize("way", ["cancelled", "thread closed", "evicted", "ended by itself", "sandbox closed"])
async def test_nothing_that_hid_outlives_its_command(here: Shell, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, alive = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}", here.cwd / "alive"
    wait = f"while [ ! -e {alive} ]; do sleep 0.01; done"
    last = "exit 0" if way == "ended by itself" else "echo hidden; trap '' TERM INT; sleep 300"
    line = f"export {mark}=1; {HIDING.format(alive)}; {wait}; {last}"
    call = asyncio.create_task(here.call(EXEC, cmd=line, login=False, yield_time_ms=30_000))
    if way == "ended by itself":
        assert "Process exited with code 0" in (await call).text
    else:
        await here.seen("hidden")
        assert marked(mark)
    match way:
        case "cancelled":
            call.cancel()
        case "thread closed":
            await here.sessions.close()
        case "evicted":
            (session,) = here.sessions._sessions.values()
            await here.sessions.end(session)
        case "sandbox closed":
            await here.sandbox.close()
        case _:
            pass
    await asyncio.gather(call, return_exceptions=True)
    assert marked(mark) == []


async def test_sixty_four_run_at_once_and_the_oldest_makes_room(here: Shell) -> None:
    results = await asyncio.gather(*(here.call(EXEC, cmd="exec sleep 300", login=False, yield_time_ms=250) for _ in range(64)))
    ids = [int(found[1]) for r in results if (found := re.search(r"session ID (\d+)", r.text))]
    assert len(set(ids)) == 64
    oldest = min(here.sessions._sessions.values(), key=lambda s: s.used)
    await here.call(EXEC, cmd="exec sleep 300", login=False, yield_time_ms=250)
    assert len(here.sessions) == 64
    assert here.sessions.get(oldest.id) is None
    assert oldest.exit_code == 137


async def test_binary_output_and_broken_characters_are_text_for_the_model(here: Shell) -> None:
    result = await here.call(EXEC, cmd="printf 'a\\377\\000b\\342\\202'; sleep 0.05; printf '\\254 \\360\\237'", login=False)
    assert result.text.endswith("Output:\na\ufffd\0b€ \ufffd")


async def test_input_that_nobody_reads_does_not_hang_a_call(here: Shell) -> None:
    started = await here.call(EXEC, cmd="stty raw -echo; echo raw; exec sleep 300", login=False, tty=True, yield_time_ms=1_000)
    found = re.search(r"session ID (\d+)", started.text)
    assert found
    async with asyncio.timeout(60):
        said = started.text
        while "raw" not in said.partition("Output:")[2]:
            said = (await here.call(WRITE, session_id=int(found[1]), chars="")).text
        text = (await here.call(WRITE, session_id=int(found[1]), chars="x" * 1_000_000)).text
    assert "Process running" in text
    assert "The command does not read: only the beginning of what was typed has reached its terminal" in text


async def test_the_disk_being_full_is_the_commands_error_and_not_ours(here: Shell) -> None:
    here.outputs = DiskOutputs(Path("/dev/full/nowhere"))
    here.settings = {"limits": CommandLimits(file_size=1 * MB)}
    result = await here.call(EXEC, cmd="head -c 3000000 /dev/zero > big; seq 100000", login=False)
    assert "Process exited with code 0" in result.text
    assert "Full output" not in result.text
    assert (here.cwd / "big").stat().st_size == 1 * MB
