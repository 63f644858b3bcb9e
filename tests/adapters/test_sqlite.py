"""The store against a real SQLite file and real second processes."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.old_store import VERSIONS, old_store
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.errors import RequestRefused, TreadleError
from treadle.core.git_info import GitInfo
from treadle.core.items import (
    Context,
    Image,
    Injected,
    Item,
    ModelItem,
    Opening,
    Reverted,
    Section,
    Summary,
    Text,
    ToolOutput,
    TurnBegan,
    TurnEnded,
    UsageReported,
    UserCommand,
    UserMessage,
    decode,
    encode,
)
from treadle.core.ledger import LedgerRow, Totals
from treadle.runtime.accounting import MemoryLedger
from treadle.runtime.ports import LedgerStore, ThreadMeta

EVERY_KIND: list[Item] = [
    Opening("1", 1.5, "m", "p", "instructions\u2028", "[]", parallel_tool_calls=False),
    Context("2", 1.5, "user", (Section("agents_md", "text", "/a"), Section("environment", "e"))),
    UserMessage("3", 1.5, "t", (Text("h\u00e9"), Image("data:x", "high", "/p")), "client"),
    ModelItem("4", 1.5, "t", "function_call", '{"a": 1}', "c", "tool"),
    ToolOutput("5", 1.5, "t", "c", "out", True, "failed", {"view": "command", "exit_code": 1}),
    Summary("6", 1.5, "t", "sum", ("{}", "[]")),
    TurnBegan("7", 1.5, "t", {"model": "m"}),
    TurnEnded("8", 1.5, "t", "failed", {"message": "x"}),
    UsageReported("9", 1.5, "t", 1, 2, 3, 4, 5),
    Reverted("10", 1.5, "t", "9"),
    Injected("11", 1.5, '{"type": "message"}'),
    UserCommand("12", 1.5, "t", "told", "failed", {"view": "command"}),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path)
    yield opened
    opened.close()


def meta(thread_id: str, at: float = 1.0, cwd: str = "/ws", **more: object) -> ThreadMeta:
    return ThreadMeta(thread_id, at, at, cwd, "m", "p", **more)  # type: ignore[arg-type]


def listed(store: SqliteStore, **query: object) -> tuple[list[str], str | None]:
    base = {"cursor": None, "limit": 10, "cwds": (), "search": None, "archived": False, "by_update": False, "ascending": False}
    metas, cursor = store.list(**{**base, **query})  # type: ignore[arg-type]
    return [found.id for found in metas], cursor


def test_every_kind_of_item_comes_back_as_it_was(store: SqliteStore, tmp_path: Path) -> None:
    known = meta("a", settings={"cwd": "/ws"}, git=GitInfo("0" * 40, None, "git@host:x"))
    store.create(known)
    store.append("a", EVERY_KIND[:4])
    store.append("a", EVERY_KIND[4:])
    again = SqliteStore(tmp_path)
    assert again.load("a") == (known, EVERY_KIND)
    again.close()


@given(st.text(), st.text())
def test_any_text_survives_encoding(one: str, two: str) -> None:
    item = ToolOutput("i", 1.0, "t", "c", one, detail={"output": two})
    assert decode(encode(item)) == item
    encode(item).encode()


def test_an_item_of_a_newer_version_is_named() -> None:
    with pytest.raises(ValueError, match="newer Treadle"):
        decode('{"type":"hologram"}')


@pytest.mark.parametrize("cursor", ["bogus", "", "|", "1.5", "one|t0"])
def test_a_cursor_that_was_never_given_is_refused(store: SqliteStore, cursor: str) -> None:
    with pytest.raises(RequestRefused, match="no such cursor") as refused:
        listed(store, cursor=cursor)
    assert refused.value.code == -32602


def test_lists_page_by_cursor_and_filter(store: SqliteStore) -> None:
    for n in range(5):
        store.create(meta(f"t{n}", float(n), cwd="/a" if n % 2 else "/b", preview=f"Preview {n}"))
    store.update(meta("t4", 4.0, cwd="/b", archived=True))
    store.update(meta("t0", 0.0, cwd="/b", name="The 100% one"))
    first, cursor = listed(store, limit=2)
    assert first == ["t3", "t2"]
    assert listed(store, limit=2, cursor=cursor) == (["t1", "t0"], None)
    assert listed(store, cwds=["/a"])[0] == ["t3", "t1"]
    assert listed(store, archived=True)[0] == ["t4"]
    assert listed(store, search="preview 2")[0] == ["t2"]
    assert listed(store, search="100%")[0] == ["t0"]
    assert listed(store, search="THE 100% ONE")[0] == ["t0"]
    assert listed(store, search="1_0% o")[0] == listed(store, search="^")[0] == []
    assert listed(store, ascending=True, by_update=True)[0] == ["t0", "t1", "t2", "t3"]


def test_a_thread_that_is_not_there(store: SqliteStore) -> None:
    with pytest.raises(KeyError):
        store.load("nope")


def test_a_second_process_does_not_get_a_claimed_thread(store: SqliteStore, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from treadle.adapters.store.sqlite import SqliteStore;"
    code += "sys.exit(0 if SqliteStore(Path(sys.argv[1])).claim('a') else 7)"

    def other() -> int:
        return subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60).returncode

    assert store.claim("a")
    assert store.claim("a")
    assert other() == 7
    store.release("a")
    assert other() == 0


def test_what_was_appended_survives_a_kill(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.items import ToolOutput
from treadle.runtime.ports import ThreadMeta
store = SqliteStore(Path(sys.argv[1]))
store.create(ThreadMeta("a", 1.0, 1.0, "/ws", "m", "p"))
for n in range(20):
    store.append("a", [ToolOutput(str(n), 1.0, "t", str(n), "x")])
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60).returncode == -9
    store = SqliteStore(tmp_path)
    assert len(store.load("a")[1]) == 20
    assert store.claim("a")
    store.close()


def test_a_folder_that_cannot_be_used_says_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TreadleError) as caught:
        SqliteStore(tmp_path / "file" / "home")
    assert "set TREADLE_HOME" in caught.value.sentence()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "threads.sqlite3").write_text("not a database, but somebody's notes")
    with pytest.raises(TreadleError):
        SqliteStore(tmp_path)
    assert (tmp_path / "threads.sqlite3").read_text().startswith("not a database")


ROW = LedgerRow(
    "a", "t1", 1, 5.5, "2026-01-02", "m", "p", 3, '],"model":"é"}', "digest", 100, 5, 2, 20, "extended", 4, "user",
    recipe=((0, 3), "{}"), input_tokens=100, cached_input_tokens=40, output_tokens=7, reasoning_output_tokens=3, price=0.5,
)  # fmt: skip
FAILED = dataclasses.replace(
    ROW, number=2, status="failed", input_tokens=None, cached_input_tokens=None, output_tokens=None, price=None
)
OTHER_DAY = dataclasses.replace(ROW, number=3, turn_id="t2", day="2026-01-03", price=None)
ELSEWHERE = dataclasses.replace(ROW, thread_id="b")


@pytest.fixture(params=["sqlite", "memory"])
def ledger(request: pytest.FixtureRequest, store: SqliteStore) -> LedgerStore:
    return store.ledger if request.param == "sqlite" else MemoryLedger()


def test_rows_of_the_ledger_come_back_as_they_were(ledger: LedgerStore) -> None:
    for row in (ROW, FAILED, ELSEWHERE):
        ledger.add(row)
    assert ledger.row("a", 1) == ROW
    assert ledger.row("a") == FAILED
    assert ledger.answered("a") == ROW
    assert (ledger.row("a", 9), ledger.row("c"), ledger.answered("c")) == (None, None, None)


def test_the_ledger_pages_newest_first(ledger: LedgerStore) -> None:
    for row in (ROW, FAILED, ELSEWHERE, OTHER_DAY):
        ledger.add(row)

    def page(cursor: str | None = None, **wanted: str | None) -> tuple[list[LedgerRow], str | None]:
        return ledger.page(**{"thread_id": None, "day": None, **wanted}, cursor=cursor, limit=2)

    first, cursor = page()
    assert first == [OTHER_DAY, ELSEWHERE]
    assert page(cursor) == ([FAILED, ROW], None)
    assert page(thread_id="a", day="2026-01-02") == ([FAILED, ROW], None)
    assert page(thread_id="a")[0] == [OTHER_DAY, FAILED]


def test_the_ledger_adds_up_by_turn_thread_and_day(ledger: LedgerStore) -> None:
    for row in (ROW, FAILED, ELSEWHERE, OTHER_DAY):
        ledger.add(row)
    assert ledger.totals(thread_id="a") == Totals(3, 200, 80, 14, 9, 0.5, 1)
    assert ledger.totals(thread_id="a", turn_id="t2") == Totals(1, 100, 40, 7, 3, 0.0, 1)
    assert ledger.totals(day="2026-01-02") == Totals(3, 200, 80, 14, 9, 1.0, 0)
    assert ledger.totals(day="1999-01-01") == Totals()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_an_older_version_is_copied_aside_and_gains_what_it_lacks(tmp_path: Path, version: int) -> None:
    old_store(tmp_path, version, {"a": EVERY_KIND[:2]})
    migrated = SqliteStore(tmp_path)
    assert migrated.load("a")[1] == EVERY_KIND[:2]
    migrated.append("a", EVERY_KIND[2:])
    migrated.ledger.add(ROW)
    migrated.close()
    copy = sqlite3.connect(tmp_path / f"threads.sqlite3.version-{version}")
    assert copy.execute("PRAGMA user_version").fetchone() == (version,)
    assert copy.execute("SELECT count(*) FROM item").fetchone() == (2,)
    copy.close()
    again = SqliteStore(tmp_path)
    assert again.load("a")[1] == EVERY_KIND
    assert again.ledger.row("a") == ROW
    again.close()
    assert sorted(found.name for found in tmp_path.glob("*.version-*")) == [f"threads.sqlite3.version-{version}"]


def test_a_file_whose_copy_cannot_be_written_is_not_changed(tmp_path: Path) -> None:
    old_store(tmp_path, 1, {"a": EVERY_KIND[:2]})
    (tmp_path / "threads.sqlite3.version-1").mkdir()
    with pytest.raises(TreadleError):
        SqliteStore(tmp_path)
    with sqlite3.connect(tmp_path / "threads.sqlite3") as left:
        assert left.execute("PRAGMA user_version").fetchone() == (1,)
    left.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    with sqlite3.connect(tmp_path / "threads.sqlite3") as newer:
        newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(TreadleError, match="newer Treadle") as refused:
        SqliteStore(tmp_path)
    assert "writable" not in (refused.value.hint or "")


def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "threads.sqlite3").write_bytes(b"garbage" * 1000)
    with pytest.raises(TreadleError, match="not a database") as refused:
        SqliteStore(tmp_path)
    assert "threads.sqlite3 is damaged" in (refused.value.hint or "")
    assert (tmp_path / "threads.sqlite3").read_bytes() == b"garbage" * 1000


def test_two_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    old_store(tmp_path, 1, {"a": EVERY_KIND[:2]})
    code = "import sys; from pathlib import Path; from treadle.adapters.store.sqlite import SqliteStore;"
    code += "SqliteStore(Path(sys.argv[1]))"
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in both] == [0, 0, 0]


@pytest.mark.parametrize("before", ["new", "open to others"])
def test_no_other_user_can_read_what_is_kept(tmp_path: Path, before: str) -> None:
    folder = tmp_path / "home"
    mask = os.umask(0o022)
    try:
        if before == "open to others":
            SqliteStore(folder).close()
            folder.chmod(0o755)
            (folder / "threads.sqlite3").chmod(0o644)
        store = SqliteStore(folder)
        store.create(meta("a"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
        store.close()
    finally:
        os.umask(mask)
    private = {name: 0o600 for name in ("threads.sqlite3", "threads.sqlite3-wal", "threads.sqlite3-shm")}
    assert modes == {"home": 0o700, "locks": 0o700, **private}


@pytest.mark.parametrize("name", ["../threads.sqlite3", "../../x", "/etc/passwd", "", "..", "a/b", "x" * 200, "\ud800", "a\0"])
def test_an_id_that_is_no_name_of_a_thread_touches_no_file(store: SqliteStore, tmp_path: Path, name: str) -> None:
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    with pytest.raises(RequestRefused, match="no thread with the id"):
        store.claim(name)
    store.release(name)
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*")} == before


def test_a_thread_that_is_a_copy_is_there_with_all_its_items_or_not_at_all(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    items = [UserMessage(f"u{number}", 1.0, "t", (Text("copied"),)) for number in range(3)]
    store.create(meta("copy"), items)
    store.append("copy", items[:1])
    assert store.load("copy")[1] == [*items, items[0]]

    class Broken:
        def __iter__(self) -> Iterator[Item]:
            yield items[0]
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        store.create(meta("broken"), Broken())  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        store.load("broken")
    store.close()
