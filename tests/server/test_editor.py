"""The language side in one process: what was answered to initialize before it was loaded is what it serves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from treadle.server.abilities import Abilities, abilities, capabilities
from treadle.server.connection import Connection
from treadle.server.documents import Documents
from treadle.server.editor import Editor
from treadle.server.framing import Headers

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
