"""Core events, threads and turns -> the wire. Pure but for the memory of which items are open.

Deltas are the hot path: their JSON is a prefix made once an item, the escaped text, and a tail. Everything else is a plain dict
that becomes JSON once. Text is escaped to ASCII, so that no half of a surrogate pair can break the stream.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Sequence
from json.encoder import encode_basestring_ascii as escaped  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, TypeAlias, assert_never

from .. import __version__
from ..core import events as e
from ..core.items import JsonObject
from ..core.keeping import source
from ..core.replies import Usage
from ..core.views import CallCard
from . import bill, servers
from .cards import editor_problem, file_changes, thread_item
from .settings import sandbox, thread_settings

if TYPE_CHECKING:
    from ..core.history import TurnState
    from ..runtime.answers import ThreadState

Notification = tuple[str, JsonObject]
RequestId = str | int

_DELTAS: dict[e.DeltaKind, tuple[str, str]] = {
    "text": ("item/agentMessage/delta", ""),
    "reasoning": ("item/reasoning/textDelta", "contentIndex"),
    "summary": ("item/reasoning/summaryTextDelta", "summaryIndex"),
    "summary_part": ("item/reasoning/summaryPartAdded", "summaryIndex"),
    "output": ("item/commandExecution/outputDelta", ""),
    "input": ("treadle/item/inputDelta", ""),
}

_PLAIN_CODES = {
    "unauthorized": "unauthorized",
    "model_not_found": "modelNotFound",
    "bad_request": "badRequest",
    "context_overflow": "contextWindowExceeded",
    "rate_limited": "rateLimitExceeded",
    "quota": "usageLimitExceeded",
    "overloaded": "serverOverloaded",
    "server": "internalServerError",
    "internal": "internalServerError",
    "sandbox": "sandboxError",
}
_CODES_WITH_STATUS = {"unreachable": "httpConnectionFailed", "stream_cut": "responseStreamDisconnected"}


def compact(message: object) -> str:
    """JSON text in ASCII, without spaces."""
    return json.dumps(message, separators=(",", ":"))


class Projector:
    """Turns batches of events into JSON texts, one a message, in order."""

    def __init__(self, head: str = "{", silenced: Collection[str] = (), *, stamped: bool = True) -> None:
        """`head` begins every message: "{" or "{" with the members that the door wants first. `stamped`: say when it was sent."""
        self._head = head
        self._stamped = stamped
        self.silenced = frozenset(silenced)
        self.questions: dict[str, tuple[str, RequestId]] = {}
        "Approvals that a client was asked: thread, and id of the request."
        self._prefixes: dict[tuple[str, e.DeltaKind, int], str | None] = {}
        self._quiet_output: set[str] = set()
        self._mcp_calls: set[str] = set()

    def texts(self, events: Iterable[e.Event], now_ms: int) -> list[str]:
        """The messages for these events, but for those that the client opted out of."""
        tail = "}" + self._end(now_ms)
        texts: list[str] = []
        for event in events:
            if type(event) is e.CardDelta:
                key = (event.card_id, event.kind, event.index)
                prefix = self._prefixes.get(key, "")
                if prefix == "":
                    prefix = self._prefixes[key] = self._prefix(event)
                if prefix is not None:
                    texts.append(prefix + escaped(event.text) + tail if event.kind != "summary_part" else prefix + tail)
                continue
            self._remember(event)
            if type(event) is e.ApprovalSettled and event.approval_id in self.questions:
                thread_id, id = self.questions.pop(event.approval_id)
                resolved = self.text("serverRequest/resolved", {"threadId": thread_id, "requestId": id}, now_ms)
                texts += [resolved] if resolved else []
            for method, params in notifications(event):
                text = self.text(method, params, now_ms)
                if text is not None:
                    texts.append(text)
        return texts

    def text(self, method: str, params: JsonObject, now_ms: int) -> str | None:
        """One notification; None when the client does not want it."""
        if method in self.silenced:
            return None
        return f'{self._head}"method":"{method}","params":{compact(params)}{self._end(now_ms)}'

    def _end(self, now_ms: int) -> str:
        return f',"emittedAtMs":{now_ms}}}' if self._stamped else "}"

    def _prefix(self, delta: e.CardDelta) -> str | None:
        method, index = _DELTAS[delta.kind]
        said = "delta"
        if delta.kind == "output" and delta.card_id in self._quiet_output:
            method = "treadle/item/outputDelta"
        elif delta.kind == "output" and delta.card_id in self._mcp_calls:
            method, said = "item/mcpToolCall/progress", "message"
        if method in self.silenced:
            return None
        params: JsonObject = {"threadId": delta.thread_id, "turnId": delta.turn_id, "itemId": delta.card_id}
        if index:
            params[index] = delta.index
        text = f'{self._head}"method":"{method}","params":{compact(params)[:-1]}'
        return text if delta.kind == "summary_part" else text + f',"{said}":'

    def _remember(self, event: e.Event) -> None:
        """Which open items are tools, whose live output has a method of its own; and forget what is closed."""
        if isinstance(event, e.CardStarted):
            if isinstance(event.card, CallCard) and event.card.view.get("view") == "tool":
                self._quiet_output.add(event.card.id)
            elif isinstance(event.card, CallCard) and event.card.view.get("view") == "mcp":
                self._mcp_calls.add(event.card.id)
        elif isinstance(event, e.CardCompleted):
            self._quiet_output.discard(event.card.id)
            self._mcp_calls.discard(event.card.id)
            for key in [key for key in self._prefixes if key[0] == event.card.id]:
                del self._prefixes[key]


_OfThread: TypeAlias = (
    e.ThreadStatusChanged | e.ThreadNamed | e.ThreadClosed | e.ThreadSettingsChanged | e.ThreadReverted | e.QueueChanged
)
_OfHands: TypeAlias = (
    e.PlanUpdated | e.PatchPreviewed | e.GrantsChanged | e.HunksChanged | e.HookRan | e.CommandPrinted | e.ProblemsTold
)


def notifications(event: e.Event) -> Sequence[Notification]:
    """What a client is told of an event that is not a delta. ThreadStarted is told with the answer."""
    if isinstance(event, _OfThread):
        return [_of_thread(event)]
    if isinstance(event, _OfHands):
        return [_of_hands(event)]
    match event:
        case e.CardStarted() | e.CardCompleted():
            when, word = ("startedAtMs", "started") if isinstance(event, e.CardStarted) else ("completedAtMs", "completed")
            return [(f"item/{word}", _of_turn(event) | {"item": thread_item(event.card), when: int(event.at * 1000)})]
        case e.TurnStarted():
            return [("turn/started", {"threadId": event.thread_id, "turn": turn(event.turn_id, "inProgress", event.at)})]
        case e.TurnCompleted():
            ended = turn(event.turn_id, event.status, event.started_at, completed_at=event.at, error=event.error)
            return [("turn/completed", {"threadId": event.thread_id, "turn": ended})]
        case e.TurnDiffUpdated():
            return [("turn/diff/updated", _of_turn(event) | {"diff": event.diff})]
        case e.UsageUpdated():
            use = {"total": usage(event.total), "last": usage(event.last), "modelContextWindow": event.context_window}
            return [("thread/tokenUsage/updated", _of_turn(event) | {"tokenUsage": use})]
        case e.ErrorReported():
            return [("error", _of_turn(event) | {"error": turn_error(event.error), "willRetry": event.will_retry})]
        case e.WarningReported():
            return [_warning(event)]
        case e.ProgressReported():
            return [("treadle/progress", {"message": event.message})]
        case e.McpStatusChanged():
            known = {"threadId": event.thread_id, "name": event.name, "status": event.status, "error": event.error}
            return [("mcpServer/startupStatus/updated", known | {"failureReason": None})]
        case e.McpLoginCompleted():
            return [_login(event)]
        case e.ToolsChanged():
            return servers.tools_changed(event)
        case e.ContextChanged():
            sources = list(event.instruction_sources)
            return [("treadle/context/changed", {"threadId": event.thread_id, "instructionSources": sources})]
        case e.SkillsChanged():
            return [("skills/changed", {})]
        case e.CheckpointChanged():
            return [("treadle/checkpoint/changed", {"threadId": event.thread_id, "turnId": event.turn_id})]
        case e.RequestCounted():
            return [("treadle/ledger/updated", _of_turn(event) | {"row": bill.row(event.row)})]
        case e.CardDelta() | e.ThreadStarted() | e.ApprovalSettled():
            return []
        case _:
            assert_never(event)


def _of_thread(event: _OfThread) -> Notification:
    match event:
        case e.ThreadStatusChanged():
            return ("thread/status/changed", {"threadId": event.thread_id, "status": status(event.status)})
        case e.ThreadNamed():
            named = {"threadId": event.thread_id} | ({"threadName": event.name} if event.name is not None else {})
            return ("thread/name/updated", named)
        case e.ThreadClosed():
            return ("thread/closed", {"threadId": event.thread_id})
        case e.ThreadSettingsChanged():
            return ("thread/settings/updated", {"threadId": event.thread_id, "threadSettings": thread_settings(event.settings)})
        case e.ThreadReverted():
            return ("thread/reverted", {"threadId": event.thread_id})
        case e.QueueChanged():
            return ("thread/queue/changed", {"threadId": event.thread_id})


def _of_hands(event: _OfHands) -> Notification:
    match event:
        case e.PlanUpdated():
            words = {"pending": "pending", "in_progress": "inProgress", "completed": "completed"}
            plan = [{"step": step, "status": words[state]} for step, state in event.steps]
            return ("turn/plan/updated", _of_turn(event) | {"explanation": event.explanation, "plan": plan})
        case e.PatchPreviewed():
            changes = file_changes({"view": "file_change", "changes": list(event.changes)})  # type: ignore[typeddict-item]
            return ("item/fileChange/patchUpdated", _of_turn(event) | {"itemId": event.card_id, "changes": changes})
        case e.GrantsChanged():
            return ("treadle/rules/changed", {"threadId": event.thread_id})
        case e.HunksChanged():
            return ("treadle/hunk/changed", {"threadId": event.thread_id, "paths": list(event.paths)})
        case e.ProblemsTold():
            return ("treadle/diagnostics/told", _of_turn(event) | {"problems": [editor_problem(one) for one in event.problems]})
        case e.HookRan():
            method = "hook/started" if event.run.get("status") == "running" else "hook/completed"
            return (method, {"threadId": event.thread_id, "turnId": event.turn_id, "run": event.run})
        case e.CommandPrinted():
            data = base64.b64encode(event.data).decode("ascii")
            printed = {"processId": event.process_id, "stream": event.stream, "deltaBase64": data, "capReached": event.capped}
            return ("command/exec/outputDelta", printed)


def _of_turn(
    event: e.CardStarted
    | e.CardCompleted
    | e.TurnDiffUpdated
    | e.UsageUpdated
    | e.ErrorReported
    | e.RequestCounted
    | e.PlanUpdated
    | e.PatchPreviewed
    | e.ProblemsTold,
) -> JsonObject:
    return {"threadId": event.thread_id, "turnId": event.turn_id}


def _login(event: e.McpLoginCompleted) -> Notification:
    known = {"threadId": event.thread_id, "name": event.name, "loginId": event.login_id}
    failed = {"error": event.error} if event.error is not None else {}
    return "mcpServer/oauthLogin/completed", known | {"success": event.error is None} | failed


def _warning(event: e.WarningReported) -> Notification:
    if event.code != "config":
        return "warning", {"threadId": event.thread_id, "message": event.message}
    data = event.data or {}
    params: JsonObject = {"summary": event.message, "details": data.get("details")}
    return "configWarning", params | ({"path": data["path"]} if data.get("path") else {})


def turn_error(error: e.ErrorInfo) -> JsonObject:
    """A failure with the protocol's code for programs."""
    info: str | JsonObject = _PLAIN_CODES.get(error.code, "other")
    if error.code in _CODES_WITH_STATUS:
        info = {_CODES_WITH_STATUS[error.code]: {"httpStatusCode": error.status}}
    return {"message": error.message, "codexErrorInfo": info, "additionalDetails": error.details, "misalignment": None}


def turn(
    id: str,
    status: str,
    started_at: float | None,
    *,
    completed_at: float | None = None,
    error: e.ErrorInfo | None = None,
    items: list[JsonObject] | None = None,
) -> JsonObject:
    """A turn; without `items` its items are left to item/*."""
    known = started_at is not None and completed_at is not None
    return {
        "id": id,
        "rootTurnId": id,
        "items": items or [],
        "itemsView": "notLoaded" if items is None else "full",
        "status": status,
        "error": turn_error(error) if error else None,
        "startedAt": None if started_at is None else int(started_at),
        "completedAt": None if completed_at is None else int(completed_at),
        # the clock may have been set back meanwhile
        "durationMs": max(0, int((completed_at - started_at) * 1000)) if known else None,  # type: ignore[operator]
    }


def full_turn(state: TurnState) -> JsonObject:
    """A turn of history, with all that it did."""
    items = [thread_item(card) for card in state.cards]
    return turn(state.id, state.status, state.started_at, completed_at=state.completed_at, error=state.error, items=items)


def usage(tokens: Usage) -> JsonObject:
    return {
        "totalTokens": tokens.total_tokens,
        "inputTokens": tokens.input_tokens,
        "cachedInputTokens": tokens.cached_input_tokens,
        "cacheWriteInputTokens": 0,
        "outputTokens": tokens.output_tokens,
        "reasoningOutputTokens": tokens.reasoning_output_tokens,
    }


def status(name: str) -> JsonObject:
    match name:
        case "active":
            return {"type": "active", "activeFlags": []}
        case "waiting_on_approval":
            return {"type": "active", "activeFlags": ["waitingOnApproval"]}
        case "idle":
            return {"type": "idle"}
        case _:
            return {"type": "notLoaded"}


def thread(state: ThreadState, *, with_turns: bool = False) -> JsonObject:
    """A thread; its turns only where the contract says so."""
    meta, loaded = state.meta, state.settings is not None
    return {
        "id": meta.id,
        "environments": None,
        "extra": None,
        "sessionId": meta.id,
        "forkedFromId": meta.forked_from,
        "attachedToThreadId": None,
        "parentThreadId": None,
        "preview": meta.preview,
        "ephemeral": meta.ephemeral,
        "section": None,
        "sectionEnteredAt": None,
        "projectId": None,
        "historyMode": "legacy",
        "modelProvider": meta.provider,
        "model": meta.model,
        "reasoningEffort": state.settings.effort if state.settings else None,
        "createdAt": int(meta.created_at),
        "updatedAt": int(meta.updated_at),
        "recencyAt": int(meta.updated_at),
        "status": status(state.status),
        "path": None,
        "cwd": meta.cwd,
        "cliVersion": __version__,
        "originator": meta.originator,
        "source": source(meta.originator),
        "canAcceptDirectInput": True if loaded else None,
        "threadSource": None,
        "agentNickname": None,
        "agentRole": None,
        "gitInfo": {"sha": meta.git.sha, "branch": meta.git.branch, "originUrl": meta.git.origin_url} if meta.git else None,
        "name": meta.name,
        "daybreakEnabled": None,
        "turns": [full_turn(one) for one in state.turns] if with_turns else [],
    }


def settings_in_force(state: ThreadState, *, with_turns: bool) -> JsonObject:
    """The answer to thread/start, and the larger part of the one to thread/resume."""
    settings = state.settings
    assert settings is not None, "an agent says the settings of a thread that it loaded"
    return {
        "thread": thread(state, with_turns=with_turns),
        "model": settings.model,
        "modelProvider": settings.provider.id,
        "serviceTier": None,
        "disabledPluginIds": [],
        "cwd": settings.cwd,
        "runtimeWorkspaceRoots": [settings.cwd, *(root for root in settings.roots if root != settings.cwd)],
        "instructionSources": list(state.instruction_sources),
        "approvalPolicy": settings.approval_policy,
        "approvalsReviewer": "user",
        "sandbox": sandbox(settings.sandbox),
        "askBeforeEdits": settings.extra.get("ask_before_edits") is True,
        "activePermissionProfile": None,
        "reasoningEffort": settings.effort,
        "multiAgentMode": "explicitRequestOnly",
    }
