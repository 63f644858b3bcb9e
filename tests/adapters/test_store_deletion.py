"""Deletion against real files: what is deleted is in none of them any more."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fakes.old_store import VERSIONS, old_store
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.errors import TreadleError
from treadle.core.grants import Grant, Subject
from treadle.core.items import Item, ModelItem, Text, ToolOutput, UserMessage
from treadle.core.ledger import LedgerRow
from treadle.runtime.ports import ThreadMeta

SECRET = "Zirkonium"
ROW = LedgerRow("gone", "t1", 1, 5.5, "2026-01-02", "m", "p", 3, f'"{SECRET}"', "d", 100, 5, 2, 20, "extended", 4, "user")


def meta(thread_id: str, text: str = "") -> ThreadMeta:
    return ThreadMeta(thread_id, 1.0, 1.0, "/ws", "m", "p", preview=text, name=text or None, settings={"x": text})


def items(text: str, size: int) -> list[Item]:
    return [
        UserMessage("1", 1.0, "t", (Text(text * size),)),
        ModelItem("2", 1.0, "t", "function_call", f'{{"a":"{text * size}"}}', "c", "tool"),
        ToolOutput("3", 1.0, "t", "c", text * size),
    ]


def fill(store: SqliteStore, thread_id: str, text: str, size: int = 1) -> None:
    store.create(meta(thread_id, text))
    for _ in range(10):
        store.append(thread_id, items(text, size))
    store.ledger.add(LedgerRow(**{**_values(), "thread_id": thread_id, "tail": f'"{text}"'}))
    store.grants.write([Grant(f"g {thread_id}", "thread", Subject("command", text), 1.0, thread_id=thread_id)], ())


def _values() -> dict[str, object]:
    return {name: getattr(ROW, name) for name in ROW.__slots__}


def holding(folder: Path, text: str) -> list[str]:
    """Files with the end of the text in any case: an index keeps of a word how it goes on after the one before."""
    end = text[3:].lower().encode()
    return [path.name for path in folder.rglob("*") if path.is_file() and end in path.read_bytes().lower()]


@pytest.mark.parametrize("size", [1, 3_000])
def test_no_file_holds_a_byte_of_what_was_deleted(tmp_path: Path, size: int) -> None:
    store = SqliteStore(tmp_path)
    fill(store, "kept", "Molybdaen", size)
    fill(store, "gone", SECRET, size)
    assert holding(tmp_path, SECRET)
    store.delete(["gone", "never was"])
    assert holding(tmp_path, SECRET) == []
    with pytest.raises(KeyError):
        store.load("gone")
    assert store.ledger.row("gone") is None
    assert [grant.thread_id for grant in store.grants.all()] == ["kept"]
    assert len(store.load("kept")[1]) == 30
    assert store.ledger.row("kept") is not None
    store.close()
    assert holding(tmp_path, SECRET) == []


def test_a_thread_that_was_deleted_can_be_begun_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    fill(store, "gone", SECRET)
    store.delete(["gone"])
    fill(store, "gone", "other")
    assert len(store.load("gone")[1]) == 30
    store.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_copy_that_a_migration_left_loses_the_thread_too(tmp_path: Path, version: int) -> None:
    kept, gone = items("Molybdaen", 1), items(SECRET, 1)
    old_store(tmp_path, version, {"kept": kept, "gone": gone})
    store = SqliteStore(tmp_path)
    assert store.load("gone")[1] == gone
    assert store.meta("gone").forked_from is None
    assert f"threads.sqlite3.version-{version}" in holding(tmp_path, SECRET)
    store.delete(["gone"])
    assert holding(tmp_path, SECRET) == []
    assert f"threads.sqlite3.version-{version}" in holding(tmp_path, "Molybdaen")
    assert store.load("kept")[1] == kept
    store.close()
    assert sorted(found.name for found in tmp_path.iterdir() if found.is_file()) == [
        "threads.sqlite3",
        f"threads.sqlite3.version-{version}",
    ]


def test_while_another_process_writes_all_is_deleted_all_the_same(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.items import ToolOutput
store = SqliteStore(Path(sys.argv[1]))
print("ready", flush=True)
for n in range(300):
    store.append("kept", [ToolOutput(str(n), 1.0, "t", str(n), "x" * 2000)])
    store.load("kept")
store.close()
"""
    store = SqliteStore(tmp_path)
    store.create(meta("kept"))
    for n in range(5):
        fill(store, f"gone{n}", SECRET, 100)
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    for n in range(5):
        store.delete([f"gone{n}"])
    assert other.wait(60) == 0
    other.stdout.close()
    assert holding(tmp_path, SECRET) == []
    assert len(store.load("kept")[1]) == 300
    store.close()


def test_it_may_be_done_beside_the_store_s_own_thread(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    fill(store, "gone", SECRET)
    worker = threading.Thread(target=store.delete, args=(["gone"],))
    worker.start()
    worker.join(60)
    with pytest.raises(KeyError):
        store.meta("gone")
    store.close()


def test_threads_that_are_deleted_at_once_go_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path)
    for n in range(4):
        fill(store, f"gone{n}", SECRET)
    open_now, most, met = list[str](), list[int](), threading.Barrier(2)

    class Counted(sqlite3.Connection):
        def close(self) -> None:
            super().close()
            open_now.pop()

    def opened(path: Path) -> sqlite3.Connection:
        open_now.append("")
        most.append(len(open_now))
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait(0.5)  # those who may go at once meet here
        database = sqlite3.connect(path, isolation_level=None, timeout=60, factory=Counted)
        database.execute("PRAGMA secure_delete=ON")
        return database

    monkeypatch.setattr("treadle.adapters.store.sqlite._open", opened)
    workers = [threading.Thread(target=store.delete, args=([f"gone{n}"],)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert most == [1, 1, 1, 1]
    assert holding(tmp_path, SECRET) == []
    store.close()


def test_a_log_that_stays_in_use_is_said_and_the_thread_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path)
    fill(store, "gone", SECRET)
    with contextlib.closing(sqlite3.connect(tmp_path / "threads.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM item").fetchone()
        with monkeypatch.context() as hasty, pytest.raises(TreadleError, match="Not all could be deleted"):
            hasty.setattr("treadle.adapters.store.deletion._PATIENCE", 0.05)
            store.delete(["gone"])
    store.delete(["gone"])
    assert holding(tmp_path, SECRET) == []
    store.close()
