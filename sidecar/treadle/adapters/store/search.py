"""The full-text index of all threads, in the store's own database: SQLite's FTS5, without a second copy of the texts.

Promises: what is appended is found as soon as the append has returned, for it is indexed in the same transaction; what was
written before there was an index is taken in by `catch_up`, little by little. A text is in the index as core.search.said gives
it, and is taken out again by the same text; a thread that was indexed by another version of that function is indexed anew.

The index is in shards, each of whole threads: the text of a deleted thread leaves its shard only when that is rewritten, which
must not take long. A row's number is its thread's, and its position there plus one; position 0 is the thread's name.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ...core import search
from ...core.items import Item, decode
from ...core.search import Query

SCHEMA = """
CREATE TABLE search_thread (
  number INTEGER PRIMARY KEY, thread_id TEXT NOT NULL UNIQUE REFERENCES thread (id) ON DELETE CASCADE,
  shard INTEGER NOT NULL, size INTEGER NOT NULL, version INTEGER NOT NULL, done INTEGER
) STRICT;
CREATE INDEX search_thread_by_shard ON search_thread (shard, size)
"""
# done: the position up to which catch_up has come; NULL when all is indexed and appends keep it so
SHARD = 16_000_000
"Characters of text after which the next thread begins a new shard."
MODULE = "fts5"
_BITS = 24
_SLICE = 0.02
"Seconds that other writers wait at most for a step of catch_up."
_READ = 100
_Entry: TypeAlias = tuple[int, int, int | None, int]
"A row of search_thread: number, shard, done, version."


class SqliteSearch:
    """All but `find` and `catch_up` is called within a transaction that writes what is indexed."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self.available = bool(database.execute("SELECT 1 FROM pragma_module_list WHERE name=?", (MODULE,)).fetchone())
        "A Python may come with an SQLite that has no such index: then nothing is found, and nothing else fails."
        self._whole = False

    def begin(self, thread_id: str, name: str | None, *, done: int | None = None) -> None:
        """A thread that is new here."""
        if not self.available:
            return
        query = "INSERT INTO search_thread (thread_id, shard, size, version, done) VALUES (?, ?, ?, ?, ?)"
        shard = self._open_shard()
        number = self._db.execute(query, (thread_id, shard, len(name or ""), search.VERSION, done)).lastrowid
        self._put(shard, [((number or 0) << _BITS, search.spaced(name or ""))])

    def rename(self, thread_id: str, before: str | None, after: str | None) -> None:
        found = self._entry(thread_id)
        if found is None or before == after:
            return
        number, shard, _, version = found
        if not self.available:
            self._db.execute("UPDATE search_thread SET version=0 WHERE number=?", (number,))
        elif version == search.VERSION:
            self._take(shard, [(number << _BITS, search.spaced(before or ""))])
            self._put(shard, [(number << _BITS, search.spaced(after or ""))])

    def add(self, thread_id: str, position: int, items: Sequence[Item]) -> None:
        """Items that were appended at `position`."""
        found = self._entry(thread_id)
        if found is None:
            return
        number, shard, done, version = found
        if done is not None or version != search.VERSION:
            return  # for catch_up
        if not self.available:
            self._db.execute("UPDATE search_thread SET version=0 WHERE number=?", (number,))
            return
        rows = _rows(number, position, items)
        if rows:
            self._put(shard, rows)
            size = sum(len(text) for _, text in rows)
            self._db.execute("UPDATE search_thread SET size=size+? WHERE number=?", (size, number))

    def find(self, query: Query) -> set[int]:
        """Numbers of the threads in which it is."""
        match = _match(query)
        found = set[int]()
        for shard in self._shards():
            rows = self._db.execute(
                f"SELECT DISTINCT rowid >> {_BITS} FROM search_{shard} WHERE search_{shard} MATCH ?", (match,)
            )
            found.update(number for (number,) in rows)
        return found

    def first(self, query: Query, number: int, shard: int) -> int | None:
        """The first position in a thread where it is; -1: in its name."""
        where = f"search_{shard} MATCH ? AND rowid >= ? AND rowid < ?"
        values = (_match(query), number << _BITS, (number + 1) << _BITS)
        row = self._db.execute(f"SELECT rowid FROM search_{shard} WHERE {where} ORDER BY rowid LIMIT 1", values).fetchone()
        return None if row is None else (row[0] & ((1 << _BITS) - 1)) - 1

    def catch_up(self, seconds: float) -> bool:
        """Whether all is indexed. Takes about so many seconds at most."""
        if self._whole or not self.available:
            return True
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._whole = not self._step(min(until, time.monotonic() + _SLICE))
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            if self._whole:
                return True
            time.sleep(_SLICE / 10)  # SQLite is not fair: who waits for its lock must have a chance
        return False

    def forget(self, thread_ids: Iterable[str]) -> None:
        """Every trace of these threads. Their items are still there."""
        touched = set[int]()
        for thread_id in thread_ids:
            found = self._entry(thread_id)
            if found is None:
                continue
            number, shard, done, version = found
            if version != search.VERSION:
                self._drop(shard)
                continue
            name = self._db.execute("SELECT name FROM thread WHERE id=?", (thread_id,)).fetchone()[0]
            self._take(shard, [(number << _BITS, search.spaced(name or ""))])
            query = "SELECT position, body FROM item WHERE thread_id=? AND position<coalesce(?, 1 << 40) ORDER BY position"
            for position, body in self._db.execute(query, (thread_id, done)).fetchall():
                self._take(shard, _rows(number, position, (decode(body),)))
            self._db.execute("DELETE FROM search_thread WHERE number=?", (number,))
            touched.add(shard)
        for shard in touched.intersection(left := set(self._shards())):
            # until it is one piece, what was taken out is still there and only said to be gone
            self._db.execute(f"INSERT INTO search_{shard} (search_{shard}) VALUES ('optimize')")
        for shard in touched.difference(left):
            self._db.execute(f"DROP TABLE IF EXISTS search_{shard}")

    def _step(self, until: float) -> bool:
        """Something is indexed that was not; False: there is nothing."""
        stale = self._db.execute("SELECT shard FROM search_thread WHERE version<>? LIMIT 1", (search.VERSION,)).fetchone()
        if stale:
            self._drop(stale[0])
            return True
        query = "SELECT t.id, t.name FROM thread t LEFT JOIN search_thread s ON s.thread_id=t.id"
        # the newest first: they are asked for most
        query += " WHERE s.number IS NULL OR s.done IS NOT NULL ORDER BY s.number IS NULL, t.created_at DESC LIMIT 1"
        row = self._db.execute(query).fetchone()
        if row is None:
            return False
        thread_id, name = row
        entry = self._entry(thread_id)
        if entry is None:
            self.begin(thread_id, name, done=0)
            entry = self._entry(thread_id)
        if entry is not None:
            self._read_on(thread_id, entry, until)
        return True

    def _read_on(self, thread_id: str, entry: _Entry, until: float) -> None:
        number, shard, done, _ = entry
        size = 0
        while done is not None and time.monotonic() < until:
            query = "SELECT body FROM item WHERE thread_id=? AND position>=? ORDER BY position LIMIT ?"
            items = [decode(body) for (body,) in self._db.execute(query, (thread_id, done, _READ))]
            rows = _rows(number, done, items)
            self._put(shard, rows)
            size += sum(len(text) for _, text in rows)
            done = done + len(items) if len(items) == _READ else None
        self._db.execute("UPDATE search_thread SET done=?, size=size+? WHERE number=?", (done, size, number))

    def _entry(self, thread_id: str) -> _Entry | None:
        query = "SELECT number, shard, done, version FROM search_thread WHERE thread_id=?"
        return self._db.execute(query, (thread_id,)).fetchone()

    def _shards(self) -> list[int]:
        return [shard for (shard,) in self._db.execute("SELECT DISTINCT shard FROM search_thread ORDER BY shard")]

    def _open_shard(self) -> int:
        query = "SELECT shard, sum(size) FROM search_thread WHERE shard=(SELECT max(shard) FROM search_thread)"
        shard, size = self._db.execute(query).fetchone()
        if shard is not None and size < SHARD:
            return shard
        shard = (shard or 0) + 1
        options = "content='', columnsize=0, tokenize='unicode61 remove_diacritics 2'"
        self._db.execute(f"CREATE VIRTUAL TABLE search_{shard} USING fts5(said, {options})")
        return shard

    def _put(self, shard: int, rows: Sequence[tuple[int, str]]) -> None:
        self._db.executemany(f"INSERT INTO search_{shard} (rowid, said) VALUES (?, ?)", [row for row in rows if row[1]])

    def _take(self, shard: int, rows: Sequence[tuple[int, str]]) -> None:
        query = f"INSERT INTO search_{shard} (search_{shard}, rowid, said) VALUES ('delete', ?, ?)"
        self._db.executemany(query, [row for row in rows if row[1]])

    def _drop(self, shard: int) -> None:
        """All of its threads are to be indexed anew."""
        self._db.execute(f"DROP TABLE IF EXISTS search_{shard}")
        self._db.execute("DELETE FROM search_thread WHERE shard=?", (shard,))
        self._whole = False


def _rows(number: int, position: int, items: Iterable[Item]) -> list[tuple[int, str]]:
    texts = ((position + offset, search.said(item)) for offset, item in enumerate(items))
    return [((number << _BITS) + at + 1, search.spaced(text)) for at, text in texts if text]


def _match(query: Query) -> str:
    """In FTS5's language. Each phrase is quoted, so that nothing in it means anything there."""
    phrases = [f'"{phrase.replace(chr(34), " ")}"' for phrase in query.phrases]
    return " ".join(phrases) + "*" * query.open
