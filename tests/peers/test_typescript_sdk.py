"""The TypeScript SDK of the original's makers runs turns by `treadle exec` unchanged: only the path of the program is ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes import call, custom, error, item, reasoning, reply, text
from fakes.mcp_house import House
from fakes.responses import ModelServer

NPM = Path(__file__).parent / "npm"
PATCH = "*** Begin Patch\n*** Update File: hello.py\n@@\n-print('helo')\n+print('hello')\n*** End Patch"
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
KEYS = {"model_provider": "scripted", "model": "gpt-5.5"}
Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def run(home: House, treadle: str, environ: dict[str, str]) -> Run:
    """Turns of one thread: what the SDK's user saw of each."""

    def run(*turns: dict[str, Any], resume: str | None = None, codex: Any = None, **thread: Any) -> list[dict[str, Any]]:
        options = {"codexPathOverride": treadle, "env": {**environ, "PATH": os.environ["PATH"]}, **(codex or {})}
        asked = {
            "codex": options,
            "thread": {"workingDirectory": str(home.workspace), **thread},
            "turns": turns,
            "resume": resume,
        }
        ran = subprocess.run(["node", "turns.mjs", json.dumps(asked)], cwd=NPM, capture_output=True, text=True, timeout=110)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return run


def items(turn: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {event["item"]["type"]: event["item"] for event in turn["events"] if event["type"] == "item.completed"}


def test_a_turn_with_every_kind_of_item(run: Run, home: House, model_server: ModelServer) -> None:
    home.configure({"fake": []}, "tools.update_plan.enabled = true\n")
    plan = [{"step": "look", "status": "completed"}, {"step": "do", "status": "pending"}]
    looked = (call("view_image", {"path": "a.png"}), call("mcp__fake__echo", {"text": "x"}), call("mcp__fake__fail", {}))
    model_server.script(
        [
            reply(reasoning(), text("I look."), call("exec_command", {"cmd": "cat hello.py; false"}), item(SEARCH)),
            reply(custom("apply_patch", PATCH), call("update_plan", {"plan": plan})),
            reply(*looked),
            reply(text("Done.", deltas=3)),
        ]
    )
    (turn,) = run({"input": "go"}, sandboxMode="workspace-write")
    assert turn["error"] is None
    assert [event["type"] for event in turn["events"]][:2] == ["thread.started", "turn.started"]
    assert turn["events"][-1]["type"] == "turn.completed"
    assert set(turn["events"][-1]["usage"]) == {
        *("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens")
    }
    found = items(turn)
    kinds = {"reasoning", "agent_message", "command_execution", "web_search", "file_change", "todo_list", "mcp_tool_call"}
    assert set(found) == kinds
    command = found["command_execution"]
    assert (command["exit_code"], command["status"], command["aggregated_output"]) == (1, "failed", "print('helo')\n")
    assert found["file_change"]["changes"] == [{"path": str(home.workspace / "hello.py"), "kind": "update"}]
    assert found["todo_list"]["items"] == [{"text": "look", "completed": True}, {"text": "do", "completed": False}]
    assert found["agent_message"]["text"] == "Done."
    assert (home.workspace / "hello.py").read_text() == "print('hello')\n"


def test_a_thread_goes_on_with_pictures_and_a_schema(run: Run, home: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text('{"a": 1}')), reply(text("Three."))])
    said = [{"type": "text", "text": "look"}, {"type": "local_image", "path": str(home.workspace / "a.png")}]
    first, second = run({"input": "go"}, {"input": said, "outputSchema": SCHEMA})
    (third,) = run({"input": "more"}, resume=first["id"])
    assert [turn["error"] for turn in (first, second, third)] == [None] * 3
    assert first["id"] == second["id"] == third["id"]
    assert items(second)["agent_message"]["text"] == '{"a": 1}'
    sent = [request.json for request in model_server.requests]
    assert sent[1]["text"]["format"]["schema"] == SCHEMA
    assert "data:image/png;base64," in json.dumps(sent[1]["input"]) and "more" in json.dumps(sent[2]["input"][-1])
    assert "format" not in sent[2].get("text", {})


def test_all_options_of_a_thread_are_taken(run: Run, home: House, model_server: ModelServer) -> None:
    home.configure({})
    (home.homes.codex / "config.toml").unlink()
    other = home.folder / "home" / "other"
    other.mkdir()
    model_server.script([reply(call("exec_command", {"cmd": f"echo x > {other}/made"})), reply(text("Done."))])
    (turn,) = run(
        {"input": "go", "cyberAccessProgram": "standard"},
        codex={
            "baseUrl": model_server.base_url,
            "apiKey": "sk-scripted",
            "config": {"sandbox_workspace_write": {"exclude_slash_tmp": True}},
        },
        model="gpt-5.5",
        threadSource="tests",
        sandboxMode="workspace-write",
        skipGitRepoCheck=True,
        modelReasoningEffort="high",
        networkAccessEnabled=False,
        webSearchMode="disabled",
        approvalPolicy="never",
        additionalDirectories=[str(other)],
    )
    assert turn["error"] is None and items(turn)["agent_message"]["text"] == "Done."
    request = model_server.requests[0]
    assert request.headers["authorization"] == "Bearer sk-scripted"
    assert (request.json["model"], request.json["reasoning"]["effort"]) == ("gpt-5.5", "high")
    assert (other / "made").read_text() == "x\n"


def test_a_failed_turn_throws(run: Run, model_server: ModelServer) -> None:
    model_server.script([error(400, {"error": {"message": "Bad wish.", "type": "invalid_request_error"}})])
    (turn,) = run({"input": "go"})
    assert [event["type"] for event in turn["events"]][-2:] == ["error", "turn.failed"]
    assert "Bad wish." in turn["events"][-1]["error"]["message"]
    assert "exited with code 1" in turn["error"]


def test_a_turn_that_is_aborted_can_be_gone_on_with(run: Run, model_server: ModelServer) -> None:
    never = reply(text("Never said.", deltas=2, hold={1: "gate"}))
    model_server.script(lambda request, _: reply(text("Again.")) if "once more" in json.dumps(request["input"]) else never)
    aborted, again = run({"input": "go", "abortAt": "turn.started"}, {"input": "once more"})
    assert "AbortError" in aborted["error"]
    assert again["error"] is None and items(again)["agent_message"]["text"] == "Again."
    assert aborted["id"] == again["id"]
