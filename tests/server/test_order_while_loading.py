"""Requests that name no thread reach the agent in the order in which they came, also around the moment at which all is loaded."""

from __future__ import annotations

import asyncio

import pytest

from fakes.agent import ScriptedAgent
from fakes.peer import HELLO, Peer
from treadle.core.command_ops import EndCommand
from treadle.core.ops import Op
from treadle.runtime.answers import Answer
from treadle.runtime.ports import Client


class Told(ScriptedAgent):
    """Notes which commands it was to end."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []

    async def submit(self, op: Op, client: Client) -> Answer:
        if not isinstance(op, EndCommand):
            return await super().submit(op, client)
        self.ends.append(op.process_id)
        return None


@pytest.mark.parametrize("steps", range(12))
async def test_who_comes_when_all_is_there_does_not_overtake_who_has_waited_for_it(steps: int) -> None:
    agent, there, asked = Told(), asyncio.Event(), asyncio.Event()

    async def opened() -> Told:
        asked.set()
        await there.wait()
        return agent

    peer = Peer(None, opened)
    await peer.result("initialize", HELLO)
    await asked.wait()
    await peer.ask("no/such/method")  # all methods are loaded now, the agent is not there yet
    peer.send("command/exec/terminate", {"processId": "first"})
    for _ in range(20):
        await asyncio.sleep(0)  # it has come to where it waits
    there.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    last = peer.send("command/exec/terminate", {"processId": "second"})
    await peer.until(lambda message: message.get("id") == last)
    assert agent.ends == ["first", "second"]
    await peer.connection.close()
