"""One name in an open folder: its status and content, as an entry of the baseline. Follows no link, waits for no FIFO."""

from __future__ import annotations

import os
import stat
import time

from ...core.record import frozen
from .baseline import FILE, LINK, UNSURE, Entry

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MB = 1024 * 1024
_TELLS_NOTHING = 30_000_000
"Nanoseconds: clocks of file systems tick every 10 ms at worst."


@frozen
class Place:
    """One name in an open folder."""

    fd: int
    folder: str
    name: str


def moment() -> tuple[int, int]:
    """By the machine's time, as files are stamped, and by a clock that nobody sets."""
    return time.time_ns(), time.monotonic_ns()


def content(place: Place, most: int) -> tuple[bytes, os.stat_result, bool]:
    """The file, its status, and whether these times would tell of whoever writes to it now or later. What is longer than `most`
    is cut a little later."""
    # asked before it is read: on a busy machine a write may come long after, and its time still be the same
    began = time.time_ns()
    fd = os.open(place.name, _READ, dir_fd=place.fd)
    with open(fd, "rb") as file:
        before = os.fstat(fd)
        if not stat.S_ISREG(before.st_mode):
            raise OSError
        data = file.read(most + 1)
        after = os.fstat(fd)
    steady = (before.st_mtime_ns, before.st_size, len(data)) == (after.st_mtime_ns, after.st_size, after.st_size)
    return data, after, steady and not _is_young(after, began)


def _is_young(found: os.stat_result, at: int) -> bool:
    return at - max(found.st_mtime_ns, found.st_ctime_ns) < _TELLS_NOTHING


def entry_of(kind: int, found: os.stat_result, key: bytes | None, omitted: str | None) -> Entry:
    unsure = kind == FILE and _is_young(found, time.time_ns())
    mtime = UNSURE if unsure else found.st_mtime_ns
    return Entry(kind, found.st_size, mtime, found.st_ctime_ns, found.st_ino, stat.S_IMODE(found.st_mode), key, omitted)


def is_same(row: Entry, found: os.stat_result) -> bool:
    return (row.size, row.mtime, row.ctime, row.inode, row.mode) == (
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino,
        stat.S_IMODE(found.st_mode),
    ) and (row.kind == LINK) == stat.S_ISLNK(found.st_mode)


def is_utf8(name: str) -> bool:
    return name.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in name)


def size_words(bytes: int) -> str:
    return f"{bytes / _MB:.4g} MiB" if bytes >= _MB else f"{bytes} bytes"
