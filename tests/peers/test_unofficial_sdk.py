"""A client that strangers have written, for an older version of the protocol, drives `treadle app-server` unchanged.

Nothing is asked here: what it takes for an approval is not what the original sends either."""

from __future__ import annotations

import pytest
from codex_agent_sdk import (
    AgentTextDeltaEvent,
    AppServerConfig,
    CodexOptions,
    CodexSDKClient,
    ItemCompletedEvent,
    SyncCodexSDKClient,
    TurnCompletedEvent,
)

from fakes import call, custom, reasoning, reply, text
from fakes.mcp_house import House
from fakes.responses import ModelServer

PATCH = "*** Begin Patch\n*** Update File: hello.py\n@@\n-print('helo')\n+print('hello')\n*** End Patch"


@pytest.fixture
def config(treadle: str, environ: dict[str, str], home: House) -> AppServerConfig:
    return AppServerConfig(codex_bin=treadle, env=environ, cwd=str(home.workspace), startup_timeout=60)


async def test_a_turn_with_a_command_and_a_patch(config: AppServerConfig, home: House, model_server: ModelServer) -> None:
    command = call("exec_command", {"cmd": "cat hello.py"})
    model_server.script([reply(reasoning(), command), reply(custom("apply_patch", PATCH)), reply(text("Done.", deltas=3))])
    said, kinds, status = "", list[str](), ""
    options = CodexOptions(cwd=str(home.workspace), sandbox_mode="workspace-write", approval_policy="on-request")
    async with CodexSDKClient(options=options, app_server=config) as client:
        await client.start_thread()
        async for event in await client.query("go"):
            match event:
                case AgentTextDeltaEvent():
                    said += event.text_delta
                case ItemCompletedEvent():
                    kinds.append(str(event.item.root.type))  # type: ignore[attr-defined]
                case TurnCompletedEvent():
                    status = event.turn_status
                case _:
                    pass
    assert (said, status) == ("Done.", "completed")
    assert kinds == ["userMessage", "reasoning", "commandExecution", "fileChange", "agentMessage"]
    assert (home.workspace / "hello.py").read_text() == "print('hello')\n"


async def test_a_turn_is_steered_and_interrupted(config: AppServerConfig, home: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Never said.", deltas=2, hold={1: "gate"}))])
    async with CodexSDKClient(options=CodexOptions(cwd=str(home.workspace)), app_server=config) as client:
        turn = await client.query("go")
        await model_server.reached("gate")
        await turn.steer("and this")
        await turn.interrupt()
        assert (await turn.wait()).status == "interrupted"


def test_two_turns_of_one_thread_from_code_that_waits(config: AppServerConfig, home: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text("Two."))])
    with SyncCodexSDKClient(options=CodexOptions(cwd=str(home.workspace)), app_server=config) as client:
        results = [client.query(words).wait() for words in ("one", "two")]
    assert [result.status for result in results] == ["completed"] * 2
    assert [result.assistant_text for result in results] == ["One.", "Two."]
