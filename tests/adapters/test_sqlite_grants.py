"""Grants in a real SQLite file: kept, replaced and removed together, seen by other processes, gone with their thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.old_store import old_store
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.errors import TreadleError
from treadle.core.grants import Grant, Subject
from treadle.runtime.ports import ThreadMeta

ALWAYS = Grant("g1", "always", Subject("command", "npm test", outside=True), 1.5)
HERE = Grant("g2", "workspace", Subject("files", "/ws/a\u2028b/"), 2.5, workspace="/ws")
EXACT = Grant("g3", "thread", Subject("exact_command", "make && ./x", True, "/ws"), 3.5, thread_id="t1")
DENIED = Grant("g4", "always", Subject("network", "ads.test", deny=True), 4.5)
META = ThreadMeta("t1", 1.0, 1.0, "/ws", "m", "p")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path)
    opened.create(META)
    yield opened
    opened.close()


def test_grants_come_back_as_they_were_given_oldest_first(store: SqliteStore) -> None:
    store.grants.write([DENIED, EXACT, HERE, ALWAYS], [])
    assert store.grants.all() == [ALWAYS, HERE, EXACT, DENIED]


def test_a_change_replaces_and_removes_in_one_step(store: SqliteStore) -> None:
    store.grants.write([ALWAYS, HERE], [])
    changed = Grant("g1", "workspace", Subject("command", "npm"), 1.5, workspace="/ws")
    store.grants.write([changed, DENIED], ["g2", "unknown"])
    assert store.grants.all() == [changed, DENIED]


def test_a_write_that_fails_half_way_changes_nothing(store: SqliteStore) -> None:
    store.grants.write([ALWAYS], [])
    orphan = Grant("g9", "thread", Subject("mcp", "docs/read"), 9.0, thread_id="no such thread")
    with pytest.raises(TreadleError, match="cannot be kept"):
        store.grants.write([HERE, orphan], ["g1"])
    assert store.grants.all() == [ALWAYS]


def test_the_version_changes_with_every_write_of_this_and_of_another_process(store: SqliteStore, tmp_path: Path) -> None:
    other = SqliteStore(tmp_path)
    before = store.grants.version()
    assert store.grants.version() == before
    other.grants.write([ALWAYS], [])
    seen = store.grants.version()
    assert seen != before
    assert store.grants.all() == [ALWAYS]
    store.grants.write([], ["g1"])
    assert store.grants.version() != seen
    assert other.grants.all() == []
    other.close()


def test_grants_of_a_thread_go_with_it_and_others_stay(store: SqliteStore, tmp_path: Path) -> None:
    store.grants.write([ALWAYS, EXACT], [])
    with sqlite3.connect(tmp_path / "threads.sqlite3") as direct:
        direct.execute("PRAGMA foreign_keys=ON")
        direct.execute("DELETE FROM thread WHERE id='t1'")
    direct.close()
    assert store.grants.all() == [ALWAYS]


def test_a_row_that_means_nothing_here_is_not_read_and_stays(store: SqliteStore, tmp_path: Path) -> None:
    store.grants.write([ALWAYS, HERE], [])
    with sqlite3.connect(tmp_path / "threads.sqlite3") as direct:
        direct.execute("UPDATE grants SET kind='telepathy' WHERE id='g2'")
    assert store.grants.all() == [ALWAYS]
    assert direct.execute("SELECT count(*) FROM grants").fetchone() == (2,)
    direct.close()


def test_a_file_without_grants_is_copied_aside_and_gains_them(tmp_path: Path) -> None:
    old_store(tmp_path, 2, {})
    migrated = SqliteStore(tmp_path)
    migrated.grants.write([ALWAYS], [])
    assert migrated.grants.all() == [ALWAYS]
    migrated.close()
    assert (tmp_path / "threads.sqlite3.version-2").exists()
