"""Versions on SQLite: contents by what they hold, the turns' changes of files, and the bases of hunks.

A content that is put is held for an hour, or until this process has named it: there is time to say what it is for, whatever
another process deletes meanwhile. After that, and when the last row that names it goes, it is deleted.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...runtime.ports.versions import FileVersion, HunkBase
from .database import HOLD_SECONDS, Database, add, digest, drop_unnamed, is_kept, pack, unpack

if TYPE_CHECKING:
    from ...core.checkpoints import Restored

_COLUMNS = "thread_id, turn_id, path, before, after, at, mode_before, mode_after, omitted"
_RESTORED = "thread_id, id, turn_id, what, at, last_turn, redo_of"
_HELD_AT_ONCE = 200
"Holds that have run out and are looked after with one change of a thread's rows."


class SqliteVersions:
    """Under `folder`. May be used from several threads."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder)
        self._holder = os.urandom(16).hex()

    def put(self, data: bytes) -> str:
        key = digest(data)
        with self.database.reading() as db:
            kept = is_kept(db, key)
        packed = (0, b"") if kept else pack(data)
        with self.database.writing() as db:
            if kept and not is_kept(db, key):  # deleted by another process in this moment
                packed = pack(data)
            add(db, key, len(data), packed)
            until = time.time() + HOLD_SECONDS
            db.execute("INSERT OR REPLACE INTO hold (key, holder, until) VALUES (?, ?, ?)", (key, self._holder, until))
        return key.hex()

    def get(self, key: str) -> bytes:
        with self.database.reading() as db:
            row = db.execute("SELECT packed, body FROM content WHERE key=?", (bytes.fromhex(key),)).fetchone()
        if row is None:
            raise KeyError(key)
        return unpack(*row)

    def record(self, versions: Sequence[FileVersion]) -> None:
        with self.database.writing() as db:
            for version in versions:
                record(db, version)
            self._end_holds(db, [key for version in versions for key in (version.before, version.after)])

    def of(self, thread_id: str) -> list[FileVersion]:
        with self.database.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM version WHERE thread_id=? ORDER BY id", (thread_id,)).fetchall()
        return [_version(row) for row in rows]

    def add_restored(self, restored: Restored) -> None:
        marks = ", ".join("?" * 7)
        with self.database.writing() as db:
            db.execute(f"INSERT INTO restored ({_RESTORED}) VALUES ({marks})", dataclasses.astuple(restored))

    def restored(self, thread_id: str) -> list[Restored]:
        from ...core.checkpoints import Restored  # noqa: PLC0415

        with self.database.reading() as db:
            rows = db.execute(f"SELECT {_RESTORED} FROM restored WHERE thread_id=? ORDER BY position", (thread_id,)).fetchall()
        return [Restored(*row) for row in rows]

    def withdraw(self, thread_id: str, restore_id: str) -> None:
        place = (thread_id, restore_id)
        with self.database.writing() as db:
            named = db.execute("SELECT before, after FROM version WHERE thread_id=? AND turn_id=?", place).fetchall()
            db.execute("DELETE FROM version WHERE thread_id=? AND turn_id=?", place)
            db.execute("DELETE FROM restored WHERE thread_id=? AND id=?", place)
            drop_unnamed(db, [key for row in named for key in row])

    def bases(self, thread_id: str) -> list[HunkBase]:
        with self.database.reading() as db:
            query = "SELECT path, base, left, turns, marks FROM base WHERE thread_id=? ORDER BY path"
            rows = db.execute(query, (thread_id,)).fetchall()
        return [
            HunkBase(os.fsdecode(path), _hex(base), _hex(left), tuple(json.loads(turns)), marks)
            for path, base, left, turns, marks in rows
        ]

    def set_base(self, thread_id: str, path: str, base: HunkBase | None) -> None:
        place = (thread_id, os.fsencode(path))
        with self.database.writing() as db:
            old = db.execute("SELECT base, left FROM base WHERE thread_id=? AND path=?", place).fetchone() or ()
            if base is None:
                db.execute("DELETE FROM base WHERE thread_id=? AND path=?", place)
            else:
                row = (*place, _key(base.base), _key(base.left), json.dumps(base.turns), base.marks)
                columns = "thread_id, path, base, left, turns, marks"
                db.execute(f"INSERT OR REPLACE INTO base ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)
            drop_unnamed(db, old)
            self._end_holds(db, (base.base, base.left) if base else ())

    def copy(self, thread_id: str, other: str, turns: Sequence[str]) -> None:
        restored = [each for each in self.restored(thread_id) if each.last_turn in turns]
        ids = {*turns, *(each.id for each in restored)}
        with self.database.writing() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM version WHERE thread_id=? ORDER BY id", (thread_id,)).fetchall()
            kept = [(other, *row[1:]) for row in rows if row[1] in ids]
            db.executemany(f"INSERT INTO version ({_COLUMNS}) VALUES ({', '.join('?' * 9)})", kept)
        for each in restored:
            self.add_restored(dataclasses.replace(each, thread_id=other))

    def forget(self, thread_id: str) -> None:
        with self.database.writing() as db:
            queries = (
                "SELECT before, after FROM version WHERE thread_id=?",
                "SELECT base, left FROM base WHERE thread_id=?",
            )
            named = {key for query in queries for row in db.execute(query, (thread_id,)) for key in row}
            db.execute("DELETE FROM version WHERE thread_id=?", (thread_id,))
            db.execute("DELETE FROM base WHERE thread_id=?", (thread_id,))
            db.execute("DELETE FROM restored WHERE thread_id=?", (thread_id,))
            drop_unnamed(db, named)
            self._end_holds(db)
        with self.database.tidying() as db:
            db.execute("PRAGMA incremental_vacuum").fetchall()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        self.database.close()

    def _end_holds(self, db: Any, named: Iterable[str | None] = ()) -> None:
        """Those of contents that were named just now, and some of those whose time is over."""
        db.executemany("DELETE FROM hold WHERE key=? AND holder=?", [(_key(key), self._holder) for key in named if key])
        now = time.time()
        # our own are named soon, however late the clock says that it is
        mine = self._holder
        query = "SELECT key FROM hold WHERE until<? AND holder<>? LIMIT ?"
        over = [key for (key,) in db.execute(query, (now, mine, _HELD_AT_ONCE))]
        if over:
            db.executemany("DELETE FROM hold WHERE key=? AND until<? AND holder<>?", [(key, now, mine) for key in over])
            drop_unnamed(db, over)


def record(db: Any, new: FileVersion) -> None:
    path = os.fsencode(new.path)
    columns = "id, turn_id, before, after, mode_after, omitted"
    query = f"SELECT {columns} FROM version WHERE thread_id=? AND path=? ORDER BY id DESC LIMIT 1"
    last = db.execute(query, (new.thread_id, path)).fetchone()
    before, after = _key(new.before), _key(new.after)
    if last is not None and last[1] == new.turn_id and _continues(last, before, new):
        omitted = last[5] or new.omitted
        values = (None if omitted else after, None if omitted else new.mode_after, omitted, last[0])
        db.execute("UPDATE version SET after=?, mode_after=?, omitted=? WHERE id=?", values)
        drop_unnamed(db, (last[3],))
        return
    row = (new.thread_id, new.turn_id, path, before, after, new.at, new.mode_before, new.mode_after, new.omitted)
    db.execute(f"INSERT INTO version ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _continues(last: tuple[Any, ...], before: bytes | None, new: FileVersion) -> bool:
    """Whether nobody else has changed the file in between: the turn's change is one, then."""
    same_mode = last[4] is None or new.mode_before is None or last[4] == new.mode_before
    return bool(last[5] or new.omitted) or (last[3] == before and same_mode)


def _key(key: str | None) -> bytes | None:
    return None if key is None else bytes.fromhex(key)


def _hex(key: bytes | None) -> str | None:
    return None if key is None else key.hex()


def _version(row: tuple[Any, ...]) -> FileVersion:
    thread_id, turn_id, path, before, after, *rest = row
    return FileVersion(thread_id, turn_id, os.fsdecode(path), _hex(before), _hex(after), *rest)
