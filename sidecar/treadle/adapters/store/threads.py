"""Rows of the table of threads: to and from ThreadMeta, and pages of them in order. Reads only.

A cursor names the row at the end of a page and its time, so a page goes on from the same place whatever was added meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Literal, cast

from ...core.errors import RequestRefused
from ...core.git_info import GitInfo
from ...runtime.ports import ThreadMeta

COLUMNS = (
    "id, created_at, updated_at, cwd, model, provider, preview, name, archived, originator, settings, forked_from, titled, git"
)
TITLED = "ALTER TABLE thread ADD COLUMN titled INTEGER NOT NULL DEFAULT 0"
GIT = "ALTER TABLE thread ADD COLUMN git TEXT"
INDICES = """
CREATE INDEX thread_by_folder_and_creation ON thread (archived, cwd, created_at, id);
CREATE INDEX thread_by_folder_and_update ON thread (archived, cwd, updated_at, id)
"""


class Wanted:
    """Conditions on threads, and the values in them."""

    def __init__(self, archived: bool) -> None:
        self._where = ["archived=?"]
        self.values: list[Any] = [int(archived)]

    def one_of(self, column: str, values: Sequence[str] | None, *, none: bool = False) -> None:
        """`none`: none of them. Without `values` anything will do."""
        if values:
            self._where.append(f"{column} {'NOT ' * none}IN ({','.join('?' * len(values))})")
            self.values += values

    def holds(self, condition: str, *values: Any) -> None:
        self._where.append(condition)
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self._where)


Key = Literal["created_at", "updated_at"]


def page(
    database: sqlite3.Connection,
    wanted: Wanted,
    key: Key,
    *,
    ascending: bool,
    cursor: str | None,
    limit: int,
    among: Iterable[int] | None = None,
) -> tuple[list[tuple[Any, ...]], str | None]:
    """Rows of COLUMNS and the cursor of the next page. `among`: only threads with these numbers in the index of search.py, and
    each row ends with the number and the shard."""
    order, beyond = ("ASC", ">") if ascending else ("DESC", "<")
    if cursor is not None:
        wanted.holds(f"({key}, id) {beyond} (?, ?)", *_read_place(cursor))
    query, given = f"SELECT {COLUMNS} FROM thread WHERE {wanted}", ()
    if among is not None:
        # CROSS JOIN: from the numbers to the threads, and not through all threads in search of one that has a number
        numbers = "(SELECT value AS wanted FROM json_each(?))"
        source = f"{numbers} CROSS JOIN search_thread ON number=wanted CROSS JOIN thread ON id=thread_id"
        query, given = f"SELECT {COLUMNS}, number, shard FROM {source} WHERE {wanted}", (json.dumps(list(among)),)
    query += f" ORDER BY {key} {order}, id {order} LIMIT ?"
    found = database.execute(query, (*given, *wanted.values, limit + 1)).fetchall()
    if len(found) <= limit:
        return found, None
    return found[:limit], place(found[limit - 1], key)


def anywhere(text: str) -> str:
    """What LIKE finds a text by, with ^ before signs that would mean something."""
    return "%" + "".join(f"^{sign}" if sign in "^%_" else sign for sign in text) + "%"


def place(row: tuple[Any, ...], key: Key) -> str:
    """It leads to what comes after this row."""
    return f"{row[2 if key == 'updated_at' else 1]!r}|{row[0]}"


def _read_place(cursor: str) -> tuple[float, str]:
    """Where a page begins, by a cursor that was given before."""
    at, bar, thread_id = cursor.partition("|")
    try:
        if bar:
            return float(at), thread_id
    except ValueError:
        pass
    raise RequestRefused("no such cursor; give the nextCursor of a page that was listed before, or none", code=-32602)


def row(meta: ThreadMeta) -> tuple[Any, ...]:
    settings = json.dumps(meta.settings)
    times = (meta.created_at, meta.updated_at)
    place = (meta.cwd, meta.model, meta.provider)
    git = None if meta.git is None else json.dumps(asdict(meta.git))
    return (
        meta.id, *times, *place, meta.preview, meta.name, int(meta.archived), meta.originator, settings, meta.forked_from,
        int(meta.titled), git,
    )  # fmt: skip


def meta(row: tuple[Any, ...]) -> ThreadMeta:
    *plain, archived, originator, settings, forked_from, titled, git = row
    more: dict[str, Any] = {"settings": _settings(settings), "forked_from": forked_from, "titled": bool(titled)}
    known = _object(git or "") or {}
    more["git"] = None if git is None else GitInfo(known.get("sha"), known.get("branch"), known.get("origin_url"))
    return ThreadMeta(*plain, archived=bool(archived), originator=originator, **more)


def _settings(text: str) -> dict[str, Any]:
    """Damaged ones stay damaged, also where the row is written again: nothing may be done in the thread under others."""
    found = _object(text)
    return {"damaged": True} if found is None else found


def _object(text: str) -> dict[str, Any] | None:
    """One damaged row is no reason to list none."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None
