"""Whole agents whose turns are taken back: the next prompt is what it was at that point, byte for byte, and what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes import hold, reply, text
from fakes.house import House
from fakes.prefix import PrefixMoved
from fakes.responses import ModelServer
from fakes.turning import causes, resumed, say, turn_ids
from fakes.world import RecordingClient
from treadle.core.errors import RequestRefused
from treadle.core.events import ThreadReverted, UsageUpdated
from treadle.core.items import Text
from treadle.core.ops import (
    CompactThread,
    InterruptTurn,
    ListThreads,
    ReadLedger,
    ReadPrompt,
    ReadThread,
    RevertThread,
    StartThread,
    StartTurn,
    UndoRevert,
)


def inputs(server: ModelServer, number: int) -> list[Any]:
    return server.requests[number].json["input"]


async def test_turns_are_taken_back_and_the_next_request_goes_on_from_that_point(
    tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.script([text(f"answer {n}") for n in range(5)])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    second = await say(agent, client, thread_id, "the second way")
    third = await say(agent, client, thread_id, "three")
    state: Any = await agent.submit(RevertThread(thread_id, second), client)
    assert (state.meta.id, state.status, state.turns) == (thread_id, "idle", [])
    assert [event for event in client.events if isinstance(event, ThreadReverted)] == [ThreadReverted(thread_id)]
    usage = [event for event in client.events if isinstance(event, UsageUpdated)]
    assert usage[-1].total == usage[-2].total and usage[-1].last == usage[0].last
    assert await turn_ids(agent, thread_id) == [first]
    with pytest.raises(RequestRefused, match="no turn with the id"):
        await agent.submit(RevertThread(thread_id, third), client)
    model_server.taken_back(to=0)
    fourth = await say(agent, client, thread_id, "another way")
    assert "the second way" not in str(inputs(model_server, 3))
    assert await turn_ids(agent, thread_id) == [first, fourth]
    assert await causes(agent, thread_id) == ["first_request", "extended", "extended", "reverted"]
    shown: Any = await agent.submit(ReadPrompt(thread_id, 3), client)
    assert (shown.problem, shown.body()) == (None, model_server.requests[2].raw)
    await say(agent, client, thread_id, "and on")
    assert (await causes(agent, thread_id))[-1] == "extended"
    await agent.close()


async def test_what_was_taken_back_is_given_back_also_by_another_process_until_something_new_is_said(
    tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.script([text(f"answer {n}") for n in range(5)])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    second = await say(agent, client, thread_id, "two")
    await agent.submit(RevertThread(thread_id, first), client)
    assert await turn_ids(agent, thread_id) == []
    listed: Any = await agent.submit(ListThreads(), client)
    assert listed.threads[0].meta.preview == ""
    await agent.close()
    agent = house.agent()
    assert (await resumed(agent, thread_id)).turns == []
    await agent.submit(UndoRevert(thread_id), client)
    assert await turn_ids(agent, thread_id) == [first, second]
    await agent.close()
    agent = house.agent()
    state = await resumed(agent, thread_id)
    assert ([turn.id for turn in state.turns], state.meta.preview) == ([first, second], "one")
    third = await say(agent, client, thread_id, "three")
    await agent.submit(RevertThread(thread_id, third), client)
    model_server.taken_back(to=1)
    await say(agent, client, thread_id, "four")
    with pytest.raises(RequestRefused, match="nothing can be given back"):
        await agent.submit(UndoRevert(thread_id), client)
    assert await causes(agent, thread_id) == ["first_request", "extended", "extended", "reverted"]
    await agent.close()


async def test_an_earlier_epoch_comes_back_when_its_compaction_is_taken_back(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one"), text("a summary"), text("two"), text("three"), text("four")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    compaction: Any = await agent.submit(CompactThread(thread_id), client)
    await client.turn_end(compaction.id)
    model_server.moves_prefix("compaction")
    second = await say(agent, client, thread_id, "two")
    await agent.submit(RevertThread(thread_id, compaction.id), client)
    model_server.taken_back(to=0)
    third = await say(agent, client, thread_id, "three")
    assert await turn_ids(agent, thread_id) == [first, third]
    assert (await causes(agent, thread_id))[-1] == "reverted"
    await agent.submit(RevertThread(thread_id, third), client)
    await agent.submit(UndoRevert(thread_id), client)
    assert await turn_ids(agent, thread_id) == [first, third]
    await agent.close()
    agent = house.agent()
    await resumed(agent, thread_id)
    fourth = await say(agent, client, thread_id, "four")
    assert await turn_ids(agent, thread_id) == [first, third, fourth]
    assert second not in await turn_ids(agent, thread_id)
    await agent.close()


async def test_all_is_taken_back_and_the_thread_begins_anew(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one"), text("two")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    state: Any = await agent.submit(StartThread(), client)
    thread_id = state.meta.id
    first = await say(agent, client, thread_id, "one")
    await agent.submit(RevertThread(thread_id, first), client)
    model_server.taken_back(to=None)
    await say(agent, client, thread_id, "two")
    assert len(inputs(model_server, 0)) == len(inputs(model_server, 1))
    page: Any = await agent.submit(ReadLedger(thread_id), client)
    assert page.rows[0].cause == "reverted"
    await agent.close()


async def test_an_ephemeral_thread_takes_turns_back_too(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one"), text("two"), text("three")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    state: Any = await agent.submit(StartThread(ephemeral=True), client)
    thread_id = state.meta.id
    first = await say(agent, client, thread_id, "one")
    second = await say(agent, client, thread_id, "two")
    await agent.submit(RevertThread(thread_id, second), client)
    assert await turn_ids(agent, thread_id) == [first]
    await agent.submit(UndoRevert(thread_id), client)
    assert await turn_ids(agent, thread_id) == [first, second]
    await say(agent, client, thread_id, "three")
    await agent.close()


async def test_nothing_is_taken_back_while_a_turn_runs(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text("one")), reply(hold("gate"), text("two"))])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    running: Any = await agent.submit(StartTurn(thread_id, (Text("two"),)), client)
    await model_server.reached("gate")
    for op in (RevertThread(thread_id, first), UndoRevert(thread_id)):
        with pytest.raises(RequestRefused, match="a turn or a command is running"):
            await agent.submit(op, client)
    await agent.submit(InterruptTurn(thread_id), client)
    await client.turn_end(running.id)
    await agent.submit(RevertThread(thread_id, running.id), client)
    assert await turn_ids(agent, thread_id) == [first]
    with pytest.raises(RequestRefused, match="thread not found"):
        await agent.submit(RevertThread("nowhere", first), client)
    await agent.close()


async def test_the_check_of_prompts_wants_the_prefix_that_counts_and_no_other(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one"), text("two"), text("three")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    second = await say(agent, client, thread_id, "two")
    await agent.submit(RevertThread(thread_id, second), client)
    model_server.taken_back(to=1)
    await say(agent, client, thread_id, "three")
    with pytest.raises(PrefixMoved, match="request 2"):
        model_server.check_prefix()
    state: Any = await agent.submit(ReadThread(thread_id), client)
    assert state.status == "idle"
    await agent.close()
