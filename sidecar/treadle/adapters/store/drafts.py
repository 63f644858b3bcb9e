"""Drafts in the store's own database: items under way, one row each, replaced as they grow.

A draft goes in the very transaction that appends its item, or the end of its turn: an item and its draft are never both there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ...core.items import Item, ToolOutput, TurnEnded, decode, encode

SCHEMA = """
CREATE TABLE draft (
  position INTEGER PRIMARY KEY, thread_id TEXT NOT NULL REFERENCES thread (id) ON DELETE CASCADE, key TEXT NOT NULL,
  body TEXT NOT NULL, UNIQUE (thread_id, key)
) STRICT
"""
_PUT = """
INSERT INTO draft (thread_id, key, body) VALUES (?, ?, ?) ON CONFLICT (thread_id, key) DO UPDATE SET body = excluded.body
"""


class SqliteDrafts:
    """See runtime.ports.Store: draft and drafts."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._having: set[str] = set()
        "Threads that ever had one here: an append to another asks nobody."

    def put(self, thread_id: str, item: Item) -> None:
        self._db.execute(_PUT, (thread_id, _key(item), encode(item)))
        self._having.add(thread_id)

    def of(self, thread_id: str) -> list[Item]:
        """In the order in which they began."""
        rows = self._db.execute("SELECT body FROM draft WHERE thread_id=? ORDER BY position", (thread_id,)).fetchall()
        if rows:
            self._having.add(thread_id)
        return [decode(body) for (body,) in rows]

    def replace(self, thread_id: str, items: Sequence[Item]) -> None:
        """Within the transaction that appends `items`."""
        if thread_id not in self._having:
            return
        if any(isinstance(item, TurnEnded) for item in items):
            self._db.execute("DELETE FROM draft WHERE thread_id=?", (thread_id,))
        else:
            keys = [(thread_id, _key(item)) for item in items]
            self._db.executemany("DELETE FROM draft WHERE thread_id=? AND key=?", keys)


def _key(item: Item) -> str:
    """An output is written anew with another id when its call ends."""
    return item.call_id if isinstance(item, ToolOutput) else item.id
