"""The recorded conversations of protocol/transcripts/, held with the real sidecar in one process: it must still say what they
say, for they are also what the extension's fold and renderer are tested with. UPDATE_SNAPSHOTS=1 records them anew."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, custom, error, failed, item, reasoning, reply, text
from fakes.house import PATCH, House
from fakes.responses import ModelServer
from fakes.transcripts import FOLDER, Talker, check

TESTS = Path(__file__).parents[1]
ANSWER = """Done: `hello.py` says *hello* now.

```python hello.py
print('hello')
```

- one file changed
- nothing else touched"""
SUMMARY = "# Goal\nGreet.\n\n# Decisions\nnone\n\n# Files touched\nnone\n\n# Commands and results\nnone\n\n# Open items\nnone"


class Stage:
    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.house, self.server, self.folder = House(folder, server), server, folder
        self.house.configuration += "\nrequest_max_retries = 1\nstream_max_retries = 1\n"
        self.house.configure(self.house.configuration)
        self.agents: list[Any] = []

    def client(self) -> Talker:
        self.agents.append(self.house.agent())
        return Talker(self.agents[-1])

    async def begin(self, script: list[Any], **more: Any) -> tuple[Talker, str]:
        self.server.script(script)
        client = self.client()
        return client, await client.begin(self.house.workspace, **more)

    def check(self, name: str, client: Talker) -> None:
        house = self.house
        places = {str(house.workspace): "/w", str(house.homes.codex): "/codex", str(house.homes.treadle): "/treadle"}
        check(name, client, places | {str(self.folder): "/scratch", self.server.base_url: "http://model", str(TESTS): "/tests"})


@pytest.fixture
async def stage(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, model_server)
    yield stage
    for agent in stage.agents:
        await agent.close()


async def test_a_plain_turn(stage: Stage) -> None:
    client, thread_id = await stage.begin([reply(reasoning("**Looking.**\n\nIt is short.", deltas=3), text(ANSWER, deltas=5))])
    assert (await client.rest(await client.say(thread_id, "Greet properly")))["status"] == "completed"
    stage.check("plain-turn", client)


async def test_commands_with_output_and_exit_codes(stage: Stage) -> None:
    client, thread_id = await stage.begin(
        [
            reply(call("exec_command", {"cmd": "cat hello.py"})),
            reply(call("exec_command", {"cmd": "printf 'one\\ntwo\\n'; exit 3"})),
            reply(text("The second one failed.")),
        ]
    )
    await client.rest(await client.say(thread_id, "Run them"))
    stage.check("commands", client)


async def test_a_patch_that_is_approved(stage: Stage) -> None:
    client, thread_id = await stage.begin([reply(custom("apply_patch", PATCH)), reply(text("Mended."))], sandbox="read-only")
    turn_id = await client.say(thread_id, "Mend hello.py")
    asked = await client.method("item/fileChange/requestApproval")
    client.answer(asked["id"], {"decision": "accept"})
    await client.rest(turn_id)
    stage.check("patch-approved", client)


async def test_a_command_that_is_declined(stage: Stage) -> None:
    wish = {"cmd": "touch ../outside", "sandbox_permissions": "require_escalated", "justification": "to touch"}
    client, thread_id = await stage.begin([reply(call("exec_command", wish)), reply(text("Then not."))])
    turn_id = await client.say(thread_id, "Touch it")
    asked = await client.method("item/commandExecution/requestApproval")
    client.answer(asked["id"], {"decision": "decline"})
    await client.rest(turn_id)
    stage.check("command-declined", client)


async def test_a_plan_that_ticks(stage: Stage) -> None:
    def planned(*states: str) -> bytes:
        return call("update_plan", {"plan": [{"step": f"step {n}", "status": state} for n, state in enumerate(states, 1)]})  # type: ignore[return-value]

    client, thread_id = await stage.begin(
        [
            reply(planned("in_progress", "pending")),
            reply(planned("completed", "in_progress")),
            reply(planned("completed", "completed")),
            reply(text("Both done.")),
        ]
    )
    await client.rest(await client.say(thread_id, "Two steps"))
    stage.check("plan", client)


async def test_a_call_of_an_mcp_server_and_a_web_search(stage: Stage) -> None:
    flags = json.dumps(["-m", "fakes.mcp_server", "--folder", str(stage.folder)])
    table = f"\n[mcp_servers.fake]\ncommand = '{sys.executable}'\nargs = {flags}\nenv = {{ PYTHONPATH = '{TESTS}' }}\n"
    stage.house.configure(stage.house.configuration + table)
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "say hello in python", "queries": ["say hello in python"]},
    }
    client, thread_id = await stage.begin(
        [reply(item(search), call("mcp__fake__echo", {"text": "over there"})), reply(text("It echoes."))]
    )
    await client.until(lambda m: m.get("params", {}).get("status") == "ready")
    await client.rest(await client.say(thread_id, "Ask the server"))
    stage.check("mcp-and-web", client)


async def test_a_turn_that_is_interrupted(stage: Stage) -> None:
    client, thread_id = await stage.begin([reply(text("I begin, and", deltas=5, hold={3: "go"})), reply(text("Again."))])
    turn_id = await client.say(thread_id, "Go on for ever")
    await client.method("item/agentMessage/delta")
    await client.result("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
    await client.rest(turn_id)
    await client.rest(await client.say(thread_id, "And now?"))
    stage.check("interrupted", client)


async def test_a_failed_turn_and_another_try(stage: Stage) -> None:
    client, thread_id = await stage.begin(
        [error(500), error(500), failed("invalid_prompt", "The prompt is not allowed."), reply(text("Here I am."))]
    )
    for words in ("Are you there?", "And now?", "Once more"):
        await client.rest(await client.say(thread_id, words))
    stage.check("failed-and-retried", client)


async def test_a_thread_that_is_compacted(stage: Stage) -> None:
    stage.server.moves_prefix("compaction")
    client, thread_id = await stage.begin([reply(text("Hello.")), reply(text(SUMMARY)), reply(text("Still here."))])
    await client.rest(await client.say(thread_id, "Hello"))
    await client.result("thread/compact/start", {"threadId": thread_id})
    await client.until(lambda m: client.methods().count("turn/completed") == 2)
    await client.result("treadle/summary/read", {"threadId": thread_id})
    await client.rest(await client.say(thread_id, "Still there?"))
    stage.check("compacted", client)


async def test_a_turn_that_is_taken_back_and_a_fork(stage: Stage) -> None:
    client, thread_id = await stage.begin([reply(text(f"Answer {n}.")) for n in range(1, 6)])
    for words in ("one", "two", "three"):
        turn_id = await client.say(thread_id, words)
        await client.rest(turn_id)
    await client.result("thread/revert", {"threadId": thread_id, "beforeTurnId": turn_id})
    await client.result("thread/turns/list", {"threadId": thread_id, "limit": 1, "itemsView": "full"})
    other = (await client.result("thread/fork", {"threadId": thread_id}))["thread"]["id"]
    await client.rest(await client.say(other, "on from there"))
    page = {"limit": 2, "itemsView": "full"}
    await client.result("thread/resume", {"threadId": other, "excludeTurns": True, "initialTurnsPage": page})
    stage.check("taken-back-and-forked", client)


def test_no_recording_is_left_without_its_conversation() -> None:
    source = Path(__file__).read_text("utf-8")
    assert [path.stem for path in FOLDER.glob("*.jsonl") if f'"{path.stem}"' not in source and path.stem != "unknown"] == []
