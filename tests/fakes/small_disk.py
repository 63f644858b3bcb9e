"""A real disk of a few megabytes that a test fills, empties and makes read-only while programs work on it.

As root it is a tmpfs in a mount namespace of its own, kept by a process that a test ends; without that right it is a user
namespace in which the test is root. Where neither may be had, no file of the programs can grow beyond a limit while the disk is
"full" (RLIMIT_FSIZE), which fails in the same places by another name: `real` says which. Nothing is left when it is closed.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

LIMIT = 16 * 1024
"Bytes of a file while a disk without a mount is full: less than a log of SQLite has after a few items."


@cache
def _namespace() -> tuple[str, ...]:
    """How a mount namespace is made here; empty: not at all."""
    for words in (("unshare", "-m"), ("unshare", "-r", "-m")):
        with suppress(OSError):
            tried = subprocess.run([*words, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
            if tried.returncode == 0:
                return words
    return ()


class SmallDisk:
    """At `folder`, for programs that are started `through` it. The test itself looks at it by `seen`."""

    def __init__(self, folder: Path, size: str = "4m") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.real = bool(_namespace())
        self.through: tuple[str, ...] = ()
        self.programs: list[int] = []
        "Ids of processes that use it; only needed where it is not real."
        self._holder: subprocess.Popen[bytes] | None = None
        if self.real:
            line = f'mount -t tmpfs -o size={size},mode=700 small "{folder}" && echo there && exec cat'
            pipe = subprocess.PIPE
            self._holder = subprocess.Popen([*_namespace(), "sh", "-c", line], stdin=pipe, stdout=pipe)
            assert self._holder.stdout is not None and self._holder.stdout.readline() == b"there\n"
            user = ("-U", "--preserve-credentials") if "-r" in _namespace() else ()
            self.through = ("nsenter", "-t", str(self._holder.pid), *user, "-m", "--")

    def seen(self, *names: str) -> Path:
        """A file on it."""
        folder = self.folder.joinpath(*names)
        return Path(f"/proc/{self._holder.pid}/root{folder}") if self._holder is not None else folder

    @property
    def room(self) -> int:
        found = os.statvfs(self.seen())
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """So that `leave` bytes are left, rounded down to pages."""
        if not self.real:
            self._limit(LIMIT)
            return
        descriptor = os.open(self.seen("ballast"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            room = self.room - leave
            if room > 0:
                with suppress(OSError):  # somebody was faster
                    os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, room)
            os.lseek(descriptor, 0, os.SEEK_END)
            with suppress(OSError):
                while leave == 0:
                    os.write(descriptor, b"x" * 4096)
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        """There is room again."""
        if self.real:
            self.seen("ballast").unlink(missing_ok=True)
        else:
            self._limit(resource.RLIM_INFINITY)

    def cover(self) -> None:
        """It is read-only from now on, for all that is opened anew: what was open for writing stays so. Only where it is real."""
        assert self.real
        folder = str(self.folder)
        self._mount("--bind", folder, folder)
        self._mount("-o", "remount,bind,ro", folder)

    def uncover(self) -> None:
        subprocess.run([*self.through, "umount", "-l", str(self.folder)], check=True)

    def _mount(self, *words: str) -> None:
        subprocess.run([*self.through, "mount", *words], check=True)

    def _limit(self, most: int) -> None:
        for pid in _with_children(self.programs):
            with suppress(ProcessLookupError, PermissionError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self._holder is not None:
            assert self._holder.stdin is not None and self._holder.stdout is not None
            self._holder.stdin.close()
            self._holder.wait(60)
            self._holder.stdout.close()


def _with_children(pids: Iterable[int]) -> list[int]:
    found = list(pids)
    for pid in found:
        with suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                found += [int(word) for word in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    return found
