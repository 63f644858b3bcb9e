"""Messages that wait, in the store's own database: one row each, in the order of their places.

A row goes in the very transaction that appends its message to the thread: a message and its row are never both there, and never
neither.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ...core.errors import TreadleError
from ...core.items import Item, UserMessage
from ...core.queue import Queued, decode, encode

_log = logging.getLogger(__name__)
SCHEMA = """
CREATE TABLE queued (
  thread_id TEXT NOT NULL REFERENCES thread (id) ON DELETE CASCADE, id TEXT NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (thread_id, id)
) STRICT
"""
_PUT = """
INSERT INTO queued (thread_id, id, place, body)
VALUES (?1, ?2, (SELECT coalesce(max(place) + 1, 0) FROM queued WHERE thread_id=?1), ?3)
ON CONFLICT (thread_id, id) DO UPDATE SET body = excluded.body
"""
_REMOVE = "DELETE FROM queued WHERE thread_id=? AND id=?"


class SqliteQueue:
    """See runtime.ports.QueueStore."""

    def __init__(self, database: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[Any]]) -> None:
        self._db = database
        self._transaction = transaction
        self._having: set[str] = set()
        "Threads that ever had one here: an append to another asks nobody."

    def of(self, thread_id: str) -> list[Queued]:
        rows = self._db.execute("SELECT body FROM queued WHERE thread_id=? ORDER BY place, id", (thread_id,)).fetchall()
        if rows:
            self._having.add(thread_id)
        return [queued for (body,) in rows if (queued := _read(thread_id, body)) is not None]

    def put(self, thread_id: str, queued: Queued) -> None:
        try:
            self._db.execute(_PUT, (thread_id, queued.id, encode(queued)))
        except sqlite3.Error as error:
            raise TreadleError(f"The message cannot be kept: {error}.", hint="See that the disk is not full.") from error
        self._having.add(thread_id)

    def remove(self, thread_id: str, ids: Sequence[str]) -> None:
        self._db.executemany(_REMOVE, [(thread_id, id) for id in ids])

    def order(self, thread_id: str, ids: Sequence[str]) -> None:
        rows = [(place, thread_id, id) for place, id in enumerate(ids)]
        with self._transaction():
            self._db.executemany("UPDATE queued SET place=? WHERE thread_id=? AND id=?", rows)

    def take(self, thread_id: str, items: Sequence[Item]) -> None:
        """Within the transaction that appends `items`."""
        if thread_id in self._having:
            said = [(thread_id, item.id) for item in items if isinstance(item, UserMessage)]
            self._db.executemany(_REMOVE, said)


def _read(thread_id: str, body: str) -> Queued | None:
    """None for a damaged one, which stays where it is: the others are not held up by it."""
    try:
        return decode(body)
    except ValueError as error:
        _log.warning("a message that waits in thread %s is damaged, and left out: %s", thread_id, error)
        return None
