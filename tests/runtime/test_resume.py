"""A thread goes on in another process, from nothing but what is on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fakes.world import FakeTool, MemoryStore, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.adapters.versions import SqliteVersions
from treadle.core.checkpoint_ops import ListCheckpoints
from treadle.core.events import CardStarted, UsageUpdated
from treadle.core.items import ToolOutput, TurnEnded
from treadle.core.ops import ResumeThread
from treadle.core.settings import SandboxPolicy
from treadle.runtime.agent import ThreadState
from treadle.runtime.ports import Call, Scope
from treadle.runtime.repair import UNKNOWN


async def test_a_thread_is_resumed_by_another_process_with_the_same_next_request() -> None:
    store = MemoryStore()
    model = ScriptedModel([*call("a"), *end()], [*message("one"), *end()], [*message("two"), *end()])
    agent, *_ = build(model, store=store)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    second = ScriptedModel([*message("two"), *end()])
    other, *_ = build(second, store=MemoryStore())
    other._world.store.metas, other._world.store.lines = dict(store.metas), {k: list(v) for k, v in store.lines.items()}  # type: ignore[attr-defined]
    state = await other.submit(ResumeThread(thread_id), client)
    assert isinstance(state, ThreadState)
    assert [turn.status for turn in state.turns] == ["completed"]
    usage = [event for event in client.events if isinstance(event, UsageUpdated)]
    assert (usage[-1].last.input_tokens, usage[-1].total.input_tokens, usage[-1].context_window) == (10, 20, 1000)
    await client.turn_end(await more(agent, client, thread_id, "next"))
    resumed = RecordingClient()
    await resumed.turn_end(await more(other, resumed, thread_id, "next"))
    assert second.requests[0].body() == model.requests[2].body()


async def test_a_thread_whose_process_died_in_a_turn_is_repaired(tmp_path: Path) -> None:
    store, begun = MemoryStore(), asyncio.Event()

    async def forever(call_: Call, scope: Scope) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    agent, *_ = build(ScriptedModel([*call("a"), *end()]), FakeTool(run=forever), store=store)
    client = RecordingClient()
    thread_id, _ = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardStarted) and getattr(e.card, "call_id", "") == "a")
    kept = MemoryStore()
    await begun.wait()
    kept.metas, kept.lines = dict(store.metas), {key: list(lines) for key, lines in store.lines.items()}
    kept.drafted[thread_id] = dict(store.drafted[thread_id])
    await agent.close()
    second = ScriptedModel([*message("two"), *end()])
    versions = SqliteVersions(tmp_path)
    other, *_ = build(second, store=kept, versions=versions, policy=SandboxPolicy("workspace-write"))
    state = await other.submit(ResumeThread(thread_id), client)
    assert isinstance(state, ThreadState)
    assert [turn.status for turn in state.turns] == ["interrupted"]
    [checkpoint] = (await other.submit(ListCheckpoints(thread_id), client)).checkpoints
    assert [(left_out.path, left_out.reason) for left_out in checkpoint.omitted] == [("/ws", UNKNOWN)]
    items = kept.load(thread_id)[1]
    assert [item.text for item in items if isinstance(item, ToolOutput)] == ["aborted: Treadle ended while this call was running"]
    assert isinstance(items[-1], TurnEnded)
    again = RecordingClient()
    assert (await again.turn_end(await more(other, again, thread_id))).status == "completed"
