"""One short function a method: checked parameters -> op -> answer.

A function returns the answer and may leave notifications in `later`, which follow the answer. It never writes to the client.
Every method of wire/methods.py is here or is the connection's own (initialize).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from ..core.grants import Grant
from ..core.history import TurnState
from ..core.inspection import Inspection
from ..core.items import JsonObject
from ..core.looking_ops import LookAtContext
from ..core.mcp import McpStatus
from ..core.ops import (
    ArchiveThread,
    CheckRule,
    CompactThread,
    ContinueTurn,
    InterruptTurn,
    ListMcpServers,
    ListRules,
    NameThread,
    ReadLedger,
    ReadNotes,
    ReadOutput,
    ReadPrompt,
    ReadSummary,
    ReadThread,
    RefreshTools,
    ReloadMcpServers,
    SteerTurn,
    WriteNotes,
    WriteRules,
    WriteSummary,
)
from ..runtime.answers import ContextState, LedgerPage, RuleCheck, RuleList, SummaryState, ToolsRefresh
from ..runtime.ports import OutputPart
from . import bill, inputs, memory, opening, project, rules, servers, unsupported, unusable
from .handshake import BadParams
from .opening import Exchange
from .skills import entry
from .wire import compaction, config, ledger, mcp, skills, thread, treadle, turn
from .wire import rules as wire_rules
from .wire.methods import CLIENT_REQUESTS

_MAX_PAGE = 100
_DEFAULT_PAGE = 25


Method = Callable[[Exchange, Any], Awaitable[JsonObject]]
P = TypeVar("P", bound=BaseModel)
METHODS: dict[str, Method] = dict(opening.FUNCTIONS)


def method(
    name: str,
) -> Callable[[Callable[[Exchange, P], Awaitable[JsonObject]]], Callable[[Exchange, P], Awaitable[JsonObject]]]:
    def enter(function: Callable[[Exchange, P], Awaitable[JsonObject]]) -> Callable[[Exchange, P], Awaitable[JsonObject]]:
        METHODS[name] = function
        return function

    return enter


async def call(name: str, params: Any, exchange: Exchange) -> JsonObject:
    """Check the parameters and run the method. Raises KeyError for one that we do not have, BadParams, and what submit raises."""
    function = METHODS[name]
    model, _ = CLIENT_REQUESTS[name]
    if found := unusable.field(params) or unsupported.field(name, params):
        raise BadParams(*found)
    try:
        checked = model.model_validate({} if params is None else params)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"]) or "params"
        raise BadParams(path, first["msg"]) from error
    return await function(exchange, checked)


@method("thread/read")
async def thread_read(ask: Exchange, params: thread.ThreadReadParams) -> JsonObject:
    state = await ask.thread(ReadThread(params.thread_id, params.include_turns))
    return {"thread": project.thread(state, with_turns=params.include_turns), "readState": None}


@method("thread/loaded/list")
async def thread_loaded_list(ask: Exchange, params: thread.ThreadLoadedListParams) -> JsonObject:
    ids = sorted(ask.agent.loaded_ids())
    rest = [id for id in ids if params.cursor is None or id > params.cursor]
    page = rest if params.limit is None else rest[: max(1, params.limit)]
    return {"data": page, "nextCursor": page[-1] if len(page) < len(rest) else None}


@method("thread/name/set")
async def thread_name_set(ask: Exchange, params: thread.ThreadSetNameParams) -> JsonObject:
    await ask.agent.submit(NameThread(params.thread_id, params.name.strip() or None), ask.client)
    return {}


@method("thread/archive")
async def thread_archive(ask: Exchange, params: thread.ThreadArchiveParams) -> JsonObject:
    await ask.agent.submit(ArchiveThread(params.thread_id, True), ask.client)
    ask.later.append(("thread/archived", {"threadId": params.thread_id}))
    return {}


@method("thread/unarchive")
async def thread_unarchive(ask: Exchange, params: thread.ThreadUnarchiveParams) -> JsonObject:
    await ask.agent.submit(ArchiveThread(params.thread_id, False), ask.client)
    state = await ask.thread(ReadThread(params.thread_id))
    ask.later.append(("thread/unarchived", {"threadId": params.thread_id}))
    return {"thread": project.thread(state)}


@method("thread/unsubscribe")
async def thread_unsubscribe(ask: Exchange, params: thread.ThreadUnsubscribeParams) -> JsonObject:
    return {"status": ask.agent.unsubscribe(params.thread_id, ask.client)}


@method("thread/compact/start")
async def thread_compact_start(ask: Exchange, params: compaction.ThreadCompactStartParams) -> JsonObject:
    await ask.agent.submit(CompactThread(params.thread_id), ask.client)
    return {}


@method("treadle/turn/continue")
async def turn_continue(ask: Exchange, params: turn.TurnContinueParams) -> JsonObject:
    state = cast(TurnState, await ask.agent.submit(ContinueTurn(params.thread_id), ask.client))
    return {"turn": project.turn(state.id, state.status, state.started_at)}


@method("turn/steer")
async def turn_steer(ask: Exchange, params: turn.TurnSteerParams) -> JsonObject:
    said = await inputs.content(params.input)
    if not said:
        raise BadParams("input", "expected at least one part")
    op = SteerTurn(params.thread_id, params.expected_turn_id, said, params.client_user_message_id)
    return {"turnId": await ask.agent.submit(op, ask.client)}


@method("turn/interrupt")
async def turn_interrupt(ask: Exchange, params: turn.TurnInterruptParams) -> JsonObject:
    await ask.agent.submit(InterruptTurn(params.thread_id, params.turn_id or None), ask.client)
    return {}


@method("model/list")
async def model_list(ask: Exchange, params: config.ModelListParams) -> JsonObject:
    found: list[JsonObject] = await ask.agent.info("models")
    rows = [
        _model(entry) for entry in found if params.model_provider in (None, entry.get("provider")) and not entry.get("hidden")
    ]
    start = int(params.cursor) if params.cursor and params.cursor.isdigit() else 0
    end = len(rows) if params.limit is None else start + max(1, params.limit)
    return {"data": rows[start:end], "nextCursor": str(end) if end < len(rows) else None}


def _model(entry: JsonObject) -> JsonObject:
    efforts: list[str] = list(entry.get("efforts") or ())
    default = entry.get("default_effort") or ("medium" if "medium" in efforts or not efforts else efforts[0])
    return {
        "id": entry["id"],
        "model": entry["id"],
        "upgrade": None,
        "upgradeInfo": None,
        "availabilityNux": None,
        "displayName": entry.get("name") or entry["id"],
        "description": entry.get("description") or "",
        "modelSpecialty": None,
        "hidden": False,
        "supportedReasoningEfforts": [{"reasoningEffort": effort, "description": ""} for effort in efforts],
        "defaultReasoningEffort": default,
        "inputModalities": ["text", "image"] if entry.get("images", True) else ["text"],
        "supportsPersonality": False,
        "multiAgentVersion": None,
        "additionalSpeedTiers": [],
        "serviceTiers": [],
        "defaultServiceTier": None,
        "availableAccessPrograms": None,
        "isDefault": bool(entry.get("default")),
    }


@method("config/read")
async def config_read(ask: Exchange, params: config.ConfigReadParams) -> JsonObject:
    found: JsonObject = await ask.agent.info("config", cwd=params.cwd)
    keys = ("model", "model_provider", "model_reasoning_effort", "approval_policy", "sandbox_mode")
    return {"config": dict.fromkeys(keys) | found, "origins": {}, "layers": [] if params.include_layers else None}


@method("account/read")
async def account_read(ask: Exchange, params: config.GetAccountParams) -> JsonObject:
    # keys of providers are named in the configuration: a client has nobody to log in
    return {"account": None, "requiresOpenaiAuth": False}


@method("skills/list")
async def skills_list(ask: Exchange, params: skills.SkillsListParams) -> JsonObject:
    found = [await ask.agent.info("skills", cwd=cwd, anew=params.force_reload) for cwd in params.cwds or [None]]
    return {"data": [entry(folder, there) for folder, there in found]}


@method("mcpServerStatus/list")
async def mcp_server_status_list(ask: Exchange, params: mcp.ListMcpServerStatusParams) -> JsonObject:
    found = await ask.agent.submit(ListMcpServers(params.thread_id), ask.client)
    return servers.statuses(cast("list[McpStatus]", found), params.server_name)


@method("config/mcpServer/reload")
async def mcp_server_reload(ask: Exchange, params: mcp.McpServerRefreshParams) -> JsonObject:
    await ask.agent.submit(ReloadMcpServers(), ask.client)
    return {}


@method("treadle/tools/refresh")
async def tools_refresh(ask: Exchange, params: mcp.ToolsRefreshParams) -> JsonObject:
    op = RefreshTools(params.thread_id, params.dry_run)
    return servers.refreshed(cast(ToolsRefresh, await ask.agent.submit(op, ask.client)))


@method("treadle/doctor")
async def doctor(ask: Exchange, params: treadle.DoctorParams) -> JsonObject:
    return {"report": await ask.agent.info("doctor", cwd=params.cwd)}


@method("treadle/ledger/read")
async def ledger_read(ask: Exchange, params: ledger.LedgerReadParams) -> JsonObject:
    limit = max(1, min(params.limit or _DEFAULT_PAGE, _MAX_PAGE))
    op = ReadLedger(params.thread_id, params.day, params.cursor, limit)
    return bill.page(cast(LedgerPage, await ask.agent.submit(op, ask.client)))


@method("treadle/prompt/read")
async def prompt_read(ask: Exchange, params: ledger.PromptReadParams) -> JsonObject:
    shown = await ask.agent.submit(ReadPrompt(params.thread_id, params.request), ask.client)
    return bill.prompt(cast(Inspection, shown))


@method("treadle/context/read")
async def context_read(ask: Exchange, params: treadle.ContextReadParams) -> JsonObject:
    state = await ask.agent.submit(LookAtContext(params.thread_id, params.cwd, params.config or {}), ask.client)
    return memory.context(cast(ContextState, state))


@method("treadle/summary/read")
async def summary_read(ask: Exchange, params: compaction.SummaryReadParams) -> JsonObject:
    state = await ask.agent.submit(ReadSummary(params.thread_id), ask.client)
    return memory.summary(params.thread_id, cast(SummaryState, state))


@method("treadle/summary/write")
async def summary_write(ask: Exchange, params: compaction.SummaryWriteParams) -> JsonObject:
    state = await ask.agent.submit(WriteSummary(params.thread_id, params.text), ask.client)
    return memory.summary(params.thread_id, cast(SummaryState, state))


@method("treadle/output/read")
async def output_read(ask: Exchange, params: compaction.OutputReadParams) -> JsonObject:
    op = ReadOutput(params.thread_id, params.item_id, params.offset, params.limit)
    part = cast(OutputPart, await ask.agent.submit(op, ask.client))
    return {"text": part.text, "start": part.start, "end": part.end, "size": part.size}


@method("treadle/rules/list")
async def rules_list(ask: Exchange, params: wire_rules.RulesListParams) -> JsonObject:
    found = await ask.agent.submit(ListRules(params.thread_id, params.cwd), ask.client)
    return rules.listed(cast(RuleList, found))


@method("treadle/rules/write")
async def rules_write(ask: Exchange, params: wire_rules.RulesWriteParams) -> JsonObject:
    op = WriteRules(tuple(rules.change(change) for change in params.changes))
    return {"grants": rules.grants(cast("list[Grant]", await ask.agent.submit(op, ask.client)))}


@method("treadle/rules/check")
async def rules_check(ask: Exchange, params: wire_rules.RulesCheckParams) -> JsonObject:
    rule = rules.about(params.rule) if params.rule else None
    op = CheckRule(params.command, rule, params.thread_id, params.cwd)
    return rules.checked(cast(RuleCheck, await ask.agent.submit(op, ask.client)))


@method("treadle/notes/list")
async def notes_list(ask: Exchange, params: compaction.NotesListParams) -> JsonObject:
    return {"threadId": params.thread_id, "notes": await ask.agent.submit(ReadNotes(params.thread_id), ask.client)}


@method("treadle/notes/write")
async def notes_write(ask: Exchange, params: compaction.NotesWriteParams) -> JsonObject:
    op = WriteNotes(params.thread_id, tuple(params.notes))
    return {"threadId": params.thread_id, "notes": await ask.agent.submit(op, ask.client)}


for _noun in (
    "capabilities",
    "checkpoints",
    "commands",
    "editor_methods",
    "hunks",
    "keeping",
    "listing",
    "mcp_methods",
    "past",
    "queue",
    "thread_ops",
):
    # each enters its methods in the table
    import_module(f"{__package__}.{_noun}")
