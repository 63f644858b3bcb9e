"""MCP servers and the user, in the whole sidecar: questions, pictures, resources, logins, and servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from fakes import call, reply, text
from fakes.mcp_house import GRACE, House, ended, names, outputs
from fakes.mcp_stand import TESTS
from fakes.ports import reserved_port
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.core.asking import Approval, Decision, Elicitation
from treadle.core.errors import RequestRefused
from treadle.core.events import McpLoginCompleted, McpStatusChanged, WarningReported
from treadle.core.ops import CallMcpTool, ListMcpServers, LoginMcpServer, ReadMcpResource
from treadle.runtime.answers import McpLogin

ROGUE = Path(__file__).parents[1] / "fakes" / "mcp_rogue.py"


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    made = House(tmp_path, model_server)
    yield made
    await made.close()


def rogue(house: House, trick: str, top: str = "", keys: str = "") -> None:
    args = json.dumps([str(ROGUE), trick, str(house.folder)])
    table = f"[mcp_servers.rogue]\ncommand = '{sys.executable}'\nargs = {args}\n{keys}"
    house.configure({}, f"{GRACE}\n{top}\n{table}")


async def test_a_question_of_a_server_is_put_to_the_user_and_its_call_goes_on(house: House, model_server: ModelServer) -> None:
    rogue(house, "asks")
    model_server.script([reply(call("mcp__rogue__run", {})), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient(lambda asked: Decision("accept", content={"name": "Ada"}))
    thread_id, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    (asked,) = client.asked
    assert isinstance(asked, Elicitation)
    assert (asked.thread_id, asked.turn_id, asked.server, asked.message) == (thread_id, turn_id, "rogue", "Who are you?")
    assert '"content": {"name": "Ada"}' in outputs(model_server.requests[1].json)[0]


async def test_with_approvals_off_a_server_is_declined_and_nobody_is_asked(house: House, model_server: ModelServer) -> None:
    rogue(house, "asks", 'approval_policy = "never"')
    model_server.script([reply(call("mcp__rogue__run", {})), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await ended(client, turn_id)
    assert client.asked == []
    assert '"action": "decline"' in outputs(model_server.requests[1].json)[0]


async def test_a_question_without_a_call_goes_to_the_thread_that_uses_the_server(house: House, model_server: ModelServer) -> None:
    rogue(house, "outside")
    model_server.script([reply(text("Done."))])
    agent, client = house.agent(), RecordingClient(lambda asked: Decision("accept", content={"name": "Ada"}))
    thread_id, turn_id = await house.begin(agent, client)
    await house.until("answered")
    await ended(client, turn_id)
    assert json.loads((house.folder / "answered").read_text())["content"] == {"name": "Ada"}
    assert client.asked[0].thread_id == thread_id


async def test_a_picture_of_a_server_is_shown_to_the_model(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": []}, GRACE)
    model_server.script([reply(call("mcp__fake__image", {})), reply(text("A pixel."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    (told,) = outputs(model_server.requests[1].json)
    assert [part["type"] for part in told] == ["input_text", "input_image"]
    assert told[1]["image_url"].startswith("data:image/png;base64,iVBOR")
    assert "image/png" in told[0]["text"]


async def test_a_model_lists_and_reads_resources(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": []}, GRACE)
    read = call("read_mcp_resource", {"server": "fake", "uri": "notes://today"}, call_id="b")
    model_server.script([reply(call("list_mcp_resources", {}, call_id="a"), read), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    listed, today = sorted(outputs(model_server.requests[1].json), key=len, reverse=True)
    assert json.loads(listed)["resources"][0]["uri"] == "notes://today"
    assert today == "Buy milk."
    assert client.asked == []
    client.check_cards()


async def test_a_server_that_may_only_be_asked_for_asks_before_a_resource_is_read(
    house: House, model_server: ModelServer
) -> None:
    house.configure({"fake": []}, GRACE, 'default_tools_approval_mode = "prompt"')
    model_server.script([reply(call("read_mcp_resource", {"server": "fake", "uri": "notes://today"})), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient(lambda asked: "decline")
    _, turn_id = await house.begin(agent, client)
    await ended(client, turn_id)
    assert isinstance(client.asked[0], Approval)
    assert "declined" in outputs(model_server.requests[1].json)[0]


@pytest.mark.parametrize(
    ("trick", "says"),
    [("large", "its answer is larger than 32 MB"), ("garbage", "after the garbage"), ("chatty", "said all")],
)
async def test_whatever_a_server_sends_the_thread_goes_on(house: House, model_server: ModelServer, trick: str, says: str) -> None:
    rogue(house, trick)
    model_server.script([reply(call("mcp__rogue__run", {})), reply(text("One.")), reply(text("Two."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    assert says in outputs(model_server.requests[1].json)[0]
    assert (await ended(client, await more(agent, client, thread_id))).status == "completed"


async def test_too_many_tools_are_named_and_the_turn_goes_on_without_them(house: House, model_server: ModelServer) -> None:
    rogue(house, "many_tools")
    model_server.script([reply(text("Without them."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await ended(client, turn_id)).status == "completed"
    assert not [name for name in names(model_server.requests[0].json) if "mcp_" in name]
    warned = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert any("its list of tools is longer than 2048 tools" in message for message in warned)


async def test_tools_for_which_a_prompt_has_no_room_are_left_out_and_counted(house: House, model_server: ModelServer) -> None:
    rogue(house, "long_texts")
    model_server.script([reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await ended(client, turn_id)
    listed = [tool for tool in model_server.requests[0].json["tools"] if tool["name"].startswith("mcp__")]
    assert 0 < len(listed) < 200
    assert len(json.dumps(listed)) < 300 * 1024
    warned = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert any(f"Left out: {200 - len(listed)} of rogue. Choose with enabled_tools." in message for message in warned)


async def test_a_client_reads_and_calls_for_itself(house: House, model_server: ModelServer) -> None:
    house.configure({"fake": []}, GRACE, 'disabled_tools = ["wipe"]')
    agent, client = house.agent(), RecordingClient()
    thread_id = await house.open(agent, client)
    read = await agent.submit(ReadMcpResource("fake", "notes://today", thread_id), client)
    assert read["contents"][0]["text"] == "Buy milk."  # type: ignore[index, call-overload]
    called = await agent.submit(CallMcpTool(thread_id, "fake", "sums", {"numbers": [1, 2]}), client)
    assert called["structuredContent"] == {"sum": 3}  # type: ignore[index, call-overload]
    for op, words in (
        (CallMcpTool(thread_id, "fake", "wipe", {"path": "/"}), "wipe of the MCP server fake is turned off"),
        (ReadMcpResource("other", "notes://today", thread_id), "no MCP server 'other' is configured"),
        (CallMcpTool("nowhere", "fake", "echo", {}), "thread not found"),
    ):
        with pytest.raises(RequestRefused, match=words):
            await agent.submit(op, client)
    assert client.asked == []


async def test_a_client_logs_its_user_in_and_the_server_is_ready(house: House, model_server: ModelServer) -> None:
    place, unused_port = reserved_port()
    arguments = ("-m", "fakes.mcp_oauth", "--port", str(unused_port), "--folder", str(house.folder))
    guarded = await asyncio.create_subprocess_exec(sys.executable, *arguments, env={**os.environ, "PYTHONPATH": TESTS})
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(follow_redirects=True, timeout=60) as browser:
            while True:
                try:
                    await browser.get(f"http://127.0.0.1:{unused_port}/")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
            house.configure({}, f'[mcp_servers.guarded]\nurl = "http://127.0.0.1:{unused_port}/mcp"')
            agent, client = house.agent(), RecordingClient()
            thread_id = await house.open(agent, client)
            await client.until(lambda e: isinstance(e, McpStatusChanged) and e.status == "failed", timeout=60)
            (status,) = await agent.submit(ListMcpServers(thread_id), client)  # type: ignore[misc]
            assert status.auth == "not_logged_in"
            login = await agent.submit(LoginMcpServer("guarded", thread_id), client)
            assert isinstance(login, McpLogin)
            await browser.get(login.url)
            done = await client.until(lambda e: isinstance(e, McpLoginCompleted), timeout=60)
            assert done == McpLoginCompleted(thread_id, "guarded", login.id, None)
            await client.until(lambda e: isinstance(e, McpStatusChanged) and e.status == "ready", timeout=60)
            (status,) = await agent.submit(ListMcpServers(thread_id), client)  # type: ignore[misc]
            assert status.auth == "oauth"
            (logins,) = house.homes.treadle.glob("mcp_logins.json")
            assert "at-" in logins.read_text()
    finally:
        guarded.kill()
        await guarded.wait()
        place.close()
