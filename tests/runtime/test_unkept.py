"""A store that fails in the middle of a turn: what was begun on the screen is ended there, and is in the thread later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from fakes.stores import MemoryStore
from fakes.world import FakeTool, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.core import history
from treadle.core.errors import TreadleError
from treadle.core.events import CardCompleted, CardDelta, CardStarted
from treadle.core.items import Item
from treadle.core.ops import ResumeThread
from treadle.core.replies import Delta, ItemBegun
from treadle.core.views import CallCard, Card


class FullStore(MemoryStore):
    """Takes so many writes, and then no more until there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None

    def _write(self) -> None:
        if self.left is not None:
            if self.left <= 0:
                raise TreadleError("Threads cannot be kept: its disk is full.", hint="Make room.")
            self.left -= 1

    def append(self, thread_id: str, items: Sequence[Item]) -> None:
        self._write()
        super().append(thread_id, items)

    def draft(self, thread_id: str, item: Item) -> None:
        self._write()
        super().draft(thread_id, item)


def _steps() -> list[list[Any]]:
    """Words and two calls at once, then words that never end, for they are cut by the full disk at the latest."""
    half = [ItemBegun("n", "message", {"type": "message"}), Delta("n", "text", "and so")]
    why = [ItemBegun("r", "reasoning", {"type": "reasoning"}), Delta("r", "summary", "why")]
    return [[*message("ok"), *call("a"), *why, *call("b"), *half, *end()], [*message("done"), *end()]]


def _announced(client: RecordingClient) -> dict[str, Card]:
    return {event.card.id: event.card for event in client.events if isinstance(event, CardCompleted)}


@pytest.mark.parametrize("writes", range(3, 14))
async def test_every_card_that_was_begun_is_ended_and_is_there_when_the_store_has_room(writes: int) -> None:
    store, tool = FullStore(), FakeTool()
    agent, _, _ = build(ScriptedModel(*_steps(), [*message("again"), *end()]), tool, store=store)
    client = RecordingClient()
    store.left = writes
    thread_id, turn_id = await begin(agent, client)
    ended = await client.turn_end(turn_id)
    assert ended.status == "completed" or (ended.error is not None and "disk is full" in ended.error.message)
    client.check_cards()
    announced = _announced(client)
    store.left = None
    assert (await client.turn_end(await more(agent, client, thread_id))).status == "completed"
    turns = history.turns(store.load(thread_id)[1])
    shown = {card.id: card for turn in turns for card in turn.cards}
    assert {id: shown.get(id) for id in announced} == announced
    assert turns[0].status == ended.status and turns[0].error == ended.error
    assert not [card for card in turns[0].cards if card.id not in announced], "what is there was shown"
    await agent.close()


async def test_a_call_that_runs_when_the_store_fails_is_ended_and_its_end_is_what_was_shown_of_it() -> None:
    store, running = FullStore(), asyncio.Event()

    async def works(call: Any, scope: Any) -> str:
        scope.emit("half of it\n")
        running.set()
        await asyncio.Event().wait()
        return ""

    async def fails(call: Any, scope: Any) -> str:
        await running.wait()
        store.left = 0
        return "never kept"

    agent, *_ = build(
        ScriptedModel([*call("a", "slow"), *call("b", "quick"), *end()], [*message("ok"), *end()]),
        FakeTool("slow", run=works),
        FakeTool("quick", run=fails),
        store=store,
    )
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "failed"
    client.check_cards()
    assert any(isinstance(event, CardDelta) for event in client.events) and any(
        isinstance(event, CardStarted) for event in client.events
    )
    cards = [card for card in _announced(client).values() if isinstance(card, CallCard)]
    assert {card.name: card.status for card in cards} == {"slow": "aborted", "quick": "completed"}
    store.left = None
    await client.turn_end(await more(agent, client, thread_id))
    outputs = [item.text for item in store.load(thread_id)[1] if item.type == "tool_output"]
    assert outputs[0] == "never kept" and outputs[1].endswith("half of it\n")
    await agent.close()


async def test_what_was_kept_back_is_written_at_the_end_of_the_process_where_there_is_room() -> None:
    store = FullStore()
    agent, *_ = build(ScriptedModel(*_steps()), FakeTool(), store=store)
    client = RecordingClient()
    store.left = 8
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "failed"
    store.left = None
    await agent.close()
    (turn,) = history.turns(store.load(thread_id)[1])
    assert turn.status == "failed" and {card.id: card for card in turn.cards} == _announced(client)


async def test_a_thread_that_another_process_has_mended_meanwhile_is_left_as_that_one_left_it() -> None:
    store = FullStore()
    agent, *_ = build(ScriptedModel(*_steps(), [*message("again"), *end()]), FakeTool(), store=store)
    client = RecordingClient()
    store.left = 8
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    store.left = None
    other, *_ = build(ScriptedModel([*message("theirs"), *end()]), FakeTool(), store=store)
    theirs = RecordingClient()
    await other.submit(ResumeThread(thread_id), theirs)
    lines = len(store.lines[thread_id])
    await other.close()
    await client.turn_end(await more(agent, client, thread_id))
    turns = history.turns(store.load(thread_id)[1])
    assert [turn.status for turn in turns] == ["interrupted", "completed"] and len(store.lines[thread_id]) > lines
    await agent.close()
