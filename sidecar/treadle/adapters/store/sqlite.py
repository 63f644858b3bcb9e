"""Store on SQLite in WAL mode: one file, one row per item, each item in the exact bytes of core.items.encode.

An append is one transaction and is durable against a crash of this process when it returns (synchronous=NORMAL: a power cut may
lose the last moment, never the file). One process writes a thread at a time: a lock file per thread, held while it is loaded.
The folder and its files are for the user alone: they hold whatever was said and printed.
A file of an older version is copied aside before its tables are changed; one of a newer version is refused and left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...core.errors import RequestRefused, TreadleError
from ...core.items import Item, decode, encode
from ...core.pattern import late
from ...runtime.ports import ThreadMeta
from . import deletion, drafts, finding, grants, ledger, queue, search, threads
from .failures import Kept, ToldConnection, failure, words

_FILE = "threads.sqlite3"
_NAME = late(r"[\w-]{1,128}", re.ASCII)
"What an id of a thread is made of."
_THREADS = """
CREATE TABLE thread (
  id TEXT PRIMARY KEY, created_at REAL NOT NULL, updated_at REAL NOT NULL, cwd TEXT NOT NULL, model TEXT NOT NULL,
  provider TEXT NOT NULL, preview TEXT NOT NULL, name TEXT, archived INTEGER NOT NULL, originator TEXT NOT NULL,
  settings TEXT NOT NULL
) STRICT;
CREATE INDEX thread_by_creation ON thread (archived, created_at, id);
CREATE INDEX thread_by_update ON thread (archived, updated_at, id);
CREATE TABLE item (
  thread_id TEXT NOT NULL REFERENCES thread (id) ON DELETE CASCADE, position INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (thread_id, position)
) STRICT, WITHOUT ROWID;
"""
_FORKS = "ALTER TABLE thread ADD COLUMN forked_from TEXT"
_STEPS = (
    _THREADS,
    ledger.SCHEMA,
    grants.SCHEMA,
    drafts.SCHEMA,
    _FORKS,
    queue.SCHEMA,
    search.SCHEMA + ";" + threads.INDICES,
    threads.TITLED,
    search.NAMES,
    threads.GIT,
)
"What each version adds to the one before it; the number of steps is the version. Steps are only ever added."


class SqliteStore:
    """Threads under `folder`: threads.sqlite3 and locks/. Raises TreadleError when the folder cannot be used. None: in memory,
    for threads that are not to be kept."""

    def __init__(self, folder: Path | None) -> None:
        path = Path(":memory:") if folder is None else folder / _FILE
        self._folder = folder = folder or Path(os.devnull)
        self._locks = folder / "locks"
        self._held: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._deleting = threading.Lock()
        self._file: Kept | None = None
        try:
            if path.is_absolute() or path.name == _FILE:
                _make_private(folder)
                self._locks.mkdir(exist_ok=True, mode=0o700)
            self._db = _open(path)
            self._prepare(path)
            self._file = Kept(path) if path.name == _FILE else None
            self.ledger = ledger.SqliteLedger(self._db)
            self.grants = grants.SqliteGrants(self._db, self._transaction)
            self._drafts = drafts.SqliteDrafts(self._db)
            self.queue = queue.SqliteQueue(self._db, self._transaction)
            self._search = search.SqliteSearch(self._db)
            self.index = finding.SqliteIndex(lambda: _open(path, one_thread=False))
        except (OSError, sqlite3.Error) as error:
            what, hint = words(folder, error)
            raise TreadleError(f"Threads cannot be kept in {folder}: {what}.", hint=hint) from error
        self._db.told = folder

    def _prepare(self, path: Path) -> None:
        if self._version() == len(_STEPS):
            return
        # two processes may start at once: the write lock decides who makes the tables
        with self._transaction():
            version = self._version()
            if version > len(_STEPS):
                raise sqlite3.DatabaseError("written by a newer Treadle")
            if 0 < version < len(_STEPS):
                _copy(path, path.with_name(f"{path.name}.version-{version}"))
            for step in _STEPS[version:]:
                for statement in step.split(";"):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={len(_STEPS)}")

    def _version(self) -> int:
        return self._db.execute("PRAGMA user_version").fetchone()[0]

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        if self._file is not None:
            self._file.check()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # a disk that is full may have ended it already
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def create(self, meta: ThreadMeta, items: Sequence[Item] = ()) -> None:
        row = threads.row(meta)
        with self._transaction():
            self._db.execute(f"INSERT INTO thread ({threads.COLUMNS}) VALUES ({','.join('?' * len(row))})", row)
            self._insert(meta.id, 0, items)
        self._next[meta.id] = len(items)

    def update(self, meta: ThreadMeta) -> None:
        names = ", ".join(f"{name.strip()}=?" for name in threads.COLUMNS.split(",")[1:])
        self._db.execute(f"UPDATE thread SET {names} WHERE id=?", (*threads.row(meta)[1:], meta.id))

    def append(self, thread_id: str, items: Sequence[Item]) -> None:
        position = self._next.get(thread_id)
        if position is None:
            query = "SELECT coalesce(max(position) + 1, 0) FROM item WHERE thread_id=?"
            position = self._db.execute(query, (thread_id,)).fetchone()[0]
        with self._transaction():
            self._insert(thread_id, position, items)
            self._drafts.replace(thread_id, items)
            self.queue.take(thread_id, items)
            self._search.note(thread_id, position)
        self._next[thread_id] = position + len(items)

    def _insert(self, thread_id: str, position: int, items: Sequence[Item]) -> None:
        rows = [(thread_id, position + offset, encode(item)) for offset, item in enumerate(items)]
        self._db.executemany("INSERT INTO item (thread_id, position, body) VALUES (?, ?, ?)", rows)

    def draft(self, thread_id: str, item: Item) -> None:
        self._drafts.put(thread_id, item)

    def drafts(self, thread_id: str) -> list[Item]:
        return self._drafts.of(thread_id)

    def meta(self, thread_id: str) -> ThreadMeta:
        row = self._db.execute(f"SELECT {threads.COLUMNS} FROM thread WHERE id=?", (thread_id,)).fetchone()
        if row is None:
            raise KeyError(thread_id)
        return threads.meta(row)

    def load(self, thread_id: str) -> tuple[ThreadMeta, list[Item]]:
        meta = self.meta(thread_id)
        items = [decode(body) for body in self.item_lines(thread_id)]
        self._next[thread_id] = len(items)
        return meta, items

    def item_lines(self, thread_id: str) -> list[str]:
        query = "SELECT body FROM item WHERE thread_id=? ORDER BY position"
        try:
            return [body for (body,) in self._db.execute(query, (thread_id,))]
        except sqlite3.Error as error:  # damaged in the middle
            raise failure(self._folder, error) from error

    def size(self, thread_id: str) -> int:
        query = "SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM item WHERE thread_id=?"
        return self._db.execute(query, (thread_id,)).fetchone()[0]

    def used(self) -> int:
        names = ("page_count", "freelist_count", "page_size")
        pages, free, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        return (pages - free) * size

    def delete(self, thread_ids: Sequence[str]) -> None:
        try:
            # at once they would wait for each other's locks until one gives up, and SQLite would keep a descriptor of each
            with self._deleting:
                deletion.delete(self._folder / _FILE, _open, thread_ids)
        except (OSError, sqlite3.Error) as error:
            hint = "Close other programs that use Treadle's folder, see that its disk is not full, and delete again."
            raise TreadleError(f"Not all could be deleted: {error}.", hint=hint) from error
        finally:
            for thread_id in thread_ids:
                self._next.pop(thread_id, None)

    def originators(self) -> list[str]:
        return [name for (name,) in self._db.execute("SELECT DISTINCT originator FROM thread")]

    def list(
        self,
        *,
        cursor: str | None,
        limit: int,
        cwds: Sequence[str],
        search: str | None,
        archived: bool,
        by_update: bool,
        ascending: bool,
        providers: Sequence[str] = (),
        originators: Sequence[str] = (),
        excluded: Sequence[str] = (),
    ) -> tuple[list[ThreadMeta], str | None]:
        wanted = threads.Wanted(archived)
        wanted.one_of("cwd", cwds)
        wanted.one_of("provider", providers)
        wanted.one_of("originator", originators)
        wanted.one_of("id", excluded, none=True)
        if search:
            wanted.holds("(preview LIKE ? ESCAPE '^' OR name LIKE ? ESCAPE '^')", *[threads.anywhere(search)] * 2)
        key = "updated_at" if by_update else "created_at"
        found, cursor = threads.page(self._db, wanted, key, ascending=ascending, cursor=cursor, limit=limit)
        return [threads.meta(row) for row in found], cursor

    def place(self, meta: ThreadMeta, *, by_update: bool) -> str:
        return threads.place(threads.row(meta), "updated_at" if by_update else "created_at")

    def claimed(self, thread_id: str) -> bool:
        return thread_id in self._held

    def claim(self, thread_id: str) -> bool:
        if thread_id in self._held:
            return True
        if not _NAME.fullmatch(thread_id):
            # whoever names it may be anyone: no file is made, or removed, outside the folder of locks
            raise RequestRefused(f"no thread with the id {thread_id}")
        path = self._locks / thread_id
        while True:
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                what, hint = words(self._folder, error)
                raise TreadleError(f"Thread {thread_id} cannot be opened in {self._folder}: {what}.", hint=hint) from error
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                return False
            # the holder before us may have removed the file between our open and our lock
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(handle).st_ino == path.stat().st_ino:
                    break
            os.close(handle)
        self._held[thread_id] = handle
        return True

    def release(self, thread_id: str) -> None:
        handle = self._held.pop(thread_id, None)
        if handle is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._locks / thread_id)
            os.close(handle)

    def close(self) -> None:
        for thread_id in list(self._held):
            self.release(thread_id)
        self.index.close()
        self._db.close()


def _open(path: Path, *, one_thread: bool = True) -> ToldConnection:
    database = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=one_thread, factory=ToldConnection)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA foreign_keys=ON")
    # what is deleted is overwritten, also what only moved within the file: see deletion.py
    database.execute("PRAGMA secure_delete=ON")
    return database


def _make_private(folder: Path) -> None:
    """Also what an earlier version left open to others. SQLite gives the files beside its database the database's mode."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / _FILE
    with contextlib.suppress(FileExistsError):
        _create(path)
    for each in (folder, *folder.glob(f"{_FILE}*")):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            mode = each.stat().st_mode
            if mode & 0o077 and not mode & stat.S_ISVTX:  # a folder like /tmp is everybody's
                each.chmod(mode & 0o700)


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _copy(path: Path, copy: Path) -> None:
    """A copy of the database as it is committed; nothing under its own name until it is whole."""
    partial = copy.with_name(copy.name + ".partial")
    partial.unlink(missing_ok=True)
    _create(partial)
    # a connection of its own: the one that is about to write sees its own transaction
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    partial.replace(copy)
