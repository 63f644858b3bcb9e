"""Deletes threads so that nothing of them can be read in any file of the store.

Deleted bytes are overwritten (every connection has secure_delete on, so pages that were freed long ago hold nothing either), the
write-ahead log is emptied, and the copies that migrations left aside lose the same threads. Must never leave half a thread.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .search import SqliteSearch

_PATIENCE = 10.0
"Seconds to wait until no other process reads from the write-ahead log."
_WAIT = 0.02


def delete(path: Path, connect: Callable[[Path], sqlite3.Connection], thread_ids: Sequence[str]) -> None:
    """From the database at `path` and from its copies. Raises OSError and sqlite3.Error, and may then be called again."""
    with contextlib.closing(connect(path)) as database:
        try:
            _delete(database, thread_ids)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            # the index is broken: it goes whole, and is made anew
            _delete(database, thread_ids, unindexed=True)
        _empty_log(database)
    for partial in path.parent.glob(f"{path.name}.version-*.partial"):
        partial.unlink()  # of a migration that was killed: one that runs holds the lock that we had
    for copy in sorted(path.parent.glob(f"{path.name}.version-*[0-9]")):
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None, timeout=10)) as database:
            # no log and no other file beside a copy
            database.execute("PRAGMA journal_mode=DELETE")
            database.execute("PRAGMA secure_delete=ON")
            # nobody searches a copy, and its index may be of another form
            _delete(database, thread_ids, unindexed=True)


def _delete(database: sqlite3.Connection, thread_ids: Sequence[str], *, unindexed: bool = False) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        tables = _tables(database)
        if "search_thread" in tables:
            search = SqliteSearch(database)
            search.leave() if unindexed else search.forget(thread_ids)
        for table in tables:
            database.executemany(f"DELETE FROM {table} WHERE thread_id=?", [(thread_id,) for thread_id in thread_ids])
        database.executemany("DELETE FROM thread WHERE id=?", [(thread_id,) for thread_id in thread_ids])
        database.execute("COMMIT")
    except BaseException:
        # a disk that is full may have ended it already
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _tables(database: sqlite3.Connection) -> list[str]:
    """All that have rows of threads: also those of later steps, and fewer in an older copy."""
    query = "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type='table' AND c.name='thread_id'"
    return [name for (name,) in database.execute(query)]


def _empty_log(database: sqlite3.Connection) -> None:
    # a checkpoint that waits for a reader keeps writers waiting too: ask often instead
    database.execute("PRAGMA busy_timeout=20")
    until = time.monotonic() + _PATIENCE
    while database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > until:
            raise sqlite3.OperationalError("another process keeps the write-ahead log in use")
        time.sleep(_WAIT)
