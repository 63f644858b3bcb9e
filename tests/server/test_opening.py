"""The requests that are read without the models mean what the models say, and nothing heavy is loaded for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from fakes.agent import AT, ScriptedAgent
from fakes.peer import HELLO, Peer
from treadle.core.errors import RequestRefused
from treadle.core.events import ErrorInfo
from treadle.core.history import TurnState
from treadle.core.items import JsonObject, Text
from treadle.core.views import MessageCard, UserCard
from treadle.runtime.agent import Agent
from treadle.runtime.ports import Client
from treadle.server import methods, opening
from treadle.server.handshake import BadParams
from treadle.server.project import compact
from treadle.server.wire.methods import CLIENT_REQUESTS

_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.text(max_size=4),
    st.sampled_from(["read-only", "workspace-write", "danger-full-access", "untrusted", "on-request", "never", ":workspace"]),
    st.fixed_dictionaries(
        {},
        optional={
            "limit": st.sampled_from([None, -1, 0, 7, 4294967295, 4294967296, 2.0, "3", True]),
            "sortDirection": st.sampled_from([None, "asc", "desc", "up", 1]),
            "itemsView": st.sampled_from([None, "notLoaded", "summary", "full", "some", 1]),
            "x": st.just(1),
        },
    ),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
_PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image", "nothing"]), "text": st.one_of(st.text(max_size=5), st.none())},
    optional={"text_elements": st.sampled_from([[], None, [{"byteRange": {"start": 0, "end": 1}}]]), "more": st.just(1)},
)
_HEAVY = {"pydantic", "pydantic_core", "httpx", "mcp", "pygls", "lsprotocol", "tree_sitter", "yaml", "tomlkit"}
_HEAVY |= {"platform", "uuid"}
_RARE = ("keeping", "mcp_keeping", "mcp_ops", "outputs", "reading")
_REFUSED = {"dynamicTools", "sandboxPolicy", "outputSchema", "history", "path"}
_NAMES = {name for form in opening.FORMS.values() for name in form.table} | _REFUSED | {"x", "thread_id", "exclude_turns"}


def _params(method: str) -> st.SearchStrategy[dict[str, Any]]:
    inputs = st.one_of(st.lists(_PARTS, max_size=2), _VALUES)
    usual = {"threadId": st.text(max_size=4)} if method != "thread/start" else {}
    usual |= {"input": inputs} if method == "turn/start" else {}
    others = {name: inputs if name == "input" else _VALUES for name in sorted(_NAMES - set(usual))}
    return st.one_of(st.fixed_dictionaries(usual, optional=others), st.fixed_dictionaries({}, optional={**usual, **others}))


@pytest.mark.parametrize("method", sorted(opening.FORMS))
@given(data=st.data())
def test_what_is_read_without_the_models_is_what_the_models_read(method: str, data: st.DataObject) -> None:
    params = data.draw(_params(method))
    plain = opening.plain(method, params)
    if plain is None:
        return
    _same(plain, CLIENT_REQUESTS[method][0].model_validate(params))


def _same(plain: opening.Given, model: BaseModel) -> None:
    """All that the models know of the parameters, each of its very type."""
    for name in type(model).model_fields:
        read, checked = getattr(plain, name), getattr(model, name)
        if name == "input":
            read = [(part.type, part.text, list(part.text_elements)) for part in read]
            assert read == [(part.type, part.text, part.text_elements) for part in checked]
        elif isinstance(checked, BaseModel):
            _same(read, checked)
        else:
            assert (type(read), read) == (type(checked), checked), name


@pytest.mark.parametrize("method", sorted(opening.FORMS))
def test_every_parameter_of_the_table_is_taken_in_its_usual_form(method: str) -> None:
    good: dict[str, Any] = {
        "approvalPolicy": "never",
        "sandbox": "read-only",
        "config": {"model": "m"},
        "ephemeral": True,
        "runtimeWorkspaceRoots": ["/w"],
        "input": [{"type": "text", "text": "hello", "text_elements": []}],
        "excludeTurns": True,
        "goesOn": True,
        "initialTurnsPage": {"limit": 5, "sortDirection": "asc", "itemsView": "full"},
    }
    form = opening.FORMS[method]
    usual = {name: good.get(name, f"words of {name}") for name in form.table}
    assert opening.plain(method, usual) is not None
    for name in form.table:
        params = {each: usual[each] for each in (*form.needed, name)}
        plain = opening.plain(method, params)
        assert plain is not None, name
        assert getattr(plain, form.table[name][0]) is not None
        _same(plain, CLIENT_REQUESTS[method][0].model_validate(params))


@pytest.mark.parametrize("method", sorted(opening.FORMS))
def test_nothing_said_is_read_only_where_the_models_read_it_too(method: str) -> None:
    form = opening.FORMS[method]
    usual = {"threadId": "t", "input": []}
    for name in form.table:
        params: dict[str, Any] = {each: usual[each] for each in form.needed} | {name: None}
        plain = opening.plain(method, params)
        try:
            model = CLIENT_REQUESTS[method][0].model_validate(params)
        except ValidationError:
            assert plain is None, name
        else:
            assert plain is not None, name
            _same(plain, model)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("thread/start", None),
        ("thread/start", []),
        ("thread/start", {"cwd": 3}),
        ("thread/start", {"cwd": "a\0b"}),
        ("thread/start", {"sandbox": "everything"}),
        ("thread/start", {"approvalPolicy": {"granular": {}}}),
        ("thread/start", {"unknown": 1}),
        ("thread/resume", None),
        ("thread/resume", {}),
        ("thread/resume", {"threadId": None}),
        ("thread/resume", {"threadId": 3}),
        ("thread/resume", {"threadId": "a\0b"}),
        ("thread/resume", {"thread_id": "t"}),
        ("thread/resume", {"threadId": "t", "unknown": 1}),
        ("thread/resume", {"threadId": "t", "history": [{}]}),
        ("thread/resume", {"threadId": "t", "path": "/p"}),
        ("thread/resume", {"threadId": "t", "excludeTurns": None}),
        ("thread/resume", {"threadId": "t", "excludeTurns": 1}),
        ("thread/resume", {"threadId": "t", "goesOn": "yes"}),
        ("thread/resume", {"threadId": "t", "initialTurnsPage": []}),
        ("thread/resume", {"threadId": "t", "initialTurnsPage": {"limit": -1}}),
        ("thread/resume", {"threadId": "t", "initialTurnsPage": {"limit": True}}),
        ("thread/resume", {"threadId": "t", "initialTurnsPage": {"limit": 4294967296}}),
        ("thread/resume", {"threadId": "t", "initialTurnsPage": {"itemsView": "some"}}),
        ("thread/resume", {"threadId": "t", "initialTurnsPage": {"sortDirection": "up"}}),
        ("thread/resume", {"threadId": "t", "initialTurnsPage": {"cursor": "x"}}),
        ("turn/start", {"threadId": "t"}),
        ("turn/start", {"threadId": None, "input": []}),
        ("turn/start", {"threadId": "t", "input": [{"type": "image", "url": "data:image/png;base64,"}]}),
        ("turn/start", {"threadId": "t", "input": [{"type": "text"}]}),
        ("turn/start", {"threadId": "t", "input": "hello"}),
        ("turn/steer", {"threadId": "t", "input": []}),
    ],
)
def test_what_is_not_usual_is_left_to_the_models(method: str, params: Any) -> None:
    assert opening.plain(method, params) is None


def test_a_mistake_is_still_told_by_the_models() -> None:
    with pytest.raises(ValidationError):
        CLIENT_REQUESTS["thread/start"][0].model_validate({"cwd": 3})


_WORKED = TurnState(
    "turn-1",
    "failed",
    AT,
    AT + 2,
    ErrorInfo("overloaded", "too much", details="later", status=529),
    [UserCard("user-1", (Text("hello"),), None), MessageCard("message-1", "Hé \ud800", "final_answer")],
)
_RESUMED: tuple[dict[str, Any], ...] = (
    {},
    {"excludeTurns": True},
    {"excludeTurns": False, "goesOn": True},
    {"initialTurnsPage": {}},
    {"initialTurnsPage": None, "cwd": None},
    {"initialTurnsPage": {"limit": 1, "sortDirection": "asc", "itemsView": "full"}, "excludeTurns": True},
    {"initialTurnsPage": {"limit": 0, "itemsView": "notLoaded"}},
    {"model": "m", "modelProvider": "p", "cwd": "/w", "runtimeWorkspaceRoots": ["/w", "/v"], "config": {"a.b": [1]}},
    {"approvalPolicy": "untrusted", "sandbox": "read-only", "baseInstructions": "b", "developerInstructions": "d"},
    {"permissions": ":workspace"},
    {"permissions": ":workspace", "sandbox": "read-only"},
    {"permissions": ":nothing"},
    {"threadId": "nobody's"},
)


@pytest.mark.parametrize("said", _RESUMED, ids=json.dumps)
async def test_a_thread_is_resumed_in_the_same_words_with_the_models_and_without(said: dict[str, Any]) -> None:
    peer = Peer(agent := ScriptedAgent())
    await peer.result("initialize", HELLO)
    thread_id = await peer.thread()
    agent.threads[thread_id].turns = [_WORKED, replace(_WORKED, id="turn-2", cards=[])]
    params = {"threadId": thread_id} | said
    # a field that nobody knows is passed over by the models, and left to them
    usual, checked = opening.plain("thread/resume", params), {**params, "nobody": 1}
    assert usual is not None
    assert opening.plain("thread/resume", checked) is None
    agent.ops.clear()
    without = await _told(opening.call("thread/resume", usual, _exchange(agent)))
    with_models = await _told(methods.call("thread/resume", checked, _exchange(agent)))
    assert without == with_models
    assert agent.ops[: len(agent.ops) // 2] == agent.ops[len(agent.ops) // 2 :]
    if not without.startswith("!"):
        assert agent.ops
        answer = json.loads(without)
        assert answer == CLIENT_REQUESTS["thread/resume"][1].model_validate(answer).model_dump(by_alias=True)
    await peer.connection.close()


def _exchange(agent: ScriptedAgent) -> opening.Exchange:
    return opening.Exchange(cast(Agent, agent), cast(Client, None), "tests")


async def _told(answering: Awaitable[JsonObject]) -> str:
    """The answer as it goes out, or the refusal."""
    try:
        return compact(await answering)
    except (BadParams, RequestRefused) as error:
        return f"!{type(error).__name__}: {error}"


_DOOR = """
import atexit, sys
from treadle.server import warming
warming.REST = 3600.0
from treadle.__main__ import main
atexit.register(lambda: sys.stderr.write("loaded: " + " ".join(sys.modules)))
sys.argv = ["treadle", "app-server"]
sys.exit(main())
"""


def test_a_process_that_takes_up_a_thread_loads_no_models(tmp_path: Path) -> None:
    started, _ = _served(tmp_path, "thread/start", {})
    thread_id = started["result"]["thread"]["id"]
    page = {"initialTurnsPage": {"limit": 5, "itemsView": "full"}, "goesOn": True}
    for params in ({"threadId": thread_id}, {"threadId": thread_id, "cwd": str(tmp_path), **page}):
        resumed, loaded = _served(tmp_path, "thread/resume", params)
        assert resumed["result"]["thread"]["id"] == thread_id
        assert "treadle.server.opening" in loaded
        assert not {name.split(".")[0] for name in loaded} & _HEAVY
        assert not [name for name in loaded if name.startswith("treadle.server.wire")]
    _, loaded = _served(tmp_path, "thread/read", {"threadId": thread_id})
    assert {"pydantic", "treadle.server.wire.thread"} <= loaded, "the look at what is loaded sees the models"


def _served(folder: Path, method: str, params: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The answer of a new process whose rest never comes, and the modules that it loaded."""
    homes = {"HOME": str(folder), "CODEX_HOME": str(folder / "codex"), "TREADLE_HOME": str(folder / "treadle")}
    hello = {"clientInfo": {"name": "tests", "version": "1"}}
    asked = [{"id": 0, "method": "initialize", "params": hello}, {"id": 1, "method": method, "params": params}]
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", _DOOR]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=os.environ | homes, cwd=folder, text=True) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.writelines(json.dumps(one) + "\n" for one in asked)
        process.stdin.flush()
        answers = (json.loads(line) for line in process.stdout)
        answer = next(message for message in answers if message.get("id") == 1)
        process.stdin.close()
        said = process.stderr.read()
    return answer, set(said.partition("loaded: ")[2].split())


def test_nothing_heavy_is_loaded_before_the_first_request_to_the_model() -> None:
    look = "import sys, treadle.app, treadle.server.stream, treadle.server.opening; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & _HEAVY
    assert "treadle.runtime.turns" in done.stdout.split(), "the look at what is loaded sees what turns need"
    rare = {f"treadle.runtime.{name}" for name in _RARE} | {"treadle.adapters.mcp.connection"}
    assert not rare & set(done.stdout.split())
