"""Cases of the store: what an append costs with its index, and lists, searches and deletions in a long history.

HISTORY_MB sets how long (default 100). 1000 takes three minutes and 2 GB of disk to make; HISTORY_IN names a folder for it.
"""

from __future__ import annotations

import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.items import Item, ModelItem, Text, ToolOutput, UserMessage, dumps, encode
from treadle.core.search import understood
from treadle.runtime.ports import ThreadMeta

from .inside import Table

SIZE = int(os.environ.get("HISTORY_MB", "100")) * 1_000_000
THREAD = 100_000
"Characters of a thread."


def history(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-", dir=os.environ.get("HISTORY_IN")) as name:
        folder, texts = Path(name), Texts()
        store = SqliteStore(folder)
        _fill(store, texts, SIZE)
        label = f"{SIZE / 1e6:,.0f} MB of history"
        table.add(f"{label}: index it all, once", [_timed(lambda: _index(store)) / 1000], "s", "")
        for what, query in (
            ("a rare word", "needle"),
            ("two common words", f"{texts.words[0]} {texts.words[3]}"),
            ("the most common word", texts.words[0]),
            ("a phrase", f'"{texts.words[0]} {texts.words[1]}"'),
            ("the beginning of a word, two letters", texts.words[5][:2]),
        ):
            table.add(f"{label}: search for {what}", _times(rounds, lambda query=query: _search(store, query)), "ms", "< 200")
        table.add(f"{label}: append a step of 3 items", _appends(store, texts), "ms", "< 1")
        table.add(f"{label}: index 1,000 steps that were appended", [_timed(lambda: _index(store))], "ms", "")
        ids = [f"t{n:06}" for n in range(0, rounds * 7, 7)]
        table.add(f"{label}: delete a thread", [_timed(lambda one=one: store.delete([one])) for one in ids], "ms", "")
        store.close()
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as name:
        store = SqliteStore(Path(name))
        for n in range(10_000):
            at, cwd = float(n), f"/w/{n % 50}"
            settings = {"cwd": cwd, "config": {"model_reasoning_effort": "high"}, "sandbox": "x" * 300}
            meta = ThreadMeta(f"t{n}", at, at, cwd, "m", "p", f"please look at task {n} " + "words " * 25, settings=settings)
            store.create(meta)
        for what, filters in (
            ("", {}),
            (", of one folder", {"cwds": ["/w/7"]}),
            (", with a search term", {"search": "task 77"}),
            (", with a term that is nowhere", {"search": "nowhere"}),
        ):
            table.add(
                f"list of 10,000 threads{what}", _times(rounds, lambda filters=filters: _list(store, filters)), "ms", "< 20"
            )
        store.close()


class Texts:
    """Words as frequent as in any language, and pieces of text of them."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.words = ["".join(self._random.choices(letters, k=self._random.randint(2, 10))) for _ in range(60_000)]
        weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(self.words))))
        self._pool = self._random.choices(self.words, cum_weights=weights, k=2_000_000)

    def text(self, count: int) -> str:
        at = self._random.randrange(len(self._pool) - count)
        return " ".join(self._pool[at : at + count])

    def step(self) -> list[Item]:
        message = dumps({"type": "message", "content": [{"type": "output_text", "text": self.text(60)}]})
        arguments = dumps({"arguments": dumps({"cmd": "grep -rn " + self.text(6)})})
        count = 2_000 if self._random.random() < 0.1 else 150
        output = ToolOutput("o", 1.0, "t", "c", text := self.text(count), detail={"view": "command", "output": text})
        return [
            ModelItem("m", 1.0, "t", "message", message),
            ModelItem("c", 1.0, "t", "function_call", arguments, "c", "exec_command"),
            output,
        ]


def _fill(store: SqliteStore, texts: Texts, size: int) -> None:
    for n in range(size // THREAD):
        at = float(n)
        store.create(ThreadMeta(f"t{n:06}", at, at, f"/w/{n % 20}", "m", "p"))
        needle = " needle" if n % 97 == 0 else ""
        items: list[Item] = [UserMessage("u", 1.0, "t", (Text(texts.text(50) + needle),))]
        written = 0
        while written < THREAD:
            step = texts.step()
            written += sum(len(encode(item)) for item in step)
            items += step
        store.append(f"t{n:06}", items)


def _index(store: SqliteStore) -> None:
    assert store.index.catch_up(3600)


def _search(store: SqliteStore, text: str) -> None:
    query = understood(text)
    assert query
    assert store.index.catch_up(1)
    found, _ = store.index.search(query, cursor=None, limit=25)
    assert found


def _list(store: SqliteStore, filters: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {"cwds": (), "search": None, **filters}
    store.list(cursor=None, limit=100, archived=False, by_update=True, ascending=False, **wanted)


def _appends(store: SqliteStore, texts: Texts) -> list[float]:
    store.create(ThreadMeta("fresh", 1.0, 1.0, "/w", "m", "p"))
    steps = [texts.step() for _ in range(1_000)]
    return [_timed(lambda step=step: store.append("fresh", step)) for step in steps]


def _times(rounds: int, case: Callable[[], None]) -> list[float]:
    return [_timed(case) for _ in range(max(5, rounds))]


def _timed(case: Callable[[], None]) -> float:
    began = time.perf_counter()
    case()
    return (time.perf_counter() - began) * 1000
