"""What the user is asked in an editor that does not speak our protocol: messages with a row of buttons, and what they mean. Pure.

Whatever is no button of ours, and no answer at all, is a decline. What cannot be asked by buttons (a form, a secret, words of the
user's own) is not asked: it is declined, and the user is told so.
"""

from __future__ import annotations

from typing import Any, cast

from ..core.asking import ACCEPT, ACCEPT_FOR_THREAD, DECLINE, Approval, Decision, Elicitation, Question, QuestionPart, apart
from ..core.grants import Subject
from ..core.items import JsonObject
from ..core.views import CommandView, FileChangeView, McpView, ToolView
from ..core.visible import one_line, quoted_lines
from .abilities import plain

WARNING, INFO = 2, 3
ONCE, THREAD, DENY = "Allow once", "Allow in this thread", "Deny"
OPEN, GO_ON, REFUSE = "Open", "Accept", "Decline"
MAX_SHOWN = 2_000
MAX_REASON = 600
MAX_FILES = 20


def approval(asked: Approval) -> JsonObject:
    """The parameters of a window/showMessageRequest."""
    lasting = next((offer.subject for offer in asked.offers if offer.scope == "thread"), None)
    reason, theirs = apart(asked)
    parts = [_what(asked), one_line(_cut(reason, MAX_SHOWN))]
    if theirs:
        parts.append(f"The model says: {one_line(_cut(theirs, MAX_REASON))}")
    if asked.outside_sandbox:
        parts.append("It would run outside the sandbox.")
    if lasting is not None:
        parts.append(f"{THREAD}: {_covered(lasting)}.")
    buttons = (ONCE, THREAD, DENY) if lasting is not None else (ONCE, DENY)
    return _message(WARNING, "\n".join(part for part in parts if part), *buttons)


def approved(answer: Any) -> Decision:
    return {ONCE: ACCEPT, THREAD: ACCEPT_FOR_THREAD}.get(_pressed(answer), DECLINE)


def part(asked: QuestionPart) -> JsonObject | None:
    """None: it cannot be asked by buttons."""
    if asked.secret or not asked.choices:
        return None
    told = "\n".join(
        f"- {one_line(choice.label)}: {one_line(choice.description)}" for choice in asked.choices if choice.description
    )
    asking = f"The model asks: {_shown(asked.question)}"
    return _message(INFO, "\n".join(filter(None, [asking, told])), *(choice.label for choice in asked.choices))


def answered(asked: Question, answers: list[Any]) -> Decision:
    """Of the answers to its parts, in order."""
    pressed = zip(asked.parts, map(_pressed, answers), strict=True)
    found: JsonObject = {
        part.id: [label] for part, label in pressed if label and label in {choice.label for choice in part.choices}
    }
    return Decision("accept", content=found) if found else DECLINE


def elicitation(asked: Elicitation) -> JsonObject | None:
    """None: it is a form with fields."""
    said = f"{_named(asked.server, 100)} asks: {_shown(asked.message)}"
    if asked.url is not None:
        return _message(INFO, f"{said}\n{_shown(asked.url)}", OPEN, REFUSE)
    return None if asked.schema.get("properties") else _message(INFO, said, GO_ON, REFUSE)


def elicited(answer: Any) -> Decision:
    return Decision("accept", content={}) if _pressed(answer) in (OPEN, GO_ON) else DECLINE


def _what(asked: Approval) -> str:
    match asked.kind:
        case "command":
            view = cast("CommandView", asked.view)
            return f"Treadle wants to run, in {_named(view.get('cwd', ''))}:\n{_shown(view.get('command', ''))}"
        case "file_change":
            changes = cast("FileChangeView", asked.view).get("changes", [])
            named = [f"{change.get('kind', 'update')} {_named(change.get('path', ''), 300)}" for change in changes[:MAX_FILES]]
            more = [f"and {len(changes) - MAX_FILES} more"] if len(changes) > MAX_FILES else []
            return "\n".join(["Treadle wants to change:", *named, *more])
        case "network":
            return f"A command of Treadle wants to reach {_named(asked.host or 'a host')}."
        case "mcp_tool_call":
            call = cast("McpView | ToolView", asked.view)
            name = _named(f"{call.get('server', '')}/{call.get('tool', '')}", 200)
            return f"Treadle wants to call {name}: {_shown(str(call.get('arguments') or ''), 1_000)}"


def _covered(subject: Subject) -> str:
    text = _named(subject.text, 300)
    match subject.kind:
        case "command":
            return f"also other commands that begin with {text}"
        case "exact_command":
            return "also this very command again"
        case "files":
            return f"also other changes in {text}" if text.endswith("/") else f"also other changes to {text}"
        case "mcp" | "network":
            return f"also {text} again"
        case "degraded":
            return f"also {text}"


def _message(kind: int, message: str, *buttons: str) -> JsonObject:
    return {"type": kind, "message": message, "actions": [{"title": button} for button in buttons]}


def _pressed(answer: Any) -> str:
    title = plain(answer).get("title")
    return title if isinstance(title, str) else ""


def _shown(text: str, limit: int = MAX_SHOWN) -> str:
    """As a user can judge it: nothing in it that is not seen, no line of it that could be one of ours, and where it is too long,
    its beginning and its end."""
    return quoted_lines(_cut(text, limit))


def _named(text: str, limit: int = MAX_SHOWN) -> str:
    return one_line(_cut(text, limit))


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[: limit * 3 // 4]} … {len(text) - limit} characters are not shown … {text[-limit // 4 :]}"
