"""A store whose disk is full or cannot be written says so in one sentence, and works again as soon as it can."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from treadle.adapters.store.sqlite import SqliteStore
from treadle.adapters.versions import SqliteVersions
from treadle.core.errors import TreadleError
from treadle.core.items import Text, UserMessage
from treadle.runtime.ports import FileVersion, ThreadMeta

META = ThreadMeta("a", 1.0, 1.0, "/w", "m", "p")


def said(number: int, size: int = 10) -> UserMessage:
    return UserMessage(f"u{number}", float(number), "t1", (Text("x" * size),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path)) as store:
        store.create(META)
        yield store


def full(database: sqlite3.Connection) -> None:
    """There is no room for another page."""
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")


def test_a_disk_that_is_full_is_a_sentence_and_nothing_of_the_append_is_there(store: SqliteStore, tmp_path: Path) -> None:
    store.append("a", [said(1)])
    full(store._db)
    for _ in range(3):
        with pytest.raises(TreadleError) as caught:
            store.append("a", [said(2), said(3, 100_000)])
        assert f"{tmp_path}: its disk is full. Make room on that disk" in caught.value.sentence()
    assert store.load("a")[1] == [said(1)]
    store._db.execute("PRAGMA max_page_count=1000000")
    store.append("a", [said(2), said(3, 100_000)])
    assert store.load("a")[1] == [said(1), said(2), said(3, 100_000)]


def test_a_commit_that_fails_leaves_no_transaction_open(store: SqliteStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "threads.sqlite3", isolation_level=None)) as other:
        store._db.execute("PRAGMA busy_timeout=50")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TreadleError, match="another program keeps its database locked"):
            store.append("a", [said(1)])
        other.execute("COMMIT")
    store.append("a", [said(1)])
    assert store.load("a")[1] == [said(1)]


def test_a_database_that_is_damaged_in_the_middle_of_the_work_is_named(store: SqliteStore, tmp_path: Path) -> None:
    for number in range(50):
        store.append("a", [said(number, 5000)])
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "threads.sqlite3"
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xee" * (len(data) - 8192)
    path.write_bytes(data)
    store._db.execute("PRAGMA shrink_memory")
    with pytest.raises(TreadleError) as caught:
        store.load("a")
    assert f"{path} is damaged: put a copy of it in its place" in caught.value.sentence()


def test_a_folder_that_is_gone_opens_no_thread_and_says_so(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "locks").rmdir()
    with pytest.raises(TreadleError, match="cannot be opened"):
        store.claim("b")


def test_versions_on_a_full_disk_say_so_and_go_on_when_there_is_room(tmp_path: Path) -> None:
    with closing(SqliteVersions(tmp_path)) as versions:
        key = versions.put(b"first")
        with versions.database.tidying() as db:
            full(db)
        for _ in range(2):
            with pytest.raises(OSError, match="the disk is full"):
                versions.put(random.Random(0).randbytes(200_000))
        with versions.database.tidying() as db:
            db.execute("PRAGMA max_page_count=1000000")
        versions.record([FileVersion("a", "t1", "/f", None, key, 1.0)])
        assert versions.get(key) == b"first"


def test_a_database_that_is_taken_away_is_written_to_no_more_until_it_is_back(store: SqliteStore, tmp_path: Path) -> None:
    file, away = tmp_path / "threads.sqlite3", tmp_path / "away"
    store.append("a", [said(1)])
    file.rename(away)
    with pytest.raises(TreadleError, match=r"its database is gone\.$"):
        store.append("a", [said(2)])
    file.write_bytes(b"")
    with pytest.raises(TreadleError, match=r"another database is in the place of the one that was opened\.$"):
        store.append("a", [said(2)])
    away.replace(file)
    store.append("a", [said(2)])
    assert store.load("a")[1] == [said(1), said(2)]
