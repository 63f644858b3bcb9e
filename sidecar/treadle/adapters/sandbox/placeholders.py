"""Empty folders that stand where a protected folder is missing, so that a read-only mount can be put there while commands run.

Promises: a placeholder is shared by all commands and all sidecars that use one state folder, and removed by the last of them;
what a killed sidecar left is swept by the next. Must never remove a folder that was there before, or that has content.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Generator, Iterable
from pathlib import Path


class Placeholders:
    """Reference counts in this process, file locks between processes. Used from one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, tuple[int, int]] = {}
        "path -> (users here, descriptor with a shared lock)"
        self._swept = False

    def acquire(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Make the folders that are missing. Returns those that exist now: a folder that we may not make, no command can make
        either."""
        wanted = tuple(paths)
        fresh = [path for path in wanted if path not in self._held]
        if fresh:
            with self._alone():
                self._sweep()
                for path in fresh:
                    self._join(path)
        for path in wanted:
            if path in self._held:
                users, lock = self._held[path]
                self._held[path] = (users + 1, lock)
        return tuple(path for path in wanted if path in self._held)

    def release(self, paths: Iterable[str]) -> None:
        unused: list[str] = []
        for path in paths:
            users, lock = self._held[path]
            self._held[path] = (users - 1, lock)
            if users == 1:
                unused.append(path)
        if unused:
            with self._alone():
                for path in unused:
                    self._leave(path)

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """The few system calls in which places are taken and given up, one process at a time."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _join(self, path: str) -> None:
        note = self._note(path)
        lock = os.open(note, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            if os.fstat(lock).st_size == 0:  # written first: a crash between the two leaves nothing behind
                os.write(lock, os.fsencode(path))
                try:
                    os.mkdir(path, 0o755)
                except FileExistsError:
                    os.ftruncate(lock, 0)  # somebody's own empty folder
            else:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(path, 0o755)
        except OSError:
            self._remove_if_last(lock, note)
            return
        self._held[path] = (0, lock)

    def _leave(self, path: str) -> None:
        _, lock = self._held.pop(path)
        self._remove_if_last(lock, self._note(path))

    def _remove_if_last(self, lock: int, note: str) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = os.pread(lock, 65536, 0)
            if path:
                with contextlib.suppress(OSError):  # gone, or somebody has filled it
                    os.rmdir(path)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(note)
        except BlockingIOError:
            pass  # another sidecar's command needs it
        finally:
            os.close(lock)

    def _sweep(self) -> None:
        if self._swept:
            return
        self._swept = True
        for entry in list(os.scandir(self._folder)):
            if entry.name.endswith(".held"):
                self._remove_if_last(os.open(entry.path, os.O_RDWR | os.O_CLOEXEC), entry.path)

    def _note(self, path: str) -> str:
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
        return str(self._folder / f"{name}.held")
