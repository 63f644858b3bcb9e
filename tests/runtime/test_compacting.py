"""Whole turns on fakes in which a thread is compacted: by a summary of the model's, and by the provider's own endpoint."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from fakes.world import PROVIDER, FakeTool, MemoryStore, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.core import history
from treadle.core.errors import ModelError
from treadle.core.events import CardCompleted, CardStarted, ErrorReported, WarningReported
from treadle.core.items import Summary, Text
from treadle.core.ops import (
    CompactThread,
    InterruptTurn,
    Overrides,
    StartTurn,
)
from treadle.core.prompt import Request
from treadle.core.replies import ReplyEvent
from treadle.core.views import SummaryCard

FULL = 9_500
"Tokens that a window of 10,000 should not be filled with."
ENDPOINT = dataclasses.replace(PROVIDER, compact_endpoint=True)


def overflow() -> ModelError:
    return ModelError("The prompt is too long.", kind="context_overflow", status=400)


def entries(request: Request) -> list[dict[str, Any]]:
    return request.parsed()["input"]


def words(request: Request) -> str:
    return json.dumps(entries(request), ensure_ascii=False)


def cards(client: RecordingClient) -> list[str]:
    return [
        type(event).__name__
        for event in client.events
        if isinstance(event, (CardStarted, CardCompleted)) and isinstance(event.card, SummaryCard)
    ]


def summaries(store: MemoryStore, thread_id: str) -> list[Summary]:
    return [item for item in store.load(thread_id)[1] if isinstance(item, Summary)]


def warnings(client: RecordingClient) -> list[str]:
    return [event.message for event in client.events if isinstance(event, WarningReported)]


async def test_a_full_thread_is_summarised_before_the_next_turn() -> None:
    model = ScriptedModel(
        [*message("first"), *end(FULL)], [*message("# Goal\nshort"), *end(FULL)], [*message("second"), *end(700)]
    )
    agent, _, store = build(model, context_window=10_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client, "do the first thing")
    await client.turn_end(turn)
    turn = await more(agent, client, thread_id, "and the second")
    assert (await client.turn_end(turn)).status == "completed"
    first, asked, after = model.requests
    assert asked.prefix().startswith(first.prefix())
    assert entries(asked)[-1]["content"][0]["text"] == "Sum it up."
    assert after.head == first.head
    roles = [entry["content"][0]["text"] for entry in entries(after)]
    assert roles[0] == "do the first thing"
    assert "# Goal\nshort" in roles[1]
    assert roles[2:] == ["/ws", "and the second"]
    assert cards(client) == ["CardStarted", "CardCompleted"]
    client.check_cards()
    (summary,) = summaries(store, thread_id)
    assert summary.text == "# Goal\nshort"


async def test_a_thread_that_fills_up_within_a_turn_is_summarised_before_the_next_step() -> None:
    model = ScriptedModel([*call("a"), *end(FULL)], [*message("half done"), *end(FULL)], [*message("done"), *end(700)])
    agent, _, store = build(model, context_window=10_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    assert (await client.turn_end(turn)).status == "completed"
    assert "half done" in words(model.requests[2])
    assert "function_call" not in words(model.requests[2])
    kinds = [item.type for item in store.load(thread_id)[1]]
    at = kinds.index("summary")
    assert kinds[at - 1 : at + 4] == ["usage_reported", "summary", "opening", "context", "model_item"]


async def test_an_overflow_compacts_once_and_asks_again_in_the_same_turn() -> None:
    model = ScriptedModel([overflow()], [*message("short"), *end()], [*message("done"), *end()])
    agent, _, _ = build(model)
    client = RecordingClient()
    _, turn = await begin(agent, client)
    assert (await client.turn_end(turn)).status == "completed"
    assert len(model.requests) == 3
    assert not [event for event in client.events if isinstance(event, ErrorReported)]
    client.check_cards()


async def test_a_second_overflow_ends_the_turn_with_the_provider_s_sentence() -> None:
    model = ScriptedModel([overflow()], [*message("short"), *end()], [overflow()])
    agent, _, _ = build(model)
    client = RecordingClient()
    _, turn = await begin(agent, client)
    ended = await client.turn_end(turn)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.code == "context_overflow"
    errors = [event for event in client.events if isinstance(event, ErrorReported)]
    assert [(event.error, event.will_retry) for event in errors] == [(ended.error, False)]


async def test_a_summary_request_that_is_too_long_is_made_again_with_less() -> None:
    big = "x" * 30_000
    model = ScriptedModel(
        [*call("a"), *end(2_000)], [overflow()], [overflow()], [*message("short"), *end()], [*message("done"), *end()]
    )

    async def run(wish: object, scope: object) -> str:
        return big

    agent, _, _ = build(model, FakeTool(run=run), context_window=12_000)
    client = RecordingClient()
    _, turn = await begin(agent, client)
    assert (await client.turn_end(turn)).status == "completed"
    _, too_long, less, still_less, _ = model.requests
    assert big in words(too_long)
    assert big not in words(less)
    assert "tokens truncated" in words(less)
    assert len(still_less.body()) <= len(less.body())


async def test_a_summary_that_cannot_be_had_fails_the_turn_and_leaves_the_thread_as_it_was() -> None:
    gone = ModelError("No such model.", kind="model_not_found", status=404)
    model = ScriptedModel([*message("first"), *end(FULL)], [gone], [*message("short"), *end()], [*message("third"), *end()])
    agent, _, store = build(model, context_window=10_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    before = len(store.lines[thread_id])
    turn = await more(agent, client, thread_id, "again")
    ended = await client.turn_end(turn)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error.message == "No such model."
    kinds = [item.type for item in store.load(thread_id)[1][before:]]
    assert kinds == ["turn_began", "model_item", "user_message", "turn_ended"]
    assert cards(client) == ["CardStarted", "CardCompleted"]
    told = [event.card for event in client.events if isinstance(event, CardCompleted)]
    shown = history.turns(store.load(thread_id)[1])[-1].cards
    assert [card in shown for card in told if isinstance(card, SummaryCard)] == [True]
    turn = await more(agent, client, thread_id, "and again")
    assert (await client.turn_end(turn)).status == "completed"
    client.check_cards()


async def test_an_interrupt_during_the_summary_leaves_the_thread_as_it_was() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([*message("first"), *end(FULL)], [gate, *message("never"), *end()])
    agent, _, store = build(model, context_window=10_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    body = agent._loaded[thread_id].thread.prompt.request({}).body()
    turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
    await client.until(lambda event: isinstance(event, CardStarted) and isinstance(event.card, SummaryCard))
    await agent.submit(InterruptTurn(thread_id), client)
    assert (await client.turn_end(turn)).status == "interrupted"
    assert summaries(store, thread_id) == []
    assert agent._loaded[thread_id].thread.prompt.request({}).body() == body
    client.check_cards()


async def test_retries_of_a_summary_are_seen_and_counted() -> None:
    busy = ModelError("Busy.", kind="overloaded", retryable=True, status=503)
    model = ScriptedModel([*message("a"), *end(FULL)], [busy], [*message("short"), *end()], [*message("b"), *end()])
    agent, clock, _ = build(model, context_window=10_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    turn = await more(agent, client, thread_id)
    assert (await client.turn_end(turn)).status == "completed"
    assert [event.will_retry for event in client.events if isinstance(event, ErrorReported)] == [True]
    assert len(clock.slept) == 1


async def test_a_thread_that_no_summary_can_shorten_ends_with_a_clear_error_and_asks_nothing() -> None:
    model = ScriptedModel()
    agent, _, store = build(model, context_window=2_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client, "word " * 2_000)
    ended = await client.turn_end(turn)
    assert ended.status == "failed"
    assert ended.error is not None
    assert "does not fit" in ended.error.message
    assert "larger window" in ended.error.message
    assert model.requests == []
    assert summaries(store, thread_id) == []


async def test_a_provider_that_counts_more_than_can_be_freed_ends_the_turn_instead_of_compacting_for_ever() -> None:
    class Greedy(ScriptedModel):
        """Counts every request as full, whatever is in it."""

        async def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
            self.requests.append(request)
            for event in [*message("short"), *call(f"call-{len(self.requests)}"), *end(FULL)]:
                yield [event]  # type: ignore[misc]

    model = Greedy()
    agent, _, _ = build(model, context_window=10_000)
    client = RecordingClient()
    _, turn = await begin(agent, client)
    ended = await client.turn_end(turn)
    assert ended.status == "failed"
    assert ended.error is not None
    assert "does not fit" in ended.error.message
    assert len(model.requests) < 12
    client.check_cards()


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by itself"])
@pytest.mark.parametrize("reply", [call("x"), message(""), message(" \n")], ids=["a call", "nothing", "blanks"])
async def test_a_model_that_twice_writes_no_summary_fails_the_turn_and_leaves_the_thread_as_it_was(
    reply: list[Any], by_hand: bool
) -> None:
    model = ScriptedModel([*message("a"), *end(FULL)], *[[*reply, *end(FULL)]] * 2)
    agent, _, store = build(model, context_window=10_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    before = len(store.lines[thread_id])
    if by_hand:
        turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
    else:
        turn = await more(agent, client, thread_id)
    ended = await client.turn_end(turn)
    assert ended.status == "failed"
    assert ended.error is not None
    assert "wrote no summary" in ended.error.message
    assert len(model.requests) == 3
    kinds = [item.type for item in store.load(thread_id)[1][before:]]
    assert kinds == ["turn_began", "model_item", *([] if by_hand else ["user_message"]), "turn_ended"]
    assert cards(client) == ["CardStarted", "CardCompleted"]
    client.check_cards()


@pytest.mark.parametrize("window", [1, 2, 20])
async def test_a_window_in_which_nothing_fits_ends_the_turn_with_a_clear_error(window: int) -> None:
    model = ScriptedModel()
    agent, _, _ = build(model, context_window=window)
    client = RecordingClient()
    _, turn = await begin(agent, client)
    ended = await client.turn_end(turn)
    assert ended.error is not None
    assert "does not fit" in ended.error.message
    assert model.requests == []


async def test_summaries_never_nest() -> None:
    def script(number: int) -> list[Any]:
        return [[*message(f"answer {number}"), *end(FULL)], [*message(f"summary {number}"), *end(FULL)]]

    model = ScriptedModel(*[part for number in range(3) for part in script(number)], [*message("end"), *end()])
    agent, _, _ = build(model, context_window=10_000)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client, "wish 0")
    await client.turn_end(turn)
    for number in (1, 2, 3):
        turn = await more(agent, client, thread_id, f"wish {number}")
        assert (await client.turn_end(turn)).status == "completed"
    last = words(model.requests[-1])
    assert last.count("<conversation_summary>") == 1
    assert "summary 2" in last
    assert "summary 1" not in last
    assert [f"wish {number}" in last for number in range(4)] == [True] * 4


async def test_the_endpoint_s_items_become_the_next_input_byte_for_byte() -> None:
    model = ScriptedModel([*message("first"), *end(FULL)], [*message("second"), *end(700)])
    kept = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    secret = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAA" * 50, "unknown": {"b": 1, "a": 2}}
    ours = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "/ws"}]}
    model.compactions = [[kept, ours, secret]]
    agent, _, store = build(model, context_window=10_000, provider=ENDPOINT)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    turn = await more(agent, client, thread_id, "go on")
    assert (await client.turn_end(turn)).status == "completed"
    assert entries(model.requests[1])[:2] == [kept, secret]
    assert [entry["content"][0]["text"] for entry in entries(model.requests[1])[2:]] == ["/ws", "go on"]
    assert model.compacted[0].prefix().startswith(model.requests[0].prefix())
    (summary,) = summaries(store, thread_id)
    assert (summary.kind, summary.text) == ("remote", "")
    assert warnings(client) == []


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_provider_without_the_endpoint_is_asked_for_it_once(status: int) -> None:
    turns = [[*message("a"), *end(FULL)], [*message("short"), *end()]]
    model = ScriptedModel(*turns, *turns, [*message("end"), *end()])
    model.compactions = [ModelError("Not here.", status=status)]
    agent, _, _ = build(model, context_window=10_000, provider=ENDPOINT)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    for _ in range(2):
        await client.turn_end(turn)
        turn = await more(agent, client, thread_id)
    assert (await client.turn_end(turn)).status == "completed"
    assert len(model.compacted) == 1
    assert warnings(client) == []


BAD: list[Any] = [
    ModelError("The server failed (500).", kind="server", status=500, retryable=True),
    ModelError("The answer is not JSON.", kind="other"),
    [],
    [{"no": "type"}],
    [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "/ws"}]}],
    [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 40_000}]}],
]


@pytest.mark.parametrize("answer", BAD, ids=["500", "garbage", "empty", "no-items", "our-own-context", "as-long-as-before"])
async def test_a_bad_answer_of_the_endpoint_is_a_warning_and_the_model_summarises(answer: Any) -> None:
    model = ScriptedModel([*message("a"), *end(FULL)], [*message("short"), *end()], [*message("b"), *end()])
    model.compactions = [answer]
    agent, _, store = build(model, context_window=10_000, provider=ENDPOINT)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    turn = await more(agent, client, thread_id)
    assert (await client.turn_end(turn)).status == "completed"
    (warning,) = warnings(client)
    assert warning.startswith("Fake could not compact the conversation")
    assert [summary.kind for summary in summaries(store, thread_id)] == ["local"]
    client.check_cards()


async def test_a_switch_to_a_model_whose_window_nobody_knows_is_said_once() -> None:
    model = ScriptedModel(*[[*message("a"), *end()]] * 3)
    agent, _, _ = build(model, provider=PROVIDER)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    for _ in range(2):
        op = StartTurn(thread_id, (Text("hi"),), Overrides(model="somebody/else"))
        turn = (await agent.submit(op, client)).id  # type: ignore[union-attr]
        await client.turn_end(turn)
    assert [("somebody/else" in warning, "model_context_window" in warning) for warning in warnings(client)] == [(True, True)]
