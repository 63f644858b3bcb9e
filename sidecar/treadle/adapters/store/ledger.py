"""The ledger's rows in the store's own database: one row per request, never changed.

What is summed and asked for has a column; the rest of a row is JSON beside it, so that a new field needs no migration. Rows are
written by the process that has claimed the thread; anyone may read.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, fields
from typing import Any

from ...core.ledger import LedgerRow, Totals

SCHEMA = """
CREATE TABLE request (
  position INTEGER PRIMARY KEY, thread_id TEXT NOT NULL, number INTEGER NOT NULL, turn_id TEXT NOT NULL, day TEXT NOT NULL,
  status TEXT NOT NULL, input_tokens INTEGER, cached_input_tokens INTEGER, output_tokens INTEGER,
  reasoning_output_tokens INTEGER, price REAL, rest TEXT NOT NULL, UNIQUE (thread_id, number)
) STRICT;
CREATE INDEX request_by_day ON request (day, position);
"""
_COUNTS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
_COLUMNS = ("thread_id", "number", "turn_id", "day", "status", *_COUNTS, "price")
_KNOWN = frozenset(field.name for field in fields(LedgerRow))


class SqliteLedger:
    """See runtime.ports.LedgerStore."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add(self, row: LedgerRow) -> None:
        values = asdict(row)
        columns = [values.pop(name) for name in _COLUMNS]
        marks = ",".join("?" * (len(_COLUMNS) + 1))
        query = f"INSERT INTO request ({','.join(_COLUMNS)}, rest) VALUES ({marks})"
        self._db.execute(query, (*columns, json.dumps(values)))

    def row(self, thread_id: str, number: int | None = None) -> LedgerRow | None:
        where, values = ("thread_id=?", (thread_id,)) if number is None else ("thread_id=? AND number=?", (thread_id, number))
        found = self._rows(f"WHERE {where} ORDER BY number DESC LIMIT 1", values)
        return found[0][1] if found else None

    def answered(self, thread_id: str) -> LedgerRow | None:
        of_thread = "thread_id=? AND status='completed' AND coalesce(json_extract(rest, '$.endpoint'), '') <> 'title'"
        found = self._rows(f"WHERE {of_thread} ORDER BY number DESC LIMIT 1", (thread_id,))
        return found[0][1] if found else None

    def page(
        self, *, thread_id: str | None, day: str | None, cursor: str | None, limit: int
    ) -> tuple[list[LedgerRow], str | None]:
        before = int(cursor) if cursor and cursor.isdigit() else None
        where, values = _where(thread_id=thread_id, day=day, position=before)
        found = self._rows(f"{where} ORDER BY position DESC LIMIT ?", (*values, limit + 1))
        rows = [row for _, row in found[:limit]]
        return rows, str(found[limit - 1][0]) if len(found) > limit else None

    def totals(self, *, thread_id: str | None = None, turn_id: str | None = None, day: str | None = None) -> Totals:
        where, values = _where(thread_id=thread_id, turn_id=turn_id, day=day)
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in _COUNTS)
        unpriced = "coalesce(sum(price IS NULL AND input_tokens IS NOT NULL), 0)"
        query = f"SELECT count(*), {sums}, coalesce(sum(price), 0.0), {unpriced} FROM request {where}"
        return Totals(*self._db.execute(query, values).fetchone())

    def _rows(self, rest: str, values: tuple[Any, ...]) -> list[tuple[int, LedgerRow]]:
        cursor = self._db.execute(f"SELECT position, {','.join(_COLUMNS)}, rest FROM request {rest}", values)
        return [(position, _row(columns, text)) for position, *columns, text in cursor]


def _where(**wanted: Any) -> tuple[str, tuple[Any, ...]]:
    given = {name: value for name, value in wanted.items() if value is not None}
    conditions = [f"{name}{'<' if name == 'position' else '='}?" for name in given]
    return ("WHERE " + " AND ".join(conditions) if given else ""), tuple(given.values())


def _row(columns: list[Any], rest: str) -> LedgerRow:
    values = {name: value for name, value in json.loads(rest).items() if name in _KNOWN}
    values["recipe"] = tuple(step if isinstance(step, str) else tuple(step) for step in values.get("recipe", ()))
    return LedgerRow(**dict(zip(_COLUMNS, columns, strict=True)), **values)
