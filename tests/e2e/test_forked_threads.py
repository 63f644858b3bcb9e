"""Whole agents that make a thread of another one's beginning: its first request extends what the other one sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes import call, hold, reply, text
from fakes.house import House, outputs
from fakes.prefix import compare
from fakes.responses import ModelServer
from fakes.turning import causes, resumed, say, turn_ids
from fakes.world import RecordingClient
from treadle.core.errors import RequestRefused
from treadle.core.events import ThreadStarted, UsageUpdated
from treadle.core.grants import Grant, Subject
from treadle.core.ops import (
    CompactThread,
    ForkThread,
    InterruptTurn,
    ListThreads,
    NameThread,
    Overrides,
    ReadLedger,
    ReadPrompt,
    ReadThread,
    RevertThread,
)
from treadle.runtime.agent import Agent, ThreadState


async def fork(agent: Agent, client: RecordingClient, thread_id: str, **more: Any) -> ThreadState:
    state = await agent.submit(ForkThread(thread_id, **more), client)
    assert isinstance(state, ThreadState)
    return state


async def three_turns(house: House, agent: Agent, client: RecordingClient) -> tuple[str, list[str]]:
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    return thread_id, [first, await say(agent, client, thread_id, "two"), await say(agent, client, thread_id, "three")]


@pytest.mark.parametrize(("named", "kept", "extends"), [({}, 3, 2), ({"last_turn_id": 1}, 2, 1), ({"before_turn_id": 1}, 1, 0)])
async def test_a_fork_goes_on_from_the_bytes_of_its_parent(
    named: dict[str, int], kept: int, extends: int, tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.script([text(f"answer {n}") for n in range(5)])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    parent, turns = await three_turns(house, agent, client)
    state = await fork(agent, client, parent, **{name: turns[place] for name, place in named.items()})
    child = state.meta.id
    assert (state.meta.forked_from, state.status, state.meta.preview) == (parent, "idle", "one")
    assert [turn.id for turn in state.turns] == turns[:kept]
    assert ThreadStarted(child) in client.events
    assert any(isinstance(event, UsageUpdated) and event.thread_id == child for event in client.events)
    mine = await say(agent, client, child, "my own way")
    assert compare(model_server.requests[extends].raw, model_server.requests[3].raw) is None
    assert model_server.requests[3].headers["session_id"] == child
    assert await causes(agent, child) == ["forked"]
    page: Any = await agent.submit(ReadLedger(child), client)
    assert page.rows[0].kept_tokens > 0
    theirs = await say(agent, client, parent, "the old way")
    assert "my own way" not in model_server.requests[4].raw.decode()
    assert await turn_ids(agent, parent) == [*turns, theirs]
    assert await turn_ids(agent, child) == [*turns[:kept], mine]
    shown: Any = await agent.submit(ReadPrompt(child, 1), client)
    assert (shown.problem, shown.body()) == (None, model_server.requests[3].raw)
    await agent.close()


async def test_a_fork_lasts_and_can_be_forked_after_its_parent_is_forgotten(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text(f"answer {n}") for n in range(5)])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    parent, turns = await three_turns(house, agent, client)
    await agent.close()
    agent = house.agent()
    await agent.submit(NameThread(parent, "renamed"), client)
    state = await fork(agent, client, parent, last_turn_id=turns[1])
    assert agent.loaded_ids() == (state.meta.id,)
    await agent.close()
    agent = house.agent()
    child = (await resumed(agent, state.meta.id)).meta
    assert (child.forked_from, child.name) == (parent, "renamed")
    await say(agent, client, child.id, "on")
    assert await causes(agent, child.id) == ["forked"]
    grandchild = await fork(agent, client, child.id)
    await say(agent, client, grandchild.meta.id, "and on")
    assert model_server.requests[4].json["prompt_cache_key"] == parent
    listed: Any = await agent.submit(ListThreads(), client)
    assert {state.meta.id: state.meta.forked_from for state in listed.threads} == {
        parent: None,
        child.id: parent,
        grandchild.meta.id: child.id,
    }
    await agent.close()


async def test_a_fork_in_the_middle_of_a_turn_ends_with_an_interruption_and_the_turn_goes_on(
    tmp_path: Path, model_server: ModelServer
) -> None:
    wait = call("exec_command", {"cmd": "echo first; read line; echo $line", "yield_time_ms": 30_000, "tty": True})
    model_server.script([reply(wait), text("in the fork"), text("stopped")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    parent, running = await house.begin(agent, client, "one")
    await client.until(lambda event: "first" in str(getattr(event, "text", "")))
    with pytest.raises(RequestRefused, match="still running"):
        await fork(agent, client, parent, last_turn_id=running)
    state = await fork(agent, client, parent)
    assert [turn.status for turn in state.turns] == ["interrupted"]
    await say(agent, client, state.meta.id, "go on")
    answer = outputs(model_server.requests[1].json)
    assert "the thread was copied" in answer[0]
    assert "<turn_aborted>" in model_server.requests[1].raw.decode()
    still: Any = await agent.submit(ReadThread(parent), client)
    assert still.status == "active"
    await agent.submit(InterruptTurn(parent), client)
    assert (await client.turn_end(running)).status == "interrupted"
    before = await fork(agent, client, parent, before_turn_id=running)
    assert (before.turns, before.meta.preview) == ([], "")
    await agent.close()


async def test_a_fork_over_a_compaction_has_both_epochs(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one"), text("a summary"), text("two"), text("three"), text("four")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    parent, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    compaction: Any = await agent.submit(CompactThread(parent), client)
    await client.turn_end(compaction.id)
    model_server.moves_prefix("compaction")
    second = await say(agent, client, parent, "two")
    whole = await fork(agent, client, parent)
    early = await fork(agent, client, parent, last_turn_id=first)
    await say(agent, client, whole.meta.id, "three")
    assert compare(model_server.requests[2].raw, model_server.requests[3].raw) is None
    await say(agent, client, early.meta.id, "four")
    assert compare(model_server.requests[0].raw, model_server.requests[4].raw) is None
    await agent.submit(RevertThread(whole.meta.id, compaction.id), client)
    assert await turn_ids(agent, whole.meta.id) == [first]
    assert second in await turn_ids(agent, parent)
    await agent.close()


async def test_what_is_set_for_a_fork_holds_for_it_alone_and_what_was_allowed_in_the_parent_does_not(
    tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.script([text("one"), text("two"), text("three")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    parent, first = await house.begin(agent, client, "one", approval_policy="never")
    await client.turn_end(first)
    store = agent._world.store
    store.grants.write([Grant("g1", "thread", Subject("command", "make", outside=True), 1.0, str(house.workspace), parent)], [])
    other = house.workspace / "sub"
    other.mkdir()
    state = await fork(agent, client, parent, overrides=Overrides(cwd=str(other), effort="low"), ephemeral=True)
    child = state.meta.id
    assert state.settings is not None
    assert (state.settings.cwd, state.settings.effort, state.settings.approval_policy) == (str(other), "low", "never")
    assert state.meta.ephemeral
    await say(agent, client, child, "two")
    assert model_server.requests[1].json["reasoning"]["effort"] == "low"
    assert "make" not in json.dumps(model_server.requests[1].json["input"][-3:])
    await say(agent, client, parent, "three")
    assert model_server.requests[2].json["reasoning"]["effort"] != "low"
    await agent.close()
    agent = house.agent()
    listed: Any = await agent.submit(ListThreads(), client)
    assert [state.meta.id for state in listed.threads] == [parent]
    await agent.close()


async def test_a_long_output_of_the_parent_is_the_forks_own(tmp_path: Path, model_server: ModelServer) -> None:
    long = call("exec_command", {"cmd": "seq 1 40000", "max_output_tokens": 200})
    model_server.script([reply(long), text("one"), text("two")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    parent, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    child = (await fork(agent, client, parent)).meta.id
    kept = house.homes.treadle / "outputs"
    ours, theirs = (sorted((kept / thread).iterdir()) for thread in (child, parent))
    assert [path.name for path in ours] == [path.name for path in theirs]
    assert ours[0].read_text().endswith("40000\n")
    await agent.close()


async def test_what_cannot_be_forked_is_refused_in_words(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(hold("gate"), text("one"))])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    parent, running = await house.begin(agent, client, "one")
    await model_server.reached("gate")
    with pytest.raises(RequestRefused, match="no thread with the id nowhere"):
        await fork(agent, client, "nowhere")
    with pytest.raises(RequestRefused, match="no turn with the id never"):
        await fork(agent, client, parent, last_turn_id="never")
    listed: Any = await agent.submit(ListThreads(), client)
    assert len(listed.threads) == 1
    model_server.release("gate")
    await client.turn_end(running)
    await agent.close()
