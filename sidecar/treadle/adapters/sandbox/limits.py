"""What one command may use of the machine, and the watch that ends it when it uses more: memory, processes, the rest of the disk.

Promises: one task looks after all commands, first when a command has lived for a moment, so that a short one costs nothing; the
looking is done in a thread, so that a fork bomb does not hold up the sidecar; a command is ended with one sentence that says why.
Must never end a command for what was there before it: a disk that was full already, memory that others use.
The kernel's own limits are set besides, where they work: core dumps, size of a file, open files, processes of an ordinary user.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import field
from functools import cache

from ...core.record import frozen, mutable
from ...core.settings import CommandLimits
from . import processes
from .process import ChildProcess

_FIRST_LOOK, _BETWEEN, _HURRIED = 0.1, 0.2, 0.04
"Seconds. Hurried: while a disk is nearly full, or a command has many processes already."
_MANY = 4
"A fourth of those that it may have."
_WORK_SHARE = 5
"A look that was much work is followed by a pause that is so many times longer. To wait for a processor is no work."
_CONFIRMED_SECONDS = 2.0
"For so long memory that turned out to be shared is not counted again."
_GB, _MB = 1024**3, 1024**2
_SMALLEST_MEMORY = 4 * _GB
_PROCESSES, _PROCESSES_PER_CPU = 2048, 256
_FILE_SIZE = 64 * _GB
_OPEN_FILES = 65536
_MACHINE_RESERVE = 512 * _MB
_SUSPECT_SHARE = 10
"With memory running out, a command that holds less than a tenth of it is not blamed."
_DISK_RESERVE, _DISK_SHARE = _GB, 20
"Left free on a disk, but of a small one no more than a twentieth."
_NODES = 10_000


@frozen
class Bounds:
    """CommandLimits with every number decided. Bytes."""

    memory: int
    processes: int
    file_size: int
    disk_reserve: int


def bounds(limits: CommandLimits) -> Bounds:
    return Bounds(
        memory=limits.memory or _memory(),
        processes=limits.processes or max(_PROCESSES, _PROCESSES_PER_CPU * (os.cpu_count() or 1)),
        file_size=limits.file_size or _FILE_SIZE,
        disk_reserve=_DISK_RESERVE if limits.disk_reserve is None else limits.disk_reserve,
    )


@cache
def _memory() -> int:
    """Half of what there is; on a small machine up to three quarters."""
    total = processes.total_memory()
    return max(total // 2, min(_SMALLEST_MEMORY, total * 3 // 4))


def kernel_limits(most: Bounds) -> dict[str, tuple[int, int]]:
    """(soft, hard) by the names of the module resource. Processes are left out: those of an ordinary user are counted over all
    of them, unless a namespace keeps the count."""
    soft, hard = open_files()
    return {
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_FSIZE": (most.file_size, most.file_size),
        "RLIMIT_NOFILE": (soft, hard),
    }


@cache
def open_files() -> tuple[int, int]:
    """(soft, hard): for an ordinary program far too many, and not enough to fill the kernel's table."""
    import resource  # noqa: PLC0415

    soft, hard = (
        _OPEN_FILES if n == resource.RLIM_INFINITY else min(n, _OPEN_FILES) for n in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    return soft, hard


@mutable
class _Disk:
    """A file system that a command may fill."""

    folder: str
    free: int
    nodes: int
    "Both at the first look, or the least that may be left of them."


@mutable
class _Watched:
    process: ChildProcess
    bounds: Bounds
    folders: tuple[str, ...]
    began: float
    disks: list[_Disk] | None = None
    "None until the first look."
    tasks: int = 0
    shared_until: float = 0.0
    memory: int = 0
    written: int = 0
    hurried: bool = False
    pids: tuple[int, ...] = ()


@mutable
class Watchdog:
    """Of all commands of a sandbox."""

    _watched: dict[int, _Watched] = field(default_factory=dict[int, _Watched])
    _task: asyncio.Task[None] | None = None

    def watch(self, process: ChildProcess, limits: Bounds, folders: Iterable[str]) -> None:
        """Until the process is gone. `folders`: where it may write."""
        if sys.platform != "linux":
            return
        # not by its number: a command may have it again before all is tidied up after the one that had it
        self._watched[id(process)] = _Watched(process, limits, tuple(folders), time.monotonic())

        def forget() -> None:
            self._watched.pop(id(process), None)

        process.when_gone(forget)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch(), name="watchdog")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _watch(self) -> None:
        pause = _FIRST_LOOK
        while self._watched:
            await asyncio.sleep(pause)
            began = time.monotonic()
            due = [w for w in self._watched.values() if began - w.began >= _FIRST_LOOK * 0.9]
            work = 0.0
            if due:
                found, work = await asyncio.to_thread(_timed_look, due)
                for watched, why in found:
                    self._watched.pop(id(watched.process), None)
                    watched.process.end_because(f"Treadle ended this command: {why}.")
            hurried = any(w.hurried or w.tasks * _MANY > w.bounds.processes for w in due)
            usual = _HURRIED if hurried else _BETWEEN
            pause = max(usual if len(due) == len(self._watched) else _FIRST_LOOK, work * (1 if hurried else _WORK_SHARE))


def _timed_look(all_watched: list[_Watched]) -> tuple[list[tuple[_Watched, str]], float]:
    """What `look` says, and for how many seconds it used a processor."""
    began = time.thread_time()
    return look(all_watched), time.thread_time() - began


def look(all_watched: list[_Watched]) -> list[tuple[_Watched, str]]:
    """Those that must end, and why. Blocks; in a thread."""
    now, available = time.monotonic(), processes.available_memory()
    found: list[tuple[_Watched, str]] = []
    for watched in all_watched:
        why = _too_much(watched, now, available)
        if why is not None:
            found.append((watched, why))
    ended = {id(watched) for watched, _ in found}
    rest = [watched for watched in all_watched if id(watched) not in ended]
    if not found and rest and available < min(_MACHINE_RESERVE, _total() // 20):
        largest = max(rest, key=lambda w: w.memory)
        if largest.memory >= _total() // _SUSPECT_SHARE:
            found.append(
                (largest, f"the machine had only {_size(available)} of memory left, and it used {_size(largest.memory)}")
            )
    return found + _disk_fillers(rest)


@cache
def _total() -> int:
    return processes.total_memory()


def _too_much(watched: _Watched, now: float, available: int) -> str | None:
    limits = watched.bounds
    usage = processes.usage(watched.process.pid, limits.processes)
    watched.pids, watched.tasks = usage.pids, usage.tasks
    if watched.disks is None:
        watched.disks = _disks(watched.folders, limits.disk_reserve)
    if usage.tasks > limits.processes:
        return f"it started more than {limits.processes} processes and threads"
    memory = usage.resident + sum(processes.own_tmpfs(pid) for pid in usage.pids[1:2])
    if available < max(_total() // 4, _total() - limits.memory):
        memory += processes.memory_files(usage.pids)
    watched.memory = memory
    if memory <= limits.memory or now < watched.shared_until:
        return None
    watched.memory = memory - usage.resident + processes.proportional(usage.pids)
    if watched.memory > limits.memory:
        return f"it used more than {_size(limits.memory)} of memory"
    watched.shared_until = now + _CONFIRMED_SECONDS
    return None


def _disks(folders: Iterable[str], reserve: int) -> list[_Disk]:
    """What may be left of each file system: the reserve, or half of what there was if that was less."""
    found: dict[int, _Disk] = {}
    for folder in folders:
        try:
            device, state = os.stat(folder).st_dev, os.statvfs(folder)
        except OSError:
            continue
        least = min(reserve, state.f_blocks * state.f_frsize // _DISK_SHARE, state.f_bavail * state.f_frsize // 2)
        nodes = min(_NODES, state.f_files // _DISK_SHARE, state.f_favail // 2)
        found.setdefault(device, _Disk(folder, least, nodes))
    return list(found.values())


def _disk_fillers(all_watched: list[_Watched]) -> list[tuple[_Watched, str]]:
    """Of the commands that may write to a disk that is nearly full, the one that wrote most."""
    full: list[tuple[_Watched, str]] = []
    for watched in all_watched:
        watched.hurried = False
        for disk in watched.disks or ():
            try:
                state = os.statvfs(disk.folder)
            except OSError:
                continue
            free = state.f_bavail * state.f_frsize
            watched.hurried = watched.hurried or free < disk.free * 4
            if free < disk.free or (state.f_files and state.f_favail < disk.nodes):
                left = f"less than {_size(disk.free)}" if free < disk.free else f"room for less than {disk.nodes} files"
                full.append((watched, f"it filled the disk, {left} is left on that of {disk.folder}"))
                break
    if len(full) > 1:
        for watched, _ in full:
            watched.written = processes.written(watched.pids)
        return [max(full, key=lambda one: one[0].written)]
    return full


def _size(count: int) -> str:
    return f"{count / _GB:.1f} GB" if count >= _GB else f"{count / _MB:.0f} MB" if count >= _MB else f"{count // 1024} KB"
