"""The language side in one process: what was answered to initialize before it was loaded is what it serves."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from treadle.core.errors import TreadleError
from treadle.server.abilities import Abilities, abilities, capabilities
from treadle.server.connection import MAX_IN_FLIGHT, Connection
from treadle.server.documents import Documents
from treadle.server.editor import Editor
from treadle.server.framing import Headers
from treadle.server.lsp import EditorSide

DOCUMENT = {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "x = 1\n"}
HOVER = {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 0, "character": 0}}


async def no_agent() -> Any:
    raise AssertionError("nothing here needs an agent")


@pytest.mark.parametrize(
    "options", [{}, {"codeActions": False}, {"codeLenses": False}, {"codeActions": False, "codeLenses": False}]
)
async def test_the_early_answer_to_initialize_is_what_pygls_would_have_given(options: dict[str, bool]) -> None:
    params = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": options}
    said: list[bytes] = []
    of = abilities(params)
    editor = Editor(Connection(Headers(), said.append, no_agent), Documents(), of)
    editor.receive({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    early = capabilities(of)
    assert early.pop("experimental") == {"treadle": {"protocol": 2}}
    assert editor.own_answer["result"]["capabilities"] == early
    assert said == []
    editor.end()


@pytest.mark.parametrize("params", [None, 5, {}, {"capabilities": []}, {"capabilities": {"window": {"showDocument": True}}}])
def test_an_editor_that_says_nonsense_of_itself_can_nothing_and_is_offered_everything(params: Any) -> None:
    assert abilities(params) == Abilities()


async def test_a_request_that_makes_no_sense_is_refused_without_a_traceback() -> None:
    said: list[bytes] = []
    editor = Editor(Connection(Headers(), said.append, no_agent), Documents(), Abilities())
    editor.receive({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
    editor.receive({"jsonrpc": "2.0", "id": 2, "method": "textDocument/codeAction", "params": {"range": 5}})
    editor.receive({"jsonrpc": "2.0", "id": 3, "method": "workspace/executeCommand", "params": {"command": "treadle.none"}})
    editor.receive({"jsonrpc": "2.0", "id": 4, "method": "textDocument/hover", "params": HOVER})
    editor.receive({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": "nonsense"})
    answers = [json.loads(body) for body in Headers().feed(b"".join(said)) if isinstance(body, bytes)]
    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [(2, -32602), (3, -32602), (4, -32601)]
    assert not any("data" in answer["error"] for answer in answers)
    editor.end()


def test_what_an_editor_says_of_itself_is_believed() -> None:
    said = {
        "initializationOptions": {"cards": True, "codeActions": False},
        "capabilities": {
            "workspace": {"applyEdit": True, "codeLens": {"refreshSupport": True}},
            "window": {"showDocument": {"support": True}, "workDoneProgress": True},
            "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}},
        },
    }
    assert abilities(said) == Abilities(True, True, True, True, True, True, False, True)


async def test_requests_of_the_editor_are_bounded_and_each_is_answered_once() -> None:
    said: list[bytes] = []
    gate = asyncio.Event()

    async def late_agent() -> Any:
        await gate.wait()
        raise TreadleError("not today")

    documents = Documents()
    documents.take("textDocument/didOpen", {"textDocument": DOCUMENT})
    editor = Editor(Connection(Headers(), said.append, late_agent), documents, Abilities(lenses=True))
    editor.receive({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {"capabilities": {}}})
    lenses = {"method": "textDocument/codeLens", "params": {"textDocument": {"uri": DOCUMENT["uri"]}}}
    for id in range(MAX_IN_FLIGHT * 4):
        editor.receive({"jsonrpc": "2.0", "id": id, **lenses})
    editor.receive({"jsonrpc": "2.0", "id": 0, **lenses})
    await asyncio.sleep(0)
    refused = answers(said)
    assert len(refused) == MAX_IN_FLIGHT * 3 + 1
    assert {answer["error"]["code"] for answer in refused} == {-32001, -32600}
    gate.set()
    while len(answers(said)) < MAX_IN_FLIGHT * 4 + 1:  # noqa: ASYNC110 - pygls answers when it likes
        await asyncio.sleep(0.01)
    ids = [answer["id"] for answer in answers(said)]
    assert sorted(set(ids)) == list(range(MAX_IN_FLIGHT * 4))
    said.clear()
    editor.receive({"jsonrpc": "2.0", "id": "again", **lenses})
    while not said:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert answers(said)[0].get("error", {}).get("code") != -32001
    editor.end()


async def test_requests_that_come_before_the_language_side_is_loaded_are_bounded_too() -> None:
    said: list[bytes] = []
    connection = Connection(Headers(), said.append, no_agent)
    side = EditorSide(answered=True)
    side.receive(connection, {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {"capabilities": {}}})
    for id in range(MAX_IN_FLIGHT + 50):
        side.receive(connection, {"jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": HOVER})
    refused = answers(said)
    assert [answer["error"]["code"] for answer in refused] == [-32001] * len(refused)
    assert len(refused) in (50, 51)
    side.close()
    await connection.close()


def answers(said: list[bytes]) -> list[dict[str, Any]]:
    found = [json.loads(body) for body in Headers().feed(b"".join(said)) if isinstance(body, bytes)]
    return [message for message in found if "method" not in message]
