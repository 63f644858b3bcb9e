"""The full-text index of all threads, in the store's own database: SQLite's FTS5, without a second copy of the texts.

Promises: an append only notes that there is something to index, so a turn never waits for it; `catch_up` takes it in, in pieces
so short that writers hardly wait. Whoever searches catches up first and so finds what was said a moment ago. A text is in the
index as core.search.said gives it, and is taken out again by the same text; a thread that was indexed by another version of that
function is indexed anew, and so is one whose index is broken.

The index is in shards, each of whole threads: the text of a deleted thread leaves its shard only when that is rewritten, which
must not take long. A row's number is its thread's, and its position there plus one; position 0 is the thread's name.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from typing import TypeAlias

from ...core import search
from ...core.items import decode
from ...core.search import Query

SCHEMA = """
CREATE TABLE search_thread (
  number INTEGER PRIMARY KEY, thread_id TEXT NOT NULL UNIQUE REFERENCES thread (id) ON DELETE CASCADE,
  shard INTEGER NOT NULL, size INTEGER NOT NULL, version INTEGER NOT NULL, done INTEGER
) STRICT;
CREATE INDEX search_thread_by_shard ON search_thread (shard, size)
"""
NAMES = "ALTER TABLE search_thread ADD COLUMN called TEXT; UPDATE search_thread SET version=0"
# done: the position up to which catch_up has come; NULL when all is indexed. called: the name that is indexed
SHARD = 8_000_000
"Characters of text after which the next thread begins a new shard."
MODULE = "fts5"
_BITS = 24
_SLICE = 0.02
"Seconds that other writers wait for a step of catch_up, and sometimes a little more."
_READ = 50
_Entry: TypeAlias = tuple[int, int, int | None, int, str | None]
"A row of search_thread: number, shard, done, version, called."


class SqliteSearch:
    """On one connection. `note` and `forget` are called within a transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self.available = bool(database.execute("SELECT 1 FROM pragma_module_list WHERE name=?", (MODULE,)).fetchone())
        "A Python may come with an SQLite that has no such index: then nothing is found, and nothing else fails."

    def note(self, thread_id: str, position: int) -> None:
        """There are new items from this position on."""
        self._db.execute("UPDATE search_thread SET done=? WHERE thread_id=? AND done IS NULL", (position, thread_id))

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
        until = time.monotonic() + seconds
        while self.available and (behind := self._behind()):
            while behind:
                self._step(behind)
                if time.monotonic() > until:
                    return not behind and not self._behind()
                time.sleep(_SLICE / 10)  # SQLite is not fair: who waits for its lock must have a chance
        return True

    def forget(self, thread_ids: Iterable[str]) -> None:
        """Every trace of these threads. Their items are still there."""
        touched = set[int]()
        for thread_id in thread_ids:
            found = self._entry(thread_id)
            if found is None:
                continue
            number, shard, done, version, name = found
            if version != search.VERSION:
                self._drop(shard)
                continue
            self._take(shard, [(number << _BITS, search.spaced(name or ""))])
            query = "SELECT position, body FROM item WHERE thread_id=? AND position<coalesce(?, 1 << 40) ORDER BY position"
            for position, body in self._db.execute(query, (thread_id, done)).fetchall():
                self._take(shard, _rows(number, position, (body,)))
            self._db.execute("DELETE FROM search_thread WHERE number=?", (number,))
            touched.add(shard)
        for shard in touched.intersection(left := set(self._shards())):
            # until it is one piece, what was taken out is still there and only said to be gone
            self._db.execute(f"INSERT INTO search_{shard} (search_{shard}) VALUES ('optimize')")
        for shard in touched.difference(left):
            self._db.execute(f"DROP TABLE IF EXISTS search_{shard}")

    def leave(self) -> None:
        """Nothing is indexed any more."""
        for shard in self._shards():
            self._drop(shard)

    def _behind(self) -> deque[str]:
        """Threads of which something is not indexed, some of them; the newest first, for they are asked for most."""
        query = "SELECT t.id FROM thread t LEFT JOIN search_thread s ON s.thread_id=t.id"
        query += " WHERE s.number IS NULL OR s.done IS NOT NULL OR s.version<>? OR s.called IS NOT t.name"
        rows = self._db.execute(f"{query} ORDER BY t.updated_at DESC LIMIT 1000", (search.VERSION,))
        return deque(thread_id for (thread_id,) in rows)

    def _step(self, behind: deque[str]) -> None:
        """As much of these threads as there is time for before others write."""
        until, thread_id = time.monotonic() + _SLICE, behind[0]
        try:
            with self._transaction():
                while behind and time.monotonic() < until and self._advance(thread_id := behind[0], until):
                    behind.popleft()
        except sqlite3.OperationalError:
            raise  # the disk is full, or somebody writes for ever
        except sqlite3.DatabaseError:
            # its shard is broken: it is made anew, all of it
            with self._transaction():
                entry = self._entry(thread_id)
                if entry is not None:
                    self._drop(entry[1])

    def _advance(self, thread_id: str, until: float) -> bool:
        """Index what is next of this thread; whether it is ready now."""
        row = self._db.execute("SELECT name FROM thread WHERE id=?", (thread_id,)).fetchone()
        if row is None:
            return True
        entry = self._entry(thread_id)
        if entry is not None and entry[3] != search.VERSION:
            self._drop(entry[1])
            entry = None
        number, shard, done, _, name = entry or self._begin(thread_id)
        if name != row[0]:
            self._take(shard, [(number << _BITS, search.spaced(name or ""))])
            self._put(shard, [(number << _BITS, search.spaced(row[0] or ""))])
        size = 0
        while done is not None:
            query = "SELECT body FROM item WHERE thread_id=? AND position>=? ORDER BY position LIMIT ?"
            items = [body for (body,) in self._db.execute(query, (thread_id, done, _READ))]
            rows = _rows(number, done, items)
            self._put(shard, rows)
            size += sum(len(text) for _, text in rows)
            done = done + len(items) if len(items) == _READ else None
            if time.monotonic() > until:
                break
        query = "UPDATE search_thread SET done=?, size=size+?, called=? WHERE number=?"
        self._db.execute(query, (done, size, row[0], number))
        return done is None

    def _begin(self, thread_id: str) -> _Entry:
        """A thread that is new here."""
        shard = self._open_shard()
        query = "INSERT INTO search_thread (thread_id, shard, size, version, done) VALUES (?, ?, 0, ?, 0)"
        number = self._db.execute(query, (thread_id, shard, search.VERSION)).lastrowid or 0
        return number, shard, 0, search.VERSION, None

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _entry(self, thread_id: str) -> _Entry | None:
        query = "SELECT number, shard, done, version, called FROM search_thread WHERE thread_id=?"
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


def _rows(number: int, position: int, bodies: Iterable[str]) -> list[tuple[int, str]]:
    texts = ((position + offset, said(body)) for offset, body in enumerate(bodies))
    return [((number << _BITS) + at + 1, search.spaced(text)) for at, text in texts if text]


def said(body: str) -> str:
    """The text that a kept item is found by. A damaged one is not found, and holds up no others."""
    try:
        return search.said(decode(body))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return ""


def _match(query: Query) -> str:
    """In FTS5's language. Each phrase is quoted, so that nothing in it means anything there."""
    phrases = [f'"{phrase.replace(chr(34), " ")}"' for phrase in query.phrases]
    return " ".join(phrases) + "*" * query.open
