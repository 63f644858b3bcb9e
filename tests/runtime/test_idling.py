"""Threads that nobody watches are let go of after a while, and never before."""

from __future__ import annotations

import asyncio

import pytest

from fakes.world import (
    FakeTool,
    FrozenClock,
    MemoryStore,
    NoSessions,
    RecordingClient,
    ScriptedModel,
    begin,
    build,
    call,
    end,
    message,
    more,
)
from treadle.core.events import ThreadClosed, ThreadStatusChanged
from treadle.core.ops import ResumeThread
from treadle.runtime.agent import Agent
from treadle.runtime.idling import UNLOAD_AFTER
from treadle.runtime.ports import Call, Scope


async def settled() -> None:
    """Everything that can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


class SlowClock(FrozenClock):
    """Sleepers wait until the test lets the time pass."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.time + seconds, waiting))
        await waiting

    async def pass_by(self, seconds: float) -> None:
        await settled()
        self.time += seconds
        for at, waiting in self._sleepers:
            if at <= self.time and not waiting.done():
                waiting.set_result(None)
        await settled()


def slow(*scripts: object, **more_: object) -> tuple[Agent, SlowClock, MemoryStore]:
    agent, _, store = build(ScriptedModel(*scripts), **more_)  # type: ignore[arg-type]
    clock = SlowClock()
    agent._world.clock = clock
    return agent, clock, store


def closed(client: RecordingClient) -> list[object]:
    return [event for event in client.events if isinstance(event, ThreadClosed)]


async def test_a_thread_that_nobody_watches_is_closed_after_half_an_hour_and_can_be_resumed() -> None:
    agent, clock, store = slow([*message("one"), *end()], [*message("two"), *end()])
    client, other = RecordingClient(), RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    await agent.submit(ResumeThread(thread_id), other)
    assert agent.unsubscribe(thread_id, other) == "unsubscribed"
    await clock.pass_by(2 * UNLOAD_AFTER)
    assert agent.loaded_ids() == (thread_id,)
    assert [agent.unsubscribe(thread_id, client) for _ in range(2)] == ["unsubscribed", "notSubscribed"]
    await clock.pass_by(UNLOAD_AFTER - 1)
    assert (agent.loaded_ids(), closed(client)) == ((thread_id,), [])
    await clock.pass_by(1)
    assert (agent.loaded_ids(), store.claimed(thread_id)) == ((), False)
    assert client.events[-2:] == other.events[-2:] == [ThreadStatusChanged(thread_id, "not_loaded"), ThreadClosed(thread_id)]
    assert agent.unsubscribe(thread_id, client) == "notLoaded"
    await agent.submit(ResumeThread(thread_id), client)
    assert (await client.turn_end(await more(agent, client, thread_id, "two"))).status == "completed"
    await agent.close()


async def test_whoever_comes_back_in_time_keeps_it() -> None:
    agent, clock, _ = slow([*message("one"), *end()])
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    agent.unsubscribe(thread_id, client)
    await clock.pass_by(UNLOAD_AFTER - 1)
    await agent.submit(ResumeThread(thread_id), client)
    await clock.pass_by(2 * UNLOAD_AFTER)
    assert agent.loaded_ids() == (thread_id,)
    agent.unsubscribe(thread_id, client)
    await clock.pass_by(UNLOAD_AFTER)
    assert agent.loaded_ids() == ()
    await agent.close()


async def test_a_turn_that_goes_on_keeps_it_and_its_end_begins_the_while_anew() -> None:
    gate = asyncio.Event()

    async def wait(call_: Call, scope: Scope) -> str:
        await gate.wait()
        return "waited"

    model = ScriptedModel([*call("a"), *end()], [*message("one"), *end()])
    agent, _, _ = build(model, FakeTool(run=wait))
    clock = agent._world.clock = SlowClock()
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    agent.drop(client)
    await clock.pass_by(3 * UNLOAD_AFTER)
    assert agent.loaded_ids() == (thread_id,)
    gate.set()
    watcher = RecordingClient()
    await agent.submit(ResumeThread(thread_id), watcher)
    await watcher.turn_end(turn_id)
    agent.unsubscribe(thread_id, watcher)
    await clock.pass_by(UNLOAD_AFTER - 1)
    assert agent.loaded_ids() == (thread_id,)
    await clock.pass_by(1)
    assert agent.loaded_ids() == ()
    assert (closed(client), len(closed(watcher))) == ([], 1)
    await agent.close()


async def test_a_closing_agent_waits_for_threads_that_it_was_letting_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, closed_down = asyncio.Event(), list[bool]()

    async def close(sessions: NoSessions) -> None:
        await gate.wait()
        closed_down.append(True)

    agent, _, _ = build(ScriptedModel([*message("one"), *end()]))
    thread_id, turn_id = await begin(agent, client := RecordingClient())
    await client.turn_end(turn_id)
    monkeypatch.setattr(NoSessions, "close", close)
    agent._threads.unload(agent._loaded[thread_id])
    closing = asyncio.ensure_future(agent.close())
    await settled()
    assert not closing.done()
    gate.set()
    await closing
    assert closed_down == [True]
