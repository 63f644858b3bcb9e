"""MCP in the whole sidecar: real servers as child processes, real configuration, a scripted model."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes import call, reply, text
from fakes.mcp_house import GRACE, House, ended, names, outputs, ready
from fakes.responses import ModelServer
from fakes.snapshots import readable, snapshot
from fakes.world import RecordingClient, more
from treadle.core.errors import RequestRefused
from treadle.core.events import CardDelta, McpStatusChanged, ToolsChanged
from treadle.core.looking_ops import LookAtMcpServers, ReadMcpJournal, RestartMcpServer
from treadle.core.ops import InterruptTurn, RefreshTools, ResumeThread
from treadle.runtime.answers import ToolsRefresh


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    made = House(tmp_path, model_server)
    yield made
    await made.close()


async def test_a_tool_of_a_server_is_listed_last_and_called(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": []}, GRACE)
    model_server.script([reply(call("mcp__fake__echo", {"text": "over there"})), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    client.check_cards()
    assert [event.status for event in client.events if isinstance(event, McpStatusChanged)] == ["starting", "ready"]
    first, second = (request.json for request in model_server.requests)
    own = [name for name in names(first) if not name.startswith("mcp__")]
    assert names(first)[: len(own)] == own
    assert names(first)[len(own) :] == sorted(names(first)[len(own) :])
    assert "mcp__fake__odd_name_tool" in names(first)
    (told,) = outputs(second)
    assert told.startswith("Wall time: ")
    assert told.endswith('Output:\n{"result": "over there"}')
    assert client.asked == []
    (card,) = client.calls_completed()
    assert card.view.get("server") == "fake"
    assert card.view.get("arguments") == {"text": "over there"}
    await house.close()
    for pid in house.pids():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_list_that_was_seen_once_is_complete_before_a_slow_server_is_connected(
    house: House, model_server: ModelServer
) -> None:
    house.configure({"fake": ["--wait-for", "go"]}, GRACE)
    (house.folder / "go").touch()
    model_server.script([reply(text("One.")), reply(call("mcp__fake__echo", {"text": "later"})), reply(text("Two."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await ended(client, turn_id)
    await agent.close()
    (house.folder / "go").unlink()
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await model_server.until(lambda server: len(server.requests) == 2)
    (house.folder / "go").touch()
    assert (await ended(client, turn_id)).status == "completed"
    first, second, third = (request.json for request in model_server.requests)
    assert first["tools"] == second["tools"]
    assert "later" in outputs(third)[0]


async def test_a_late_server_is_noted_and_waits_for_a_refresh_that_says_what_it_costs(
    house: House, model_server: ModelServer
) -> None:
    house.configure({"fake": ["--wait-for", "go"]}, "mcp_optional_startup_grace_ms = 1")
    model_server.script(lambda request, number: reply(text(f"Answer {number}.")))
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    await ended(client, turn_id)
    (house.folder / "go").touch()
    noted = await client.until(lambda event: isinstance(event, ToolsChanged), timeout=60)
    assert isinstance(noted, ToolsChanged)
    assert "mcp__fake__echo" in noted.added
    assert f"about {noted.cost} tokens" in noted.message
    would = await agent.submit(RefreshTools(thread_id, dry_run=True), client)
    await ended(client, await more(agent, client, thread_id))
    refreshed = await agent.submit(RefreshTools(thread_id), client)
    assert isinstance(refreshed, ToolsRefresh)
    assert refreshed.cost >= noted.cost > 0
    assert isinstance(would, ToolsRefresh)
    assert refreshed.change == would.change
    assert refreshed.change.added == noted.added
    settled = [event for event in client.events if isinstance(event, ToolsChanged)][-1]
    assert (settled.message, settled.added, settled.cost) == ("", (), 0)
    model_server.moves_prefix("the user asked for the tools of now")
    await ended(client, await more(agent, client, thread_id))
    again = await agent.submit(RefreshTools(thread_id), client)
    assert isinstance(again, ToolsRefresh)
    assert not again.change
    listed = [[name for name in names(request.json) if "mcp_" in name] for request in model_server.requests]
    assert listed[0] == listed[1] == []
    assert tuple(listed[2]) == noted.added
    assert (
        model_server.requests[1].json["input"]
        == model_server.requests[2].json["input"][: len(model_server.requests[1].json["input"])]
    )


async def test_who_keeps_the_servers_sees_all_of_them_and_mends_one(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": ["--refuse"]}, keys="required = true")
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "failed"

    async def states() -> list[tuple[str, str | None, bool]]:
        found = await agent.submit(LookAtMcpServers(thread_id), client)
        return [(s.server.name, s.status and s.status.state, s.server.required) for s in found]  # type: ignore[union-attr]

    assert await states() == [("fake", "failed", True)]
    assert "no license found" in str(await agent.submit(ReadMcpJournal("fake", thread_id), client))

    house.configure({"fake": [], "spare": []}, keys="enabled = true")
    await agent.submit(RestartMcpServer("fake", thread_id), client)
    await client.until(lambda event: isinstance(event, McpStatusChanged) and (event.name, event.status) == ("fake", "ready"))
    assert [state for state in await states() if state[0] == "fake"] == [("fake", "ready", False)]

    house.configure({"fake": []}, keys="enabled = false")
    with pytest.raises(RequestRefused, match="turned off"):
        await agent.submit(RestartMcpServer("fake", thread_id), client)
    assert await states() == [("fake", None, False)]
    with pytest.raises(RequestRefused, match="no MCP server 'other'"):
        await agent.submit(ReadMcpJournal("other", thread_id), client)


async def test_a_required_server_that_does_not_start_fails_the_turn_in_words(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": ["--refuse"]}, keys="required = true")
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    done = await ended(client, turn_id)
    assert done.status == "failed"
    assert done.error is not None
    assert "fake, which is required, did not start" in done.error.message
    assert "no license found" in done.error.message
    assert model_server.requests == []


async def test_an_optional_server_that_does_not_start_is_named_and_the_turn_goes_on(
    house: House, model_server: ModelServer
) -> None:
    house.configure({"fake": ["--refuse"]}, GRACE)
    model_server.script([reply(text("Without it, then."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    failed = [event.error for event in client.events if isinstance(event, McpStatusChanged) and event.status == "failed"]
    assert len(failed) == 1
    assert "no license found" in (failed[0] or "")


async def test_exec_waits_for_every_server_and_names_one_that_does_not_start(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": [], "broken": ["--refuse"]}, "mcp_optional_startup_grace_ms = 1")
    calls = (
        call("mcp__fake__echo", {"text": "here"}, call_id="one"),
        call("mcp__broken__echo", {"text": "there"}, call_id="two"),
    )
    model_server.script([reply(*calls), reply(text("Done."))])
    environ = {"SCRIPTED_KEY": "sk-scripted-123456", "PATH": os.environ["PATH"], "HOME": str(house.folder / "home")}
    environ |= {"CODEX_HOME": str(house.homes.codex), "TREADLE_HOME": str(house.homes.treadle)}
    words = ["-m", "treadle", "exec", "-C", str(house.workspace), "go"]
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=null, stdout=pipe, stderr=pipe, env=environ, cwd=house.workspace
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (0, b"Done.\n"), err
    assert b"warning: The MCP server broken is not connected" in err
    first, second = (request.json for request in model_server.requests)
    assert "mcp__fake__echo" in names(first)
    told = " ".join(outputs(second))
    assert "here" in told
    assert "MCP server broken was not ready" in told


async def test_a_destructive_tool_asks_once_for_the_session_and_a_silent_one_asks_too(
    house: House, model_server: ModelServer
) -> None:
    house.configure({"fake": []}, GRACE)
    wipe = call("mcp__fake__wipe", {"path": "/w"})
    model_server.script([reply(wipe), reply(wipe), reply(call("mcp__fake__odd_name_tool", {})), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient(lambda a: "decline" if len(client.asked) > 1 else "accept_for_session")
    _, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    assert [(asked.kind, asked.view.get("tool")) for asked in client.asked] == [
        ("mcp_tool_call", "wipe"),
        ("mcp_tool_call", "odd-name.tool"),
    ]
    told = outputs(model_server.requests[3].json)
    assert "wiped /w" in told[0]
    assert "wiped /w" in told[1]
    assert "declined" in told[2]


async def test_an_interrupt_ends_the_call_in_the_server(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": []}, GRACE)
    model_server.script([reply(call("mcp__fake__slow", {})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    said = await client.until(lambda event: isinstance(event, CardDelta) and event.kind == "output", timeout=60)
    assert said.text == "half way"  # type: ignore[union-attr]
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    assert (await ended(client, turn_id)).status == "interrupted"
    await house.until("slow.cancelled")
    await ended(client, await more(agent, client, thread_id))
    assert "aborted by user" in outputs(model_server.requests[1].json)[0]
    client.check_cards()


async def test_a_tool_of_a_server_that_is_gone_has_a_clear_output(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": []}, GRACE)
    model_server.script([reply(text("One.")), reply(call("mcp__fake__echo", {"text": "x"})), reply(text("Two."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    await ended(client, turn_id)
    await agent.close()
    house.configure({})
    agent, client = house.agent(), RecordingClient()
    await agent.submit(ResumeThread(thread_id), client)
    await ended(client, await more(agent, client, thread_id))
    assert outputs(model_server.requests[2].json)[0].startswith("MCP server fake is not connected")
    assert model_server.requests[0].json["tools"] == model_server.requests[2].json["tools"]


async def test_the_prompt_is_the_same_whichever_server_starts_first(house: House, model_server: ModelServer) -> None:
    model_server.script(lambda request, number: reply(text("Ok.")))
    for first, last in (("alpha", "beta"), ("beta", "alpha")):
        house.configure({name: ["--wait-for", f"{name}{first}"] for name in ("alpha", "beta")}, GRACE)
        agent, client = house.agent(), RecordingClient()
        _, turn_id = await house.begin(agent, client)
        (house.folder / f"{first}{first}").touch()
        await ready(client, first)
        (house.folder / f"{last}{first}").touch()
        await ended(client, turn_id)
        await agent.close()
    one, two = (request.json for request in model_server.requests)
    assert json.dumps(one["tools"]) == json.dumps(two["tools"])
    listed = "\n\n".join(json.dumps(tool, indent=1) for tool in one["tools"] if tool["name"].startswith("mcp__alpha"))
    snapshot("mcp_two_servers.txt", readable({**one, "input": []}, replace={one["prompt_cache_key"]: "THREAD"}) + "\n\n" + listed)
