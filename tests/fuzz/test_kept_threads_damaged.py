"""Stored threads that are cut, doubled, out of order, of tomorrow or no JSON at all: opened whole, or refused in one sentence.

Whatever is wrong with one thread, all others are listed, searched and opened, and it can be written out and deleted.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakes.world import RecordingClient, ScriptedModel, build, end, message, more
from fuzz.common import cases, fuzzed
from fuzz.threads import damaged, threads
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.errors import TreadleError
from treadle.core.export import Head, jsonl
from treadle.core.items import Item, Text, TurnBegan, TurnEnded, UserMessage, decode, encode
from treadle.core.keeping import DeleteThread, ExportThread, FindInThread, SearchThreads
from treadle.core.looking_ops import LookAtContext
from treadle.core.ops import ForkThread, ListThreads, ReadThread, ResumeThread
from treadle.core.thread import Thread
from treadle.runtime.agent import Agent
from treadle.runtime.ports import ThreadMeta
from treadle.server import project

GOOD: list[Item] = [
    TurnBegan("g1", 1.0, "good-turn"),
    UserMessage("g2", 1.0, "good-turn", (Text("a needle in the good thread"),)),
    TurnEnded("g3", 2.0, "good-turn", "completed"),
]


class Kept(SqliteStore):
    """A store that another process has left: who builds an agent on it must not close it first."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


@contextmanager
def kept(lines: list[str], *, settings: str = "{}", git: str | None = None) -> Iterator[tuple[Kept, Path]]:
    """A good thread, and "bad" with these lines as its items."""
    with tempfile.TemporaryDirectory() as folder:
        store = Kept(Path(folder))
        store.create(ThreadMeta("good", 1.0, 1.0, "/ws", "m", "p"), GOOD)
        store.create(ThreadMeta("bad", 2.0, 2.0, "/ws", "m", "p"))
        with closing(sqlite3.connect(Path(folder) / "threads.sqlite3", isolation_level=None)) as database:
            rows = [("bad", at, line.encode("utf-8", "replace").decode()) for at, line in enumerate(lines)]
            database.executemany("INSERT INTO item (thread_id, position, body) VALUES (?, ?, ?)", rows)
            database.execute("UPDATE thread SET settings=?, git=? WHERE id='bad'", (settings, git))
        try:
            yield store, Path(folder)
        finally:
            store.end()


async def said(agent: Agent, op: Any) -> Any:
    """The answer, or None for a refusal, which is one sentence."""
    try:
        return await agent.submit(op, RecordingClient())
    except TreadleError as error:
        sentence = error.sentence()
        assert "bad" in sentence and len(sentence) < 500, sentence
        assert sentence.isprintable(), sentence
        return None


async def survived(store: Kept) -> bool:
    """All that is promised of a damaged thread. Whether it could be opened."""
    model = ScriptedModel([*message("yes"), *end()], [*message("yes"), *end()])
    agent, *_ = build(model, store=store)  # type: ignore[arg-type]
    lines = store.item_lines("bad")
    page = await agent.submit(ListThreads(), RecordingClient())
    assert {state.meta.id for state in page.threads} == {"good", "bad"}  # type: ignore[union-attr]
    found: Any = await agent.submit(SearchThreads("needle"), RecordingClient())
    assert found.whole and "good" in [one.state.meta.id for one in found.found]
    written: Any = await agent.submit(ExportThread("bad", "jsonl"), RecordingClient())
    assert written.split("\n")[1:-1] == lines or any("\n" in line for line in lines)
    for op in (ExportThread("bad"), FindInThread("bad", "a"), ReadThread("bad", include_turns=True), LookAtContext("bad")):
        await said(agent, op)
    forked = await said(agent, ForkThread("bad"))
    opened = await said(agent, ResumeThread("bad"))
    if opened is not None:
        json.dumps(project.thread(opened, with_turns=True))
        items = store.load("bad")[1]
        thread = Thread("bad", items)
        assert not thread.unanswered and thread.open_turn is None
        client = RecordingClient()
        await client.turn_end(await more(agent, client, "bad", "and now"))
        assert not Thread("bad", store.load("bad")[1]).unanswered
    if forked is not None:
        assert not Thread("f", store.load(forked.meta.id)[1]).unanswered
    assert await agent.submit(ResumeThread("good"), RecordingClient())
    await agent.submit(DeleteThread("bad"), RecordingClient())
    assert store.item_lines("bad") == []
    await agent.close()
    return opened is not None


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


@pytest.mark.parametrize("path", cases("threads", "*.jsonl"))
async def test_threads_that_broke_something_once(path: Path) -> None:
    with kept(lines_of(path)) as (store, _):
        await survived(store)


@fuzzed(80)
@given(st.data(), threads())
async def test_whatever_became_of_its_items_a_thread_is_whole_or_refused(data: st.DataObject, items: list[Item]) -> None:
    with kept(data.draw(damaged([encode(item) for item in items]))) as (store, _):
        await survived(store)


@fuzzed(40)
@given(threads())
async def test_a_thread_that_nothing_happened_to_is_opened(items: list[Item]) -> None:
    with kept([encode(item) for item in items]) as (store, _):
        assert await survived(store)


@pytest.mark.parametrize("git", [None, "{", "[]", '{"sha": "1", "of_tomorrow": 2}', "null"])
@pytest.mark.parametrize(
    "settings",
    [
        *(
            "",
            "{",
            "null",
            "[]",
            "3",
            '{"of_tomorrow": 1}',
            '{"sandbox": 3}',
            '{"sandbox": {"mode": "of-tomorrow"}}',
            "[" * 3_000,
        ),
        *(
            '{"sandbox": {"mode": "read-only", "network": "x"}}',
            '{"approval_policy": "sometimes"}',
            '{"config": 3}',
            '{"roots": 3}',
        ),
    ],
)
async def test_settings_that_cannot_be_told_open_no_sandbox(settings: str, git: str | None) -> None:
    with kept([encode(item) for item in GOOD], settings=settings, git=git) as (store, _):
        assert not await survived(store)


@fuzzed(100)
@given(threads())
def test_what_is_written_out_can_be_read_back(items: list[Item]) -> None:
    lines = [encode(item) for item in items]
    head = Head("t", None, "p", "/ws", "m", "p", 1.0, 2.0)
    first, *rest = jsonl(head, lines).removesuffix("\n").split("\n")
    assert json.loads(first)["version"] == 1
    assert [decode(line) for line in rest] == items
    assert [encode(decode(line)) for line in rest] == lines


@fuzzed(300)
@given(
    st.text(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda v: (
            st.lists(v) | st.dictionaries(st.sampled_from(["type", "id", "content", "sections", "mcp"]) | st.text(max_size=3), v)
        ),
    ).map(json.dumps)
)
@example('{"type": "opening", "mcp": 3}')
@example('{"type": {}}')
@example("[" * 5_000)
def test_no_line_raises_anything_but_a_reason(line: str) -> None:
    try:
        decode(line)
    except ValueError as reason:
        assert str(reason)
