"""versions.sqlite3: one file for the contents of files and everything that names them, because what nobody names is deleted.

WAL mode, for several processes; for the user alone, as everything that was ever in a file may be in it. A content is there once,
compressed, under its SHA-256. Deleted contents are overwritten with zeros. Opened when first used, from any thread. Failures
leave here as OSError, in words.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import stat
import threading
import zlib
from collections.abc import Generator, Iterable
from pathlib import Path

FILE = "versions.sqlite3"
HOLD_SECONDS = 3600.0
"For how long a content stays that was put and is not named by anything yet."
PATIENCE = 10.0
"Seconds to wait for another process that holds the lock."
_CONTENTS = """
CREATE TABLE content (key BLOB PRIMARY KEY, size INTEGER NOT NULL, packed INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE hold (key BLOB NOT NULL, holder TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, holder)) STRICT, WITHOUT ROWID;
CREATE TABLE version (
  id INTEGER PRIMARY KEY, thread_id TEXT NOT NULL, turn_id TEXT NOT NULL, path BLOB NOT NULL, before BLOB, after BLOB,
  at REAL NOT NULL, mode_before INTEGER, mode_after INTEGER, omitted TEXT
) STRICT;
CREATE INDEX version_of_file ON version (thread_id, path, id);
CREATE INDEX version_before ON version (before) WHERE before IS NOT NULL;
CREATE INDEX version_after ON version (after) WHERE after IS NOT NULL;
CREATE TABLE base (
  thread_id TEXT NOT NULL, path BLOB NOT NULL, base BLOB, left BLOB, turns TEXT NOT NULL, PRIMARY KEY (thread_id, path)
) STRICT;
CREATE INDEX base_base ON base (base) WHERE base IS NOT NULL;
CREATE INDEX base_left ON base (left) WHERE left IS NOT NULL
"""
_BASELINES = """
CREATE TABLE baseline (
  id INTEGER PRIMARY KEY, root BLOB NOT NULL, used REAL NOT NULL, complete INTEGER NOT NULL, rules TEXT NOT NULL
) STRICT;
CREATE INDEX baseline_of_root ON baseline (root);
CREATE TABLE seen (
  baseline INTEGER NOT NULL, folder BLOB NOT NULL, name BLOB NOT NULL, kind INTEGER NOT NULL, size INTEGER NOT NULL,
  mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, inode INTEGER NOT NULL, mode INTEGER NOT NULL, key BLOB, omitted TEXT,
  PRIMARY KEY (baseline, folder, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_key ON seen (key) WHERE key IS NOT NULL
"""
_MARKS = "ALTER TABLE base ADD COLUMN marks TEXT NOT NULL DEFAULT ''"
_RESTORED = """
CREATE TABLE restored (
  position INTEGER PRIMARY KEY, thread_id TEXT NOT NULL, id TEXT NOT NULL, turn_id TEXT NOT NULL, what TEXT NOT NULL,
  at REAL NOT NULL, last_turn TEXT NOT NULL, redo_of TEXT
) STRICT;
CREATE INDEX restored_of_thread ON restored (thread_id)
"""
_STEPS = (f"{_CONTENTS};{_BASELINES}", _MARKS, _RESTORED)
"What each version adds to the one before it; the number of steps is the version. Steps are only ever added."
_UNNAMED = """
DELETE FROM content WHERE key=?1
  AND NOT EXISTS (SELECT 1 FROM version WHERE before=?1) AND NOT EXISTS (SELECT 1 FROM version WHERE after=?1)
  AND NOT EXISTS (SELECT 1 FROM base WHERE base=?1) AND NOT EXISTS (SELECT 1 FROM base WHERE left=?1)
  AND NOT EXISTS (SELECT 1 FROM seen WHERE key=?1) AND NOT EXISTS (SELECT 1 FROM hold WHERE key=?1)
"""


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def pack(data: bytes) -> tuple[int, bytes]:
    """Whether it is compressed, and the bytes to keep."""
    packed = zlib.compress(data, 1)
    return (1, packed) if len(packed) < len(data) else (0, data)


def unpack(packed: int, body: bytes) -> bytes:
    return zlib.decompress(body) if packed else body


class Database:
    """Two connections, each used by one thread at a time: who reads waits neither for who writes nor for another process."""

    def __init__(self, folder: Path) -> None:
        self._reads, self._writes = _Line(folder), _Line(folder)

    @contextlib.contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Raises OSError when the file cannot be used."""
        with self._reads.connected() as db:
            yield db

    @contextlib.contextmanager
    def tidying(self) -> Generator[sqlite3.Connection]:
        """For what is no transaction, and writes. Raises OSError."""
        with self._writes.connected() as db:
            yield db

    @contextlib.contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """One transaction: all or nothing."""
        with self._writes.connected() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # a disk that is full may have ended it already
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        self._reads.close()
        self._writes.close()


class _Line:
    """A connection, opened when first used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def connected(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._db is None:
                    self._db = _opened(self._folder)
                yield self._db
            except sqlite3.Error as error:
                raise _failure(self._folder, error) from error

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None


def add(db: sqlite3.Connection, key: bytes, size: int, packed: tuple[int, bytes]) -> None:
    """A content, within a transaction that also names it."""
    db.execute("INSERT OR IGNORE INTO content (key, size, packed, body) VALUES (?, ?, ?, ?)", (key, size, *packed))


def is_kept(db: sqlite3.Connection, key: bytes) -> bool:
    return db.execute("SELECT 1 FROM content WHERE key=?", (key,)).fetchone() is not None


def drop_unnamed(db: sqlite3.Connection, keys: Iterable[bytes | None]) -> None:
    """Delete those of these contents that nothing names any more."""
    for key in {key for key in keys if key is not None}:
        db.execute(_UNNAMED, (key,))


def _failure(folder: Path, error: sqlite3.Error) -> OSError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, "earlier contents of files cannot be kept, the disk is full", str(folder))
    return OSError(errno.EIO, f"earlier contents of files cannot be kept or read ({error})", str(folder))


def _opened(folder: Path) -> sqlite3.Connection:
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_private(folder)
    db = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE, check_same_thread=False)
    try:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA secure_delete=ON")
        _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    if _version(db) == len(_STEPS):
        return
    # two processes may start at once: the write lock decides who makes the tables
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)
        if version > len(_STEPS):
            raise sqlite3.DatabaseError("written by a newer Treadle")
        for step in _STEPS[version:]:
            for statement in step.split(";"):
                db.execute(statement)
        db.execute(f"PRAGMA user_version={len(_STEPS)}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]


def _make_private(folder: Path) -> None:
    """SQLite gives the files beside its database the database's mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    for each in folder.glob(f"{FILE}*"):
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(each.stat().st_mode)
            if mode & 0o077:
                each.chmod(mode & 0o700)
