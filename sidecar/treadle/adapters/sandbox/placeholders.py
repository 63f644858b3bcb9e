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
import time
from collections.abc import Generator, Iterable
from pathlib import Path

_TRIES, _PAUSE = 400, 0.005
"To share a folder that a sidecar with another state folder may be removing; a command that has locked it is not waited for."


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
            for tried in range(_TRIES):
                _make(path, lock)
                folder = _shared(path, patient=tried < _TRIES - 1)
                if folder is not None:
                    self._held[path] = (0, lock, folder)
                    return
                time.sleep(_PAUSE)
        except OSError:
            pass
        self._remove_if_last(lock, note)

    def _leave(self, path: str) -> None:
        _, lock, folder = self._held.pop(path)
        os.close(folder)
        self._remove_if_last(lock, self._note(path))

    def _remove_if_last(self, lock: int, note: str) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = os.pread(lock, 65536, 0)
            if path and not _removed(path):
                self._swept = False
                return
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


def _make(path: str, lock: int) -> None:
    if os.fstat(lock).st_size == 0:  # written first: a crash between the two leaves nothing behind
        os.pwrite(lock, os.fsencode(path), 0)
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            os.ftruncate(lock, 0)  # somebody's own empty folder
    else:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o755)


def _shared(path: str, *, patient: bool) -> int | None:
    """The folder, with a lock that says it is needed. None when it is gone already, or when it may be about to go and the caller
    is patient: who removes it holds the other lock for a moment."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    free = True
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        free = not patient
    except OSError:
        pass  # a file system without locks
    if free and _is_at(folder, path):
        return folder
    os.close(folder)
    return None


def _removed(path: bytes) -> bool:
    """False when a sidecar with another state folder needs it: its command's mount would go with it. The lock is kept until the
    folder is gone, or somebody could begin to need it in between."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        if _is_at(folder, path):  # if not, what is there is another's
            with contextlib.suppress(OSError):  # somebody has filled it
                os.rmdir(path)
        return True
    finally:
        os.close(folder)


def _is_at(folder: int, path: str | bytes) -> bool:
    try:
        return os.path.samestat(os.fstat(folder), os.lstat(path))
    except FileNotFoundError:
        return False
