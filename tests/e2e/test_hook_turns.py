"""The user's hooks around whole turns: real programs, real configuration; only the model's words are scripted."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from fakes import call, custom, reply, text
from fakes.house import PATCH, House, outputs
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.core.events import HookRan, WarningReported
from treadle.core.items import Text
from treadle.core.ops import InterruptTurn, StartTurn


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    yield House(tmp_path, model_server)


def hook(house: House, event: str, script: str, matcher: str = "", **more: Any) -> None:
    """One more hook of the user's hooks.json. What it was told is in EVENT.json of the home."""
    path = house.homes.codex / "hooks.json"
    table = json.loads(path.read_text()) if path.exists() else {"hooks": {}}
    command = f"cat > {house.homes.codex}/{event}.json\n{script}"
    group = {"matcher": matcher, "hooks": [{"type": "command", "command": command, **more}]}
    table["hooks"].setdefault(event, []).append(group)
    path.write_text(json.dumps(table))


def told(house: House, event: str) -> dict[str, Any]:
    return json.loads((house.homes.codex / f"{event}.json").read_text())


def runs(client: RecordingClient, status: str) -> list[dict[str, Any]]:
    return [event.run for event in client.events if isinstance(event, HookRan) and event.run["status"] == status]


async def test_a_hook_may_forbid_a_command(house: House, model_server: ModelServer) -> None:
    hook(house, "PreToolUse", "echo 'use make test' >&2; exit 2", "Bash")
    model_server.script([reply(call("exec_command", {"cmd": "touch ran"})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert not (house.workspace / "ran").exists()
    assert outputs(model_server.requests[1].json) == ["Tool call blocked by PreToolUse hook: use make test"]
    said = told(house, "PreToolUse")
    assert (said["tool_name"], said["tool_input"]) == ("Bash", {"command": "touch ran"})
    assert (said["session_id"], said["turn_id"], said["cwd"]) == (thread_id, turn_id, str(house.workspace))
    assert [run["entries"][0]["text"] for run in runs(client, "blocked")] == ["use make test"]
    client.check_cards()
    await agent.close()


async def test_a_hook_may_change_what_runs_and_add_to_what_comes_back(house: House, model_server: ModelServer) -> None:
    answer = {"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": {"command": "echo instead"}}}
    hook(house, "PreToolUse", f"echo '{json.dumps(answer)}'", "Bash")
    note = {"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "All tests are slow today."}}
    hook(house, "PostToolUse", f"echo '{json.dumps(note)}'")
    model_server.script([reply(call("exec_command", {"cmd": "echo first"})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    (ran,) = outputs(model_server.requests[1].json)
    assert "instead" in ran
    assert "first" not in ran
    assert ran.endswith("PostToolUse hook: All tests are slow today.\n")
    assert "instead" in told(house, "PostToolUse")["tool_response"]
    await agent.close()


@pytest.mark.parametrize(("answer", "runs_it"), [("accept", True), ("decline", False)])
async def test_a_hook_may_want_the_user_to_be_asked(
    house: House, model_server: ModelServer, answer: Literal["accept", "decline"], runs_it: bool
) -> None:
    said = {"hookEventName": "PreToolUse", "permissionDecision": "ask", "permissionDecisionReason": "Is it Friday?"}
    hook(house, "PreToolUse", f"echo '{json.dumps({'hookSpecificOutput': said})}'", "Bash")
    model_server.script([reply(call("exec_command", {"cmd": "touch ran"})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient(lambda _: answer)
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    (asked,) = client.asked
    assert asked.reason == "A hook asks you to look at this first: Is it Friday?"
    assert (asked.offers, asked.outside_sandbox) == ((), False)
    assert (house.workspace / "ran").exists() == runs_it
    await agent.close()


async def test_a_hook_that_wants_a_question_where_nobody_answers_is_a_no(house: House, model_server: ModelServer) -> None:
    said = {"hookEventName": "PreToolUse", "permissionDecision": "ask", "permissionDecisionReason": "Is it Friday?"}
    hook(house, "PreToolUse", f"echo '{json.dumps({'hookSpecificOutput': said})}'")
    model_server.script([reply(call("update_plan", {"plan": [{"step": "a", "status": "pending"}]})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    (said_to_model,) = outputs(model_server.requests[1].json)
    assert said_to_model.endswith("who cannot be asked here: Is it Friday?")
    await agent.close()


async def test_a_patch_goes_by_the_name_of_an_edit(house: House, model_server: ModelServer) -> None:
    hook(house, "PreToolUse", "echo no >&2; exit 2", "Edit|Write")
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    assert (house.workspace / "hello.py").read_text() == "print('helo')\n"
    assert told(house, "PreToolUse")["tool_input"] == {"command": PATCH}
    await agent.close()


async def test_a_message_may_be_kept_from_the_agent(house: House, model_server: ModelServer) -> None:
    said = house.homes.codex / "UserPromptSubmit.json"
    hook(house, "UserPromptSubmit", f"grep -q secret {said} && {{ echo 'no secrets' >&2; exit 2; }}; echo 'It is Monday.'")
    model_server.script([reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "the secret word")
    ended = await client.turn_end(turn_id)
    assert ended.status == "failed"
    assert ended.error is not None
    assert "no secrets" in ended.error.message
    assert model_server.requests == []
    again = await agent.submit(StartTurn(thread_id, (Text("hello"),)), client)
    assert (await client.turn_end(again.id)).status == "completed"  # type: ignore[union-attr]
    body = json.dumps(model_server.requests[0].json)
    assert "the secret word" not in body
    assert body.index('"hello"') < body.index("It is Monday.")
    await agent.close()


async def test_a_stop_hook_sends_the_agent_back_to_work_but_not_for_ever(house: House, model_server: ModelServer) -> None:
    hook(house, "Stop", 'echo \'{"decision":"block","reason":"run the tests first"}\'')
    model_server.script([reply(text(f"Done {number}.")) for number in range(20)])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert len(model_server.requests) == 11
    assert "run the tests first" in json.dumps(model_server.requests[1].json["input"][-1])
    assert told(house, "Stop")["stop_hook_active"] is True
    assert told(house, "Stop")["last_assistant_message"] == "Done 9."
    await agent.close()


async def test_what_is_said_at_the_start_is_told_before_the_first_words(house: House, model_server: ModelServer) -> None:
    hook(house, "SessionStart", "echo 'The build is red.'")
    model_server.script([reply(text("Ok.")), reply(text("Ok.")), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "Hello there")
    await client.turn_end(turn_id)
    body = json.dumps(model_server.requests[0].json)
    assert body.index("The build is red.") < body.index("Hello there")
    assert told(house, "SessionStart")["source"] == "startup"
    again = await agent.submit(StartTurn(thread_id, (Text("more"),)), client)
    await client.turn_end(again.id)  # type: ignore[union-attr]
    assert json.dumps(model_server.requests[1].json).count("The build is red.") == 1
    await agent.close()


@pytest.mark.parametrize(
    ("script", "said"), [("exit 3", "status 3"), ("sleep 60", "longer than 0.3"), ("yes", "more than 1024 KiB")]
)
async def test_a_hook_that_fails_is_named_and_the_turn_goes_on(
    house: House, model_server: ModelServer, script: str, said: str
) -> None:
    hook(house, "PreToolUse", script, **({"timeout": 0.3} if "sleep" in script else {}))
    model_server.script([reply(call("exec_command", {"cmd": "echo ran"})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert "ran" in outputs(model_server.requests[1].json)[0]
    assert said in runs(client, "failed")[0]["entries"][0]["text"]
    await agent.close()


async def test_an_interrupt_ends_a_hook(house: House, model_server: ModelServer) -> None:
    ready = house.homes.codex / "ready"
    os.mkfifo(ready)
    hook(house, "PreToolUse", f"echo $$ > {ready}; sleep 600")
    model_server.script([reply(call("exec_command", {"cmd": "echo ran"}))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    pid = (await asyncio.to_thread(ready.read_text)).strip()
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    assert not await asyncio.to_thread(os.path.exists, f"/proc/{pid}")
    await agent.close()


async def test_hooks_of_a_folder_run_only_where_it_is_trusted(house: House, model_server: ModelServer) -> None:
    folder = house.workspace / ".codex"
    folder.mkdir()
    command = f"echo ran >> {house.homes.codex}/project"
    table = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}}
    (folder / "hooks.json").write_text(json.dumps(table))
    (folder / "config.toml").write_text(f'[[hooks.Stop]]\nhooks = [{{ type = "command", command = "{command}" }}]\n')
    model_server.script([reply(text("Ok.")), reply(text("Ok."))])
    for trusted in (False, True):
        if trusted:
            house.configure(house.configuration + f'\n[projects."{house.workspace}"]\ntrust_level = "trusted"\n')
        agent, client = house.agent(), RecordingClient()
        _, turn_id = await house.begin(agent, client)
        assert (await client.turn_end(turn_id)).status == "completed"
        await agent.close()
        assert (house.homes.codex / "project").exists() == trusted
    assert (house.homes.codex / "project").read_text() == "ran\nran\n"


async def test_a_broken_file_of_hooks_is_named(house: House, model_server: ModelServer) -> None:
    (house.homes.codex / "hooks.json").write_text("{nonsense")
    model_server.script([reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    assert any("hooks.json" in event.message for event in client.events if isinstance(event, WarningReported))
    await agent.close()
