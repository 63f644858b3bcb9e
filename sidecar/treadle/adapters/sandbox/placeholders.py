"""Empty folders that stand where a protected folder is missing, so that a read-only mount can be put there while commands run.

Promises: a placeholder is shared by all commands and all sidecars; the last of those with one state folder removes it, and later
where sidecars with another need it still; what a killed sidecar left is swept by the next. Must never remove a folder that was
there before, or that has content.
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
        self._held: dict[str, tuple[int, int, int]] = {}
        "path -> (users here, descriptor of the note and of the folder itself, both with a shared lock)"
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
                users, *locks = self._held[path]
                self._held[path] = (users + 1, locks[0], locks[1])
        return tuple(path for path in wanted if path in self._held)

    def sweep(self) -> None:
        """Remove what killed sidecars left, once; a later need of a placeholder does so too."""
        if not self._swept and self._folder.is_dir():
            with self._alone():
                self._sweep()

    def release(self, paths: Iterable[str]) -> None:
        unused: list[str] = []
        for path in paths:
            users, *locks = self._held[path]
            self._held[path] = (users - 1, locks[0], locks[1])
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
            folder = _shared(path)
        except OSError:
            self._remove_if_last(lock, note)
            return
        self._held[path] = (0, lock, folder)

    def _leave(self, path: str) -> None:
        _, lock, folder = self._held.pop(path)
        os.close(folder)
        self._remove_if_last(lock, self._note(path))

    def _remove_if_last(self, lock: int, note: str) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = os.pread(lock, 65536, 0)
            if path and _needed(path):  # by a sidecar with another state folder; its command's mount would go with it
                self._swept = False
                return
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


def _shared(path: str) -> int:
    """The folder, with a lock that says it is needed."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return folder


def _needed(path: bytes) -> bool:
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(folder)
