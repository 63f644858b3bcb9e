"""Grants in the store's own database: one row each. A grant of a thread is removed with the thread.

Every process reads what any other wrote as soon as it asks for the version. A row of a later version of Treadle that means
nothing here is left alone and not read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, get_args

from ...core.errors import TreadleError
from ...core.grants import Grant, GrantKind, GrantScope, Subject

SCHEMA = """
CREATE TABLE grants (
  id TEXT PRIMARY KEY, scope TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, outside INTEGER NOT NULL, cwd TEXT,
  deny INTEGER NOT NULL, created_at REAL NOT NULL, workspace TEXT, thread_id TEXT REFERENCES thread (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX grants_by_thread ON grants (thread_id)
"""
_COLUMNS = "id, scope, kind, text, outside, cwd, deny, created_at, workspace, thread_id"


class SqliteGrants:
    """See runtime.ports.GrantStore."""

    def __init__(self, database: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[Any]]) -> None:
        self._db = database
        self._transaction = transaction
        self._written = 0

    def version(self) -> object:
        # SQLite counts the commits of others; those of this connection are ours to count
        return self._written, self._db.execute("PRAGMA data_version").fetchone()[0]

    def all(self) -> list[Grant]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM grants ORDER BY created_at, id")
        return [grant for row in rows if (grant := _grant(row)) is not None]

    def write(self, put: Sequence[Grant], remove: Sequence[str]) -> None:
        marks = ",".join("?" * 10)
        try:
            with self._transaction():
                self._db.executemany("DELETE FROM grants WHERE id=?", [(id,) for id in (*remove, *(grant.id for grant in put))])
                self._db.executemany(f"INSERT INTO grants ({_COLUMNS}) VALUES ({marks})", [_row(grant) for grant in put])
        except sqlite3.Error as error:
            raise TreadleError(f"What is allowed cannot be kept: {error}.", hint="See that the disk is not full.") from error
        self._written += 1


def _row(grant: Grant) -> tuple[Any, ...]:
    about = grant.subject
    subject = (about.kind, about.text, int(about.outside), about.cwd, int(about.deny))
    return (grant.id, grant.scope, *subject, grant.created_at, grant.workspace, grant.thread_id)


def _grant(row: tuple[Any, ...]) -> Grant | None:
    id, scope, kind, text, outside, cwd, deny, created_at, workspace, thread_id = row
    if scope not in get_args(GrantScope) or kind not in get_args(GrantKind):
        return None
    return Grant(id, scope, Subject(kind, text, bool(outside), cwd, bool(deny)), created_at, workspace, thread_id)
