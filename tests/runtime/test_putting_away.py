"""The end of an agent: everything is closed, also when something else is on its way out at the same time."""

from __future__ import annotations

import asyncio

from fakes.world import NoSessions, RecordingClient, ScriptedModel, build
from treadle.core.ops import ArchiveThread, StartThread
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
