"""The user's hooks: programs that are told what happens in a thread and may stop it. Which there are, and what they say. Pure.

The contract is the one that Claude Code and Codex share: JSON on standard input, JSON or nothing on standard output, and exit
status 2 for "no" with the reason on standard error. What a hook says that cannot be understood is an error that the user sees; it
neither allows nor forbids anything.
"""

# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from .items import JsonObject
from .record import frozen
from .truncate import clip

HookEvent: TypeAlias = Literal["PreToolUse", "PostToolUse", "UserPromptSubmit", "Stop", "SessionStart"]
EVENTS: tuple[HookEvent, ...] = ("PreToolUse", "PostToolUse", "UserPromptSubmit", "Stop", "SessionStart")
_ELSEWHERE = frozenset(
    "PermissionRequest PreCompact PostCompact SessionEnd SubagentStart SubagentStop Interrupt Notification PreModelRequest "
    "PostModelRequest".split()
)
"Events that others have and we do not."
DEFAULT_TIMEOUT, LONGEST_TIMEOUT = 600.0, 3600.0
"Seconds."
MAX_HOOKS = 100
REASON_BYTES, CONTEXT_BYTES, MESSAGE_BYTES = 4_000, 10_000, 2_000
_TOOL_NAMES: dict[str, tuple[str, ...]] = {
    "exec_command": ("Bash", "exec_command"),
    "apply_patch": ("apply_patch", "Edit", "Write", "MultiEdit"),
}
"Our tool -> the names by which hooks know it; the first one is told to them."


@frozen
class Hook:
    event: HookEvent
    command: str
    matcher: str | None = None
    "A regular expression for a whole tool name, or the source of a SessionStart; None: everything."
    timeout: float = DEFAULT_TIMEOUT
    status_message: str | None = None
    source: str = ""
    "The file that it stands in."
    project: bool = False
    "It comes from the folder, not from the user."


@frozen
class HookAnswer:
    """What one or several hooks make of an event."""

    blocked: str | None = None
    "Why not, in words for the model, or for the user where there is no call."
    stopped: str | None = None
    "The turn is to end, and why."
    context: tuple[str, ...] = ()
    "To be told to the model."
    updated_input: Any = None
    message: tuple[str, ...] = ()
    "For the user."
    error: str | None = None
    "What was wrong with the hook itself."
    ask: str | None = None
    "PreToolUse: the user is to be asked first, and why."


def parse(table: Any, source: str, *, project: bool) -> tuple[tuple[Hook, ...], tuple[str, ...]]:
    """The hooks of one file's `hooks` table, and what is wrong with it: sentences that begin with a key."""
    if not isinstance(table, dict):
        return (), ("hooks must be a table of events",)
    hooks: list[Hook] = []
    problems: list[str] = []
    for event, groups in cast("Mapping[str, Any]", table).items():
        if event in _ELSEWHERE:
            problems.append(f"hooks.{event} is not used: Treadle has no such event yet")
        elif event not in EVENTS:
            problems.append(f"hooks.{event} is not an event; there are {', '.join(EVENTS)}")
        elif not isinstance(groups, list):
            problems.append(f"hooks.{event} must be a list")
        else:
            for number, group in enumerate(cast("list[Any]", groups), 1):
                _group(event, group, f"hooks.{event}[{number}]", source, project, hooks, problems)
    if len(hooks) > MAX_HOOKS:
        problems.append(f"there are {len(hooks)} hooks, of which the first {MAX_HOOKS} are used")
    return tuple(hooks[:MAX_HOOKS]), tuple(problems)


def _group(  # noqa: PLR0917
    event: HookEvent, group: Any, key: str, source: str, project: bool, hooks: list[Hook], problems: list[str]
) -> None:
    fields: Mapping[str, Any] = cast("Mapping[str, Any]", group) if isinstance(group, dict) else {}
    matcher, entries = fields.get("matcher"), fields.get("hooks")
    if matcher in ("", "*"):
        matcher = None
    if matcher is not None and not (isinstance(matcher, str) and _is_pattern(matcher)):
        problems.append(f"{key}.matcher is not a regular expression; the group is not used")
        return
    if not isinstance(entries, list):
        problems.append(f"{key}.hooks must be a list")
        return
    for entry in cast("list[Any]", entries):
        given: Mapping[str, Any] = cast("Mapping[str, Any]", entry) if isinstance(entry, dict) else {}
        command = given.get("command")
        if given.get("type", "command") != "command":
            problems.append(f"{key}: hooks of type {given.get('type')!r} are not supported, only commands")
        elif given.get("async"):
            problems.append(f"{key}: a hook that runs in the background is not supported; it is not used")
        elif not isinstance(command, str) or not command.strip() or "\0" in command:
            problems.append(f"{key}: a hook must have a command")
        else:
            said = given.get("statusMessage")
            message = said if isinstance(said, str) else None
            hooks.append(Hook(event, command, matcher, _timeout(given), message, source, project))


def _timeout(given: Mapping[str, Any]) -> float:
    value = given.get("timeout", given.get("timeoutSec"))
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return min(float(value), LONGEST_TIMEOUT) if good else DEFAULT_TIMEOUT


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def tool_names(tool: str) -> tuple[str, ...]:
    """The names by which hooks know a tool of ours; the first one is the one to tell them."""
    return _TOOL_NAMES.get(tool, (tool,))


def concerned(hooks: Sequence[Hook], event: HookEvent, names: Sequence[str] = ()) -> tuple[Hook, ...]:
    """The hooks of an event. `names`: what its matcher must fit, any of them."""
    found = (hook for hook in hooks if hook.event == event)
    return tuple(h for h in found if h.matcher is None or any(re.fullmatch(h.matcher, name) for name in names or ("",)))


def tool_input(tool: str, arguments: str, custom: bool) -> Any:
    """What a hook is told of a call's arguments. A command's line is `command`, as for other agents, and so is a patch."""
    if custom:
        return {"command": arguments}
    try:
        given: Any = json.loads(arguments)
    except (ValueError, RecursionError):
        return {"arguments": arguments}
    if tool == "exec_command" and isinstance(given, dict):
        fields = dict(cast("JsonObject", given))
        return {"command": fields.pop("cmd", ""), **fields}
    if tool == "apply_patch" and isinstance(given, dict):
        return {"command": cast("JsonObject", given).get("input", "")}
    return given


def updated_arguments(tool: str, updated: Any, custom: bool) -> str | None:
    """The inverse of `tool_input`; None for what cannot be the arguments of this tool."""
    if not isinstance(updated, dict):
        return None
    fields = dict(cast("JsonObject", updated))
    if custom or tool == "apply_patch":
        text = fields.get("command")
        if not isinstance(text, str):
            return None
        return text if custom else json.dumps({"input": text})
    if tool == "exec_command":
        if not isinstance(fields.get("command"), str):
            return None
        fields["cmd"] = fields.pop("command")
    return json.dumps(fields)


def understood(hook: Hook, status: int, out: str, err: str) -> HookAnswer:
    """What one hook said. `status` is its exit code."""
    if status == 2:
        reason = clip(err.strip(), REASON_BYTES)
        if reason:
            return HookAnswer(blocked=reason)
        return HookAnswer(error="it ended with status 2, which means no, but gave no reason on standard error")
    if status != 0:
        return HookAnswer(
            error=f"it ended with status {status}: {clip(err.strip() or out.strip() or 'it said nothing', MESSAGE_BYTES)}"
        )
    text = out.strip()
    if not text.startswith("{"):
        # what is printed at these two is for the model, by the contract
        plain = text and hook.event in ("UserPromptSubmit", "SessionStart")
        return HookAnswer(context=(clip(text, CONTEXT_BYTES),) if plain else ())
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        return HookAnswer(error="what it printed is not JSON")
    return _said(hook, cast("JsonObject", said))


def _said(hook: Hook, said: JsonObject) -> HookAnswer:
    reason = _text(said.get("reason"), REASON_BYTES)
    given: Any = said.get("hookSpecificOutput")
    specific = cast("JsonObject", given) if isinstance(given, dict) else {}
    message = _text(said.get("systemMessage"), MESSAGE_BYTES)
    context = _text(specific.get("additionalContext"), CONTEXT_BYTES)
    blocked: str | None = None
    if said.get("decision") == "block":
        blocked = reason or "a hook said no without a reason"
    elif hook.event == "PreToolUse" and specific.get("permissionDecision") == "deny":
        blocked = _text(specific.get("permissionDecisionReason"), REASON_BYTES) or "a hook said no without a reason"
    ask = None
    if hook.event == "PreToolUse" and specific.get("permissionDecision") == "ask":
        ask = _text(specific.get("permissionDecisionReason"), REASON_BYTES) or "It gave no reason."
    stopped = None
    if said.get("continue") is False:
        stopped = _text(said.get("stopReason"), REASON_BYTES) or "a hook stopped the turn"
    return HookAnswer(
        blocked,
        stopped,
        (context,) if context else (),
        specific.get("updatedInput") if hook.event == "PreToolUse" and blocked is None else None,
        (message,) if message else (),
        ask=ask,
    )


def together(answers: Sequence[HookAnswer]) -> HookAnswer:
    """The answers of all hooks of an event: one no is a no. Of several new inputs the last one counts."""
    return HookAnswer(
        next((a.blocked for a in answers if a.blocked is not None), None),
        next((a.stopped for a in answers if a.stopped is not None), None),
        tuple(text for a in answers for text in a.context),
        next((a.updated_input for a in reversed(answers) if a.updated_input is not None), None),
        tuple(text for a in answers for text in a.message),
        next((a.error for a in answers if a.error is not None), None),
        next((a.ask for a in answers if a.ask is not None), None),
    )


def _text(value: Any, limit: int) -> str:
    return clip(value.strip(), limit) if isinstance(value, str) else ""
