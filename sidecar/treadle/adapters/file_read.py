"""One file as it is on disk, whole. Opens nothing but regular files of bounded size, and never waits for a FIFO or a device."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader

from ..runtime.ports import FileState

MAX_BYTES = 16 * 1024 * 1024
# O_NONBLOCK: opening a FIFO or a device must not hang; what is not a regular file is refused right after.
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def read(path: str) -> FileState:
    """Raises OSError for what is no regular file, or too large."""
    try:
        return read_open(os.open(path, READ), path)
    except FileNotFoundError:
        return FileState(path, None)


def read_small(path: str, most: int) -> bytes:
    """At most one byte more than `most`, so that who asks sees what is too large. Raises OSError, for a path with a NUL too."""
    try:
        fd = os.open(path, READ)
    except ValueError as error:
        raise OSError(errno.EINVAL, "its name is no name of a file") from error
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file")
    with open(fd, "rb") as file:
        return _whole(file, found.st_size, most)


def read_open(fd: int, path: str) -> FileState:
    """The file behind `fd`, which is closed."""
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a directory", path)
        raise OSError(errno.EINVAL, "is not a regular file", path)
    with open(fd, "rb") as file:
        data = _whole(file, found.st_size, MAX_BYTES) if found.st_size <= MAX_BYTES else b""
        if found.st_size > MAX_BYTES or len(data) > MAX_BYTES:
            raise OSError(errno.EFBIG, f"is larger than {MAX_BYTES // 1024 // 1024} MiB", path)
        identity = (found.st_dev, found.st_ino) if found.st_nlink > 1 else None
        return FileState(path, data, stat.S_IMODE(found.st_mode), identity)


def _whole(file: BufferedReader, size: int, most: int) -> bytes:
    """At most one byte more than `most`; `size` is what there was a moment ago. Python takes memory for as much as it is asked to
    read, and what is kept of a small file would stay a mapping of its own."""
    data = file.read(min(size, most) + 1)
    return data if len(data) <= size else data + file.read(most + 1 - len(data))
