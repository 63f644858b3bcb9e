"""The baseline of one root in the database: what every file there was when it was last looked at.

One process at a time uses a baseline; another one that looks at the same root gets a copy of its own, or each would take the
other's finds for its own. Contents are shared. Baselines that nobody has used for long are deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ...core.record import frozen, mutable
from ...runtime.ports.versions import FileVersion
from ..versions.database import Database, add, drop_unnamed
from ..versions.sqlite import record

FILE, FOLDER, LINK = 0, 1, 2
UNSURE = -1
"For a time of change: so close to the look that a later change may have the same."
MOST_BASELINES = 30
UNUSED_DAYS = 30.0
_AT_ONCE = 400
_COLUMNS = "name, kind, size, mtime, ctime, inode, mode, key, omitted"


@frozen
class Entry:
    """What was found under a name."""

    kind: int
    size: int = 0
    mtime: int = 0
    ctime: int = 0
    inode: int = 0
    mode: int = 0
    key: bytes | None = None
    "Of the content, where it is kept."
    omitted: str | None = None
    "Why it is not."


@mutable
class Put:
    """One entry to write; None: it is gone."""

    folder: str
    name: str
    entry: Entry | None
    content: tuple[int, tuple[int, bytes]] | None = None
    "Size and packed bytes, of a content that may be new."
    replaced: bytes | None = None
    "The key that was there before."
    version: FileVersion | None = None
    "What is to be said of a turn, in the same moment."


class Baseline:
    """Of `root`. Any thread, one at a time."""

    def __init__(self, database: Database, home: Path, root: str) -> None:
        self._database = database
        self._home = home / "baselines"
        self._root = os.fsencode(root)
        self._lock = -1
        self._id = self._claim()

    def folder(self, folder: str) -> dict[str, Entry]:
        with self._database.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM seen WHERE baseline=? AND folder=?", (self._id, os.fsencode(folder)))
            return {os.fsdecode(name): Entry(*rest) for name, *rest in rows}

    def entry(self, folder: str, name: str) -> Entry | None:
        place = (self._id, os.fsencode(folder), os.fsencode(name))
        with self._database.reading() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM seen WHERE baseline=? AND folder=? AND name=?", place).fetchone()
        return None if row is None else Entry(*row[1:])

    def below(self, folder: str) -> list[tuple[str, str, Entry]]:
        """Everything in a folder and in those below it."""
        low = os.fsencode(folder)
        where = "baseline=?1 AND (folder=?2 OR (folder>?3 AND folder<?4))"
        with self._database.reading() as db:
            rows = db.execute(f"SELECT folder, {_COLUMNS} FROM seen WHERE {where}", (self._id, low, low + b"/", low + b"0"))
            return [(os.fsdecode(at), os.fsdecode(name), Entry(*rest)) for at, name, *rest in rows]

    def totals(self) -> tuple[int, int]:
        """How many entries there are, and the size of all contents that are kept."""
        with self._database.reading() as db:
            query = "SELECT count(*), coalesce(sum(size) FILTER (WHERE key IS NOT NULL), 0) FROM seen WHERE baseline=?"
            return tuple(db.execute(query, (self._id,)).fetchone())  # type: ignore[return-value]

    def write(self, puts: Sequence[Put]) -> None:
        """All or nothing."""
        with self._database.writing() as db:
            for put in puts:
                place = (self._id, os.fsencode(put.folder), os.fsencode(put.name))
                entry = put.entry
                if entry is None:
                    db.execute("DELETE FROM seen WHERE baseline=? AND folder=? AND name=?", place)
                else:
                    if put.content is not None and entry.key is not None:
                        add(db, entry.key, *put.content)
                    values = (entry.kind, entry.size, entry.mtime, entry.ctime, entry.inode, entry.mode, entry.key, entry.omitted)
                    marks = ", ".join("?" * 11)
                    db.execute(f"INSERT OR REPLACE INTO seen (baseline, folder, {_COLUMNS}) VALUES ({marks})", (*place, *values))
                if put.version is not None:
                    record(db, put.version)
            drop_unnamed(db, [put.replaced for put in puts])

    def tidy(self, stopped: Callable[[], bool]) -> None:
        """Delete a part of what nobody uses any more. What is left when it is stopped is compared if it is used again."""
        with self._database.reading() as db:
            query = "SELECT id, used FROM baseline WHERE id<>? ORDER BY used DESC"
            others = db.execute(query, (self._id,)).fetchall()
        oldest = time.time() - UNUSED_DAYS * 86_400
        for place, (id, used) in enumerate(others, 1):
            if (place >= MOST_BASELINES or used < oldest) and (lock := self._locked(id)) >= 0:
                try:
                    self._delete(id, stopped)
                finally:
                    self._unlock(id, lock)

    def close(self) -> None:
        if self._lock >= 0:
            with contextlib.suppress(OSError), self._database.writing() as db:
                db.execute("UPDATE baseline SET used=? WHERE id=?", (time.time(), self._id))
            self._unlock(self._id, self._lock)
            self._lock = -1

    def _claim(self) -> int:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._database.reading() as db:
            known = [id for (id,) in db.execute("SELECT id FROM baseline WHERE root=? ORDER BY used DESC", (self._root,))]
        for id in known:
            if (lock := self._locked(id)) >= 0:
                self._lock = lock
                if self._is_there(id):
                    return id
                self._unlock(id, lock)
        with self._database.writing() as db:
            values = (self._root, time.time())
            made: Any = db.execute("INSERT INTO baseline (root, used, complete, rules) VALUES (?, ?, 0, '')", values).lastrowid
            if known:
                copied = f"SELECT ?, folder, {_COLUMNS} FROM seen WHERE baseline=?"
                db.execute(f"INSERT INTO seen (baseline, folder, {_COLUMNS}) {copied}", (made, known[0]))
            # before anybody sees it: another process would take it for one that nobody uses
            self._lock = self._locked(made)
        return made

    def _is_there(self, id: int) -> bool:
        with self._database.reading() as db:
            return db.execute("SELECT 1 FROM baseline WHERE id=?", (id,)).fetchone() is not None

    def _locked(self, id: int) -> int:
        """A handle that holds the lock; -1: somebody else has it."""
        handle = os.open(self._home / f"{id}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return -1
        return handle

    def _unlock(self, id: int, handle: int) -> None:
        os.close(handle)

    def _delete(self, id: int, stopped: Callable[[], bool]) -> None:
        while True:
            if stopped():
                return
            with self._database.writing() as db:
                query = "SELECT folder, name, key FROM seen WHERE baseline=? LIMIT ?"
                rows = db.execute(query, (id, _AT_ONCE)).fetchall()
                places = [(id, folder, name) for folder, name, _ in rows]
                db.executemany("DELETE FROM seen WHERE baseline=? AND folder=? AND name=?", places)
                drop_unnamed(db, _keys(rows))
                if len(rows) < _AT_ONCE:
                    db.execute("DELETE FROM baseline WHERE id=?", (id,))
                    break
        with contextlib.suppress(OSError):
            os.unlink(self._home / f"{id}.lock")


def _keys(rows: Iterable[tuple[Any, ...]]) -> list[bytes | None]:
    return [key for *_, key in rows]
