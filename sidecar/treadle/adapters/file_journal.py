"""What a killed process leaves half-way in the workspace, and how the next start clears it up.

Before a commit makes its first temporary file it writes down here, in Treadle's own folder where no confined command can write,
which names it will use; the record goes when the commit is over. A record whose writer is gone names strays: they are removed. A
file that was being overwritten in place gets its old content back, but only if it holds exactly a part of the new content
followed by the rest of the old: anything else is somebody's own work since then. Never raises, and never follows a symlink.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_log = logging.getLogger(__name__)
STRAY = re.compile(r"\.[^/]{0,80}\.[0-9a-f]{12}\.tmp")
_MAX_RECORD = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
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

    def begin(self, temporary: Sequence[tuple[str, str]], overwrites: Sequence[Overwrite]) -> Record | None:
        """Write down the names (folder, name) that are about to be used. None when it cannot be done: the commit goes on."""
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
            record.write({"temporary": [list(pair) for pair in temporary], "overwrites": kept})
        except (OSError, ValueError) as error:
            record.close()
            _log.warning("no record of a commit: %s", error)
            return None
        return record

    def recover(self) -> None:
        """Once a process: clear up after those that were killed."""
        if self._recovered:
            return
        self._recovered = True
        with suppress(OSError):
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
            record: dict[str, Any] = json.loads(body) if body else {"temporary": [], "overwrites": []}
            for number, (target, device, inode) in enumerate(record["overwrites"]):
                old, new = (self._folder / f"{path.stem}.{number}.{kind}" for kind in ("old", "new"))
                with suppress(FileNotFoundError):
                    _mend(target, (device, inode), old, new)
            for folder, name in cast("list[tuple[str, str]]", record["temporary"]):
                if STRAY.fullmatch(name) and os.path.realpath(folder) == folder:
                    with suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, name))
            for kept in self._folder.glob(f"{path.stem}.*"):
                kept.unlink(missing_ok=True)


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
        if now in (old, new) or not _torn(now, old, new):
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
