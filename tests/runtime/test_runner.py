"""Moments that only a badly timed user finds: between two effects, and just before the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from fakes.world import RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.core.effects import TakeSteers
from treadle.core.errors import RequestRefused
from treadle.core.events import CardCompleted, CardStarted, Event, UsageUpdated
from treadle.core.items import Text, ToolOutput, UserMessage
from treadle.core.ops import InterruptTurn, SteerTurn
from treadle.core.replies import ItemBegun
from treadle.core.views import MessageCard
from treadle.runtime.agent import Agent


class Impatient(RecordingClient):
    """Interrupts between two effects, when the usage of a reply is announced."""

    agent: Agent

    def notify(self, events: Sequence[Event]) -> None:
        super().notify(events)
        for event in events:
            if isinstance(event, UsageUpdated):
                runner = self.agent._loaded[event.thread_id].runner
                assert runner is not None
                runner.interrupt()


async def test_an_interrupt_between_two_effects_is_not_lost() -> None:
    agent, *_ = build(ScriptedModel([*message("one"), *end()]))
    client = Impatient()
    client.agent = agent
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    client.check_cards()


class JustInTime(RecordingClient):
    """Interrupts the calls of the second step in the moment before they begin."""

    agent: Agent

    def notify(self, events: Sequence[Event]) -> None:
        super().notify(events)
        told = [event for event in self.events if isinstance(event, UsageUpdated)]
        if len(told) == 2 and any(isinstance(event, UsageUpdated) for event in events):
            runner = self.agent._loaded[told[0].thread_id].runner
            assert runner is not None
            asyncio.get_running_loop().call_soon(runner.interrupt)


async def test_an_interrupt_before_the_first_breath_of_an_effect_brings_no_output_twice() -> None:
    agent, _, store = build(ScriptedModel([*call("a"), *end()], [*call("b"), *end()]))
    client = JustInTime()
    client.agent = agent
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    outputs = [item.call_id for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)]
    assert outputs == ["a", "b"]
    client.check_cards()


async def test_a_steer_that_an_interrupt_overtook_is_kept_for_the_next_turn() -> None:
    model = ScriptedModel([ItemBegun("m", "message", {}), asyncio.Event()], [*message("two"), *end()])
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardStarted) and isinstance(e.card, MessageCard))
    await agent.submit(SteerTurn(thread_id, turn_id, (Text("and this"),)), client)
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    kept = [item.content for item in store.load(thread_id)[1] if isinstance(item, UserMessage)]
    assert kept == [(Text("hi"),), (Text("and this"),)]
    client.check_cards()
    shown = [event.card.id for event in client.events if isinstance(event, CardCompleted)]
    assert len(shown) == 3
    await client.turn_end(await more(agent, client, thread_id))
    assert "and this" in model.requests[1].body().decode()


async def test_a_steer_after_the_last_look_for_steers_is_refused() -> None:
    agent, *_ = build(ScriptedModel([asyncio.Event()]))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardCompleted))
    runner = agent._loaded[thread_id].runner
    assert runner is not None
    assert await runner._perform(TakeSteers(closing=True)) == []
    with pytest.raises(RequestRefused):
        await agent.submit(SteerTurn(thread_id, turn_id, (Text("late"),)), client)
    await agent.close()
