"""Messages that wait: when they start, who may change them, and that each is said exactly once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.stores import MemoryStore
from fakes.world import FakeSandbox, RecordingClient, ScriptedModel, begin, build, end, message, more
from treadle.core.errors import ModelError, RequestRefused
from treadle.core.events import CardCompleted, QueueChanged, TurnCompleted, TurnStarted, WarningReported
from treadle.core.history import TurnState
from treadle.core.items import Image, Text, UserMessage
from treadle.core.ops import ArchiveThread, CompactThread, InterruptTurn, Overrides, ResumeThread, StartThread, SteerTurn
from treadle.core.queue import (
    AddQueued,
    DeleteQueued,
    ListQueued,
    PromoteQueued,
    Queued,
    ReorderQueued,
    StartQueued,
    UpdateQueued,
)
from treadle.core.views import UserCard
from treadle.runtime import queue
from treadle.runtime.agent import Agent, ThreadState
from treadle.runtime.answers import Promoted, QueuePage

SAID = [*message("ok"), *end()]
REFUSED = ModelError("No.", kind="bad_request")


async def add(agent: Agent, client: RecordingClient, thread_id: str, words: str, **more: Any) -> str:
    op = AddQueued(thread_id, (Text(words),), more.pop("overrides", Overrides()), **more)
    queued = await agent.submit(op, client)
    assert isinstance(queued, Queued)
    return queued.id


async def waiting(agent: Agent, client: RecordingClient, thread_id: str) -> list[str]:
    page = await agent.submit(ListQueued(thread_id), client)
    assert isinstance(page, QueuePage)
    return [part.text for queued in page.queued for part in queued.content if isinstance(part, Text)]


async def ended(client: RecordingClient, count: int) -> list[TurnCompleted]:
    """The first `count` turns, when they are over."""
    done = lambda: [event for event in client.events if isinstance(event, TurnCompleted)]  # noqa: E731
    await client.until(lambda _: len(done()) >= count)
    return done()[:count]


async def asked(model: ScriptedModel, count: int) -> None:
    async with asyncio.timeout(60):
        while len(model.requests) < count:  # noqa: ASYNC110 - a list that is not awaited
            await asyncio.sleep(0)


def said(client: RecordingClient) -> list[str]:
    """What the user said, as it was shown."""
    cards = [event.card for event in client.events if isinstance(event, CardCompleted)]
    return [part.text for card in cards if isinstance(card, UserCard) for part in card.content if isinstance(part, Text)]


def kept(store: MemoryStore, thread_id: str) -> list[str]:
    """What the user said, as it was stored."""
    messages = [item for item in store.load(thread_id)[1] if isinstance(item, UserMessage)]
    return [part.text for item in messages for part in item.content if isinstance(part, Text)]


async def test_messages_wait_and_follow_one_by_one_when_turns_are_completed() -> None:
    gate = asyncio.Event()
    agent, _, store = build(ScriptedModel([gate, *SAID], SAID, SAID))
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    await add(agent, client, thread_id, "two")
    await add(agent, client, thread_id, "three")
    assert await waiting(agent, client, thread_id) == ["two", "three"]
    gate.set()
    assert [turn.status for turn in await ended(client, 3)] == ["completed"] * 3
    assert said(client) == kept(store, thread_id) == ["one", "two", "three"]
    assert await waiting(agent, client, thread_id) == []
    assert store.queue.of(thread_id) == []
    client.check_cards()


async def test_nothing_of_the_next_turn_is_told_before_the_turn_is_told_to_be_over() -> None:
    gate = asyncio.Event()
    agent, *_ = build(ScriptedModel([gate, *SAID], SAID))
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    await add(agent, client, thread_id, "two")
    gate.set()
    await ended(client, 2)
    marks = [type(event) for event in client.events if isinstance(event, (TurnStarted, TurnCompleted, QueueChanged))]
    assert marks == [TurnStarted, QueueChanged, TurnCompleted, QueueChanged, TurnStarted, TurnCompleted]


async def test_a_message_for_a_thread_where_nothing_runs_and_nothing_waits_starts_at_once() -> None:
    agent, *_ = build(ScriptedModel(SAID))
    client = RecordingClient()
    state = await agent.submit(StartThread(), client)
    assert isinstance(state, ThreadState)
    queued_id = await add(agent, client, state.meta.id, "go", client_id="mine")
    await ended(client, 1)
    (card,) = [event.card for event in client.events if isinstance(event, CardCompleted) and isinstance(event.card, UserCard)]
    assert (card.id, card.client_id) == (queued_id, "mine")


@pytest.mark.parametrize("how", ["interrupted", "failed"])
async def test_after_a_turn_that_was_not_completed_the_queue_rests_until_one_is(how: str) -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate, REFUSED], SAID, SAID, SAID)
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "one")
    await asked(model, 1)
    await add(agent, client, thread_id, "two")
    if how == "interrupted":
        await agent.submit(InterruptTurn(thread_id, turn_id), client)
    else:
        gate.set()
    assert (await ended(client, 1))[0].status == how
    await add(agent, client, thread_id, "three")
    assert await waiting(agent, client, thread_id) == ["two", "three"]
    await more(agent, client, thread_id, "mine first")
    await ended(client, 4)
    assert said(client)[-3:] == ["mine first", "two", "three"]


async def test_the_user_starts_a_queue_at_rest_from_any_of_its_messages() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate], SAID, SAID)
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "one")
    await asked(model, 1)
    await add(agent, client, thread_id, "two")
    third = await add(agent, client, thread_id, "three")
    with pytest.raises(RequestRefused, match="a turn is running"):
        await agent.submit(StartQueued(thread_id), client)
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await ended(client, 1)
    state = await agent.submit(StartQueued(thread_id, third), client)
    assert isinstance(state, TurnState)
    await ended(client, 3)
    assert said(client)[-2:] == ["three", "two"]
    with pytest.raises(RequestRefused, match="the queue is empty"):
        await agent.submit(StartQueued(thread_id), client)


async def test_words_order_and_pictures_are_changed_while_they_wait() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate, *SAID], SAID, SAID)
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    first, second, third = [await add(agent, client, thread_id, words) for words in ("two", "three", "four")]
    picture = Image("data:image/png;base64,AAAA")
    await agent.submit(UpdateQueued(thread_id, second, (Text("three!"), picture, Text("$tidy", skill="/s/SKILL.md"))), client)
    with pytest.raises(RequestRefused, match="exactly once") as refused:
        await agent.submit(ReorderQueued(thread_id, (second, first)), client)
    assert refused.value.data == {"queuedSubmissionIds": [first, second, third]}
    await agent.submit(ReorderQueued(thread_id, (third, second, first)), client)
    assert await agent.submit(DeleteQueued(thread_id, first), client) is True
    assert await agent.submit(DeleteQueued(thread_id, first), client) is False
    gate.set()
    await ended(client, 3)
    assert said(client) == ["one", "four", "three!", "$tidy"]
    assert picture.url in model.requests[2].body().decode()


async def test_what_has_started_cannot_be_changed_and_the_refusal_names_its_turn() -> None:
    gate, second_gate = asyncio.Event(), asyncio.Event()
    agent, *_ = build(ScriptedModel([gate, *SAID], [second_gate, *SAID]))
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    queued_id = await add(agent, client, thread_id, "two")
    gate.set()
    await client.until(lambda _: sum(isinstance(event, TurnStarted) for event in client.events) == 2)
    turn_id = [event.turn_id for event in client.events if isinstance(event, TurnStarted)][-1]
    for op in (UpdateQueued(thread_id, queued_id, (Text("x"),)), StartQueued(thread_id), PromoteQueued(thread_id, queued_id)):
        with pytest.raises(RequestRefused):
            await agent.submit(op, client)
    with pytest.raises(RequestRefused, match="cannot be changed any more") as refused:
        await agent.submit(UpdateQueued(thread_id, queued_id, (Text("x"),)), client)
    assert refused.value.data == {"turnId": turn_id}
    assert await agent.submit(DeleteQueued(thread_id, queued_id), client) is False
    with pytest.raises(RequestRefused, match="not found: nothing"):
        await agent.submit(UpdateQueued(thread_id, "nothing", (Text("x"),)), client)
    second_gate.set()
    await ended(client, 2)


async def test_a_message_is_promoted_to_a_steer_of_the_running_turn() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate, *SAID], SAID, SAID)
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "one")
    await add(agent, client, thread_id, "two")
    third = await add(agent, client, thread_id, "three")
    assert await agent.submit(PromoteQueued(thread_id, third), client) == Promoted("steered", turn_id)
    assert await waiting(agent, client, thread_id) == ["two"]
    assert [queued.id for queued in store.queue.of(thread_id)].count(third) == 1, "kept until the thread has it"
    gate.set()
    await ended(client, 2)
    assert said(client) == kept(store, thread_id) == ["one", "three", "two"]
    assert store.queue.of(thread_id) == []


async def test_a_promoted_message_that_came_too_late_for_the_model_is_in_the_thread_all_the_same() -> None:
    gate = asyncio.Event()
    agent, _, store = build(ScriptedModel([gate], SAID))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "one")
    queued_id = await add(agent, client, thread_id, "two")
    await agent.submit(PromoteQueued(thread_id, queued_id), client)
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await ended(client, 1)
    assert kept(store, thread_id)[-1] == "two"
    assert store.queue.of(thread_id) == []


async def test_promoting_starts_a_turn_where_none_runs_and_is_refused_while_the_thread_is_compacted() -> None:
    gate = asyncio.Event()
    agent, *_ = build(ScriptedModel(SAID, [REFUSED], SAID, [gate, *SAID], SAID))
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    await ended(client, 1)
    failing = await add(agent, client, thread_id, "fails")
    second = await add(agent, client, thread_id, "two")
    await ended(client, 2)
    became = await agent.submit(PromoteQueued(thread_id, second), client)
    assert isinstance(became, Promoted)
    assert (became.how, (await ended(client, 3))[-1].turn_id) == ("started", became.turn_id)
    await agent.submit(CompactThread(thread_id), client)
    third = await add(agent, client, thread_id, "three")
    with pytest.raises(RequestRefused, match="being compacted"):
        await agent.submit(PromoteQueued(thread_id, third), client)
    gate.set()
    await ended(client, 5)
    assert said(client) == ["one", "fails", "two", "three"]
    assert failing != second


async def test_a_message_brings_the_settings_that_it_was_queued_with() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate, *SAID], SAID)
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    await add(
        agent, client, thread_id, "two", overrides=Overrides(cwd="/elsewhere", effort="high"), output_schema={"type": "object"}
    )
    await asked(model, 1)
    assert "/elsewhere" not in model.requests[0].body().decode()
    gate.set()
    await ended(client, 2)
    assert "/elsewhere" in model.requests[1].body().decode()


async def test_a_queue_is_bounded_in_messages_and_in_size() -> None:
    gate = asyncio.Event()
    agent, *_ = build(ScriptedModel([gate]))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "one")
    half = "x" * (queue.MOST_SIZE // 2)
    first = await add(agent, client, thread_id, half)
    with pytest.raises(RequestRefused, match="64 MiB"):
        await add(agent, client, thread_id, half + "x")
    await agent.submit(UpdateQueued(thread_id, first, (Text("small"),)), client)
    for number in range(queue.MOST - 1):
        await add(agent, client, thread_id, str(number))
    with pytest.raises(RequestRefused, match="100 messages wait"):
        await add(agent, client, thread_id, "one too many")
    page = await agent.submit(ListQueued(thread_id, limit=60), client)
    assert isinstance(page, QueuePage)
    rest = await agent.submit(ListQueued(thread_id, page.next_cursor, limit=60), client)
    assert isinstance(rest, QueuePage)
    assert (len(page.queued), len(rest.queued), rest.next_cursor) == (60, 40, None)
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await ended(client, 1)


async def test_an_ephemeral_thread_has_a_queue_in_memory() -> None:
    gate = asyncio.Event()
    agent, _, store = build(ScriptedModel([gate, *SAID], SAID))
    client = RecordingClient()
    state = await agent.submit(StartThread(ephemeral=True), client)
    assert isinstance(state, ThreadState)
    await more(agent, client, state.meta.id, "one")
    await add(agent, client, state.meta.id, "two")
    assert store.queue.of(state.meta.id) == []
    gate.set()
    await ended(client, 2)
    assert said(client) == ["one", "two"]


async def test_a_thread_that_is_left_and_loaded_again_has_its_queue_at_rest() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate], SAID, SAID)
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    await asked(model, 1)
    for words in ("two", "three"):
        await add(agent, client, thread_id, words)
    await agent.submit(ArchiveThread(thread_id, True), client)
    assert await waiting(agent, client, thread_id) == ["two", "three"]
    await agent.submit(ResumeThread(thread_id), client)
    assert [queued.content for queued in store.queue.of(thread_id)] == [(Text("two"),), (Text("three"),)]
    await agent.submit(StartQueued(thread_id), client)
    await ended(client, 3)
    assert said(client)[-2:] == ["two", "three"]


async def test_a_message_whose_turn_cannot_start_waits_on_in_its_place_and_the_user_is_told_why() -> None:
    gate = asyncio.Event()

    class Failing(FakeSandbox):
        fails = False

        async def status(self) -> Any:
            if self.fails:
                raise RequestRefused("no such folder")
            return await super().status()

    sandbox = Failing()
    agent, _, store = build(ScriptedModel([gate, *SAID], SAID, SAID), sandbox=sandbox)
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    await add(agent, client, thread_id, "two")
    await add(agent, client, thread_id, "three")
    sandbox.fails = True
    gate.set()

    await client.until(lambda event: isinstance(event, WarningReported) and "no such folder" in event.message)
    assert await waiting(agent, client, thread_id) == ["two", "three"]
    assert len(store.queue.of(thread_id)) == 2
    sandbox.fails = False
    await agent.submit(StartQueued(thread_id), client)
    await ended(client, 3)
    assert said(client) == ["one", "two", "three"]


async def test_a_turn_of_the_users_own_that_comes_first_is_followed_by_the_queue() -> None:
    first = asyncio.Event()

    class Slow(FakeSandbox):
        gate = asyncio.Event()
        held = 0

        async def status(self) -> Any:
            if self.held:
                self.held -= 1
                await self.gate.wait()
            return await super().status()

    sandbox = Slow()
    agent, *_ = build(ScriptedModel([first, *SAID], SAID, SAID), sandbox=sandbox)
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "one")
    queued_id = await add(agent, client, thread_id, "two")
    sandbox.held = 1
    first.set()
    await ended(client, 1)
    while sandbox.held:  # noqa: ASYNC110 - a number
        await asyncio.sleep(0)
    with pytest.raises(RequestRefused, match="cannot be changed") as refused:
        await agent.submit(UpdateQueued(thread_id, queued_id, (Text("x"),)), client)
    assert refused.value.data == {"turnId": None}
    await more(agent, client, thread_id, "mine")
    sandbox.gate.set()
    await ended(client, 3)
    assert said(client) == ["one", "mine", "two"]
    assert not any(isinstance(event, WarningReported) for event in client.events)


async def test_an_agent_that_is_closed_starts_nothing_more() -> None:
    gate = asyncio.Event()
    agent, _, store = build(ScriptedModel([gate, *SAID]))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "one")
    await add(agent, client, thread_id, "two")
    gate.set()
    await agent.close()
    assert len([event for event in client.events if isinstance(event, TurnStarted)]) == 1
    assert kept(store, thread_id) == ["one"]
    assert len(store.queue.of(thread_id)) == 1
    with pytest.raises(RequestRefused):
        await agent.submit(SteerTurn(thread_id, turn_id, (Text("x"),)), client)
