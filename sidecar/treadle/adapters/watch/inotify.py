"""Linux's own notifications of changed files, for chosen folders.

Why not a library: those that are well kept watch whole trees, dependencies and build caches among them, and tell some time after
the fact. What is needed here is the opposite: only folders of one's choice, and at any moment an answer to "what has changed so
far?". The kernel queues its events before a write returns, so reading until there is nothing left is that answer; nobody has to
wait, and no thread is needed. Raises OSError where the system has no inotify, or no more of it.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from dataclasses import field

from ...core.record import mutable

_EVENT = struct.Struct("iIII")
_BYTES = 64 * 1024
_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _UNMOUNT, _OVERFLOW, _IGNORED, _IS_FOLDER = 0x400, 0x800, 0x2000, 0x4000, 0x8000, 0x40000000
_ONLY_FOLDERS, _NO_LINKS, _NOT_DELETED = 0x01000000, 0x02000000, 0x04000000
_CHANGES = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
_MASK = _CHANGES | _ONLY_FOLDERS | _NO_LINKS | _NOT_DELETED
_ANEW = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE


@mutable
class Happened:
    """Since the last time. Folders are relative to the root, which is the empty one."""

    entries: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    "(folder, name) of what may be another than it was."
    anew: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    "Those of them that are, or were, folders and have come or gone: nothing is known of what is in them."
    lost: bool = False
    "There was more than the kernel kept: anything may have changed."

    def __bool__(self) -> bool:
        return self.lost or bool(self.entries)

    def add(self, more: Happened) -> None:
        self.entries |= more.entries
        self.anew |= more.anew
        self.lost |= more.lost


def _limit() -> int:
    try:
        with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 8192


class Inotify:
    """For one root. Used by one thread at a time."""

    def __init__(self, root: str) -> None:
        self._root = os.fsencode(root)
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise OSError(errno.ENOSYS, "this system has no inotify")
        self._folders: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._most = _limit() // 2
        "Folders. An editor watches them as well, and all of a user's programs share one limit."
        self._fd = self._call(lambda: self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def __len__(self) -> int:
        return len(self._folders)

    def add(self, folder: str) -> None:
        """Tell of changes in this folder, not of those below its folders. Raises OSError."""
        if len(self._folders) >= self._most:
            raise OSError(errno.ENOSPC, "other programs need notifications, too")
        path = os.path.join(self._root, os.fsencode(folder)) if folder else self._root
        number = self._call(lambda: self._libc.inotify_add_watch(self._fd, path, _MASK))
        known = self._folders.get(number)
        if known is not None and known != folder:  # it was moved here
            self._numbers.pop(known, None)
        self._folders[number] = folder
        self._numbers[folder] = number

    def forget(self, folder: str) -> None:
        """No more of this folder and those below it."""
        below = folder + "/"
        for known in [name for name in self._numbers if name == folder or name.startswith(below)]:
            number = self._numbers.pop(known)
            if self._folders.pop(number, None) is not None:
                self._libc.inotify_rm_watch(self._fd, number)

    def happened(self) -> Happened:
        """All that has happened until now, and not what goes on to happen meanwhile: that may never end."""
        found = Happened()
        left = self._unread()
        while left > 0:
            try:
                data = os.read(self._fd, _BYTES)
            except BlockingIOError:
                return found
            left -= len(data)
            at = 0
            while at < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, at)
                name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
                at += _EVENT.size + length
                self._take(number, mask, name, found)

        return found

    def anything(self) -> bool:
        """Whether anything has happened that was not told. Cheap."""
        return self._unread() > 0

    def _unread(self) -> int:
        """Bytes."""
        size = array.array("i", [0])
        fcntl.ioctl(self._fd, termios.FIONREAD, size)
        return size[0]

    def close(self) -> None:
        os.close(self._fd)

    def _take(self, number: int, mask: int, name: bytes, found: Happened) -> None:
        if mask & _OVERFLOW:
            found.lost = True
        folder = self._folders.get(number)
        if folder is None:
            return
        if mask & _IGNORED:
            del self._folders[number]
            if self._numbers.get(folder) == number:
                del self._numbers[folder]
        if mask & _UNMOUNT or (mask & (_IGNORED | _DELETE_SELF | _MOVE_SELF) and folder == ""):
            found.lost = True
        if name:
            entry = (folder, os.fsdecode(name))
            found.entries.add(entry)
            if mask & _IS_FOLDER and mask & _ANEW:
                found.anew.add(entry)

    def _call(self, call: Callable[[], int]) -> int:
        result = call()
        if result < 0:
            number = ctypes.get_errno() or errno.ENOSYS
            raise OSError(number, os.strerror(number))
        return result
