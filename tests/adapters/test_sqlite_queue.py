"""Messages that wait, in a real SQLite file: in order, and gone in the very transaction that says them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.errors import TreadleError
from treadle.core.items import Image, Text, TurnBegan, UserMessage
from treadle.core.queue import Queued
from treadle.runtime.ports import QueueStore, ThreadMeta

CONTENT = (Text("h\u00e9 \ud800"), Image("data:image/png;base64,AAAA", "high", "/p.png"), Text("$tidy", skill="/s/SKILL.md"))


def queued(id: str, words: str = "x") -> Queued:
    return Queued(id, 1.5, (Text(words),), f"client-{id}", {"cwd": "/w", "roots": ["/a"]}, {"type": "object"}, {"k": "v"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path)
    for thread_id in ("t", "other"):
        opened.create(ThreadMeta(thread_id, 1.0, 1.0, "/w", "m", "p"))
    yield opened
    opened.close()


def test_messages_come_back_as_they_were_put_in_the_order_that_was_asked_for(store: SqliteStore, tmp_path: Path) -> None:
    kept: QueueStore = store.queue
    odd = Queued("b", 2.0, CONTENT, None, {})
    for each in (queued("a"), odd, queued("c")):
        kept.put("t", each)
    kept.put("other", queued("a", "of another thread"))
    kept.put("t", queued("a", "edited"))
    assert kept.of("t") == [queued("a", "edited"), odd, queued("c")]
    kept.order("t", ["c", "a", "b"])
    kept.remove("t", ["a", "nothing"])
    kept.put("t", queued("d"))
    again = SqliteStore(tmp_path)
    assert [each.id for each in again.queue.of("t")] == ["c", "b", "d"]
    assert again.queue.of("other") == [queued("a", "of another thread")]
    again.close()


def test_a_message_leaves_the_queue_in_the_transaction_that_says_it(store: SqliteStore, tmp_path: Path) -> None:
    store.queue.put("t", queued("a"))
    store.queue.put("t", queued("b"))
    store.append("t", [TurnBegan("began", 1.0, "turn", {})])
    assert [each.id for each in store.queue.of("t")] == ["a", "b"]
    before = sqlite3.connect(tmp_path / "threads.sqlite3", isolation_level=None)
    before.execute("BEGIN")
    before.execute("SELECT count(*) FROM item").fetchone()
    store.append("t", [UserMessage("a", 1.0, "turn", (Text("x"),))])
    counts = "SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM queued)"
    assert before.execute(counts).fetchone() == (1, 2), "who read before sees neither change"
    before.execute("COMMIT")
    assert before.execute(counts).fetchone() == (2, 1), "and both after"
    before.close()


def test_an_append_that_fails_leaves_the_message_in_the_queue(store: SqliteStore, tmp_path: Path) -> None:
    store.queue.put("t", queued("a"))
    other = SqliteStore(tmp_path)
    other.append("t", [TurnBegan("theirs", 1.0, "turn", {})])
    other.close()
    store.append("other", [])
    store._next["t"] = 0  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(sqlite3.IntegrityError):
        store.append("t", [UserMessage("a", 1.0, "turn", (Text("x"),))])
    assert [each.id for each in store.queue.of("t")] == ["a"]


def test_a_store_that_was_opened_anew_takes_messages_out_too(store: SqliteStore, tmp_path: Path) -> None:
    store.queue.put("t", queued("a"))
    again = SqliteStore(tmp_path)
    assert [each.id for each in again.queue.of("t")] == ["a"]
    again.append("t", [UserMessage("a", 1.0, "turn", (Text("x"),))])
    again.close()
    assert store.queue.of("t") == []


def test_a_queue_goes_with_its_thread(store: SqliteStore) -> None:
    store.queue.put("t", queued("a"))
    store.delete(["t"])
    assert store.queue.of("t") == []


def test_a_message_that_cannot_be_kept_is_refused_in_a_sentence(store: SqliteStore) -> None:
    with pytest.raises(TreadleError, match="cannot be kept"):
        store.queue.put("no such thread", queued("a"))


@pytest.mark.parametrize(
    "change",
    [
        {"id": 5}, {"at": "soon"}, {"client_id": []}, {"settings": "none"}, {"settings": None}, {"metadata": {"k": 1}},
        {"metadata": ["k"]}, {"output_schema": "x"}, {"content": [{"type": "text", "text": 7}]}, {"content": "words"},
        {"content": [{"type": "image", "url": None}]}, {"more": 1},
    ],
)  # fmt: skip
def test_a_row_of_other_types_is_left_out_and_stays_where_it_is(change: dict[str, object], store: SqliteStore) -> None:
    store.queue.put("t", queued("a"))
    store.queue.put("t", queued("b"))
    database = store.queue._db  # pyright: ignore[reportPrivateUsage]
    body = json.loads(database.execute("SELECT body FROM queued WHERE id='a'").fetchone()[0])
    database.execute("UPDATE queued SET body=? WHERE id='a'", (json.dumps(body | change),))
    assert [each.id for each in store.queue.of("t")] == ["b"]
    assert database.execute("SELECT count(*) FROM queued").fetchone() == (2,)
