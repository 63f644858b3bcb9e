"""Compactions that the user asks for, the summary that they rewrite, and the notes that they pin."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.world import MemoryStore, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.core.errors import RequestRefused
from treadle.core.events import TurnStarted
from treadle.core.items import Notes, Summary, Text
from treadle.core.ops import (
    CompactThread,
    ReadNotes,
    ReadSummary,
    ReadThread,
    ResumeThread,
    StartThread,
    SteerTurn,
    WriteNotes,
    WriteSummary,
)
from treadle.core.prompt import Request
from treadle.core.views import SummaryCard
from treadle.runtime.agent import Agent, ThreadState


def entries(request: Request) -> list[dict[str, Any]]:
    return request.parsed()["input"]


def summaries(store: MemoryStore, thread_id: str) -> list[Summary]:
    return [item for item in store.load(thread_id)[1] if isinstance(item, Summary)]


async def compacted(text: str = "short") -> tuple[Agent, MemoryStore, RecordingClient, ScriptedModel, str]:
    model = ScriptedModel([*message("a"), *end()], [*message(text), *end()], [*message("b"), *end()])
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
    assert (await client.turn_end(turn)).status == "completed"
    return agent, store, client, model, thread_id


async def test_a_manual_compaction_is_a_turn_of_its_own_that_the_next_one_tells_the_context_after() -> None:
    agent, store, client, model, thread_id = await compacted()
    assert [item.type for item in store.load(thread_id)[1]][-3:] == ["usage_reported", "summary", "turn_ended"]
    turn = await more(agent, client, thread_id, "next")
    await client.turn_end(turn)
    assert [entry["content"][0]["text"] for entry in entries(model.requests[2])][-2:] == ["/ws", "next"]
    client.check_cards()


async def test_a_compaction_cannot_be_steered() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([*message("a"), *end()], [gate, *message("short"), *end()])
    agent, _, _ = build(model)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
    with pytest.raises(RequestRefused, match="being compacted"):
        await agent.submit(SteerTurn(thread_id, turn, (Text("no"),)), client)
    gate.set()
    await client.turn_end(turn)


async def test_a_thread_without_a_request_has_nothing_to_compact() -> None:
    agent, _, client, _, thread_id = await compacted()
    with pytest.raises(RequestRefused, match="nothing to compact"):
        await agent.submit(CompactThread(thread_id), client)


async def test_the_user_can_rewrite_a_summary_until_the_model_has_read_it() -> None:
    agent, store, client, model, thread_id = await compacted("wrong")
    state: Any = await agent.submit(ReadSummary(thread_id), client)
    assert (state.text, state.kind, state.editable) == ("wrong", "local", True)
    await agent.submit(WriteSummary(thread_id, "right"), client)
    turn = await more(agent, client, thread_id, "next")
    await client.turn_end(turn)
    told = json.dumps(entries(model.requests[2]))
    assert "right" in told
    assert "wrong" not in told
    assert [summary.text for summary in summaries(store, thread_id)] == ["wrong", "right"]
    with pytest.raises(RequestRefused, match="has read this summary"):
        await agent.submit(WriteSummary(thread_id, "late"), client)
    read: Any = await agent.submit(ReadThread(thread_id, include_turns=True), client)
    drawn = [card for turn in read.turns for card in turn.cards if isinstance(card, SummaryCard)]
    assert len(drawn) == 1


async def test_a_thread_read_from_disk_makes_the_same_request_after_a_compaction() -> None:
    agent, store, client, _, thread_id = await compacted()
    turn = await more(agent, client, thread_id, "next")
    await client.turn_end(turn)
    live = agent._loaded[thread_id].thread
    again, _, _ = build(ScriptedModel(), store=store)
    state = await again.submit(ResumeThread(thread_id), RecordingClient())
    assert isinstance(state, ThreadState)
    thread = again._loaded[thread_id].thread
    assert thread.prompt.request({}).body() == live.prompt.request({}).body()
    assert thread.used == live.used
    assert len(state.turns) == 3


async def test_items_of_earlier_epochs_are_on_disk_and_not_in_memory() -> None:
    agent, store, client, _, thread_id = await compacted()
    thread = agent._loaded[thread_id].thread
    assert isinstance(thread.items[0], Summary)
    assert thread.count == len(store.lines[thread_id])
    state: Any = await agent.submit(ReadThread(thread_id, include_turns=True), client)
    assert [len(turn.cards) for turn in state.turns] == [2, 1]


async def test_notes_pinned_between_and_during_turns_are_kept_in_order() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([*message("a"), *end()], [gate, *message("b"), *end()])
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    assert await agent.submit(WriteNotes(thread_id, ("one  \n line", " ")), client) == ["one line"]
    turn = await more(agent, client, thread_id)
    await client.until(lambda event: isinstance(event, TurnStarted) and event.turn_id == turn)
    await agent.submit(WriteNotes(thread_id, ("two",)), client)
    assert await agent.submit(ReadNotes(thread_id), client) == ["two"]
    gate.set()
    assert (await client.turn_end(turn)).status == "completed"
    assert await agent.submit(ReadNotes(thread_id), client) == ["two"]
    assert [item.texts for item in store.load(thread_id)[1] if isinstance(item, Notes)] == [("one line",), ("two",)]
    with pytest.raises(RequestRefused, match="at most"):
        await agent.submit(WriteNotes(thread_id, ("x" * 20_000,)), client)


steps = st.lists(st.sampled_from(["turn", "tool", "full", "compact", "rewrite", "pin"]), min_size=1, max_size=12)


@given(steps)
@settings(max_examples=30, deadline=None)
def test_whatever_happens_a_restart_goes_on_with_the_same_bytes(plan: list[str]) -> None:
    asyncio.run(lived_through(plan))


async def lived_through(plan: list[str]) -> None:
    model = ScriptedModel()
    agent, _, store = build(model, context_window=10_000)
    client = RecordingClient()
    state: Any = await agent.submit(StartThread(), client)
    thread_id, calls = state.meta.id, 0
    for number, step in enumerate(plan):
        thread = agent._loaded[thread_id].thread
        summary = [*message(f"summary {number}"), *end()]
        model.scripts = []
        if step == "compact" and thread.opening is not None:
            model.scripts = [summary]
            turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
            assert (await client.turn_end(turn)).status == "completed"
        elif step == "rewrite" and thread.summary is not None and thread.opening is None:
            await agent.submit(WriteSummary(thread_id, f"mine {number}"), client)
        elif step == "pin":
            await agent.submit(WriteNotes(thread_id, (f"note {number}",)), client)
        elif step in ("turn", "tool", "full"):
            calls += 1
            more_calls = [[*call(f"c{calls}"), *end()]] if step != "turn" else []
            model.scripts = [[summary], []][thread.used < 9_000] + [
                *more_calls,
                [*message("ok"), *end(9_500 if step == "full" else 500)],
            ]
            turn = await more(agent, client, thread_id, f"wish {number}")
            assert (await client.turn_end(turn)).status == "completed"
        assert model.scripts == []
        live = agent._loaded[thread_id].thread
        again, _, _ = build(model, store=store, context_window=10_000)
        await again.submit(ResumeThread(thread_id), client)
        read = again._loaded[thread_id].thread
        if b"input" in live.prompt._head:
            assert read.prompt.request({}).body() == live.prompt.request({}).body()
        views = ("used", "told", "notes", "summary", "opening", "count", "in_vain", "usage", "last_usage")
        assert [getattr(read, view) for view in views] == [getattr(live, view) for view in views]
    client.check_cards()
