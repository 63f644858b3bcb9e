"""The Python SDK of the original's makers drives `treadle app-server` unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from openai_codex import Codex, CodexConfig, LocalImageInput, Sandbox, TextInput
from openai_codex.api import AsyncCodex
from openai_codex.errors import InvalidParamsError, InvalidRequestError, MethodNotFoundError
from openai_codex.models import UnknownNotification

from fakes import call, custom, error, reasoning, reply, text
from fakes.mcp_house import House, outputs
from fakes.responses import ModelServer

PATCH = "*** Begin Patch\n*** Update File: hello.py\n@@\n-print('helo')\n+print('hello')\n*** End Patch"
WISH = {"cmd": "touch ../outside; echo ran", "sandbox_permissions": "require_escalated", "justification": "to see"}


@pytest.fixture
def config(treadle: str, environ: dict[str, str], home: House) -> CodexConfig:
    return CodexConfig(codex_bin=treadle, env=environ, cwd=str(home.workspace))


@pytest.fixture
def codex(config: CodexConfig) -> Iterator[Codex]:
    with Codex(config) as codex:
        yield codex


def test_a_turn_with_a_command_a_patch_and_a_question(codex: Codex, home: House, model_server: ModelServer) -> None:
    model_server.script(
        [
            reply(reasoning(), call("exec_command", {"cmd": "cat hello.py"}), call("exec_command", WISH)),
            reply(custom("apply_patch", PATCH)),
            reply(text("Done.", deltas=3)),
        ]
    )
    result = codex.thread_start(cwd=str(home.workspace), sandbox=Sandbox.workspace_write).run("go")
    assert (result.status.value, result.final_response) == ("completed", "Done.")
    kinds = [item.root.type for item in result.items]
    assert kinds == ["userMessage", "reasoning", "commandExecution", "commandExecution", "fileChange", "agentMessage"]
    assert (home.workspace / "hello.py").read_text() == "print('hello')\n"
    assert (home.workspace.parent / "outside").exists()
    assert result.usage is not None and result.usage.total.total_tokens > 0


def test_every_notification_of_a_turn_is_one_that_the_sdk_knows(codex: Codex, home: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "echo x"})), reply(text("Done.", deltas=3))])
    told = list(codex.thread_start(cwd=str(home.workspace)).turn("go").stream())
    unknown = {one.method for one in told if isinstance(one.payload, UnknownNotification)}
    assert all(method.startswith("treadle/") for method in unknown)
    assert "item/agentMessage/delta" in {one.method for one in told}


def test_a_turn_is_steered_interrupted_and_gone_on_with(codex: Codex, home: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Never said.", deltas=2, hold={1: "gate"})), reply(text("Again."))])
    thread = codex.thread_start(cwd=str(home.workspace))
    turn = thread.turn("go")
    model_server.wait(lambda server: len(server.requests) == 1)
    turn.steer("and this")
    turn.interrupt()
    assert turn.run().status.value == "interrupted"
    assert thread.run("once more").final_response == "Again."
    assert "and this" in json.dumps(model_server.requests[1].json["input"])


def test_what_a_turn_is_given_reaches_the_model(codex: Codex, home: House, model_server: ModelServer) -> None:
    model_server.script([reply(text('{"a": 1}'))])
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
    thread = codex.thread_start(cwd=str(home.workspace), developer_instructions="Be brief.")
    said = [TextInput("look"), LocalImageInput(str(home.workspace / "a.png"))]
    assert thread.run(said, output_schema=schema).final_response == '{"a": 1}'
    sent = model_server.requests[0].json
    assert sent["text"]["format"]["schema"] == schema
    assert "data:image/png;base64," in json.dumps(sent["input"]) and "Be brief." in json.dumps(sent["input"])


def test_threads_are_kept_for_another_client(config: CodexConfig, home: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text("Two."))])
    with Codex(config) as codex:
        assert codex.account().account is None and codex.models().data
        thread = codex.thread_start(cwd=str(home.workspace))
        thread.run("first words")
        thread.set_name("a name")
    with Codex(config) as codex:
        (listed,) = codex.thread_list(cwd=str(home.workspace)).data  # type: ignore[arg-type]
        assert (listed.id, listed.name, listed.preview) == (thread.id, "a name", "first words")
        resumed = codex.thread_resume(thread.id)
        assert resumed.run("more").final_response == "Two."
        assert len(resumed.read(include_turns=True).thread.turns) == 2
        codex.thread_archive(thread.id)
        assert codex.thread_list().data == []
        assert codex.thread_unarchive(thread.id).id == thread.id
    assert len(outputs(model_server.requests[1].json)) == 0


def test_refusals_have_the_codes_that_the_sdk_tells_apart(codex: Codex, home: House, model_server: ModelServer) -> None:
    with pytest.raises(InvalidRequestError):
        codex.thread_resume("00000000-0000-7000-8000-000000000000")
    with pytest.raises(MethodNotFoundError, match="accounts"):
        codex.logout()
    with pytest.raises(InvalidParamsError, match="permissions"):
        codex._client.request("thread/start", {"permissions": "no such"}, response_model=object)  # type: ignore[type-var]
    model_server.script([error(400, {"error": {"message": "Bad wish.", "type": "invalid_request_error"}})])
    with pytest.raises(RuntimeError, match="Bad wish"):
        codex.thread_start(cwd=str(home.workspace)).run("go")


async def test_its_async_client_runs_two_threads_at_once(config: CodexConfig, home: House, model_server: ModelServer) -> None:
    model_server.script(lambda request, number: reply(text(f"Reply {'b' if 'beta words' in json.dumps(request) else 'a'}")))
    async with AsyncCodex(config) as codex:
        one, two = [await codex.thread_start(cwd=str(home.workspace)) for _ in range(2)]
        first, second = await one.turn("alpha words"), await two.turn("beta words")
        assert (await second.run()).final_response == "Reply b"
        assert (await first.run()).final_response == "Reply a"
