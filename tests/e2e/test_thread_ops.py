"""Settings of threads and turns, background commands and pages of history in whole agents."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from fakes import call, hold, reply, text
from fakes.house import House
from fakes.responses import ModelServer
from fakes.turning import resumed, say
from fakes.world import RecordingClient
from treadle.core.errors import RequestRefused
from treadle.core.events import ThreadClosed, ThreadSettingsChanged
from treadle.core.git_info import GitInfo
from treadle.core.ops import (
    EndTerminals,
    ListTerminals,
    ListThreads,
    NameThread,
    Overrides,
    ReadThread,
    StartThread,
    UpdateGit,
    UpdateSettings,
    UpdateTurn,
)
from treadle.core.settings import SandboxPolicy
from treadle.runtime.idling import Idling


async def test_settings_hold_from_the_next_turn_on_and_after_a_restart(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(hold("gate"), call("exec_command", {"cmd": "true"})), text("one"), text("two"), text("three")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one", effort="high")
    await model_server.reached("gate")
    await agent.submit(UpdateSettings(thread_id, Overrides(effort="low", sandbox=SandboxPolicy("read-only"))), client)
    told = [event for event in client.events if isinstance(event, ThreadSettingsChanged)]
    assert (told[-1].settings.effort, told[-1].settings.sandbox.mode) == ("low", "read-only")
    model_server.release("gate")
    await client.turn_end(first)
    await say(agent, client, thread_id, "two")
    await agent.close()
    agent = house.agent()
    state = await resumed(agent, thread_id)
    assert state.settings is not None and state.settings.sandbox.mode == "read-only"
    await say(agent, client, thread_id, "three")
    efforts = [request.json["reasoning"]["effort"] for request in model_server.requests]
    assert efforts == ["high", "high", "low", "low"]
    await agent.close()


async def test_a_running_turn_can_be_told_to_think_less_from_its_next_step_on(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(hold("gate"), call("exec_command", {"cmd": "true"})), text("one"), text("two")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one", effort="high")
    await model_server.reached("gate")
    assert await agent.submit(UpdateTurn(thread_id, first, effort="low", summary="none"), client) is True
    assert await agent.submit(UpdateTurn(thread_id, "another", effort="low"), client) is False
    model_server.release("gate")
    await client.turn_end(first)
    assert await agent.submit(UpdateTurn(thread_id, first, effort="low"), client) is False
    await say(agent, client, thread_id, "two")
    reasoning = [request.json["reasoning"] for request in model_server.requests]
    assert reasoning == [{"effort": "high", "summary": "auto"}, {"effort": "low"}, {"effort": "high", "summary": "auto"}]
    await agent.close()


async def test_background_commands_are_listed_and_ended_and_the_model_may_ask_how_they_ended(
    tmp_path: Path, model_server: ModelServer
) -> None:
    line = "echo $$; exec sleep 600"
    sleeper = call("exec_command", {"cmd": line, "yield_time_ms": 250})
    model_server.script([reply(sleeper), reply(sleeper), text("one"), reply(hold("gate"), text("two"))])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    running: Any = await agent.submit(ListTerminals(thread_id), client)
    assert [(one.command, one.cwd) for one in running] == [(line, str(house.workspace))] * 2
    assert all(one.item_id for one in running) and running[0].item_id != running[1].item_id
    assert await agent.submit(EndTerminals(thread_id, running[0].process_id), client) == 1
    assert await agent.submit(EndTerminals(thread_id, running[0].process_id), client) == 0
    left: Any = await agent.submit(ListTerminals(thread_id), client)
    assert left == running[1:]
    session = int(running[0].process_id)
    model_server.script([call("write_stdin", {"session_id": session}), text("two")])
    await say(agent, client, thread_id, "how did it end?")
    assert "Process exited with code" in model_server.requests[-1].raw.decode()
    assert await agent.submit(EndTerminals(thread_id), client) == 1
    assert await agent.submit(ListTerminals(thread_id), client) == []
    await agent.close()


async def test_a_thread_that_is_let_go_of_takes_its_background_commands_along_and_goes_on_when_resumed(
    tmp_path: Path, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = call("exec_command", {"cmd": "echo $$; exec sleep 600", "yield_time_ms": 250})
    model_server.script([reply(sleeper), text("one"), text("two")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    running: Any = await agent.submit(ListTerminals(thread_id), client)
    monkeypatch.setattr("treadle.runtime.idling.UNLOAD_AFTER", 0.0)
    assert isinstance(agent._idling, Idling)
    agent.unsubscribe(thread_id, client)
    await client.until(lambda event: isinstance(event, ThreadClosed))
    with pytest.raises(ProcessLookupError):
        os.kill(running[0].pid, 0)
    monkeypatch.undo()
    await resumed(agent, thread_id)
    await say(agent, client, thread_id, "two")
    await agent.close()


async def test_a_thread_says_where_its_folder_stood_in_git_when_it_began(tmp_path: Path, model_server: ModelServer) -> None:
    house, client = House(tmp_path, model_server), RecordingClient()
    (house.workspace / ".git" / "HEAD").write_text("ref: refs/heads/topic\n")
    agent = house.agent()
    state: Any = await agent.submit(StartThread(Overrides(cwd=str(house.workspace))), client)
    thread_id = state.meta.id
    await asyncio.gather(*agent._threads._ending)
    listed: Any = await agent.submit(ListThreads(), client)
    assert listed.threads[0].meta.git == GitInfo(None, "topic", None)
    given = {"origin_url": "https://me:secret@example.com/x.git", "branch": None}
    changed: Any = await agent.submit(UpdateGit(thread_id, given), client)
    assert changed.meta.git == GitInfo(None, None, "https://example.com/x.git")
    await agent.close()
    agent = house.agent()
    assert (await resumed(agent, thread_id)).meta.git == changed.meta.git
    with pytest.raises(RequestRefused, match="no thread with the id"):
        await agent.submit(UpdateGit("nowhere", given), client)
    await agent.close()


async def test_a_name_that_another_process_gives_stays_when_the_thread_goes_on(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one"), text("two")])
    house, client = House(tmp_path, model_server), RecordingClient()
    here, there = house.agent(), house.agent()
    thread_id, turn_id = await house.begin(here, client)
    await client.turn_end(turn_id)
    await there.submit(NameThread(thread_id, "By another window"), RecordingClient())
    await say(here, client, thread_id, "two")
    for agent in (here, there):
        state: Any = await agent.submit(ReadThread(thread_id), RecordingClient())
        assert (state.meta.name, state.meta.preview) == ("By another window", "go")
    await here.close()
    await there.close()
