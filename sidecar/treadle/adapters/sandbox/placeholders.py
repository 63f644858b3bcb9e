"""Empty folders that stand where a protected folder is missing, so that a read-only mount can be put there while commands run.

Promises: a placeholder is shared by all commands and all sidecars; the last of those with one state folder removes it, and later
where sidecars with another need it still; what a killed sidecar left is swept by the next. Must never remove a folder that was
there before, or that has content, nor follow a link that a running command has put in the way.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Generator, Iterable
from pathlib import Path

from ...core.errors import TreadleError

_TRIES, _PAUSE = 400, 0.005
"To share a folder that a sidecar with another state folder may be removing; a command that has locked it is not waited for."


class Placeholders:
    """Reference counts in this process, file locks between processes. Used from one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, tuple[int, int, int, int]] = {}
        "path -> (users here, descriptor of the note and of the folder itself, both with a shared lock, and of what it is in)"
        self._swept = False

    def acquire(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Make the folders that are missing. Returns those that exist now: a folder that we may not make, no command can make
        either. Raises TreadleError when the way to one has just been exchanged."""
        wanted = tuple(paths)
        fresh = [path for path in wanted if path not in self._held]
        if fresh:
            with self._alone():
                self._sweep()
                try:
                    for path in fresh:
                        self._join(path)
                except TreadleError:
                    for path in set(fresh) & self._held.keys():
                        self._leave(path)
                    raise
        for path in wanted:
            if path in self._held:
                users, *opened = self._held[path]
                self._held[path] = (users + 1, opened[0], opened[1], opened[2])
        return tuple(path for path in wanted if path in self._held)

    def sweep(self) -> None:
        """Remove what killed sidecars left, once; a later need of a placeholder does so too."""
        if not self._swept and self._folder.is_dir():
            with self._alone():
                self._sweep()

    def release(self, paths: Iterable[str]) -> None:
        unused: list[str] = []
        for path in paths:
            users, *opened = self._held[path]
            self._held[path] = (users - 1, opened[0], opened[1], opened[2])
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
        try:
            parent = _parent(path)
        except OSError:
            return
        note = self._note(path)
        lock = os.open(note, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            for tried in range(_TRIES):
                _make(path, parent, lock)
                folder = _shared(path, parent, patient=tried < _TRIES - 1)
                if folder is not None:
                    self._held[path] = (0, lock, folder, parent)
                    return
                time.sleep(_PAUSE)
        except OSError:
            pass
        self._remove_if_last(lock, note, parent)

    def _leave(self, path: str) -> None:
        _, lock, folder, parent = self._held.pop(path)
        with contextlib.suppress(OSError):  # a file system without locks
            # a process that another thread is just starting has the folder open too, until it is another program
            fcntl.flock(folder, fcntl.LOCK_UN)
        os.close(folder)
        self._remove_if_last(lock, self._note(path), parent)

    def _remove_if_last(self, lock: int, note: str, parent: int) -> None:
        """Closes both descriptors."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = os.fsdecode(os.pread(lock, 65536, 0))
            if path and not _removed(path, parent):
                self._swept = False
                return
            with contextlib.suppress(FileNotFoundError):
                os.unlink(note)
        except BlockingIOError:
            pass  # another sidecar's command needs it
        finally:
            os.close(lock)
            os.close(parent)

    def _sweep(self) -> None:
        if self._swept:
            return
        self._swept = True
        for entry in list(os.scandir(self._folder)):
            if entry.name.endswith(".held"):
                self._remove_left(entry.path)

    def _remove_left(self, note: str) -> None:
        lock = os.open(note, os.O_RDWR | os.O_CLOEXEC)
        try:
            parent = _parent(os.fsdecode(os.pread(lock, 65536, 0)) or "/")
        except (OSError, TreadleError):  # it is not where it was: nobody can say which it is
            parent = os.open(self._folder, os.O_PATH | os.O_CLOEXEC)
        self._remove_if_last(lock, note, parent)

    def _note(self, path: str) -> str:
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
        return str(self._folder / f"{name}.held")


def _parent(path: str) -> int:
    """The folder that `path` is in, held."""
    folder = os.path.dirname(path)
    parent = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if os.readlink(f"/proc/self/fd/{parent}") != folder:
        os.close(parent)
        raise TreadleError(f"The folder {folder} was replaced while a command was about to start.", hint="Try again.")
    return parent


def _open(path: str, parent: int) -> int:
    return os.open(os.path.basename(path), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _make(path: str, parent: int, lock: int) -> None:
    fresh = os.fstat(lock).st_size == 0
    if fresh:  # written first: a crash between the two leaves nothing behind
        os.pwrite(lock, os.fsencode(path), 0)
    try:
        os.mkdir(os.path.basename(path), 0o755, dir_fd=parent)
    except FileExistsError:
        if fresh:
            os.ftruncate(lock, 0)  # somebody's own empty folder


def _shared(path: str, parent: int, *, patient: bool) -> int | None:
    """The folder, with a lock that says it is needed. None when it is gone already, or when it may be about to go and the caller
    is patient: who removes it holds the other lock for a moment."""
    try:
        folder = _open(path, parent)
    except FileNotFoundError:
        return None
    free = True
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        free = not patient
    except OSError:
        pass  # a file system without locks
    if free and _is_at(folder, path, parent):
        return folder
    os.close(folder)
    return None


def _removed(path: str, parent: int) -> bool:
    """False when a sidecar with another state folder needs it: its command's mount would go with it. The lock is kept until the
    folder is gone, or somebody could begin to need it in between."""
    try:
        folder = _open(path, parent)
    except OSError:
        return True
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        if _is_at(folder, path, parent):  # if not, what is there is another's
            with contextlib.suppress(OSError):  # somebody has filled it
                os.rmdir(os.path.basename(path), dir_fd=parent)
        return True
    finally:
        os.close(folder)


def _is_at(folder: int, path: str, parent: int) -> bool:
    try:
        there = os.stat(os.path.basename(path), dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(folder), there)
