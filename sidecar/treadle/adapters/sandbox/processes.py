"""What a command and all that it started use, read from /proc. Linux only; reads, never signals anything.

Promises that a process which ends while it is looked at is left out and never an error, and that a look at a tree which grows
without end is cut off: it stops at the number it was given.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ...core.record import frozen

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512
_OWN_MEMORY_FILES = ("/memfd:", "/dev/shm/", "/dev/zero (deleted)", "/SYSV")


@frozen
class Usage:
    """Of a tree, its root included."""

    tasks: int
    "Threads of all its processes."
    resident: int
    "Bytes; memory that two processes share is counted twice."
    pids: tuple[int, ...]


def usage(root: int, most: int) -> Usage:
    """The look ends when there are more than `most` tasks."""
    tasks, resident = 0, 0
    pids: list[int] = []
    waiting = [root]
    while waiting and tasks <= most:
        pid = waiting.pop()
        fields = _stat(pid)
        if fields is None:
            continue
        pids.append(pid)
        tasks += int(fields[17])
        resident += int(fields[21]) * _PAGE
        waiting += children(pid, single=fields[17] == b"1")
    return Usage(tasks, resident, tuple(pids))


def children(pid: int, *, single: bool = False) -> list[int]:
    """`single`: the process is known to have one thread."""
    try:
        tasks = [str(pid)] if single else os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for task in tasks for child in _read(f"/proc/{pid}/task/{task}/children").split()]


def proportional(pids: tuple[int, ...]) -> int:
    """Bytes of memory, what is shared counted once. Costs milliseconds for each gigabyte."""
    total = 0
    for pid in pids:
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                total += int(line.split()[1]) * 1024
                break
        else:
            fields = _stat(pid)
            total += int(fields[21]) * _PAGE if fields else 0
    return total


def memory_files(pids: tuple[int, ...]) -> int:
    """Bytes in files that exist in memory only and are held open by these processes."""
    seen: dict[tuple[int, int], int] = {}
    for pid in pids:
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for name in names:
            path = f"/proc/{pid}/fd/{name}"
            try:
                if os.readlink(path).startswith(_OWN_MEMORY_FILES):
                    found = os.stat(path)
                    if stat.S_ISREG(found.st_mode):
                        seen[found.st_dev, found.st_ino] = found.st_blocks * _BLOCK
            except OSError:
                continue
    return sum(seen.values())


def own_tmpfs(pid: int) -> int:
    """Bytes in the folders in memory that a confined command has to itself."""
    used: dict[int, int] = {}
    for folder in ("dev", "dev/shm"):
        inside = os.path.join(f"/proc/{pid}/root", folder)
        try:
            device = os.stat(inside).st_dev
            if device != os.stat(f"/{folder}").st_dev:
                found = os.statvfs(inside)
                used[device] = (found.f_blocks - found.f_bfree) * found.f_frsize
        except OSError:
            continue
    return sum(used.values())


def written(pids: tuple[int, ...]) -> int:
    """Bytes that these processes and those they have waited for have written, to wherever."""
    total = 0
    for pid in pids:
        for line in _read(f"/proc/{pid}/io").splitlines():
            if line.startswith(b"wchar:"):
                total += int(line.split()[1])
    return total


def total_memory() -> int:
    """Bytes that this machine has, or the container that it runs in."""
    found = _meminfo(b"MemTotal:")
    for path in _limit_files():
        said = _read(path).strip()
        if said.isdigit() and int(said) > 0:
            found = min(found, int(said))
    return found


def available_memory() -> int:
    return _meminfo(b"MemAvailable:")


def _meminfo(name: bytes) -> int:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def _limit_files() -> list[str]:
    """Where the control groups of both versions, seen from inside or from outside of a container, keep the limit."""
    found = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    for line in _read("/proc/self/cgroup").decode("utf-8", "replace").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            found += [f"/sys/fs/cgroup{folder}/memory.max" for folder in _upwards(path)]
        elif "memory" in controllers.split(","):
            found.append(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes")
    return found


def _upwards(path: str) -> list[str]:
    return [str(folder).rstrip("/") for folder in (Path(path), *Path(path).parents)]


def _stat(pid: int) -> list[bytes] | None:
    """The fields of /proc/PID/stat from the third on: a name may hold anything, so they are counted from its end."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return fields if len(fields) > 21 else None


def _read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts: list[bytes] = []
        while part := os.read(fd, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(fd)
