"""The official TypeScript SDK of the Agent Client Protocol drives `treadle acp`: its example client unchanged, its newest API.

The newest version does not ship the example any more, so that runs from the last version that did; both are installed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fakes import call, custom, error, reasoning, reply, text
from fakes.mcp_house import House
from fakes.responses import ModelServer

NPM = Path(__file__).parent / "npm"
EXAMPLE = NPM / "node_modules" / "acp-sdk-with-examples" / "dist" / "examples" / "client.js"
SCHEMA = NPM / "node_modules" / "@agentclientprotocol" / "sdk" / "schema" / "v1" / "schema.json"
PATCH = "*** Begin Patch\n*** Update File: hello.py\n@@\n-print('helo')\n+print('hello')\n*** End Patch"
OUTSIDE = "*** Begin Patch\n*** Add File: ../outside.txt\n+x\n*** End Patch"
CONFINED = 'sandbox_mode = "workspace-write"\nsandbox_workspace_write.exclude_slash_tmp = true\n'
HELLO = {"method": "initialize", "params": {"protocolVersion": 1, "clientInfo": {"name": "tests", "version": "1"}}}
Talk = Callable[..., dict[str, Any]]


@pytest.fixture
def talk(home: House, treadle: str, environ: dict[str, str]) -> Talk:
    """A conversation: what the SDK's user saw of it. Every line of ours is held against the protocol's own schema."""
    home.configure({}, f"{CONFINED}tools.update_plan.enabled = true\n")

    def talk(*steps: dict[str, Any], choose: str = "reject_once", files: dict[str, str] | None = None) -> dict[str, Any]:
        hello = HELLO | {"params": HELLO["params"] | {"clientCapabilities": {"fs": _can(files)}}}  # type: ignore[operator]
        given = {
            "command": [treadle, "acp"],
            "environment": {**environ, "PATH": os.environ["PATH"]},
            "choose": choose,
            "files": files or {},
            "steps": [hello, *steps],
        }
        ran = subprocess.run(["node", "acp.mjs", json.dumps(given)], cwd=NPM, capture_output=True, text=True, timeout=110)
        assert ran.returncode == 0, ran.stderr
        seen = json.loads(ran.stdout)
        assert seen["code"] == 0, ran.stderr
        _hold_to_schema(seen["lines"], [step["method"] for step in given["steps"]])
        seen["results"].pop(0)
        return seen

    return talk


def _can(files: dict[str, str] | None) -> dict[str, bool]:
    return {"readTextFile": files is not None, "writeTextFile": files is not None}


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text())
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


@cache
def _named(method: str, kind: str) -> str:
    """The definition for a message of this method."""
    schema = json.loads(SCHEMA.read_text())
    named = [name for name, found in schema["$defs"].items() if found.get("x-method") == method and name.endswith(kind)]
    assert len(named) == 1, (method, kind, named)
    return named[0]


def _hold_to_schema(lines: list[str], asked: list[str]) -> None:
    for line in lines:
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        if "method" in message:
            kind = "Request" if "id" in message else "Notification"
            _validator(_named(message["method"], kind)).validate(message["params"])
        elif "error" in message:
            _validator("Error").validate(message["error"])
        else:
            # the SDK counts its requests
            _validator(_named(asked[message["id"]], "Response")).validate(message["result"])


def new(home: House, **more: Any) -> dict[str, Any]:
    return {"method": "session/new", "params": {"cwd": str(home.workspace), "mcpServers": [], **more}}


def prompt(words: str = "go", **more: Any) -> dict[str, Any]:
    return {"method": "session/prompt", "params": {"prompt": [{"type": "text", "text": words}]}, **more}


def told(seen: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["update"] for entry in seen["updates"] if entry["update"]["sessionUpdate"] == kind]


def said(seen: dict[str, Any]) -> str:
    return "".join(update["content"]["text"] for update in told(seen, "agent_message_chunk"))


def test_the_example_client_runs_unchanged(
    home: House, treadle: str, environ: dict[str, str], model_server: ModelServer, tmp_path: Path
) -> None:
    """It starts its agent by npx: ours stands in for that."""
    home.configure({}, CONFINED)
    shims = tmp_path / "bin"
    shims.mkdir()
    (shims / "npx").write_text(f'#!/bin/sh\nexec "{treadle}" acp\n')
    (shims / "npx").chmod(0o755)
    model_server.script(
        [
            reply(reasoning(), text("I look."), call("exec_command", {"cmd": "cat hello.py"})),
            reply(custom("apply_patch", OUTSIDE)),
            reply(text("Hello from Treadle.")),
        ]
    )
    path = f"{shims}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["node", str(EXAMPLE)],
        cwd=home.workspace,
        input="1\n",
        env={**environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert "Connected to agent (protocol v1)" in ran.stdout, ran.stderr
    assert "🔧 `cat hello.py` (in_progress)" in ran.stdout
    assert "Permission requested: Create outside.txt" in ran.stdout and "1. Allow once (allow_once)" in ran.stdout
    assert "undefined" not in ran.stdout
    assert "Hello from Treadle." in ran.stdout
    assert "Agent completed with: end_turn" in ran.stdout
    assert (home.workspace.parent / "outside.txt").read_text() == "x\n"
    assert "Error" not in ran.stderr
    assert "Hello, agent!" in json.dumps(model_server.requests[0].json["input"])


def test_a_conversation_with_everything(talk: Talk, home: House, model_server: ModelServer) -> None:
    plan = [{"step": "look", "status": "completed"}, {"step": "do", "status": "pending"}]
    model_server.script(
        [
            reply(reasoning("Hm."), text("I look."), call("exec_command", {"cmd": "cat hello.py"})),
            reply(custom("apply_patch", PATCH), call("update_plan", {"plan": plan})),
            reply(custom("apply_patch", OUTSIDE)),
            reply(text("Done.", deltas=3)),
            reply(text("More.")),
        ]
    )
    option = {"configId": "effort", "value": "low"}
    seen = talk(
        new(home),
        prompt(),
        {"method": "session/set_mode", "params": {"modeId": "read-only"}},
        {"method": "session/set_config_option", "params": option},
        prompt("more"),
        {"method": "session/list"},
        {"method": "session/close"},
        {"method": "session/delete"},
        {"method": "session/delete"},
        choose="allow_once",
    )
    opened, first, _, options, second, listed, *closed = seen["results"]
    assert opened["modes"]["currentModeId"] == "auto"
    assert (first["stopReason"], second["stopReason"]) == ("end_turn", "end_turn")
    assert next(one["currentValue"] for one in options["configOptions"] if one["id"] == "effort") == "low"
    assert [session["sessionId"] for session in listed["sessions"]] == [opened["sessionId"]]
    assert closed == [{}, {}, {}]
    assert said(seen) == "I look.Done.More."
    command, patch, outside = told(seen, "tool_call")
    assert [one["kind"] for one in (command, patch, outside)] == ["read", "edit", "edit"]
    ended = {update["toolCallId"]: update for update in told(seen, "tool_call_update")}
    assert [ended[one["toolCallId"]]["status"] for one in (command, patch, outside)] == ["completed"] * 3
    assert ended[patch["toolCallId"]]["content"][0]["newText"] == "print('hello')\n"
    assert told(seen, "plan")[0]["entries"][1] == {"content": "do", "priority": "medium", "status": "pending"}
    assert told(seen, "usage_update") and told(seen, "available_commands_update")
    assert [asked["toolCall"]["title"] for asked in seen["asked"]] == ["Create outside.txt"]
    assert model_server.requests[-1].json["reasoning"]["effort"] == "low"


def test_a_session_of_another_process_is_loaded_and_gone_on_with(talk: Talk, home: House, model_server: ModelServer) -> None:
    model_server.script(
        [reply(call("exec_command", {"cmd": "echo hi; false"})), reply(text("One.")), reply(text("Two.")), reply(text("Three."))]
    )
    id = talk(new(home), prompt("first"))["results"][0]["sessionId"]
    where = {"sessionId": id, "cwd": str(home.workspace), "mcpServers": []}
    loaded = talk({"method": "session/load", "params": where}, prompt("second"))
    assert loaded["results"][1]["stopReason"] == "end_turn"
    assert told(loaded, "user_message_chunk")[0]["content"]["text"] == "first"
    assert told(loaded, "tool_call")[0]["status"] == "failed"
    assert said(loaded) == "One.Two."
    resumed = talk({"method": "session/resume", "params": where}, prompt("third"))
    assert said(resumed) == "Three." and not told(resumed, "user_message_chunk")
    assert "first" in json.dumps(model_server.requests[-1].json["input"])


@pytest.mark.parametrize("way", ["cancelAt", "abortAt"])
def test_a_prompt_is_cancelled_and_the_session_goes_on(talk: Talk, home: House, model_server: ModelServer, way: str) -> None:
    never = reply(text("Never said.", deltas=2, hold={1: "gate"}))
    model_server.script(lambda request, _: reply(text("Again.")) if "once more" in json.dumps(request["input"]) else never)
    cancelled, again = talk(new(home), prompt(**{way: "agent_message_chunk"}), prompt("once more"))["results"][1:]
    assert cancelled["stopReason"] == "cancelled"
    assert again["stopReason"] == "end_turn"


def test_unsaved_text_is_read_and_written_by_the_editor(talk: Talk, home: House, model_server: ModelServer) -> None:
    path = str(home.workspace / "hello.py")
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done."))])
    seen = talk(new(home), prompt(), files={path: "# unsaved\nprint('helo')\n"})
    assert [(one["path"], one["content"]) for one in seen["written"]] == [(path, "# unsaved\nprint('hello')\n")]
    assert Path(path).read_text() == "print('helo')\n"


def test_failures_come_as_errors_with_words(talk: Talk, home: House, model_server: ModelServer) -> None:
    model_server.script([error(400, {"error": {"message": "Bad wish.", "type": "invalid_request_error"}})])
    seen = talk(
        new(home),
        prompt(),
        prompt(params={"prompt": [{"type": "audio", "data": "QQ==", "mimeType": "audio/wav"}]}),
        new(home, cwd="here"),
        {"method": "session/load", "params": {"sessionId": "none", "cwd": str(home.workspace), "mcpServers": []}},
        {"method": "session/set_title", "params": {"title": "x"}},
    )
    failed, audio, folder, unknown, title = [result["error"] for result in seen["results"][1:]]
    assert "Bad wish." in failed["message"] and failed["code"] == -32603
    assert "audio is not supported" in audio["message"] and audio["code"] == -32602
    assert "absolute path" in folder["message"]
    assert "no thread with the id none" in unknown["message"]
    assert title["code"] == -32601
