"""Titles of threads: when they are made, who is told, and what they never touch."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.world import RecordingClient, ScriptedModel, begin, build, end, message, more
from treadle.core.errors import ModelError
from treadle.core.events import RequestCounted, ThreadNamed, TurnStarted, WarningReported
from treadle.core.items import UserMessage
from treadle.core.ops import ArchiveThread, ForkThread, InterruptTurn, NameThread, ReadThread, ResumeThread, StartThread
from treadle.core.replies import ReplyEvent
from treadle.runtime.agent import Agent, ThreadState

SAID: list[ReplyEvent | Exception | asyncio.Event] = [*message("ok"), *end()]


def title(words: str) -> list[ReplyEvent | Exception | asyncio.Event]:
    return [*message(words, "title"), *end(7)]


def names(client: RecordingClient) -> list[str | None]:
    return [event.name for event in client.events if isinstance(event, ThreadNamed)]


async def asked(model: ScriptedModel, count: int) -> None:
    async with asyncio.timeout(60):
        while len(model.requests) < count:  # noqa: ASYNC110 - a list that is not awaited
            await asyncio.sleep(0)


async def name_of(agent: Agent, client: RecordingClient, thread_id: str) -> tuple[str | None, str]:
    state = await agent.submit(ReadThread(thread_id), client)
    assert isinstance(state, ThreadState)
    return state.meta.name, state.meta.preview


async def named(client: RecordingClient, count: int) -> None:
    await client.until(lambda _: len(names(client)) >= count)


async def test_a_thread_is_named_after_the_users_first_words_before_its_first_turn_is_told() -> None:
    agent, _, store = build(ScriptedModel(SAID, SAID))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "Fix `load()` in src/app.py. It is wrong.")
    assert names(client) == [], "not before the answer to turn/start"
    await client.turn_end(turn_id)
    told = [type(event) for event in client.events if isinstance(event, (ThreadNamed, TurnStarted))]
    assert told == [ThreadNamed, TurnStarted]
    assert await name_of(agent, client, thread_id) == ("Fix load() in app.py", "Fix `load()` in src/app.py. It is wrong.")
    assert store.metas[thread_id].titled
    await client.turn_end(await more(agent, client, thread_id, "And now something else entirely"))
    assert names(client) == ["Fix load() in app.py"]


async def test_a_name_that_the_user_gave_stays_and_one_that_was_taken_away_does_not_come_back() -> None:
    agent, _, store = build(ScriptedModel(SAID, SAID, SAID))
    client = RecordingClient()
    state = await agent.submit(StartThread(), client)
    assert isinstance(state, ThreadState)
    mine = state.meta.id
    await agent.submit(NameThread(mine, "mine"), client)
    await client.turn_end(await more(agent, client, mine, "Fix the whole thing"))
    assert (await name_of(agent, client, mine))[0] == "mine"
    other, turn_id = await begin(agent, client, "Fix the whole thing")
    await client.turn_end(turn_id)
    await agent.submit(NameThread(other, None), client)
    await client.turn_end(await more(agent, client, other, "Fix the rest of it"))
    assert (await name_of(agent, client, other))[0] is None
    assert not store.metas[other].titled


async def test_a_copy_has_the_name_of_its_original_unless_that_was_made_of_words_that_the_copy_lacks() -> None:
    agent, _, store = build(ScriptedModel(SAID, SAID))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "Fix the whole thing")
    await client.turn_end(turn_id)

    async def copied(**named: Any) -> tuple[str, str | None, bool]:
        state = await agent.submit(ForkThread(thread_id, **named), client)
        assert isinstance(state, ThreadState)
        kept = store.metas[state.meta.id]
        assert (kept.name, kept.titled) == (state.meta.name, state.meta.titled)
        return state.meta.id, kept.name, kept.titled

    assert (await copied())[1:] == ("Fix the whole thing", True)
    bare, *rest = await copied(before_turn_id=turn_id)
    assert rest == [None, False]
    await client.turn_end(await more(agent, client, bare, "Write it anew"))
    assert (await name_of(agent, client, bare))[0] == "Write it anew"
    await agent.submit(NameThread(thread_id, "mine"), client)
    assert (await copied())[1:] == ("mine", False)
    assert (await copied(before_turn_id=turn_id))[1:] == ("mine", False)


async def test_words_that_give_no_title_leave_the_thread_to_its_preview_and_off_means_off() -> None:
    agent, *_ = build(ScriptedModel(SAID))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "?!")
    await client.turn_end(turn_id)
    assert await name_of(agent, client, thread_id) == (None, "?!")
    agent, *_ = build(ScriptedModel(SAID), titles="off")
    thread_id, turn_id = await begin(agent, client, "Fix the whole thing")
    await client.turn_end(turn_id)
    assert (await name_of(agent, client, thread_id))[0] is None
    assert names(client) == []


async def test_a_model_is_asked_once_beside_the_thread_and_the_ledger_says_so() -> None:
    model = ScriptedModel(SAID, title('"Repair of the Loader."'), SAID)
    agent, _, store = build(model, titles="model", effort="high")
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "Fix the whole thing")
    await named(client, 2)
    assert names(client) == ["Fix the whole thing", "Repair of the Loader"]
    await client.turn_end(await more(agent, client, thread_id, "go on"))
    thread, asked, following = [request.parsed() for request in model.requests]
    assert "Fix the whole thing" in asked["input"][0]["content"][0]["text"]
    assert (asked["reasoning"], asked.get("prompt_cache_key"), asked.get("tools")) == ({"effort": "low"}, None, None)
    assert following["input"][: len(thread["input"])] == thread["input"]
    assert model.requests[2].prefix().startswith(model.requests[0].prefix())
    rows = store.ledger.rows
    assert [(row.number, row.endpoint, row.cause) for row in rows] == [
        (1, "responses", "first_request"),
        (2, "title", "first_request"),
        (3, "responses", "extended"),
    ]
    assert (rows[1].input_tokens, store.ledger.totals(thread_id=thread_id).requests) == (7, 3)
    assert store.ledger.answered(thread_id) == rows[2]
    assert [item.type for item in store.load(thread_id)[1] if isinstance(item, UserMessage)] == ["user_message"] * 2


async def test_a_thread_that_is_read_again_compares_its_requests_with_its_own_only() -> None:
    model = ScriptedModel(SAID, title("Repair"), SAID)
    agent, _, store = build(model, titles="model")
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "Fix the whole thing")
    await named(client, 2)
    await agent.close()
    store.release(thread_id)
    again, *_ = build(model, store=store, titles="model")
    await again.submit(ResumeThread(thread_id), client)
    await client.turn_end(await more(again, client, thread_id, "go on"))
    assert [(row.number, row.cause) for row in store.ledger.rows][2:] == [(3, "extended")]
    assert (await name_of(again, client, thread_id))[0] == "Repair"


@pytest.mark.parametrize("answer", [[ModelError("No.", kind="server")], title("..."), [ValueError("a bug")]])
async def test_a_model_that_gives_no_title_is_passed_over_in_silence(answer: Any) -> None:
    model = ScriptedModel(SAID, answer, SAID)
    agent, *_ = build(model, titles="model")
    client = RecordingClient()
    thread_id, _ = await begin(agent, client, "Fix the whole thing")
    await client.until(lambda event: isinstance(event, RequestCounted) and event.row.endpoint == "title")
    await client.turn_end(await more(agent, client, thread_id, "go on"))
    assert names(client) == ["Fix the whole thing"]
    assert len(model.requests) == 3, "and not asked again"
    assert not any(isinstance(event, WarningReported) for event in client.events)


async def test_a_name_that_the_user_gives_while_the_model_thinks_stays() -> None:
    gate = asyncio.Event()
    model = ScriptedModel(SAID, [gate, *title("Repair")])
    agent, _, store = build(model, titles="model")
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "Fix the whole thing")
    await client.turn_end(turn_id)
    await agent.submit(NameThread(thread_id, "mine"), client)
    gate.set()
    await client.until(lambda event: isinstance(event, RequestCounted) and event.row.endpoint == "title")
    await agent.close()
    assert names(client) == ["Fix the whole thing", "mine"]
    assert store.metas[thread_id].name == "mine"


@pytest.mark.parametrize("how", ["archived", "closed"])
async def test_a_title_is_not_waited_for_when_its_thread_goes(how: str) -> None:
    model = ScriptedModel(SAID, [asyncio.Event()])
    agent, _, store = build(model, titles="model")
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "Fix the whole thing")
    await client.turn_end(turn_id)
    await asked(model, 2)
    if how == "archived":
        await agent.submit(ArchiveThread(thread_id, True), client)
    await agent.close()
    assert [(row.endpoint, row.status) for row in store.ledger.rows][1:] == [("title", "interrupted")]


async def test_no_title_is_asked_for_after_a_turn_that_was_stopped() -> None:
    model = ScriptedModel([asyncio.Event()], SAID)
    agent, *_ = build(model, titles="model")
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "Fix the whole thing")
    await asked(model, 1)
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await client.turn_end(turn_id)
    await client.turn_end(await more(agent, client, thread_id, "go on"))
    await agent.close()
    assert len(model.requests) == 2
