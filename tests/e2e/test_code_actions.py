"""Code actions in an editor that knows LSP only: what is offered, what the model is asked, and what the user sees of the turn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from lsprotocol import types

from fakes import call, custom, hold, reply, text
from fakes.house import PATCH, House, outputs
from fakes.lsp_editor import editor, problem, span
from fakes.responses import ModelServer

pytestmark = pytest.mark.e2e
SHOWS = types.ShowDocumentClientCapabilities(support=True)
MISSPELT = problem(span(0, 7, 0, 11), "'helo' is misspelt", source="spell", code="S1")
UNUSED = problem(span(0, 0, 0, 5), "print found\nuse a logger", source="ruff", code="T201")


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> House:
    house = House(tmp_path, model_server)
    house.configure('sandbox_mode = "workspace-write"\napproval_policy = "never"\n' + house.configuration)
    return house


def said(request: Any) -> str:
    """The user's last words in a request."""
    messages = [entry for entry in request.json["input"] if entry["type"] == "message" and entry["role"] == "user"]
    return messages[-1]["content"][-1]["text"]


def titles(actions: list[Any]) -> list[str]:
    return [action.title.removesuffix(" (Treadle)") for action in actions]


def private(path: Path) -> str:
    """The text of a file that nobody else may read."""
    assert path.stat().st_mode & 0o77 == 0 and path.parent.stat().st_mode & 0o77 == 0
    return path.read_text()


async def test_what_is_offered_depends_on_what_is_selected_wrong_and_asked_for(house: House) -> None:
    async with editor(house) as there:
        uri = there.open(house.workspace / "hello.py")
        name, nothing, selection = span(0, 2, 0, 2), span(1, 0, 1, 0), span(0, 0, 0, 5)
        sources = ["Explain 'print'", "Write tests for 'print'"]
        assert titles(await there.actions(uri, name)) == ["Document 'print'", *sources]
        assert await there.actions(uri, nothing) == []
        fixes = ["Fix: 'helo' is misspelt", "Fix: print found", "Fix all 2 problems here"]
        rest = ["Document selection", "Explain selection", "Write tests for selection"]
        assert titles(await there.actions(uri, selection, MISSPELT, UNUSED)) == [*fixes, *rest]
        assert titles(await there.actions(uri, selection, MISSPELT, only=["quickfix"])) == fixes[:1]
        assert titles(await there.actions(uri, name, only=["source"])) == sources
        assert titles(await there.actions(uri, name, only=["source.treadle.explain"])) == sources[:1]
        assert titles(await there.actions(uri, name, only=["refactor"])) == ["Document 'print'"]
        assert await there.actions(uri, name, only=["source.organizeImports"]) == []
        automatic = types.CodeActionTriggerKind.Automatic
        assert await there.actions(uri, name, trigger_kind=automatic) == []
        assert titles(await there.actions(uri, selection, MISSPELT, trigger_kind=automatic)) == [*fixes[:1], *rest[:1]]
        assert await there.actions(uri, selection, trigger_kind=automatic, only=["source"]) == []
        assert await there.actions("file:///nobody/has/this/open.py", selection, MISSPELT) == []


async def test_explain_opens_a_document_and_changes_nothing(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("It **prints**.\n\nAnd that is all."))])
    async with editor(house, show_document=SHOWS) as there:
        uri = there.open(house.workspace / "hello.py")
        there.type(uri, "# unsaved: \U0001f600\n", span(0, 0, 0, 0))
        await there.choose("Explain selection", uri, span(0, 11, 1, 5))
        _, begun = await there.bar("begin")
        assert (begun["title"], begun["message"]) == ("Treadle", "Explaining hello.py")
        shown = await there.document()
        assert (await there.bar("end"))[1]["message"] == "done"
        path = Path(unquote(shown.uri.removeprefix("file://")))
        assert private(path) == "# hello.py, lines 1-2\n\nIt **prints**.\n\nAnd that is all.\n"
        words = said(model_server.requests[0])
        assert words.endswith("`hello.py`, lines 1-2:\n\n```python\n\U0001f600\nprint\n```")
        assert words.startswith("Explain what this code does")
        assert there.foreign == []
    assert not path.parent.exists()


async def test_an_editor_that_shows_no_documents_is_told_where_the_explanation_is(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("It prints."))])
    async with editor(house) as there:
        uri = there.open(house.workspace / "hello.py")
        await there.choose("Explain 'print'", uri, span(0, 5, 0, 5))
        first, path = (await there.message()).message.split("\nThe whole explanation: ")
        assert first == "It prints."
        assert private(Path(path)) == "# print\n\nIt prints.\n"
        assert "`hello.py`, line 1; this is about `print`:\n\n```python\nprint('helo')\n```" in said(model_server.requests[0])


async def test_a_fix_is_told_what_is_wrong_and_edits_the_unsaved_document(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Fixed.\n\nMore."))])
    async with editor(house) as there:
        uri = there.open(house.workspace / "hello.py")
        there.type(uri, "# typed\n", span(0, 0, 0, 0))
        below = problem(span(1, 7, 1, 11), MISSPELT.message, source="spell", code="S1")
        await there.choose("Fix all 2", uri, span(1, 0, 1, 0), below, UNUSED)
        assert (await there.bar("report"))[1]["message"].startswith("Editing ")
        assert (await there.message()).message == "Fixed."
        assert there.texts[uri] == "# typed\nprint('hello')\n"
    assert (house.workspace / "hello.py").read_text() == "print('helo')\n"
    words = said(model_server.requests[0])
    assert words.endswith(
        "What the editor says is wrong:\n\n- line 2: error (spell S1): 'helo' is misspelt\n"
        "- line 1: error (ruff T201): print found\n  use a logger"
    )
    assert "```python\n# typed\nprint('helo')\n```" in words


async def test_actions_go_on_in_one_thread_one_after_the_other(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(hold("first"), text("One.")), reply(text("Two."))])
    async with editor(house) as there:
        uri = there.open(house.workspace / "hello.py")
        for title in ("Document 'print'", "Write tests for 'print'"):
            await there.choose(title, uri, span(0, 0, 0, 0))
        await model_server.reached("first")
        model_server.release("first")
        assert [(await there.message()).message for _ in range(2)] == ["One.", "Two."]
    first, second = model_server.requests
    assert first.json["prompt_cache_key"] == second.json["prompt_cache_key"]


async def test_a_document_of_another_folder_is_a_matter_of_another_thread(house: House, model_server: ModelServer) -> None:
    other = house.workspace.parent / "other" / "there.py"
    other.parent.mkdir()
    other.write_text("there = 1\n")
    model_server.script([reply(text("One.")), reply(text("Two.")), reply(text("Three."))])
    async with editor(house) as there:
        here, elsewhere = there.open(house.workspace / "hello.py"), there.open(other)
        for uri in (here, elsewhere, here):
            await there.choose("Document", uri, span(0, 0, 0, 0))
            await there.message()
    first, second, third = (request.json for request in model_server.requests)
    assert first["prompt_cache_key"] == third["prompt_cache_key"] != second["prompt_cache_key"]
    assert "`there.py`, line 1; this is about `there`" in said(model_server.requests[1])
    assert f"<cwd>{other.parent}</cwd>" in model_server.requests[1].raw.decode()


async def test_cancelling_the_progress_interrupts_the_turn(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Never "), hold("never"), text("said.")), reply(text("Said."))])
    async with editor(house) as there:
        uri = there.open(house.workspace / "hello.py")
        await there.choose("Document 'print'", uri, span(0, 0, 0, 0))
        token, _ = await there.bar("begin")
        await model_server.reached("never")
        there.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token=token))
        assert await there.bar("end") == (token, {"kind": "end", "message": "cancelled"})
        await model_server.until(lambda server: server.dropped == 1)
        await there.choose("Document 'print'", uri, span(0, 0, 0, 0))
        assert (await there.message()).message == "Said."


async def test_a_turn_that_fails_says_so_in_the_editor(house: House, model_server: ModelServer) -> None:
    house.configure(house.configuration.replace("SCRIPTED_KEY", "NOT_THERE"))
    async with editor(house) as there:
        uri = there.open(house.workspace / "hello.py")
        await there.choose("Document 'print'", uri, span(0, 0, 0, 0))
        told = await there.message()
        assert told.type is types.MessageType.Error and "NOT_THERE" in told.message
        assert (await there.bar("end"))[1]["message"] == "failed"
        nonsense = types.Command(title="", command="treadle.fix", arguments=[{"uri": uri, "range": {"start": 3}}])
        await there.run(nonsense)
        assert "makes no sense" in (await there.message()).message
        await there.run(types.Command(title="", command="treadle.explain", arguments=[]))
        assert "not have this document open" in (await there.message()).message


def outside(line: str) -> Any:
    """A command for which the user is asked."""
    return call("exec_command", {"cmd": line, "sandbox_permissions": "require_escalated", "justification": "To build?"})


@pytest.fixture
def asking(house: House) -> House:
    house.configure('sandbox_mode = "workspace-write"\n' + house.configuration)
    return house


@pytest.mark.parametrize(
    ("button", "ran", "asked"),
    [("Allow once", True, 2), ("Allow in this thread", True, 1), ("Deny", False, 2), (None, False, 2)],
)
async def test_questions_are_messages_with_buttons(
    asking: House, model_server: ModelServer, button: str | None, ran: bool, asked: int
) -> None:
    model_server.script([reply(outside("touch one two")), reply(outside("touch one three")), reply(text("Done."))])
    async with editor(asking) as there:
        there.press = lambda params: button
        uri = there.open(asking.workspace / "hello.py")
        await there.choose("Write tests for 'print'", uri, span(0, 0, 0, 0))
        assert (await there.message()).message == "Done."
        assert len(there.asked) == asked
        assert [entry.title for entry in there.asked[0].actions or ()] == ["Allow once", "Allow in this thread", "Deny"]
        assert there.asked[0].message.startswith(f"Treadle wants to run, in {asking.workspace}:\ntouch one two\n")
        assert "It would run outside the sandbox." in there.asked[0].message
    assert [(asking.workspace / name).exists() for name in ("two", "three")] == [ran, ran]
    assert len(outputs(model_server.requests[-1].json)) == 2


async def test_an_editor_that_is_lost_while_it_is_asked_lets_nothing_run(asking: House, model_server: ModelServer) -> None:
    model_server.script(lambda request, number: reply(outside("touch one")) if not number else reply(text("-")))
    asked = asyncio.Event()
    async with editor(asking) as there:

        async def too_late() -> str:
            asked.set()
            await asyncio.Event().wait()  # the question is taken back when the sidecar ends
            return "Allow once"

        there.press = lambda params: too_late()
        uri = there.open(asking.workspace / "hello.py")
        await there.choose("Write tests for 'print'", uri, span(0, 0, 0, 0))
        await asyncio.wait_for(asked.wait(), 60)
        await there.hang_up()
    assert not (asking.workspace / "one").exists()


async def test_an_editor_that_draws_cards_is_asked_by_cards_and_acts_in_its_thread(
    asking: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("Hello.")), reply(outside("touch one")), reply(text("Done."))])
    async with editor(asking, "visual-studio-code", {"cards": True}) as there:
        decided: list[Any] = []

        @there.client.feature("item/commandExecution/requestApproval")
        def decide(params: Any) -> dict[str, str]:
            decided.append(params)
            return {"decision": "accept"}

        ask = there.client.protocol.send_request_async
        thread = (await asyncio.wait_for(ask("thread/start", {"cwd": str(asking.workspace)}), 60)).thread
        said_there = {"threadId": thread.id, "input": [{"type": "text", "text": "go"}]}
        await asyncio.wait_for(ask("turn/start", said_there), 60)
        await asyncio.wait_for(there.over.wait(), 60)
        uri = there.open(asking.workspace / "hello.py")
        await there.choose("Write tests for 'print'", uri, span(0, 0, 0, 0))
        assert (await there.message()).message == "Done."
        assert [params.threadId for params in decided] == [thread.id]
        assert there.asked == [] and there.foreign.count("turn/started") == 2
    assert (asking.workspace / "one").exists()


async def test_an_editor_with_actions_of_its_own_is_offered_none(house: House) -> None:
    async with editor(house, options={"codeActions": False, "codeLenses": False}) as there:
        assert there.offered.code_action_provider is None and there.offered.code_lens_provider is None
        assert there.offered.execute_command_provider == types.ExecuteCommandOptions(commands=())
