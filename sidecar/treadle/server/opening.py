"""The requests that a user waits for at a start, thread/start, thread/resume and turn/start, without the models of the wire.

Loading pydantic and building the models takes longer than all else that happens before the first request to the model. Parameters
in the usual form are read here by a table; any other form, and so every mistake, is left to the models (`plain` says None).
tests/server/test_opening.py holds the table against the models. Must stay free of `wire`, and of what loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, cast

from ..core.history import TurnState
from ..core.items import JsonObject
from ..core.ops import Op, ResumeThread, StartThread, StartTurn
from ..core.record import frozen, mutable
from ..runtime.agent import Agent
from ..runtime.answers import ThreadState
from ..runtime.ports import Client
from . import inputs, project, unsupported, unusable

if TYPE_CHECKING:
    from .wire.thread import ThreadResumeParams, ThreadStartParams
    from .wire.turn import TurnStartParams


@mutable
class Exchange:
    """One request under way."""

    agent: Agent
    client: Client
    originator: str
    later: list[project.Notification] = field(default_factory=list[project.Notification])
    "Sent right after the answer, in order."

    async def thread(self, op: Op) -> ThreadState:
        return cast(ThreadState, await self.agent.submit(op, self.client))


async def thread_start(ask: Exchange, params: ThreadStartParams) -> JsonObject:
    overrides = inputs.thread_overrides(params, fresh=True)
    state = await ask.thread(StartThread(overrides, bool(params.ephemeral), ask.originator))
    ask.later.append(("thread/started", {"thread": project.thread(state)}))
    return project.settings_in_force(state, with_turns=False)


async def thread_resume(ask: Exchange, params: ThreadResumeParams) -> JsonObject:
    from . import pages  # noqa: PLC0415 - of no use to a new thread

    state = await ask.thread(ResumeThread(params.thread_id, inputs.thread_overrides(params, fresh=False), params.goes_on))
    first = params.initial_turns_page
    page = None
    if first is not None:
        page = pages.turns(state.turns, None, first.limit, first.sort_direction or "desc", first.items_view or "summary")
    known = project.settings_in_force(state, with_turns=not params.exclude_turns)
    return known | {"collaborationMode": None, "initialTurnsPage": page} | pages.ends(state.turns)


async def turn_start(ask: Exchange, params: TurnStartParams) -> JsonObject:
    said = await inputs.said(params.input)
    op = StartTurn(params.thread_id, said, inputs.turn_overrides(params), params.output_schema, params.client_user_message_id)
    state = cast(TurnState, await ask.agent.submit(op, ask.client))
    return {"turn": project.turn(state.id, state.status, state.started_at)}


@frozen
class Said:
    """As the wire's TextInput."""

    text: str
    type: str = "text"
    text_elements: tuple[()] = ()


class Given:
    """Parameters by the names that the models give them; what was not said is None, as there."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _text(value: Any) -> bool:
    return type(value) is str


def _texts(value: Any) -> bool:
    return type(value) is list and all(type(one) is str for one in cast("list[Any]", value))


def _map(value: Any) -> bool:
    return type(value) is dict


def _flag(value: Any) -> bool:
    return type(value) is bool


def _approval(value: Any) -> bool:
    return value in ("untrusted", "on-request", "never") if type(value) is str else False


def _mode(value: Any) -> bool:
    return value in ("read-only", "workspace-write", "danger-full-access") if type(value) is str else False


def _words(value: Any) -> bool:
    """Text alone, without the marks of an editor."""
    if type(value) is not list:
        return False
    return all(type(part) is dict and _is_text(cast(JsonObject, part)) for part in cast("list[Any]", value))


def _is_text(part: JsonObject) -> bool:
    known = part.keys() <= {"type", "text", "text_elements"}
    return known and part.get("type") == "text" and _text(part.get("text")) and part.get("text_elements", []) == []


def _limit(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 4294967295


def _direction(value: Any) -> bool:
    return value in ("asc", "desc") if type(value) is str else False


def _view(value: Any) -> bool:
    return value in ("notLoaded", "summary", "full") if type(value) is str else False


def _page(value: Any) -> bool:
    return type(value) is dict and _read(_PAGE, cast(JsonObject, value)) is not None


_Table = dict[str, tuple[str, Callable[[Any], bool]]]


@frozen
class Form:
    """Parameters, by the names that they have there and here. Those that are not named may be left out, or be null."""

    table: _Table
    needed: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    "By their names there: false when left out, and never null."


def _read(form: Form, given: JsonObject) -> JsonObject | None:
    """The values by their names here, if each is in the usual form."""
    if any(name not in given for name in form.needed):
        return None
    values: JsonObject = {form.table[name][0]: False for name in form.flags}
    for name, value in given.items():
        if name not in form.table:
            return None
        own, is_usual = form.table[name]
        if value is None and name not in form.needed and name not in form.flags:
            continue
        if not is_usual(value):
            return None
        values[own] = value
    return values


_OVERRIDES: _Table = {
    "model": ("model", _text),
    "modelProvider": ("model_provider", _text),
    "cwd": ("cwd", _text),
    "runtimeWorkspaceRoots": ("runtime_workspace_roots", _texts),
    "approvalPolicy": ("approval_policy", _approval),
    "sandbox": ("sandbox", _mode),
    "permissions": ("permissions", _text),
    "config": ("config", _map),
    "baseInstructions": ("base_instructions", _text),
    "developerInstructions": ("developer_instructions", _text),
}
_THREAD_RESUME: _Table = _OVERRIDES | {
    "threadId": ("thread_id", _text),
    "excludeTurns": ("exclude_turns", _flag),
    "initialTurnsPage": ("initial_turns_page", _page),
    "goesOn": ("goes_on", _flag),
}
_PAGE = Form(
    {"limit": ("limit", _limit), "sortDirection": ("sort_direction", _direction), "itemsView": ("items_view", _view)},
)
_TURN_START: _Table = {
    "threadId": ("thread_id", _text),
    "input": ("input", _words),
    "clientUserMessageId": ("client_user_message_id", _text),
    "cwd": ("cwd", _text),
    "runtimeWorkspaceRoots": ("runtime_workspace_roots", _texts),
    "approvalPolicy": ("approval_policy", _approval),
    "permissions": ("permissions", _text),
    "model": ("model", _text),
    "effort": ("effort", _text),
}
FORMS: dict[str, Form] = {
    "thread/start": Form(_OVERRIDES | {"ephemeral": ("ephemeral", _flag)}),
    "thread/resume": Form(_THREAD_RESUME, ("threadId",), ("excludeTurns", "goesOn")),
    "turn/start": Form(_TURN_START, ("threadId", "input")),
}
FUNCTIONS = {"thread/start": thread_start, "thread/resume": thread_resume, "turn/start": turn_start}


def plain(method: str, params: Any) -> Given | None:
    """The parameters, if they are in the usual form."""
    if method not in FORMS or type(params) is not dict:
        return None
    given = cast(JsonObject, params)
    values = _read(FORMS[method], given)
    if values is None or unusable.field(given) or unsupported.field(method, given):
        return None
    if "input" in values:
        values["input"] = [Said(part["text"]) for part in values["input"]]
    if "initial_turns_page" in values:
        values["initial_turns_page"] = Given(_read(_PAGE, values["initial_turns_page"]) or {})
    return Given(values)


async def call(method: str, params: Given, exchange: Exchange) -> JsonObject:
    """Run the method. Raises what submit raises, and BadParams."""
    return await FUNCTIONS[method](exchange, cast(Any, params))
