"""Whole agents whose turns are taken back, copied and looked at: what such tests say again and again."""

from __future__ import annotations

from typing import Any

from treadle.core.items import Text
from treadle.core.ops import ReadLedger, ReadThread, ResumeThread, StartTurn
from treadle.runtime.agent import Agent, ThreadState
from treadle.runtime.answers import LedgerPage

from .world import RecordingClient


async def say(agent: Agent, client: RecordingClient, thread_id: str, words: str) -> str:
    """One turn to its end; its id."""
    turn: Any = await agent.submit(StartTurn(thread_id, (Text(words),)), client)
    assert (await client.turn_end(turn.id)).status == "completed"
    return turn.id


async def turn_ids(agent: Agent, thread_id: str) -> list[str]:
    state = await agent.submit(ReadThread(thread_id, include_turns=True), RecordingClient())
    assert isinstance(state, ThreadState)
    return [turn.id for turn in state.turns]


async def resumed(agent: Agent, thread_id: str) -> ThreadState:
    state = await agent.submit(ResumeThread(thread_id), RecordingClient())
    assert isinstance(state, ThreadState)
    return state


async def causes(agent: Agent, thread_id: str) -> list[str]:
    """Of the thread's requests, the first one first. The scripted provider caches nothing: what it "evicted" has only grown."""
    page = await agent.submit(ReadLedger(thread_id), RecordingClient())
    assert isinstance(page, LedgerPage)
    return ["extended" if row.cause == "provider_evicted" else row.cause for row in reversed(page.rows)]
