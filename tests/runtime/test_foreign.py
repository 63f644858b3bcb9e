"""What an MCP server asks of its own accord: the thread that is asked is idle afterwards, whatever became of the question."""

from __future__ import annotations

import asyncio

from fakes.world import RecordingClient, ScriptedModel, build
from treadle.core.elicitation import McpQuestion
from treadle.core.events import ThreadStatusChanged
from treadle.core.ops import StartThread
from treadle.core.settings import McpServer


def statuses(client: RecordingClient) -> list[str]:
    return [event.status for event in client.events if isinstance(event, ThreadStatusChanged)]


async def test_a_thread_is_idle_again_when_the_user_has_answered() -> None:
    agent, *_ = build(ScriptedModel(), mcp_servers=(McpServer("docs"),))
    client = RecordingClient(lambda asked: "accept")
    await agent.submit(StartThread(), client)
    assert (await agent.mcp_asked(McpQuestion("docs", "May I?"))).verdict == "accept"
    assert statuses(client) == ["waiting_on_approval", "active", "idle"]
    await agent.close()


async def test_a_thread_is_idle_again_when_its_server_waits_for_no_answer_any_more() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return "accept"

    agent, *_ = build(ScriptedModel(), mcp_servers=(McpServer("docs"),))
    client = RecordingClient(lambda asked: never())
    await agent.submit(StartThread(), client)
    asking = asyncio.create_task(agent.mcp_asked(McpQuestion("docs", "May I?")))
    await client.until_asked()
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    assert statuses(client) == ["waiting_on_approval", "active", "idle"]
    await agent.close()
