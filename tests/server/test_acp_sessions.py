"""Sessions over the Agent Client Protocol: opened, listed, loaded, set, closed; the package's own client and whole agents."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from acp.exceptions import RequestError
from acp.schema import EnvVariable, HttpMcpServer, McpServerStdio, SseMcpServer

from fakes import call, custom, reply, text
from fakes.acp_editor import Editor, editing
from fakes.acp_place import begun, opener, words
from fakes.house import PATCH, House
from fakes.responses import ModelServer
from treadle.server.acp_hello import hello

TESTS = Path(__file__).parents[1]


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    yield House(tmp_path, model_server)


@pytest.fixture
async def editor(house: House) -> AsyncIterator[Editor]:
    async with editing(opener(house)) as editor:
        yield editor


async def test_a_prompt_is_answered_in_pieces(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Hello, world.", deltas=3))])
    session = await begun(editor, house)
    answer = await editor.agent.prompt(session.session_id, [words("hi")])
    assert answer.stop_reason == "end_turn"
    assert editor.text() == "Hello, world."
    assert len(editor.updates("agent_message_chunk")) == 3
    assert not editor.updates("user_message_chunk")
    assert model_server.requests[0].json["input"][-1]["content"] == [{"type": "input_text", "text": "hi"}]


async def test_what_is_said_of_us_is_what_is_there(editor: Editor) -> None:
    said = await editor.agent.initialize(1)
    assert said.protocol_version == 1 and said.agent_info is not None and said.agent_info.name == "treadle"
    can = said.agent_capabilities
    assert can is not None and can.load_session and can.prompt_capabilities is not None and can.session_capabilities is not None
    assert (can.prompt_capabilities.image, can.prompt_capabilities.audio, can.prompt_capabilities.embedded_context) == (
        *(True, False, True),
    )
    assert can.mcp_capabilities is not None and (can.mcp_capabilities.http, can.mcp_capabilities.sse) == (True, False)
    sessions = can.session_capabilities
    assert sessions.list and sessions.resume and sessions.close and sessions.additional_directories
    assert sessions.delete and sessions.fork
    # nothing that we say gets lost in the package's models
    assert said.model_dump(by_alias=True, exclude_none=True, exclude_unset=True) == hello({"protocolVersion": 1})[1]


async def test_another_version_is_answered_with_ours_and_a_second_hello_is_refused(editor: Editor) -> None:
    assert (await editor.agent.initialize(7)).protocol_version == 1
    with pytest.raises(RequestError, match="Already initialized"):
        await editor.agent.initialize(1)


async def test_nothing_is_served_before_hello(editor: Editor, house: House) -> None:
    with pytest.raises(RequestError, match="Not initialized"):
        await editor.agent.new_session(str(house.workspace), mcp_servers=[])


async def test_a_session_is_told_of_only_when_its_id_is_known(editor: Editor, house: House) -> None:
    seen: list[str] = []
    editor.agent._conn.add_observer(lambda event: seen.append(json.dumps(event.message)))  # type: ignore[arg-type,return-value]
    session = await begun(editor, house)
    await editor.until(lambda: editor.updates("available_commands_update", session.session_id))
    named = [message for message in seen if session.session_id in message]
    assert '"result"' in named[0] and '"session/update"' in named[1]


async def test_two_sessions_run_at_once_and_apart(editor: Editor, house: House, model_server: ModelServer) -> None:
    def script(request: dict[str, Any], _: int) -> Any:
        name = "first" if "first" in json.dumps(request["input"]) else "second"
        return reply(text(f"{name} answer", deltas=2, hold={1: name}))

    model_server.script(script)
    one = await begun(editor, house)
    two = await editor.agent.new_session(str(house.workspace), mcp_servers=[])
    prompts = [
        asyncio.ensure_future(editor.agent.prompt(session.session_id, [words(name)]))
        for session, name in ((one, "first"), (two, "second"))
    ]
    await editor.until(lambda: all(editor.text(session_id=session.session_id) for session in (one, two)))
    model_server.release("second")
    assert (await prompts[1]).stop_reason == "end_turn" and not prompts[0].done()
    model_server.release("first")
    assert (await prompts[0]).stop_reason == "end_turn"
    assert editor.text(session_id=one.session_id) == "first answer"
    assert editor.text(session_id=two.session_id) == "second answer"


async def spoken(house: House, model_server: ModelServer) -> str:
    """A session of an earlier process, with a command, a patch and words."""
    model_server.script(
        [
            reply(text("I look."), call("exec_command", {"cmd": "cat hello.py"})),
            reply(custom("apply_patch", PATCH)),
            reply(text("Done.")),
            reply(text("And more.")),
        ]
    )
    async with editing(opener(house)) as before:
        session = await begun(before, house)
        await before.agent.prompt(
            session.session_id, [words("mend it"), {"type": "image", "data": "QQ==", "mimeType": "image/png"}]
        )
        return session.session_id


async def test_a_session_is_loaded_with_its_whole_conversation_before_the_answer(house: House, model_server: ModelServer) -> None:
    session_id = await spoken(house, model_server)
    async with editing(opener(house)) as editor:
        await editor.agent.initialize(1)
        answer = await editor.agent.load_session(str(house.workspace), session_id, mcp_servers=[])
        told = [update.session_update for _, update in editor.told if update.session_update != "available_commands_update"]
        assert told[:6] == [
            *("user_message_chunk", "user_message_chunk", "agent_message_chunk", "tool_call", "tool_call", "agent_message_chunk"),
        ]
        assert editor.text("agent_message_chunk") == "I look.Done."
        command, patch = editor.calls()
        assert command["status"] == patch["status"] == "completed"
        assert patch["content"][0]["newText"] == "print('hello')\n"
        assert answer is not None and answer.modes is not None and answer.config_options
        more = await editor.agent.prompt(session_id, [words("more")])
        assert more.stop_reason == "end_turn" and editor.text().endswith("And more.")
    assert "mend it" in json.dumps(model_server.requests[3].json["input"])


async def test_a_session_is_resumed_without_its_conversation(house: House, model_server: ModelServer) -> None:
    session_id = await spoken(house, model_server)
    async with editing(opener(house)) as editor:
        await editor.agent.initialize(1)
        await editor.agent.resume_session(session_id, str(house.workspace), mcp_servers=[])
        assert (await editor.agent.prompt(session_id, [words("more")])).stop_reason == "end_turn"
        assert editor.text() == "And more." and not editor.updates("user_message_chunk")


async def test_a_session_can_be_loaded_again_and_is_told_of_once(house: House, model_server: ModelServer) -> None:
    session_id = await spoken(house, model_server)
    async with editing(opener(house)) as editor:
        await editor.agent.initialize(1)
        for _ in range(2):
            await editor.agent.load_session(str(house.workspace), session_id, mcp_servers=[])
        editor.told.clear()
        await editor.agent.prompt(session_id, [words("more")])
        assert editor.text() == "And more."


async def test_sessions_are_listed_by_folder_the_newest_first(house: House, model_server: ModelServer) -> None:
    session_id = await spoken(house, model_server)
    other = house.workspace / "other"
    other.mkdir()
    async with editing(opener(house)) as editor:
        await editor.agent.initialize(1)
        elsewhere = await editor.agent.new_session(str(other), mcp_servers=[])
        everywhere = await editor.agent.list_sessions()
        assert [session.session_id for session in everywhere.sessions] == [elsewhere.session_id, session_id]
        (found,) = (await editor.agent.list_sessions(cwd=str(house.workspace))).sessions
        assert (found.session_id, found.cwd) == (session_id, str(house.workspace))
        assert found.title and "mend it" in found.title and found.updated_at and found.updated_at.endswith("+00:00")


async def test_a_session_that_is_open_in_another_process_is_refused(house: House, model_server: ModelServer) -> None:
    session_id = await spoken(house, model_server)
    async with editing(opener(house)) as editor, editing(opener(house)) as other:
        await editor.agent.initialize(1)
        await editor.agent.load_session(str(house.workspace), session_id, mcp_servers=[])
        await other.agent.initialize(1)
        with pytest.raises(RequestError, match="open in another process: close it there first"):
            await other.agent.load_session(str(house.workspace), session_id, mcp_servers=[])


async def test_what_cannot_be_opened_is_named(editor: Editor, house: House) -> None:
    await editor.agent.initialize(1)
    with pytest.raises(RequestError, match="no thread with the id nothing"):
        await editor.agent.load_session(str(house.workspace), "nothing", mcp_servers=[])
    with pytest.raises(RequestError, match="cwd: expected an absolute path"):
        await editor.agent.new_session("here", mcp_servers=[])
    with pytest.raises(RequestError, match="no such folder"):
        await editor.agent.new_session("/nowhere/at/all", mcp_servers=[])
    with pytest.raises(RequestError, match="no session with the id nothing is open") as told:
        await editor.agent.prompt("nothing", [words("go")])
    assert told.value.code == -32002
    with pytest.raises(RequestError, match="no thread with the id nothing"):
        await editor.agent.fork_session("nothing", str(house.workspace), mcp_servers=[])
    await editor.agent.cancel("nothing")


async def test_a_closed_session_ends_its_prompt_and_can_be_loaded_again(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("Never said.", deltas=2, hold={1: "gate"})), reply(text("Again."))])
    session = await begun(editor, house)
    prompt = asyncio.ensure_future(editor.agent.prompt(session.session_id, [words("go")]))
    await editor.until(editor.text)
    await editor.agent.close_session(session.session_id)
    assert (await prompt).stop_reason == "cancelled"
    with pytest.raises(RequestError, match="load it first"):
        await editor.agent.prompt(session.session_id, [words("go")])
    await editor.agent.load_session(str(house.workspace), session.session_id, mcp_servers=[])
    assert (await editor.agent.prompt(session.session_id, [words("more")])).stop_reason == "end_turn"


async def test_a_session_is_forked_and_both_go_on_apart(house: House, model_server: ModelServer) -> None:
    session_id = await spoken(house, model_server)
    async with editing(opener(house)) as editor:
        await editor.agent.initialize(1)
        fork = await editor.agent.fork_session(session_id, str(house.workspace), mcp_servers=[])
        assert fork.session_id != session_id and fork.modes is not None
        assert (await editor.agent.prompt(fork.session_id, [words("more")])).stop_reason == "end_turn"
        assert editor.text(session_id=fork.session_id) == "And more."
        await editor.agent.load_session(str(house.workspace), session_id, mcp_servers=[])
        assert "And more." not in editor.text(session_id=session_id)
    assert "mend it" in json.dumps(model_server.requests[3].json["input"])


async def test_a_deleted_session_is_gone(house: House, model_server: ModelServer) -> None:
    session_id = await spoken(house, model_server)
    async with editing(opener(house)) as editor:
        await editor.agent.initialize(1)
        await editor.agent.load_session(str(house.workspace), session_id, mcp_servers=[])
        await editor.agent._conn.send_request("session/delete", {"sessionId": session_id})
        assert (await editor.agent.list_sessions()).sessions == []
        for method in ("session/delete", "session/prompt"):
            with pytest.raises(RequestError) as told:
                await editor.agent._conn.send_request(method, {"sessionId": session_id, "prompt": [words("go")]})
            assert told.value.code == -32002


async def test_a_server_that_does_not_start_is_told_of_in_the_next_turn(
    editor: Editor, house: House, model_server: ModelServer
) -> None:
    house.configure("mcp_optional_startup_grace_ms = 60000\n" + house.configuration)
    model_server.script([reply(text("Well."))])
    broken = McpServerStdio(name="broken", command="/nowhere/at/all", args=[], env=[])
    session = await begun(editor, house, mcp_servers=[broken])
    await editor.agent.prompt(session.session_id, [words("go")])
    assert "MCP server broken: " in editor.text()


async def test_modes_are_pairs_of_approvals_and_sandbox(editor: Editor, house: House, model_server: ModelServer) -> None:
    outside = call("exec_command", {"cmd": "echo x > ../outside.txt; touch inside.txt"})
    model_server.script([reply(outside), reply(text("No.")), reply(outside), reply(text("Yes."))])
    session = await begun(editor, house)
    assert session.modes is not None and session.modes.current_mode_id == "auto"
    assert [mode.id for mode in session.modes.available_modes] == ["read-only", "auto", "full-access"]
    await editor.agent.set_session_mode(session.session_id, "read-only")
    changed = await editor.until(lambda: editor.updates("config_option_update"))
    assert next(option for option in changed[0].config_options if option.id == "mode").current_value == "read-only"
    await editor.agent.prompt(session.session_id, [words("go")])
    assert not (house.workspace / "inside.txt").exists()
    await editor.agent.set_session_mode(session.session_id, "full-access")
    await editor.agent.prompt(session.session_id, [words("go")])
    assert (house.workspace.parent / "outside.txt").exists() and (house.workspace / "inside.txt").exists()
    assert editor.asked == []
    with pytest.raises(RequestError, match="there is no mode 'yolo'"):
        await editor.agent.set_session_mode(session.session_id, "yolo")


async def test_settings_that_are_no_mode_are_kept_until_one_is_chosen(editor: Editor, house: House) -> None:
    house.configure('approval_policy = "never"\n' + house.configuration)
    session = await begun(editor, house)
    assert session.modes is not None and session.modes.current_mode_id == "as-configured"
    assert session.modes.available_modes[-1].description == "workspace-write, approvals never"
    await editor.agent.set_session_mode(session.session_id, "as-configured")
    await editor.agent.set_session_mode(session.session_id, "auto")
    with pytest.raises(RequestError, match="there is no mode"):
        await editor.agent.set_session_mode(session.session_id, "as-configured")


async def test_model_and_effort_are_options(editor: Editor, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Fast."))])
    session = await begun(editor, house)
    shown = {option.id: option for option in session.config_options or ()}
    assert {option.category for option in shown.values()} == {"mode", "model", "thought_level"}
    assert shown["model"].current_value == "gpt-5.5"
    efforts = [option.value for option in shown["effort"].options]  # type: ignore[union-attr]
    assert {"low", "medium", "high"} <= set(efforts)
    answer = await editor.agent.set_config_option("effort", session.session_id, "low")
    assert answer is not None
    assert next(option for option in answer.config_options if option.id == "effort").current_value == "low"
    await editor.agent.set_config_option("mode", session.session_id, "read-only")
    assert (await editor.until(lambda: editor.updates("current_mode_update")))[0].current_mode_id == "read-only"
    for option, value in (("effort", "extreme"), ("colour", "red"), ("model", "none such")):
        with pytest.raises(RequestError) as told:
            await editor.agent.set_config_option(option, session.session_id, value)
        assert told.value.code == -32602
    await editor.agent.prompt(session.session_id, [words("go")])
    assert model_server.requests[0].json["reasoning"]["effort"] == "low"


def server(house: House, name: str) -> McpServerStdio:
    args = ["-m", "fakes.mcp_server", "--folder", str(house.workspace.parent)]
    return McpServerStdio(name=name, command=sys.executable, args=args, env=[EnvVariable(name="PYTHONPATH", value=str(TESTS))])


async def test_servers_of_the_editor_are_given_to_the_thread(editor: Editor, house: House, model_server: ModelServer) -> None:
    house.configure("mcp_optional_startup_grace_ms = 60000\n" + house.configuration)
    model_server.script([reply(call("mcp__my_tools__echo", {"text": "hi"})), reply(text("Done."))])
    editor.choose = lambda _: "allow_once"
    session = await begun(editor, house, mcp_servers=[server(house, "my tools")])
    await editor.agent.prompt(session.session_id, [words("go")])
    (drawn,) = editor.calls()
    assert (drawn["title"], drawn["status"], drawn["rawInput"]) == ("my-tools: echo", "completed", {"text": "hi"})
    assert "hi" in drawn["content"][0]["content"]["text"]


async def test_servers_that_the_editor_no_longer_names_are_gone(house: House, model_server: ModelServer) -> None:
    house.configure("mcp_optional_startup_grace_ms = 60000\n" + house.configuration)
    model_server.script([reply(text("One.")), reply(text("Two."))])
    async with editing(opener(house)) as editor:
        session = await begun(editor, house, mcp_servers=[server(house, "mine")])
        await editor.agent.prompt(session.session_id, [words("go")])
    async with editing(opener(house)) as editor:
        await editor.agent.initialize(1)
        await editor.agent.load_session(str(house.workspace), session.session_id, mcp_servers=[])
        editor.told.clear()
        await editor.agent.prompt(session.session_id, [words("more")])
    assert editor.text().endswith("Two.")
    started = (house.workspace.parent / "pids").read_text().split()
    assert len(started) == 1


async def test_a_server_that_speaks_what_we_do_not_is_refused(editor: Editor, house: House) -> None:
    with pytest.raises(RequestError, match="speaks sse, which is not supported"):
        await begun(editor, house, mcp_servers=[SseMcpServer(type="sse", name="old", url="http://127.0.0.1:9/", headers=[])])
    http = HttpMcpServer(type="http", name="web", url="http://127.0.0.1:9/", headers=[])
    assert (await editor.agent.new_session(str(house.workspace), mcp_servers=[http])).session_id


async def test_other_folders_of_the_editor_may_be_written(editor: Editor, house: House, model_server: ModelServer) -> None:
    other = house.workspace.parent / "other"
    other.mkdir()
    model_server.script([reply(call("exec_command", {"cmd": f"echo x > {other}/made"})), reply(text("Done."))])
    session = await begun(editor, house, additional_directories=[str(other)])
    await editor.agent.prompt(session.session_id, [words("go")])
    assert (other / "made").read_text() == "x\n"


async def test_an_editor_that_leaves_ends_its_turns_and_answers_its_questions_with_no(
    house: House, model_server: ModelServer
) -> None:
    patch = "*** Begin Patch\n*** Add File: ../outside.txt\n+x\n*** End Patch"
    model_server.script([reply(custom("apply_patch", patch))])
    async with editing(opener(house)) as editor:
        editor.hold = asyncio.Event()
        session = await begun(editor, house)
        prompt = asyncio.ensure_future(editor.agent.prompt(session.session_id, [words("go")]))
        await editor.until(lambda: editor.asked)
    with pytest.raises(ConnectionError):
        await prompt
    assert not (house.workspace.parent / "outside.txt").exists()
    async with editing(opener(house)) as again:
        await again.agent.initialize(1)
        await again.agent.load_session(str(house.workspace), session.session_id, mcp_servers=[])
        assert again.calls()[0]["status"] == "failed"
