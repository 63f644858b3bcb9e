"""The end of a connection while requests are under way that do not end by themselves: they are over before the agent is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.agent import ScriptedAgent
from fakes.peer import HELLO, Peer
from treadle.core.ops import NameThread, Op, ReadThread
from treadle.runtime.answers import Answer
from treadle.runtime.ports import Client
from treadle.server import connection


class BusyAgent(ScriptedAgent):
    """Names a thread when it is stopped and not before. A request that is cancelled takes a moment to be over."""

    def __init__(self) -> None:
        super().__init__()
        self.naming, self.stopped = asyncio.Event(), asyncio.Event()
        self.told: list[str] = []

    async def submit(self, op: Op, client: Client) -> Answer:
        if isinstance(op, ReadThread):
            self.told.append("reads")
        if not isinstance(op, NameThread):
            return await super().submit(op, client)
        self.naming.set()
        try:
            if op.name == "late":
                await self.stopped.wait()
            else:
                await asyncio.Event().wait()
            return await super().submit(op, client)
        finally:
            for _ in range(10):
                await asyncio.sleep(0)
            self.told.append("request over")

    async def stop(self) -> None:
        self.stopped.set()
        await asyncio.sleep(0.01)

    async def close(self) -> None:
        self.told.append("closed")
        await super().close()


class Opened:
    """How often an agent was opened."""

    def __init__(self) -> None:
        self.agents: list[BusyAgent] = []

    async def __call__(self) -> Any:
        self.agents.append(BusyAgent())
        return self.agents[-1]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    for name in ("_GRACE", "_PATIENCE"):
        monkeypatch.setattr(connection, name, 0.01)
    return Opened()


async def begun(opened: Opened) -> tuple[Peer, BusyAgent, str]:
    peer = Peer(None, opened)
    await peer.result("initialize", HELLO)
    thread_id = await peer.thread()
    return peer, opened.agents[0], thread_id


async def test_a_request_that_waits_behind_a_slow_one_opens_no_second_agent(opened: Opened) -> None:
    peer, agent, thread_id = await begun(opened)
    peer.send("thread/name/set", {"threadId": thread_id, "name": "late"})
    await agent.naming.wait()
    waits = peer.send("thread/read", {"threadId": thread_id})
    await peer.connection.close()
    assert opened.agents == [agent]
    assert "reads" not in agent.told
    answer = await peer.until(lambda message: message.get("id") == waits)
    assert "error" in answer


async def test_a_request_that_is_cut_short_is_over_before_the_agent_is_closed(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, agent, thread_id = await begun(opened)

    async def stop() -> None:
        # it was waited for in vain; what is cut short from now on has all the time that a busy machine takes
        monkeypatch.setattr(connection, "_PATIENCE", 60.0)

    agent.stop = stop  # type: ignore[method-assign]
    cut = peer.send("thread/name/set", {"threadId": thread_id, "name": "never"})
    await agent.naming.wait()
    await peer.connection.close()
    assert agent.told == ["request over", "closed"]
    assert any(message.get("id") == cut and "error" in message for message in peer.told)


async def test_one_that_does_not_let_itself_be_cut_short_does_not_hold_up_the_end(opened: Opened) -> None:
    peer, agent, thread_id = await begun(opened)
    over = asyncio.Event()

    async def deaf(op: Op, client: Client) -> Answer:
        agent.naming.set()
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue
        return None

    agent.submit = deaf  # type: ignore[method-assign]
    peer.send("thread/name/set", {"threadId": thread_id, "name": "never"})
    await agent.naming.wait()
    async with asyncio.timeout(60):
        await peer.connection.close()
    assert agent.closed
    over.set()


async def test_what_came_just_before_the_end_is_answered_however_long_the_agent_loads(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, loading = asyncio.Event(), asyncio.Event()

    class Thorough(ScriptedAgent):
        async def submit(self, op: Op, client: Client) -> Answer:
            for _ in range(100):
                await asyncio.sleep(0)
            return await super().submit(op, client)

    async def slowly() -> Any:
        loading.set()
        await there.wait()
        return Thorough()

    peer = Peer(None, slowly)
    await peer.result("initialize", HELLO)
    await loading.wait()
    started = peer.send("thread/start", {"cwd": "/w"})
    closing = asyncio.ensure_future(peer.connection.close())
    # longer than requests have to end by themselves and with commands ended; when all is loaded there is as much time as it takes
    await asyncio.wait([closing], timeout=0.1)
    monkeypatch.setattr(connection, "_PATIENCE", 60.0)
    there.set()
    async with asyncio.timeout(60):
        await closing
    assert "result" in await peer.until(lambda message: message.get("id") == started)
