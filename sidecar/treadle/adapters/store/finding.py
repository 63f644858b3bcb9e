"""Searches all threads: what the index finds, with the thread's row and the words around it. Writes nothing but the index."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

from ...core.errors import TreadleError
from ...core.search import Query, snippet
from ...runtime.ports import Found
from . import threads
from .search import SqliteSearch, said


class SqliteIndex:
    """See runtime.ports.ThreadIndex."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def search(
        self,
        query: Query,
        *,
        cursor: str | None,
        limit: int,
        cwds: Sequence[str] = (),
        archived: bool = False,
        by_update: bool = False,
        ascending: bool = False,
        originators: Sequence[str] = (),
    ) -> tuple[list[Found], str | None]:
        wanted = threads.Wanted(archived)
        wanted.one_of("cwd", cwds)
        wanted.one_of("originator", originators)
        key = "updated_at" if by_update else "created_at"
        with self._reading() as database:
            search = SqliteSearch(database)
            if not search.available:
                hint = "Use another Python."
                raise TreadleError("Threads cannot be searched: this Python's SQLite comes without FTS5.", hint=hint)
            among = search.find(query)
            rows, cursor = threads.page(database, wanted, key, ascending=ascending, cursor=cursor, limit=limit, among=among)
            return [_found(database, search, query, row) for row in rows], cursor

    def catch_up(self, seconds: float) -> bool:
        with self._reading() as database:
            return SqliteSearch(database).catch_up(seconds)

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        """One connection for all, for it takes a while to know every shard."""
        with self._lock:
            try:
                if self._db is None:
                    self._db = self._connect()
                yield self._db
            except sqlite3.Error as error:
                hint = "See that the disk is not full, and try again."
                raise TreadleError(f"Threads cannot be searched: {error}.", hint=hint) from error


def _found(database: sqlite3.Connection, search: SqliteSearch, query: Query, row: tuple[Any, ...]) -> Found:
    *columns, number, shard = row
    meta = threads.meta(tuple(columns))
    position = search.first(query, number, shard)
    text = meta.name or ""
    if position is not None and position >= 0:
        body = database.execute("SELECT body FROM item WHERE thread_id=? AND position=?", (meta.id, position)).fetchone()
        text = said(body[0]) if body else meta.preview
    return Found(meta, snippet(text, query))
