"""What a killed process leaves half-way in the workspace, and how the next start clears it up.

Before a commit makes its first temporary file it writes down here, in Treadle's own folder where no confined command can write,
which names it will use and what it will put where; it adds a word when all is in its place, and the record goes when the commit
is over. A record whose writer is gone and that lacks the word is taken back: every file that holds the new content gets the old
one, from where it was kept beside it; so does a file that was overwritten in place and holds a part of the new content followed
by the rest of the old. Anything else is somebody's own work since then. Then the names that are strays are removed. Never raises,
and never follows a symlink.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from ..core.pattern import late
from ..core.record import frozen

_log = logging.getLogger(__name__)
STRAY = late(r"\.[^/]{0,80}\.[0-9a-f]{12}\.tmp")
_MAX_RECORD = 4 * 1024 * 1024
_DONE = b"\ndone"


@frozen
class Change:
    """What becomes of `name` in `folder`. None: no such file. `staged` and `backup` are names of ours beside it."""

    folder: str
    name: str
    staged: str
    backup: str
    old: bytes | None
    new: bytes | None

    def record(self) -> list[str | None]:
        sums = (None if data is None else hashlib.sha256(data).hexdigest() for data in (self.old, self.new))
        return [self.folder, self.name, self.backup, *sums]


@frozen
class Overwrite:
    """A file that is written in place."""

    path: str
    identity: tuple[int, int]
    old: bytes
    new: bytes


def temporary_name(name: str) -> str:
    """A name beside `name` for its new content, short enough for any file system."""
    while len(os.fsencode(name)) > 80:
        name = name[:-1]
    return f".{name}.{secrets.token_hex(6)}.tmp"


class Journal:
    """The records in one folder; it is made when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recovered = False
        self._recovering = threading.Lock()

    def begin(
        self,
        temporary: Sequence[tuple[str, str]],
        overwrites: Sequence[Overwrite],
        changes: Sequence[Change] = (),
        made: Sequence[str] = (),
    ) -> Record | None:
        """Write down the names (folder, name) that are about to be used, the changes, and the folders `made` for them. None when
        it cannot be done: the commit goes on."""
        id = secrets.token_hex(8)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            record = Record(self._folder, id, len(overwrites))
        except OSError as error:
            _log.warning("no record of a commit: %s", error)
            return None
        try:
            kept: list[Any] = []
            for number, file in enumerate(overwrites):
                (self._folder / f"{id}.{number}.old").write_bytes(file.old)
                (self._folder / f"{id}.{number}.new").write_bytes(file.new)
                kept.append([file.path, *file.identity])
            names = [list(pair) for pair in temporary]
            planned = [change.record() for change in changes]
            record.write({"temporary": names, "overwrites": kept, "changes": planned, "made": list(made)})
        except (OSError, ValueError) as error:
            record.close()
            _log.warning("no record of a commit: %s", error)
            return None
        return record

    def recover(self) -> None:
        """Once a process: clear up after those that were killed."""
        with self._recovering, suppress(OSError):
            if self._recovered:
                return
            self._recovered = True
            for path in sorted(self._folder.glob("*.json")):
                try:
                    self._clear(path)
                except (OSError, ValueError, LookupError, TypeError) as error:
                    _log.warning("record of a commit %s: %s", path.name, error)

    def _clear(self, path: Path) -> None:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            body = file.read(_MAX_RECORD)
            done = body.endswith(_DONE)
            record: dict[str, Any] = json.loads(body.removesuffix(_DONE)) if body else {"temporary": [], "overwrites": []}
            if not done:
                self._take_back(path.stem, record)
            for folder, name in cast("list[tuple[str, str]]", record["temporary"]):
                if STRAY.fullmatch(name) and os.path.realpath(folder) == folder:
                    with suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, name))
            for folder in () if done else reversed(record.get("made", [])):
                with suppress(OSError):  # only what is empty now
                    if os.path.realpath(folder) == folder:
                        os.rmdir(folder)
            for kept in self._folder.glob(f"{path.stem}.*"):
                kept.unlink(missing_ok=True)

    def _take_back(self, stem: str, record: dict[str, Any]) -> None:
        for number, (target, device, inode) in enumerate(record["overwrites"]):
            old, new = (self._folder / f"{stem}.{number}.{kind}" for kind in ("old", "new"))
            with suppress(FileNotFoundError):
                _mend(target, (device, inode), old, new)
        for folder, name, backup, old_sum, new_sum in reversed(record.get("changes", [])):
            if STRAY.fullmatch(backup) and "/" not in name and os.path.realpath(folder) == folder:
                _put_back(folder, name, backup, old_sum, new_sum)


class Record:
    """One commit under way. The lock on the file says that its writer lives."""

    def __init__(self, folder: Path, id: str, overwrites: int) -> None:
        self._paths = [
            folder / f"{id}.json",
            *(folder / f"{id}.{n}.{kind}" for n in range(overwrites) for kind in ("old", "new")),
        ]
        self._file = self._paths[0].open("xb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record).encode())

    def done(self) -> None:
        """All is in its place: from now on nothing is taken back."""
        try:
            self._file.write(_DONE)
        except OSError:  # no space for a word: forget the names rather than undo what is told to be done
            with suppress(OSError):
                self._file.truncate(0)

    def close(self) -> None:
        """The commit is over, whatever became of it."""
        for path in reversed(self._paths):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._file.close()


def _mend(target: str, identity: tuple[int, int], old_path: Path, new_path: Path) -> None:
    old, new = old_path.read_bytes(), new_path.read_bytes()
    if os.path.realpath(target) != target:
        return
    fd = os.open(target, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "r+b") as file:
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) != identity or found.st_size > max(len(old), len(new)):
            return
        now = file.read()
        if now == old or not (now == new or _torn(now, old, new)):
            return
        file.seek(0)
        file.write(old)
        file.truncate()


def _torn(now: bytes, old: bytes, new: bytes) -> bool:
    """Whether `now` is a beginning of `new` over `old`."""
    same, differs = 0, min(len(now), len(new)) + 1
    while differs - same > 1:
        middle = (same + differs) // 2
        if now[:middle] == new[:middle]:
            same = middle
        else:
            differs = middle
    return now[same:] == old[same:]


def _put_back(folder: str, name: str, backup: str, old_sum: str | None, new_sum: str | None) -> None:
    """One file as it was, if it is what the commit made of it."""
    with suppress(OSError):
        parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if old_sum == new_sum or _sum(parent, name) != new_sum or (old_sum and _sum(parent, backup) != old_sum):
                return
            if old_sum is None:
                os.unlink(name, dir_fd=parent)
            elif new_sum is None:
                os.link(backup, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
            else:
                os.rename(backup, name, src_dir_fd=parent, dst_dir_fd=parent)
        finally:
            os.close(parent)


def _sum(parent: int, name: str) -> str | None:
    """Of a file's content; None when it is not there."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    except FileNotFoundError:
        return None
    with open(fd, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
