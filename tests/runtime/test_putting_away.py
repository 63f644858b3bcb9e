"""The end of an agent, and of threads: everything is closed, also when something else ends or begins at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from fakes.world import NoSessions, RecordingClient, ScriptedModel, begin, build, end, message
from treadle.core.events import Event, TurnCompleted, TurnStarted, WarningReported
from treadle.core.items import Text
from treadle.core.keeping import DeleteThread
from treadle.core.ops import ArchiveThread, Op, Overrides, StartThread
from treadle.core.queue import AddQueued
from treadle.runtime.agent import Agent
from treadle.runtime.answers import ThreadState


class SlowSessions(NoSessions):
    """Whose commands take a while to end."""

    def __init__(self, go_on: asyncio.Event) -> None:
        self.closing = asyncio.Event()
        self._go_on = go_on

    async def close(self) -> None:
        self.closing.set()
        await self._go_on.wait()


async def test_a_thread_that_is_put_away_meanwhile_keeps_nothing_from_being_closed() -> None:
    agent, _, store = build(ScriptedModel())
    client, ids = RecordingClient(), list[str]()
    for _ in range(3):
        state = await agent.submit(StartThread(), client)
        assert isinstance(state, ThreadState)
        ids.append(state.meta.id)
    go_on = asyncio.Event()
    first, last = SlowSessions(go_on), SlowSessions(go_on)
    for id, sessions in ((ids[0], first), (ids[2], last)):
        agent._loaded[id].sessions = sessions  # type: ignore[assignment]
    closing = asyncio.create_task(agent.close())
    await first.closing.wait()
    await agent.submit(ArchiveThread(ids[1], archived=True), client)
    go_on.set()
    await closing
    assert last.closing.is_set()
    assert not any(map(store.claimed, ids))


class Hasty(RecordingClient):
    """Asks for the thread's end in the very moment in which it hears that a turn is over."""

    def __init__(self, agent: Agent, op: Callable[[str], Op]) -> None:
        super().__init__()
        self.agent, self.op = agent, op
        self.ending: asyncio.Task[object] | None = None

    def notify(self, events: Sequence[Event]) -> None:
        super().notify(events)
        for event in events:
            if isinstance(event, TurnCompleted) and self.ending is None:
                self.ending = asyncio.create_task(self.agent.submit(self.op(event.thread_id), self))


@pytest.mark.parametrize("op", [DeleteThread, lambda thread_id: ArchiveThread(thread_id, archived=True)])
async def test_no_message_of_the_queue_begins_a_turn_in_a_thread_that_is_about_to_go(op: Callable[[str], Op]) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    model = ScriptedModel([begun, *message("one"), *end()], [*message("two"), *end()])
    agent, *_ = build(model)
    client, sessions = Hasty(agent, op), SlowSessions(go_on)
    thread_id, _ = await begin(agent, client)
    agent._loaded[thread_id].sessions = sessions  # type: ignore[assignment]
    await agent.submit(AddQueued(thread_id, (Text("two"),), Overrides()), client)
    begun.set()
    await sessions.closing.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    go_on.set()
    assert client.ending is not None
    await client.ending
    assert agent.loaded_ids() == ()
    await agent.close()
    assert [type(event) for event in client.events if isinstance(event, (TurnStarted, WarningReported))] == [TurnStarted]
    assert len(model.requests) == 1
