"""What an editor of the Agent Client Protocol sees of turns and is asked in them; only the model's words are scripted."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from acp.exceptions import RequestError

from fakes import call, custom, error, failed, incomplete, reasoning, reply, text
from fakes.acp_editor import CANCELLED, Editor, editing
from fakes.acp_place import begun, opener, words
from fakes.house import PATCH, House, outputs
from fakes.responses import ModelServer

ROGUE = Path(__file__).parents[1] / "fakes" / "mcp_rogue.py"
OUTSIDE = "*** Begin Patch\n*** Add File: ../outside.txt\n+x\n*** End Patch"


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    yield House(tmp_path, model_server)


@pytest.fixture
async def editor(house: House) -> AsyncIterator[Editor]:
    async with editing(opener(house)) as editor:
        yield editor


async def prompted(editor: Editor, house: House, said: str = "go", **more: Any) -> Any:
    session = await begun(editor, house, **more)
    return await editor.agent.prompt(session.session_id, [words(said)])


async def test_a_turn_with_thoughts_a_command_a_patch_a_plan_and_words(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    house.configure(house.configuration.replace("[model_providers", "tools.update_plan.enabled = true\n[model_providers", 1))
    plan = [{"step": "look", "status": "completed"}, {"step": "do", "status": "pending"}]
    model_server.script(
        [
            reply(reasoning("Hm."), text("I look."), call("exec_command", {"cmd": "cat hello.py; false"})),
            reply(custom("apply_patch", PATCH), call("update_plan", {"plan": plan})),
            reply(text("Done.", deltas=3)),
        ]
    )
    answer = await prompted(editor, house)
    assert answer.stop_reason == "end_turn" and answer.usage.total_tokens > 0
    assert editor.text("agent_thought_chunk") == "Hm." and editor.text() == "I look.Done."
    command, patch = editor.calls()
    assert (command["title"], command["status"]) == ("`cat hello.py; false`", "failed")
    assert command["rawOutput"]["exitCode"] == 1
    assert "print('helo')" in command["content"][0]["content"]["text"]
    assert (patch["title"], patch["kind"], patch["status"]) == ("Edit hello.py", "edit", "completed")
    shown = patch["content"][0]
    assert (shown["path"], shown["oldText"], shown["newText"]) == (
        *(str(house.workspace / "hello.py"), "print('helo')\n", "print('hello')\n"),
    )
    assert patch["locations"] == [{"path": str(house.workspace / "hello.py"), "line": 1}]
    (shown_plan,) = editor.updates("plan")
    assert [(entry.content, entry.status) for entry in shown_plan.entries] == [("look", "completed"), ("do", "pending")]
    assert editor.updates("usage_update")[-1].used > 0
    assert (house.workspace / "hello.py").read_text() == "print('hello')\n"
    kinds = [update.session_update for _, update in editor.told]
    assert kinds.index("tool_call") < kinds.index("tool_call_update")


async def test_a_yes_once_lets_one_call_run(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", OUTSIDE)), reply(text("Done."))])
    editor.choose = lambda _: "allow_once"
    await prompted(editor, house)
    (asked,) = editor.asked
    drawn = editor.call(asked.tool_call.tool_call_id)
    assert asked.tool_call.title == "Create outside.txt" and asked.tool_call.kind == "edit"
    assert any(content.type == "diff" and content.new_text == "x\n" for content in asked.tool_call.content or ())
    assert drawn["status"] == "completed"
    assert (house.workspace.parent / "outside.txt").read_text() == "x\n"


async def test_a_no_is_told_to_the_model_and_the_turn_goes_on(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", OUTSIDE)), reply(text("Well."))])
    answer = await prompted(editor, house)
    assert answer.stop_reason == "end_turn" and editor.text() == "Well."
    (drawn,) = editor.calls()
    assert drawn["status"] == "failed" and drawn["rawOutput"]["status"] == "declined"
    assert not (house.workspace.parent / "outside.txt").exists()
    assert "declined" in outputs(model_server.requests[1].json)[0]


async def test_options_name_what_a_yes_covers_and_a_lasting_yes_is_kept(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    asks = {"sandbox_permissions": "require_escalated", "justification": "Tests need it."}
    run = call("exec_command", {"cmd": "make --version", **asks})
    model_server.script([reply(run), reply(text("One.")), reply(run), reply(text("Two."))])
    editor.choose = lambda asked: next(option.option_id for option in asked.options if "always" in option.name)
    session = await begun(editor, house)
    await editor.agent.prompt(session.session_id, [words("go")])
    (asked,) = editor.asked
    names = [(option.kind, option.name) for option in asked.options]
    assert names[0] == ("allow_once", "Allow once, without the sandbox") and names[-1] == ("reject_once", "Reject")
    assert ("allow_always", "Allow always: commands that begin with `make`, without the sandbox") in names
    assert any(name.startswith("Allow in this thread:") for _, name in names)
    assert any(name.startswith("Allow in this workspace:") for _, name in names)
    assert asked.tool_call.title == "`make --version`" and asked.tool_call.raw_input["command"] == "make --version"
    assert "The model says: Tests need it." in asked.tool_call.content[1].content.text  # type: ignore[index,union-attr]
    await editor.agent.prompt(session.session_id, [words("again")])
    assert len(editor.asked) == 1


async def test_an_option_that_was_never_offered_lets_nothing_run(editor: Editor, house: House, model_server: ModelServer) -> None:
    from acp.schema import AllowedOutcome, RequestPermissionResponse  # noqa: PLC0415

    async def invented(**_: Any) -> RequestPermissionResponse:
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id="allow-always-9"))

    editor.request_permission = invented  # type: ignore[method-assign,assignment]
    model_server.script([reply(custom("apply_patch", OUTSIDE)), reply(text("Well."))])
    await prompted(editor, house)
    assert not (house.workspace.parent / "outside.txt").exists()


async def test_a_permission_that_is_dismissed_ends_the_turn(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", OUTSIDE))])
    editor.choose = lambda _: CANCELLED
    assert (await prompted(editor, house)).stop_reason == "cancelled"


async def test_cancel_ends_a_turn_that_streams(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Never said.", deltas=2, hold={1: "gate"})), reply(text("Again."))])
    session = await begun(editor, house)
    prompt = asyncio.ensure_future(editor.agent.prompt(session.session_id, [words("go")]))
    await editor.until(editor.text)
    await editor.agent.cancel(session.session_id)
    # the next prompt waits for the end of the one that was cancelled
    again = await editor.agent.prompt(session.session_id, [words("more")])
    assert (await prompt).stop_reason == "cancelled" and again.stop_reason == "end_turn"
    assert editor.text().endswith("Again.")


async def test_cancel_settles_a_permission_and_leaves_no_call_open(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(custom("apply_patch", OUTSIDE))])
    editor.hold = asyncio.Event()
    session = await begun(editor, house)
    prompt = asyncio.ensure_future(editor.agent.prompt(session.session_id, [words("go")]))
    await editor.until(lambda: editor.asked)
    await editor.agent.cancel(session.session_id)
    assert (await asyncio.wait_for(prompt, 60)).stop_reason == "cancelled"
    editor.choose = lambda _: "allow_once"
    editor.hold.set()
    assert editor.calls()[0]["status"] == "failed"
    assert not (house.workspace.parent / "outside.txt").exists()


async def test_cancel_stops_a_command(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "echo begun; sleep 1000"}))])
    session = await begun(editor, house)
    prompt = asyncio.ensure_future(editor.agent.prompt(session.session_id, [words("go")]))
    await editor.until(lambda: editor.calls() and "begun" in json.dumps(editor.calls()[0].get("content", "")))
    await editor.agent.cancel(session.session_id)
    assert (await asyncio.wait_for(prompt, 60)).stop_reason == "cancelled"
    assert editor.calls()[0]["status"] == "failed"


async def test_a_second_prompt_is_refused_while_one_runs(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Slow.", deltas=2, hold={1: "gate"}))])
    session = await begun(editor, house)
    prompt = asyncio.ensure_future(editor.agent.prompt(session.session_id, [words("go")]))
    await editor.until(editor.text)
    with pytest.raises(RequestError, match="a prompt is running in this session"):
        await editor.agent.prompt(session.session_id, [words("more")])
    model_server.release("gate")
    assert (await prompt).stop_reason == "end_turn"


async def test_what_the_provider_says_no_to_is_an_error_with_its_words(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    model_server.script([error(400, {"error": {"message": "Bad wish.", "type": "invalid_request_error"}})])
    with pytest.raises(RequestError, match=r"Bad wish\.") as told:
        await prompted(editor, house)
    assert told.value.code == -32603 and told.value.data["kind"] == "bad_request"


async def test_a_missing_key_asks_for_authentication_and_says_how(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    del house.environ["SCRIPTED_KEY"]
    said = await editor.agent.initialize(1)
    (method,) = said.auth_methods or ()
    session = await editor.agent.new_session(str(house.workspace), mcp_servers=[])
    with pytest.raises(RequestError, match="SCRIPTED_KEY") as told:
        await editor.agent.prompt(session.session_id, [words("go")])
    assert told.value.code == -32000
    with pytest.raises(RequestError, match="SCRIPTED_KEY"):
        await editor.agent.authenticate(method.id)
    with pytest.raises(RequestError, match="there is no method"):
        await editor.agent.authenticate("other")
    assert model_server.requests == []


async def test_nothing_is_to_be_authenticated_where_a_key_is(editor: Editor, house: House) -> None:
    said = await editor.agent.initialize(1)
    assert await editor.agent.authenticate((said.auth_methods or ())[0].id) is not None


async def test_a_refusal_and_an_answer_that_was_cut_are_told_apart_from_an_end(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    model_server.script(
        [incomplete("max_output_tokens", text("So lo")), failed("cyber_policy", "Not that."), reply(text("Fine."))],
    )
    session = await begun(editor, house)
    cut, refused, fine = [await editor.agent.prompt(session.session_id, [words(word)]) for word in ("a", "b", "c")]
    assert (cut.stop_reason, refused.stop_reason, fine.stop_reason) == ("max_tokens", "refusal", "end_turn")
    assert "Not that." in editor.text()


QUESTION = {
    "questions": [
        {
            "id": "colour",
            "header": "Colour",
            "question": "Which colour?",
            "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}],
        }
    ]
}


async def test_a_question_of_the_model_is_put_as_options(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("request_user_input", QUESTION)), reply(text("Blue then."))])
    editor.choose = lambda asked: next(option.option_id for option in asked.options if option.name.startswith("Blue"))
    await prompted(editor, house)
    (asked,) = editor.asked
    assert [option.name for option in asked.options] == ["Red: warm", "Blue: cold", "Skip this question"]
    assert "Blue" in outputs(model_server.requests[1].json)[0]


async def test_a_question_is_a_form_where_the_editor_has_forms(editor: Editor, house: House, model_server: ModelServer) -> None:
    from acp.schema import AcceptElicitationResponse  # noqa: PLC0415

    model_server.script([reply(call("request_user_input", QUESTION)), reply(text("Green then."))])
    editor.fill = lambda _: AcceptElicitationResponse(action="accept", content={"colour": "Green"})  # type: ignore[arg-type]
    await prompted(editor, house, capabilities={"elicitation": {"form": {}}})
    (form,) = editor.forms
    assert form[0] == "Which colour?" and editor.asked == []
    assert "Green" in outputs(model_server.requests[1].json)[0]


async def test_a_question_without_an_answer_goes_back_as_one(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("request_user_input", QUESTION)), reply(text("Well."))])
    assert (await prompted(editor, house)).stop_reason == "end_turn"
    assert "Red" not in outputs(model_server.requests[1].json)[0]


def rogue(house: House) -> Any:
    from acp.schema import McpServerStdio  # noqa: PLC0415

    return McpServerStdio(name="rogue", command=sys.executable, args=[str(ROGUE), "asks", str(house.workspace.parent)], env=[])


async def test_a_question_of_a_server_is_a_form_where_the_editor_has_forms(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    from acp.schema import AcceptElicitationResponse  # noqa: PLC0415

    house.configure("mcp_optional_startup_grace_ms = 60000\n" + house.configuration)
    model_server.script([reply(call("mcp__rogue__run", {})), reply(text("Done."))])
    editor.choose = lambda _: "allow_once"
    editor.fill = lambda _: AcceptElicitationResponse(action="accept", content={"name": "Ada"})  # type: ignore[arg-type]
    await prompted(editor, house, capabilities={"elicitation": {"form": {}}}, mcp_servers=[rogue(house)])
    assert [message for message, _, _ in editor.forms] == ["Who are you?"]
    assert '"content": {"name": "Ada"}' in outputs(model_server.requests[1].json)[0]


async def test_a_question_of_a_server_that_the_editor_cannot_show_is_declined_and_told_of(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    house.configure("mcp_optional_startup_grace_ms = 60000\n" + house.configuration)
    model_server.script([reply(call("mcp__rogue__run", {})), reply(text("Done."))])
    editor.choose = lambda _: "allow_once"
    await prompted(editor, house, mcp_servers=[rogue(house)])
    assert "rogue asks what this editor cannot show: Who are you?" in editor.text()
    assert '"action": "decline"' in outputs(model_server.requests[1].json)[0]


async def test_everything_that_a_prompt_can_hold_reaches_the_model(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("Seen."))])
    session = await begun(editor, house)
    path = f"file://{house.workspace}/hello%20you.py"
    said: list[Any] = [
        words("look at "),
        {"type": "resource_link", "uri": f"{path}#L1:3", "name": "hello you.py"},
        {"type": "resource", "resource": {"uri": path, "text": "print('unsaved')", "mimeType": "text/x-python"}},
        {"type": "image", "data": "QQ==", "mimeType": "image/png"},
    ]
    await editor.agent.prompt(session.session_id, said)
    parts = model_server.requests[0].json["input"][-1]["content"]
    assert parts[0] == {"type": "input_text", "text": "look at "}
    assert parts[1]["text"] == f"[@hello you.py]({house.workspace}/hello you.py#L1:3)"
    assert "print('unsaved')" in parts[2]["text"] and parts[2]["text"].startswith("[@hello you.py]")
    assert parts[3]["image_url"] == "data:image/png;base64,QQ=="


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "audio", "data": "QQ==", "mimeType": "audio/wav"}, r"prompt\.0\.type: audio is not supported"),
        ({"type": "image", "data": "QQ==", "mimeType": "image/tiff"}, r"prompt\.0\.mimeType: image/tiff is not supported"),
        ({"type": "text"}, "text"),
    ],
)
async def test_a_block_that_cannot_be_used_is_named(editor: Editor, house: House, block: Any, words: str) -> None:
    session = await begun(editor, house)
    with pytest.raises(RequestError, match=words) as told:
        await editor.agent._conn.send_request("session/prompt", {"sessionId": session.session_id, "prompt": [block]})
    assert told.value.code == -32602


async def test_a_slash_asks_for_a_summary(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text("A summary of it all."))])
    session = await begun(editor, house)
    await editor.until(lambda: editor.updates("available_commands_update"))
    assert "compact" in [command.name for command in editor.updates("available_commands_update")[0].available_commands]
    await editor.agent.prompt(session.session_id, [words("go")])
    answer = await editor.agent.prompt(session.session_id, [words("/compact")])
    assert answer.stop_reason == "end_turn"
    assert "Summarised the conversation so far" in [drawn["title"] for drawn in editor.calls()]


async def test_a_slash_names_a_skill(editor: Editor, house: House, model_server: ModelServer) -> None:
    folder = house.workspace / ".agents" / "skills" / "greet"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: greet\ndescription: Says hello.\n---\nSay hello thrice.\n")
    model_server.script([reply(text("Hello.")), reply(text("Go on."))])
    session = await begun(editor, house)
    await editor.until(lambda: editor.updates("available_commands_update"))
    assert "greet" in [command.name for command in editor.updates("available_commands_update")[0].available_commands]
    await editor.agent.prompt(session.session_id, [words("/greet the world")])
    other = house.workspace / ".agents" / "skills" / "part"
    other.mkdir()
    (other / "SKILL.md").write_text("---\nname: part\ndescription: Says goodbye.\n---\nSay goodbye.\n")
    await editor.agent.prompt(session.session_id, [words("go on")])
    told = await editor.until(lambda: editor.updates("available_commands_update")[1:])
    assert "part" in [command.name for command in told[-1].available_commands]
    sent = json.dumps(model_server.requests[0].json["input"])
    assert "Say hello thrice." in sent and "the world" in sent


async def test_unsaved_text_of_the_editor_is_what_the_agent_reads_and_edits(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    path = house.workspace / "hello.py"
    editor.files[str(path)] = "# unsaved\nprint('helo')\n"
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done."))])
    await prompted(editor, house, capabilities={"fs": {"readTextFile": True, "writeTextFile": True}})
    assert editor.written == [(str(path), "# unsaved\nprint('hello')\n")]
    assert path.read_text() == "print('helo')\n"
    assert editor.calls()[0]["content"][0]["oldText"] == "# unsaved\nprint('helo')\n"


async def test_a_file_that_the_editor_does_not_have_is_that_on_disk(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done."))])
    await prompted(editor, house, capabilities={"fs": {"readTextFile": True, "writeTextFile": True}})
    assert (house.workspace / "hello.py").read_text() == "print('hello')\n" and editor.written == []


async def test_an_editor_that_only_reads_keeps_its_unsaved_text(editor: Editor, house: House, model_server: ModelServer) -> None:
    editor.files[str(house.workspace / "hello.py")] = "# unsaved\nprint('helo')\n"
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Well."))])
    await prompted(editor, house, capabilities={"fs": {"readTextFile": True}})
    assert (house.workspace / "hello.py").read_text() == "print('helo')\n" and editor.written == []
    assert "unsaved changes" in outputs(model_server.requests[1].json)[0]


async def test_a_terminal_of_the_editor_gets_each_piece_once(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "echo one; echo two"})), reply(text("Done."))])
    await prompted(editor, house, capabilities={"_meta": {"terminal_output": True}})
    (drawn,) = editor.calls()
    pieces = [
        (update.field_meta or {}).get("terminal_output", {}).get("data", "") for update in editor.updates("tool_call_update")
    ]
    assert "".join(pieces) == "one\ntwo\n"
    assert drawn["_meta"]["terminal_exit"]["exit_code"] == 0 and drawn["content"][0]["type"] == "terminal"
