"""Commands that change one repository run one at a time: over calls, threads and background sessions."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from fakes.commands import HeldClock, Shell
from treadle.adapters.clock import SystemClock
from treadle.core.errors import ToolFailure
from treadle.tools import git_turns
from treadle.tools.exec_command import ExecCommand
from treadle.tools.sessions import Sessions

EXEC = ExecCommand()


class SetClock(SystemClock):
    """Its time is what the test says."""

    def __init__(self) -> None:
        self.time = 0.0
        self.asked = 0
        self.asked_twice = asyncio.Event()

    def monotonic(self) -> float:
        self.asked += 1
        if self.asked == 2:
            self.asked_twice.set()
        return self.time


@pytest.fixture
def repository(shell: Shell) -> Path:
    run("git init -q . && git config user.name a && git config user.email b && git commit -q --allow-empty -m x", shell.cwd)
    return shell.cwd


def run(script: str, folder: Path) -> None:
    subprocess.run(script, shell=True, check=True, cwd=folder)


def another_thread(shell: Shell) -> Shell:
    return Shell(shell.cwd, shell.sandbox, shell.policy, sessions=Sessions())


async def test_commits_of_many_calls_and_threads_all_succeed(shell: Shell, repository: Path) -> None:
    other = another_thread(shell)
    calls = [
        here.call(EXEC, cmd=f"echo {n} > {n} && git add {n} && git commit -qm {n}", login=False)
        for n in range(8)
        for here in [shell if n % 2 else other]
    ]
    results = await asyncio.gather(*calls)
    assert [result.text.split("Process exited with code ")[1][0] for result in results] == ["0"] * 8
    log = await shell.call(EXEC, cmd="git rev-list --count HEAD", login=False)
    assert log.text.endswith("Output:\n9\n")
    await other.sessions.close()


async def test_one_that_had_to_wait_says_so(shell: Shell, repository: Path) -> None:
    os.mkfifo(shell.cwd / "go")
    line = "echo begun; read line < go; git commit -q --allow-empty -m x"
    first = asyncio.create_task(shell.call(EXEC, cmd=line, login=False, yield_time_ms=30_000))
    await shell.seen("begun")
    other = another_thread(shell)
    other.clock = clock = SetClock()
    second = asyncio.create_task(other.call(EXEC, cmd="git tag done", login=False, yield_time_ms=30_000))
    await clock.asked_twice.wait()  # when the call began, and when it began to wait
    clock.time = 0.6
    await asyncio.to_thread((shell.cwd / "go").write_text, "\n")
    assert "\nWaited 0.6 seconds for another git command in this repository\n" in (await second).text
    assert first.done()
    assert "Waited" not in (await first).text


async def test_a_background_session_keeps_the_turn_until_it_ends(
    shell: Shell, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = shell.clock = HeldClock()
    clock.go.set()
    line = "read line < held; git commit --allow-empty -m x"
    await shell.call(EXEC, cmd=f"mkfifo held; {line}", login=False)
    (session_id,) = shell.sessions._sessions
    shell.clock = SystemClock()
    monkeypatch.setattr(git_turns, "LONGEST_WAIT", 0.3)
    with pytest.raises(ToolFailure, match=f"another git command \\(session {session_id}\\)"):
        await shell.call(EXEC, cmd="git tag a", login=False)
    assert "Process exited with code 0" in (await shell.call(EXEC, cmd="git status", login=False)).text
    with pytest.raises(ToolFailure, match="in another thread"):
        await another_thread(shell).call(EXEC, cmd="git tag a", login=False)
    await shell.sessions.close()
    shell.sessions = Sessions()
    assert "Process exited with code 0" in (await shell.call(EXEC, cmd="git tag a", login=False)).text
    assert git_turns._taken == {}


async def test_a_call_that_is_cancelled_while_it_waits_leaves_the_queue(shell: Shell, repository: Path) -> None:
    turn = await git_turns.take("git commit", str(repository))
    call = asyncio.create_task(shell.call(EXEC, cmd="git tag a", login=False))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    turn.give_back()
    assert git_turns._taken == {}


async def test_a_command_that_cannot_be_started_gives_its_turn_back(shell: Shell, repository: Path) -> None:
    await shell.sessions.close()
    with pytest.raises(ToolFailure):
        await shell.call(EXEC, cmd="git tag a", login=False)
    assert git_turns._taken == {}


async def test_worktrees_share_a_turn_and_other_repositories_have_their_own(
    shell: Shell, repository: Path, tmp_path: Path
) -> None:
    run("git worktree add -q ../tree && git init -q ../else", repository)
    tree, other = repository.parent / "tree", repository.parent / "else"
    turn = await git_turns.take("git commit", str(repository))
    try:
        assert (await git_turns.take("git status", str(tree))).repositories == ()
        free = await asyncio.wait_for(git_turns.take("git commit", str(other)), 60)
        free.give_back()
        waiting = asyncio.create_task(git_turns.take(f"cd {tree / '.'} && git commit", "/"))
        await asyncio.sleep(0)
        assert not waiting.done()
    finally:
        turn.give_back()
    (await asyncio.wait_for(waiting, 60)).give_back()


async def test_two_that_want_the_same_two_do_not_block_each_other(repository: Path) -> None:
    run("git init -q sub", repository)
    order: list[int] = []

    async def work(number: int, script: str) -> None:
        turn = await git_turns.take(script, str(repository))
        order.append(number)
        await asyncio.sleep(0)
        turn.give_back()

    lines = ["git add . && git -C sub add .", "git -C sub add . && git add ."] * 5
    await asyncio.wait_for(asyncio.gather(*(work(n, line) for n, line in enumerate(lines))), 60)
    assert sorted(order) == list(range(10))
    assert git_turns._taken == {}
