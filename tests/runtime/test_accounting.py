"""Every attempt is one row, whatever its end; the bill never stops the work; a restart goes on counting where it ended."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from fakes.world import (
    PROVIDER,
    FrozenClock,
    MemoryStore,
    RecordingClient,
    Script,
    ScriptedModel,
    begin,
    build,
    call,
    end,
    message,
    more,
)
from treadle.core.errors import ModelError
from treadle.core.events import RequestCounted, UsageUpdated
from treadle.core.inspection import Inspection
from treadle.core.ledger import LedgerRow
from treadle.core.ops import InterruptTurn, ReadPrompt, ResumeThread
from treadle.core.prices import Price
from treadle.core.replies import ReplyCompleted
from treadle.runtime.accounting import MemoryLedger, utc_day

ANSWER: Script = [*message("hello"), *end(2_000)]


def rows(client: RecordingClient) -> list[LedgerRow]:
    return [event.row for event in client.events if isinstance(event, RequestCounted)]


async def test_a_row_is_written_before_it_is_announced_and_before_the_tokens_are() -> None:
    agent, _, store = build(ScriptedModel(ANSWER))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    (row,) = rows(client)
    assert store.ledger.row(thread_id) == row
    assert (row.turn_id, row.number, row.input_tokens, row.output_tokens) == (turn_id, 1, 2_000, 1)
    kinds = [type(event) for event in client.events]
    assert kinds.index(RequestCounted) < kinds.index(UsageUpdated)


async def test_each_attempt_is_a_row_and_only_an_answer_is_built_upon() -> None:
    cut = ModelError("The stream ended early.", kind="stream_cut", retryable=True)
    refused = ModelError("No.", kind="server", retryable=True, status=500)
    model = ScriptedModel([refused], [*message("hel")[:2], cut], [*call("c1"), *end()], ANSWER)
    agent, _, _ = build(model)
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    counted = rows(client)
    assert [(row.number, row.status, row.cause) for row in counted] == [
        (1, "failed", "first_request"),
        (2, "failed", "first_request"),
        (3, "completed", "extended"),
        (4, "completed", "extended"),
    ]
    assert [row.input_tokens for row in counted] == [None, None, 10, 2_000]
    assert counted[1].digest == counted[0].digest
    assert counted[2].seconds == 0
    await agent.close()


async def test_an_interrupted_request_and_one_without_usage_are_rows_too() -> None:
    model = ScriptedModel([*message("hello")[:2], asyncio.Event()], [*message("hello"), ReplyCompleted("r", None)])
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda event: type(event).__name__ == "CardDelta")
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await client.turn_end(turn_id)
    await client.turn_end(await more(agent, client, thread_id))
    assert [(row.status, row.input_tokens) for row in rows(client)] == [("interrupted", None), ("completed", None)]
    assert store.ledger.totals(thread_id=thread_id).requests == 2
    await agent.close()


class FullDisk(MemoryLedger):
    def add(self, row: LedgerRow) -> None:
        raise OSError(28, "No space left on device")


async def test_a_ledger_that_cannot_be_written_does_not_disturb_the_turn(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    store.ledger = FullDisk()
    agent, _, _ = build(ScriptedModel(ANSWER), store=store)
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert rows(client) == []
    assert "could not be counted" in caplog.text
    await agent.close()


async def test_another_process_goes_on_counting_where_the_last_one_ended() -> None:
    agent, _, store = build(ScriptedModel(ANSWER))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    await agent.close()
    agent, clock, _ = build(ScriptedModel(ANSWER), store=store)
    clock.time += 600
    again = RecordingClient()
    await agent.submit(ResumeThread(thread_id), again)
    assert rows(again) == rows(client)
    await again.turn_end(await more(agent, again, thread_id))
    first, second = rows(again)
    assert (second.number, second.cause, second.kept, second.idle) == (2, "provider_evicted", first.fragments, 600)
    assert second.kept_tokens == 2_000
    await agent.close()


async def test_the_price_is_the_user_s_and_without_one_there_is_none() -> None:
    for prices, expected in ({}, None), ({"prices": (("m", Price(1.0, 0.5, 1_000_000.0)),)}, 1.002):
        configured: dict[str, Any] = prices
        agent, _, _ = build(ScriptedModel(ANSWER), **configured)
        client = RecordingClient()
        _, turn_id = await begin(agent, client)
        await client.turn_end(turn_id)
        assert rows(client)[0].price == (None if expected is None else pytest.approx(expected))
        await agent.close()


def test_a_day_is_a_date() -> None:
    assert utc_day(FrozenClock().now()) == "1970-01-01"


async def test_of_the_embedded_model_it_is_said_that_it_reads_another_form() -> None:
    agent, _, _ = build(ScriptedModel(ANSWER), provider=dataclasses.replace(PROVIDER, wire="local"))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    assert (rows(client)[0].wire, rows(client)[0].price) == ("local", 0.0)
    for request in (1, None):
        shown = await agent.submit(ReadPrompt(thread_id, request), client)
        assert isinstance(shown, Inspection)
        assert "embedded model" in (shown.problem or "")
    await agent.close()
