"""write_stdin over real commands: poll, type, interrupt, and who is asked before."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from fakes.commands import HeldClock, PatientClock, Shell, drawn
from treadle.core.errors import ToolFailure
from treadle.core.policy import Harmless, RunCommand, Wish
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import Call
from treadle.tools.exec_command import ExecCommand
from treadle.tools.write_stdin import WriteStdin

EXEC, WRITE = ExecCommand(), WriteStdin()


async def started(shell: Shell, cmd: str, ready: str, **arguments: Any) -> int:
    """The id of a session that has said `ready` and goes on."""
    clock = shell.clock = HeldClock()
    call = asyncio.create_task(shell.call(EXEC, cmd=cmd, login=False, **arguments))
    await shell.seen(ready)
    clock.go.set()
    result = await call
    shell.clock = PatientClock()
    shell.emitted.clear()
    return int(drawn(result)["process_id"] or "")


async def wish(shell: Shell, session: int, chars: str) -> Wish:
    arguments = json.dumps({"session_id": session, "chars": chars})
    plan = await WRITE.prepare(Call("i", "c", "write_stdin", arguments, False, "th", "tu"), shell.scope())
    return plan.wish


async def test_what_is_typed_is_answered_and_the_end_is_told_once(shell: Shell):
    session = await started(shell, "echo name?; read x; echo hello $x", "name?", tty=True)
    result = await shell.call(WRITE, session_id=session, chars="Ada\n", yield_time_ms=30_000)
    assert "\nProcess exited with code 0\n" in result.text
    assert "hello Ada" in result.text
    assert "name?" not in result.text
    assert "".join(shell.emitted) == drawn(result)["output"]
    with pytest.raises(ToolFailure, match=f"there is no session {session}"):
        await shell.call(WRITE, session_id=session)


async def test_output_between_two_calls_is_not_lost(shell: Shell):
    fifo = shell.cwd / "go"
    os.mkfifo(fifo)
    session = await started(shell, "echo ready; read x < go; echo after; exit 4", "ready")
    await asyncio.to_thread(fifo.write_text, "\n")
    running = shell.sessions.get(session)
    assert running is not None
    async with asyncio.timeout(60):
        await running.ended.wait()
    result = await shell.call(WRITE, session_id=session)
    assert "Process exited with code 4" in result.text
    assert result.text.endswith("Output:\nafter\n")
    assert (shell.emitted, result.status) == (["after\n"], "failed")


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ({}, 5),
        ({"yield_time_ms": 1}, 5),
        ({"yield_time_ms": 999_999}, 300),
        ({"chars": "\x03"}, 0.25),
        ({"chars": "\x03", "yield_time_ms": 999_999}, 30),
    ],
)
async def test_the_wait_is_clamped(shell: Shell, asked: dict[str, Any], waited: float):
    session = await started(shell, "trap : INT; echo ready; while :; do sleep 1000; done", "ready")
    clock = shell.clock = HeldClock()
    clock.go.set()
    result = await shell.call(WRITE, session_id=session, **asked)
    assert clock.asked == [waited]
    assert f"Process running with session ID {session}" in result.text
    assert drawn(result)["process_id"] == str(session)


async def test_without_a_terminal_only_an_interrupt_can_be_typed(shell: Shell):
    session = await started(shell, "echo ready; exec sleep 1000", "ready")
    with pytest.raises(ToolFailure, match="tty set to true"):
        await shell.call(WRITE, session_id=session, chars="hello\n")
    result = await shell.call(WRITE, session_id=session, chars="\x03", yield_time_ms=30_000)
    assert "Process exited with code 130" in result.text


async def test_a_cancelled_poll_leaves_the_command_running(shell: Shell):
    session = await started(shell, "echo ready; read x; echo got $x", "ready", tty=True)
    shell.clock = clock = HeldClock()
    poll = asyncio.create_task(shell.call(WRITE, session_id=session))
    await clock.sleeping.wait()
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    shell.clock = PatientClock()
    result = await shell.call(WRITE, session_id=session, chars="it\n", yield_time_ms=30_000)
    assert "got it" in result.text


async def test_two_calls_on_one_session_take_turns(shell: Shell):
    session = await started(shell, "echo ready; read x; echo got $x", "ready", tty=True)
    first = shell.call(WRITE, session_id=session, chars="it\n", yield_time_ms=30_000)
    second = shell.call(WRITE, session_id=session)
    results = await asyncio.gather(first, second)
    assert [r.text.count("got it") for r in results] == [1, 0]
    assert all("Process exited with code 0" in r.text for r in results)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("{}", "`session_id` must be a number"),
        ('{"session_id": 7}', "no session 7"),
        ('{"session_id": true}', "must be a number"),
    ],
)
async def test_the_models_mistakes_are_said_in_a_few_words(shell: Shell, arguments: str, said: str):
    with pytest.raises(ToolFailure, match=said):
        await WRITE.prepare(Call("i", "c", "write_stdin", arguments, False, "th", "tu"), shell.scope())


async def test_typing_into_a_command_outside_the_sandbox_is_a_wish_to_run_there(shell: Shell):
    session = await started(shell, "echo ready; exec cat", "ready", tty=True)
    assert await wish(shell, session, "rm -rf ~\n") == Harmless()
    shell.policy = SandboxPolicy("workspace-write")
    asked = await wish(shell, session, "rm -rf ~\n")
    assert isinstance(asked, RunCommand)
    assert (asked.script, asked.escalated) == ("rm -rf ~\n", True)
    assert await wish(shell, session, "") == Harmless()
    assert await wish(shell, session, "\x03") == Harmless()
