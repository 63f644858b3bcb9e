"""Threads that nobody watches are let go of after a while, and never before."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace

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
from treadle.core.keeping import DeleteThread
from treadle.core.ops import ArchiveThread, ResumeThread
from treadle.core.settings import Settings
from treadle.runtime.agent import Agent
from treadle.runtime.idling import SERVERS_AFTER, UNLOAD_AFTER
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


async def left(agent: Agent, *clients: RecordingClient) -> list[str]:
    """Threads with a turn each, that nobody watches any more; each of a client."""
    ids: list[str] = []
    for client in clients:
        thread_id, turn_id = await begin(agent, client)
        await client.turn_end(turn_id)
        agent.unsubscribe(thread_id, client)
        ids.append(thread_id)
    return ids


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Commands of a thread need it to end."""
    gate = asyncio.Event()

    async def close(sessions: NoSessions) -> None:
        await gate.wait()

    monkeypatch.setattr(NoSessions, "close", close)
    return gate


async def test_a_thread_that_is_read_again_while_it_is_let_go_of_is_let_go_of_again(gate: asyncio.Event) -> None:
    agent, clock, _ = slow([*message("one"), *end()])
    client = RecordingClient()
    (thread_id,) = await left(agent, client)
    await clock.pass_by(UNLOAD_AFTER)
    assert agent.loaded_ids() == ()
    await agent.submit(ResumeThread(thread_id), client)
    agent.unsubscribe(thread_id, client)
    gate.set()
    await settled()
    assert (agent.loaded_ids(), closed(client)) == ((thread_id,), [])
    await clock.pass_by(UNLOAD_AFTER)
    assert (agent.loaded_ids(), len(closed(client))) == ((), 1)
    await agent.close()


async def test_of_threads_that_are_let_go_of_together_each_is_told(gate: asyncio.Event) -> None:
    agent, clock, _ = slow([*message("one"), *end()], [*message("two"), *end()])
    client, other = RecordingClient(), RecordingClient()
    ids = await left(agent, client, other)
    await clock.pass_by(UNLOAD_AFTER)
    gate.set()
    await settled()
    assert closed(client) == closed(other) == [ThreadClosed(thread_id) for thread_id in ids]
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


class Servers:
    """MCP servers that only hear for which folders they are still wanted."""

    def __init__(self) -> None:
        self.wanted: list[list[str]] = []

    async def let_go(self, wanted: Iterable[Settings]) -> None:
        self.wanted.append([settings.cwd for settings in wanted])

    async def close(self) -> None: ...


@pytest.mark.parametrize("put_away", [lambda id: ArchiveThread(id, True), DeleteThread])
async def test_servers_of_threads_that_were_put_away_are_let_go_of_a_little_later(
    put_away: Callable[[str], ArchiveThread | DeleteThread],
) -> None:
    agent, clock, _ = slow([*message("one"), *end()], [*message("two"), *end()])
    client, servers = RecordingClient(), Servers()
    (one, first), (two, second) = await begin(agent, client), await begin(agent, client)
    await asyncio.gather(client.turn_end(first), client.turn_end(second))
    agent._world.mcp = servers  # type: ignore[assignment]
    await agent.submit(put_away(one), client)
    await clock.pass_by(SERVERS_AFTER - 1)
    assert servers.wanted == []
    await clock.pass_by(1)
    (left,) = servers.wanted
    assert len(left) == 1
    agent.unsubscribe(two, client)
    await clock.pass_by(UNLOAD_AFTER)
    await clock.pass_by(SERVERS_AFTER)
    assert servers.wanted[1:] == [[]]
    await agent.close()


async def test_servers_of_a_turn_that_runs_stay_and_others_do_not_wait_for_its_end() -> None:
    gate = asyncio.Event()

    async def wait(call_: Call, scope: Scope) -> str:
        await gate.wait()
        return "waited"

    model = ScriptedModel([*message("one"), *end()], [*call("a"), *end()], [*message("two"), *end()])
    agent, _, _ = build(model, FakeTool(run=wait))
    clock = agent._world.clock = SlowClock()
    client, servers = RecordingClient(), Servers()
    one, first = await begin(agent, client)
    await client.turn_end(first)
    two, second = await begin(agent, client)
    agent._world.mcp = servers  # type: ignore[assignment]
    began_in = agent._loaded[two].settings.cwd
    agent._loaded[two].settings = replace(agent._loaded[two].settings, cwd="/elsewhere")
    await agent.submit(DeleteThread(one), client)
    await clock.pass_by(SERVERS_AFTER)
    assert servers.wanted == [["/elsewhere", began_in]]
    gate.set()
    await client.turn_end(second)
    await agent.close()


async def test_a_closing_agent_waits_for_servers_that_it_was_letting_go_of() -> None:
    gate, ended = asyncio.Event(), list[bool]()

    class Slow(Servers):
        async def let_go(self, wanted: Iterable[Settings]) -> None:
            await gate.wait()
            ended.append(True)

    agent, clock, _ = slow([*message("one"), *end()])
    (thread_id,) = await left(agent, client := RecordingClient())
    agent._world.mcp = Slow()  # type: ignore[assignment]
    await agent.submit(DeleteThread(thread_id), client)
    await clock.pass_by(SERVERS_AFTER)
    closing = asyncio.ensure_future(agent.close())
    await settled()
    assert not closing.done()
    gate.set()
    await closing
    assert ended == [True]


@pytest.mark.parametrize("put_away", [lambda id: ArchiveThread(id, True), DeleteThread])
async def test_nothing_waits_for_a_thread_that_was_put_away_to_be_idle(
    put_away: Callable[[str], ArchiveThread | DeleteThread],
) -> None:
    agent, _, _ = slow([*message("one"), *end()])
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    agent.unsubscribe(thread_id, client)
    assert f"idle {thread_id}" in [task.get_name() for task in asyncio.all_tasks()]
    await agent.submit(put_away(thread_id), client)
    await settled()
    assert f"idle {thread_id}" not in [task.get_name() for task in asyncio.all_tasks()]
    await agent.close()


@pytest.mark.parametrize("put_away", [lambda id: ArchiveThread(id, True), DeleteThread])
async def test_nothing_of_a_thread_that_was_put_away_is_kept_in_memory(
    put_away: Callable[[str], ArchiveThread | DeleteThread],
) -> None:
    agent, _, _ = slow([*message("one"), *end()])
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    agent.unsubscribe(thread_id, client)
    loaded = weakref.ref(agent._loaded[thread_id].thread)
    await agent.submit(put_away(thread_id), client)
    await settled()
    gc.collect()
    assert loaded() is None
    await agent.close()
