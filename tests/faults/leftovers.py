"""What a run leaves behind: tasks and descriptors of this process, and processes that it started, with all that these started.

Promises: a process is found whatever became of those between it and us, by its descent or by the folder of the run in its
environment; a child of ours that has ended and that nobody has waited for is one that is left. Who is about to go is awaited.
Only looks: signals nobody, and reaps nobody but orphans that it has asked the kernel for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"Seconds that what is on its way out has, on a machine that is busy."
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Started:
    """A process. A number alone may be another one's a moment later."""

    pid: int
    born: int
    "Ticks since the machine was started."


@dataclass(frozen=True)
class Found:
    """At one moment."""

    tasks: set[asyncio.Task[Any]]
    files: set[str]
    processes: dict[Started, str]
    "With their states."


def look(mark: str) -> Found:
    """`mark`: it is in the environment of what a run starts."""
    return Found(asyncio.all_tasks(), _descriptors(), _processes(mark))


async def left(before: Found, mark: str, *, adopts: bool = False, patience: float = PATIENCE) -> list[str]:
    """Complaints about what is there now and was not before. `adopts`: what has become our child since then is an orphan."""
    end = time.monotonic() + patience
    while True:
        now = look(mark)
        tasks, files = now.tasks - before.tasks, now.files - before.files
        processes = {one: state for one, state in now.processes.items() if one not in before.processes}
        # threads of the loop's own pool stay
        if not tasks and not files and not processes:
            return []
        if time.monotonic() >= end:
            names = [f"{task.get_name()}: {task.get_coro()}" for task in tasks]
            return [f"left behind: tasks {names}, files {sorted(files)}, processes {[_words(one) for one in processes]}"]
        gc.collect()
        living = [one for one, state in processes.items() if state != "Z"]
        for one in processes.keys() - set(living) if adopts else ():
            _reap(one)
        if living:
            await _ended(living[0], end - time.monotonic())
        else:
            await asyncio.sleep(0.005)


@contextmanager
def adopting() -> Iterator[None]:
    """Orphans among our descendants become children of ours."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _reap(one: Started) -> None:
    with contextlib.suppress(ChildProcessError):  # somebody else's
        os.waitpid(one.pid, os.WNOHANG)


async def _ended(one: Started, seconds: float) -> None:
    """Until it has ended, but no longer."""
    try:
        handle = os.pidfd_open(one.pid)
    except ProcessLookupError:
        return
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(handle, over.set)
    try:
        if _stat(one.pid)[2] == one.born:
            async with asyncio.timeout(seconds):
                await over.wait()
    except (OSError, TimeoutError):
        return
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _descriptors() -> set[str]:
    found: set[str] = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except OSError:
            continue  # that of the list itself
    return found


def _processes(mark: str) -> dict[Started, str]:
    """Descendants of this process, and others with `mark`; each with its state."""
    stats: dict[int, tuple[str, int, int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stats[int(name)] = _stat(int(name))
    children: dict[int, list[int]] = {}
    for pid, (_, parent, _) in stats.items():
        children.setdefault(parent, []).append(pid)
    ours, waiting = {pid for pid in stats if pid != os.getpid() and _is_marked(pid, mark)}, [os.getpid()]
    while waiting:
        found = children.get(waiting.pop(), [])
        ours.update(found)
        waiting += found
    return {Started(pid, stats[pid][2]): stats[pid][0] for pid in ours}


def _is_marked(pid: int, mark: str) -> bool:
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False  # gone, or somebody else's


def _stat(pid: int) -> tuple[str, int, int]:
    """State, parent, when it was born. A name may hold anything, so what follows is counted from its end."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except ProcessLookupError as gone:
        raise FileNotFoundError from gone
    return fields[0], int(fields[1]), int(fields[19])


def _words(one: Started) -> str:
    try:
        words = Path(f"/proc/{one.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        words = ""
    return f"{one.pid} {words or 'that has ended'}"
