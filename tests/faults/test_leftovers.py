"""What a run leaves behind is found: processes that were planted, whatever became of their parents; and nothing else is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .leftovers import adopting, left, look
from .run import Run

_ORPHAN = """import os
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    os.execvp("sleep", ["sleep", "600"])
"""


def planted(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, stdout=subprocess.PIPE)


def ended(*words: str) -> subprocess.Popen[bytes]:
    """One that has ended, and that nobody has waited for."""
    child = planted(*words)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child


def is_child(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


@contextmanager
def orphaned(env: dict[str, str]) -> Iterator[int]:
    """A process in a session of its own, whose parent is gone."""
    with subprocess.Popen([sys.executable, "-c", _ORPHAN], env=env, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.wait()
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)


async def test_a_child_that_lives_on_is_found_by_its_words(tmp_path: Path) -> None:
    before = look(str(tmp_path))
    with planted("sleep", "600") as child:
        (complaint,) = await left(before, str(tmp_path), patience=0)
        child.kill()
    assert f"'{child.pid} sleep 600'" in complaint
    assert await left(before, str(tmp_path)) == []


async def test_what_a_child_has_started_is_found(tmp_path: Path) -> None:
    before = look(str(tmp_path))
    with planted("sh", "-c", "sleep 600 & echo $!; wait") as child:
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        (complaint,) = await left(before, str(tmp_path), patience=0)
        os.kill(grandchild, signal.SIGKILL)
    assert f"'{grandchild} " in complaint


async def test_an_orphan_is_found_by_the_folder_in_its_environment(tmp_path: Path) -> None:
    before = look(str(tmp_path))
    with orphaned(os.environ | {"HOME": str(tmp_path)}) as pid:
        (complaint,) = await left(before, str(tmp_path), patience=0)
    assert f"'{pid} " in complaint


async def test_an_orphan_without_it_is_found_where_orphans_are_adopted_and_is_reaped_when_it_ends(tmp_path: Path) -> None:
    with adopting():
        before = look(str(tmp_path))
        with orphaned({}) as pid:
            (complaint,) = await left(before, str(tmp_path), adopts=True, patience=0)
        assert f"'{pid} " in complaint
        assert await left(before, str(tmp_path), adopts=True) == []
    assert not is_child(pid)


async def test_a_child_that_has_ended_and_that_nobody_has_waited_for_is_left(tmp_path: Path) -> None:
    before = look(str(tmp_path))
    with ended("true") as child:
        (complaint,) = await left(before, str(tmp_path), patience=0)
    assert f"'{child.pid} that has ended'" in complaint
    assert await left(before, str(tmp_path)) == []


async def test_a_process_that_is_on_its_way_out_is_awaited(tmp_path: Path) -> None:
    before = look(str(tmp_path))
    child = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    assert child.stdin is not None
    asyncio.get_running_loop().call_later(0.1, child.stdin.close)
    assert await left(before, str(tmp_path)) == []
    assert await child.wait() == 0


@dataclass
class _Planting(Run):
    """A run whose second sidecar leaves a process behind."""

    planted: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    async def _second_life(self) -> None:
        async with self._sidecar():
            self.planted.append(planted("sleep", "600"))
            self.patience = 0


async def test_a_run_that_leaves_a_process_says_so(tmp_path: Path) -> None:
    run = _Planting(1, tmp_path, None)
    await run.play()
    (child,) = run.planted
    with child:
        child.kill()
    assert any(f"'{child.pid} sleep 600'" in words for words in run.report.wrong), run.report.wrong
