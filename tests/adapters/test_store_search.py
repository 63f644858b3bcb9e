"""Search against real SQLite files: what was said is found at once, by any words, in any process, until it is deleted."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.old_store import VERSIONS, old_store
from treadle.adapters.store import search
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.errors import RequestRefused, TreadleError
from treadle.core.items import Item, ModelItem, Text, ToolOutput, UserMessage
from treadle.core.search import understood
from treadle.runtime.ports import ThreadMeta


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path)
    yield opened
    opened.close()


def meta(thread_id: str, at: float = 1.0, **more: object) -> ThreadMeta:
    return ThreadMeta(thread_id, at, at, "/ws", "m", "p", **more)  # type: ignore[arg-type]


def words(text: str) -> UserMessage:
    return UserMessage("1", 1.0, "t", (Text(text),))


def found(store: SqliteStore, text: str, **more: object) -> list[str]:
    query = understood(text)
    assert query
    assert store.index.catch_up(60)
    return [one.meta.id for one in store.index.search(query, **{"cursor": None, "limit": 50, **more})[0]]  # type: ignore[arg-type]


def fill(store: SqliteStore, thread_id: str, *texts: str, at: float = 1.0, **more: object) -> None:
    store.create(meta(thread_id, at, **more))
    for text in texts:
        store.append(thread_id, [words(text)])


def test_all_words_are_in_one_item(store: SqliteStore) -> None:
    fill(store, "a", "fix the login bug", "and the parser")
    fill(store, "b", "the bug in the login form is back", at=2.0)
    assert found(store, "login bug") == ["b", "a"]
    assert found(store, '"login bug"') == ["a"]
    assert found(store, "login parser") == []
    assert found(store, "LOGIN fo") == ["b"]
    assert found(store, "log bug") == []
    assert found(store, "login bug", ascending=True) == ["a", "b"]


def test_whatever_people_saw_is_found(store: SqliteStore) -> None:
    store.create(meta("a", name="Release of tigers"))
    items: list[Item] = [
        words("hello there"),
        ModelItem("2", 1.0, "t", "message", '{"content":[{"text":"certainly"}]}'),
        ModelItem("3", 1.0, "t", "function_call", '{"arguments":"{\\"cmd\\":\\"pytest tests/test_zoo.py\\"}"}', "c", "exec"),
        ToolOutput("4", 1.0, "t", "c", "ModuleNotFoundError: zebra"),
    ]
    store.append("a", items)
    for query in ("hello", "certainly", "test_zoo.py", "tests/test_zoo", "modulenotfounderror zeb", "tigers"):
        assert found(store, query) == ["a"], query
    assert found(store, "exec") == []


def test_a_name_is_found_as_it_is_now(store: SqliteStore) -> None:
    fill(store, "a", "hello", name="Tigers")
    store.update(meta("a", name="Lions"))
    assert (found(store, "tigers"), found(store, "lions")) == ([], ["a"])
    store.update(meta("a"))
    assert found(store, "lions") == []
    store.update(meta("a", name="Bears"))
    assert found(store, "bears") == ["a"]


def test_results_page_by_cursor_and_filter(store: SqliteStore) -> None:
    for n in range(7):
        fill(store, f"t{n}", "common words", at=float(n), archived=n == 6, originator="x" if n % 2 else "y")
    query = understood("common")
    assert query
    assert store.index.catch_up(60)
    first, cursor = store.index.search(query, cursor=None, limit=4)
    assert [one.meta.id for one in first] == ["t5", "t4", "t3", "t2"]
    rest, end = store.index.search(query, cursor=cursor, limit=4)
    assert ([one.meta.id for one in rest], end) == (["t1", "t0"], None)
    assert found(store, "common", archived=True) == ["t6"]
    assert found(store, "common", originators=["x"]) == ["t5", "t3", "t1"]
    assert found(store, "common", cwds=["/elsewhere"]) == []
    with pytest.raises(RequestRefused, match="no such cursor"):
        store.index.search(query, cursor="bogus", limit=4)


def test_the_first_place_is_shown(store: SqliteStore) -> None:
    fill(store, "a", "nothing", "the tiger sleeps", "tiger again")
    fill(store, "b", "tiger", name="A tiger's tale", at=0.0)
    query = understood("tiger")
    assert query
    assert store.index.catch_up(60)
    lines = [one.snippet for one in store.index.search(query, cursor=None, limit=9)[0]]
    assert [line.text for line in lines] == ["the tiger sleeps", "A tiger's tale"]
    assert [line.text[slice(*line.marks[0])] for line in lines] == ["tiger", "tiger"]


TEXTS = st.text(st.sampled_from('abAB01 _-"*^:()äéß\u4e2d\u6587\ud55c\n'), max_size=60)


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.data())
def test_whatever_is_inserted_is_found(texts: list[str], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        fill(store, "a", *texts)
        text = data.draw(st.sampled_from(texts))
        if understood(text) is not None:
            assert found(store, text) == ["a"]
            assert found(store, f'"{text.replace(chr(34), " ")}"') == ["a"]
            whole = [part for part in text.replace('"', " ").split() if understood(part)]
            assert found(store, " ".join(data.draw(st.permutations(whole)))) == ["a"]
        store.delete(["a"])
        for text in texts:
            assert understood(text) is None or found(store, text) == []
        store.close()


@settings(max_examples=60)
@given(st.text(), st.text())
def test_no_text_is_an_error(said: str, asked: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder))
        fill(store, "a", said, asked)
        query = understood(asked)
        assert store.index.catch_up(60)
        if query is not None:
            store.index.search(query, cursor=None, limit=5)
        store.delete(["a"])
        store.close()


def test_another_process_finds_what_was_just_said(store: SqliteStore, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.search import understood
store = SqliteStore(Path(sys.argv[1]))
for line in sys.stdin:
    store.index.catch_up(60)
    print(*(one.meta.id for one in store.index.search(understood(line), cursor=None, limit=5)[0]), flush=True)
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin
    assert other.stdout
    for n in range(20):
        fill(store, f"t{n}", f"unheard{n}x")
        other.stdin.write(f"unheard{n}x\n")
        other.stdin.flush()
        assert other.stdout.readline() == f"t{n}\n"
    other.stdin.close()
    assert other.wait(30) == 0
    other.stdout.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_older_version_wrote_is_found_when_it_has_been_read(tmp_path: Path, version: int) -> None:
    many = [words(f"number {n} of many") for n in range(250)]
    old_store(tmp_path, version, {"a": many, "b": [words("short tiger")], "c": []})
    store = SqliteStore(tmp_path)
    store.append("b", [words("lion")])
    store.update(meta("c", name="Bears"))
    while not store.index.catch_up(0.001):
        pass
    store.append("a", [words("leopard")])
    assert (found(store, "number 249"), found(store, "tiger"), found(store, "lion")) == (["a"], ["b"], ["b"])
    assert (found(store, "bears"), found(store, "leopard")) == (["c"], ["a"])
    store.delete(["a", "b"])
    assert (found(store, "many"), found(store, "tiger"), found(store, "lion"), found(store, "bears")) == ([], [], [], ["c"])
    store.close()


def test_catching_up_beside_a_writer_loses_nothing(tmp_path: Path) -> None:
    old_store(tmp_path, 1, {f"t{n}": [words(f"old {i} of t{n}") for i in range(150)] for n in range(5)})
    store = SqliteStore(tmp_path)

    def read() -> None:
        while not store.index.catch_up(0.005):
            pass

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(200):
        store.append(f"t{n % 5}", [words(f"fresh{n}x")])
    reader.join(60)
    assert store.index.catch_up(60)
    assert [found(store, f"fresh{n}x") for n in range(200)] == [[f"t{n % 5}"] for n in range(200)]
    assert len(found(store, "old 149")) == 5
    store.close()


def test_another_version_of_what_is_indexed_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path)
    fill(store, "a", "tiger", name="Zoo")
    fill(store, "b", "lion")
    store.close()
    monkeypatch.setattr("treadle.core.search.VERSION", 2)
    monkeypatch.setattr("treadle.core.search.said", lambda item: "SAID " + item.content[0].text)
    store = SqliteStore(tmp_path)
    store.append("a", [words("later")])
    store.delete(["b"])
    while not store.index.catch_up(0.001):
        pass
    assert (found(store, "said tiger"), found(store, "said later"), found(store, "zoo")) == (["a"], ["a"], ["a"])
    assert found(store, "lion") == []
    store.close()


def test_each_shard_is_searched_and_an_empty_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SHARD", 100)
    store = SqliteStore(tmp_path)
    for n in range(12):
        fill(store, f"t{n}", "tiger " * 10)
    tables = "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%' ORDER BY name"

    def shards() -> list[str]:
        direct = sqlite3.connect(tmp_path / "threads.sqlite3")
        names = [name for (name,) in direct.execute(tables)]
        direct.close()
        return names

    assert len(found(store, "tiger")) == 12
    assert len(shards()) == 6
    store.delete([f"t{n}" for n in range(5)])
    assert len(shards()) == 4
    assert len(found(store, "tiger")) == 7
    store.close()


def test_without_fts5_threads_are_kept_and_found_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path)
    fill(store, "a", "tiger")
    monkeypatch.setattr(search, "MODULE", "absent")
    store.close()
    store = SqliteStore(tmp_path)
    store.append("a", [words("lion")])
    store.update(meta("a", name="Zoo"))
    fill(store, "b", "bear")
    with pytest.raises(TreadleError, match="without FTS5"):
        found(store, "tiger")
    store.close()
    monkeypatch.undo()
    store = SqliteStore(tmp_path)
    while not store.index.catch_up(0.001):
        pass
    assert [found(store, text) for text in ("tiger", "lion", "zoo", "bear")] == [["a"], ["a"], ["a"], ["b"]]
    store.close()


def break_index(folder: Path) -> None:
    direct = sqlite3.connect(folder / "threads.sqlite3")
    direct.execute(
        "UPDATE search_1_data SET block=x'00ff00ff' WHERE id IN (SELECT id FROM search_1_data ORDER BY id DESC LIMIT 3)"
    )
    direct.execute("UPDATE search_1_data SET block=x'ffffffff' WHERE id=10")
    direct.commit()
    direct.close()


def test_an_index_that_is_broken_is_made_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    fill(store, "a", "tiger", name="Zoo")
    fill(store, "b", "tiger")
    assert found(store, "tiger") == ["b", "a"]
    break_index(tmp_path)
    store.append("a", [words("lion")])
    store.update(meta("a", name="Park"))
    assert [found(store, text) for text in ("lion", "tiger", "park")] == [["a"], ["b", "a"], ["a"]]
    break_index(tmp_path)
    store.delete(["a"])
    assert [found(store, text) for text in ("lion", "tiger")] == [[], ["b"]]
    store.close()


def test_two_processes_that_catch_up_at_once_index_everything_once(tmp_path: Path) -> None:
    old_store(tmp_path, 1, {f"t{n}": [words(f"old {i} of t{n}") for i in range(120)] for n in range(20)})
    code = "import sys; from pathlib import Path; from treadle.adapters.store.sqlite import SqliteStore;"
    code += "sys.exit(not SqliteStore(Path(sys.argv[1])).index.catch_up(60))"
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in both] == [0, 0, 0]
    store = SqliteStore(tmp_path)
    assert len(found(store, '"old 119')) == 20
    store.delete([f"t{n}" for n in range(19)])
    assert found(store, "old") == ["t19"]
    store.close()
