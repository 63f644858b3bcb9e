"""Core events and turns -> session updates of the Agent Client Protocol. Pure but for the memory of which cards are open.

Every word of the agent is told once: what a completed card says beyond what was streamed follows, and no more. A call is told as
tool_call once, then as tool_call_update. Output that streams is told at most every INTERVAL as its last part, because an update
replaces what was shown before; a client that draws terminals gets each piece once instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from ..core import events as e
from ..core.items import Image, JsonObject, Text
from ..core.replies import Usage
from ..core.views import CallCard, Card, FileChange, MessageCard, OtherCard, ReasoningCard, ReviewCard, SummaryCard, UserCard
from . import acp_calls

if TYPE_CHECKING:
    from ..core.history import TurnState
    from ..core.skills import FoundSkills
    from ..runtime.answers import ThreadState

INTERVAL = 0.1
"Seconds between two tellings of the output of one call."
LIVE_TAIL = 16 * 1024
"Characters of an output that are shown while it grows."
_PLAN = "update_plan"
"The tool whose calls are told by what they change."


class Updates:
    """Of one session. `terminals`: the client draws the output of our commands as it comes."""

    def __init__(self, *, terminals: bool = False) -> None:
        self._terminals = terminals
        self._streamed: dict[str, int] = {}
        "Characters told of each open message; for thoughts, whether anything was."
        self._outputs: dict[str, _Output] = {}
        self._calls: set[str] = set()
        self._notes = 0

    @property
    def waiting(self) -> bool:
        """Output is there that was not told yet: ask `due` in INTERVAL."""
        return any(output.untold for output in self._outputs.values())

    def of(self, event: e.Event, now: float) -> list[JsonObject]:
        """What a client is told of an event; `now` in seconds of any clock."""
        match event:
            case e.CardDelta():
                return self._delta(event, now)
            case e.CardStarted():
                return self._card(event.card)
            case e.CardCompleted():
                return self._completed(event.card)
            case e.PlanUpdated():
                return [plan(event.steps)]
            case e.PatchPreviewed():
                changes = cast("list[FileChange]", list(event.changes))
                view: Any = {"view": "file_change", "changes": changes}
                return [_running(event.card_id, title=acp_calls.title("", view), **_shown(changes))]
            case e.ErrorReported() if event.will_retry:
                return [self._note("thought", event.error.message)]
            case e.WarningReported() if event.code != e.CUT_SHORT:  # that is what the stop reason says
                return [self._note("message", f"Warning: {event.message}")]
            case e.McpStatusChanged(status="failed"):
                return [self._note("message", f"MCP server {event.name}: {event.error or 'it failed'}")]
            case e.ToolsChanged() if event.message:
                return [self._note("message", event.message)]
            case e.ProgressReported() if event.message:
                return [self._note("thought", event.message)]
            case e.UsageUpdated() if event.context_window:
                used = {"used": event.last.total_tokens, "size": event.context_window}
                return [{"sessionUpdate": "usage_update", **used}]
            case e.ThreadNamed():
                return [{"sessionUpdate": "session_info_update", "title": event.name}]
            case e.TurnCompleted():
                return self._ended(event)
            case _:
                return []

    def due(self, now: float) -> list[JsonObject]:
        """The outputs that were held back."""
        return [found for id, output in self._outputs.items() if output.untold for found in self._told(id, output, now)]

    def note(self, text: str) -> JsonObject:
        """Words of ours among the agent's."""
        return self._note("message", text)

    def _note(self, kind: str, text: str) -> JsonObject:
        self._notes += 1
        return chunk(kind, f"{text}\n\n", f"note-{self._notes}")

    def _delta(self, event: e.CardDelta, now: float) -> list[JsonObject]:
        id, text = event.card_id, event.text
        match event.kind:
            case "text":
                self._streamed[id] = self._streamed.get(id, 0) + len(text)
                return [chunk("message", text, id)]
            case "reasoning" | "summary":
                self._streamed[id] = self._streamed.get(id, 0) + len(text)
                return [chunk("thought", text, id)]
            case "summary_part":
                return [chunk("thought", "\n\n", id)] if self._streamed.get(id) else []
            case "output" if id in self._calls:
                output = self._outputs.setdefault(id, _Output())
                if output.command:
                    output.untold, output.told_at = False, now
                    return [_running(id, _meta={"terminal_output": {"terminal_id": id, "data": text}})]
                output.add(text)
                return self._told(id, output, now) if now - output.told_at >= INTERVAL else []
            case _:
                return []

    def _told(self, id: str, output: _Output, now: float) -> list[JsonObject]:
        output.untold, output.told_at = False, now
        return [_running(id, content=[acp_calls.text_content(acp_calls.fenced(output.text()))])]

    def _card(self, card: Card) -> list[JsonObject]:
        match card:
            case CallCard() if card.name != _PLAN:
                again = card.id in self._calls
                self._calls.add(card.id)
                call = acp_calls.call(card)
                if self._terminals and card.view.get("view") == "command" and card.status == "inProgress":
                    self._outputs[card.id] = _Output(command=True)
                    call |= _terminal(card)
                return [_updated(call) if again else {"sessionUpdate": "tool_call", **call}]
            case _:
                return []

    def _completed(self, card: Card) -> list[JsonObject]:
        told = self._streamed.pop(card.id, 0)
        match card:
            case MessageCard():
                return [chunk("message", card.text[told:], card.id)] if len(card.text) > told else []
            case ReasoningCard():
                text = "\n\n".join(card.summary or card.content)
                return [chunk("thought", text, card.id)] if text and not told else []
            case CallCard() if card.name != _PLAN:
                began = [] if card.id in self._calls else self._card(card)
                output = self._outputs.pop(card.id, None)
                self._calls.discard(card.id)
                call = acp_calls.call(card)
                if output is not None and output.command:
                    call |= _terminal_end(card, printed=output.told_at != float("-inf"))
                return began or [_updated(call)]
            case SummaryCard() | OtherCard():
                return [_whole(card)]
            case _:
                return []

    def _ended(self, event: e.TurnCompleted) -> list[JsonObject]:
        """Nothing stays open behind a turn."""
        self._streamed.clear()
        self._outputs.clear()
        open_calls, self._calls = self._calls, set()
        at = datetime.fromtimestamp(event.at, UTC).isoformat()
        failed = [_updated({"toolCallId": id, "status": "failed"}) for id in sorted(open_calls)]
        return [*failed, {"sessionUpdate": "session_info_update", "updatedAt": at}]


class _Output:
    """The end of what a call has printed, while it runs."""

    def __init__(self, *, command: bool = False) -> None:
        self.command = command
        "Drawn by the client as a terminal."
        self.untold = False
        self.told_at = float("-inf")
        self._text = ""
        self._cut = False

    def add(self, text: str) -> None:
        self._text += text
        self.untold = True
        if len(self._text) > 2 * LIVE_TAIL:
            self._text, self._cut = self._text[-LIVE_TAIL:], True

    def text(self) -> str:
        return acp_calls.tail(self._text, LIVE_TAIL) if not self._cut else "…" + self._text[-LIVE_TAIL:]


def replay(turns: Iterable[TurnState]) -> list[JsonObject]:
    """The whole conversation, for a client that did not watch it."""
    told: list[JsonObject] = []
    for turn in turns:
        for card in turn.cards:
            match card:
                case UserCard():
                    told += [{"sessionUpdate": "user_message_chunk", "messageId": card.id, "content": b} for b in blocks(card)]
                case MessageCard():
                    told += [chunk("message", card.text, card.id)] if card.text else []
                case ReasoningCard():
                    text = "\n\n".join(card.summary or card.content)
                    told += [chunk("thought", text, card.id)] if text else []
                case CallCard(name=name) if name == _PLAN:
                    told += _old_plan(card)
                case CallCard():
                    told.append({"sessionUpdate": "tool_call", **acp_calls.call(card)})
                case ReviewCard():
                    told += [chunk("message", card.text, card.id)] if card.findings is not None else []
                case SummaryCard() | OtherCard():
                    told.append(_whole(card))
    return told


def blocks(card: UserCard) -> list[JsonObject]:
    """What the user said, as content blocks."""
    found: list[JsonObject] = []
    for part in card.content:
        match part:
            case Text():
                found.append({"type": "text", "text": part.text})
            case Image() if part.url.startswith("data:") and ";base64," in part.url:
                head, _, data = part.url.partition(";base64,")
                found.append({"type": "image", "mimeType": head.removeprefix("data:"), "data": data})
            case Image():
                found.append({"type": "resource_link", "uri": part.url, "name": part.url.rpartition("/")[2] or part.url})
    return found


def chunk(kind: str, text: str, id: str) -> JsonObject:
    """kind: message, thought."""
    return {"sessionUpdate": f"agent_{kind}_chunk", "messageId": id, "content": {"type": "text", "text": text}}


def plan(steps: e.PlanSteps) -> JsonObject:
    entries = [{"content": text, "priority": "medium", "status": status} for text, status in steps]
    return {"sessionUpdate": "plan", "entries": entries}


def usage(tokens: Usage) -> JsonObject:
    """What the requests of one turn took."""
    return {
        "totalTokens": tokens.total_tokens,
        "inputTokens": tokens.input_tokens,
        "outputTokens": tokens.output_tokens,
        "thoughtTokens": tokens.reasoning_output_tokens,
        "cachedReadTokens": tokens.cached_input_tokens,
    }


def session_info(state: ThreadState) -> JsonObject:
    """A row of the list of sessions."""
    meta = state.meta
    title = meta.name or meta.preview
    return {
        "sessionId": meta.id,
        "cwd": meta.cwd,
        "updatedAt": datetime.fromtimestamp(meta.updated_at, UTC).isoformat(),
    } | ({"title": title} if title else {})


def commands(found: FoundSkills) -> JsonObject:
    """What the user may begin a prompt with."""
    skills = [
        {"name": skill.name, "description": skill.short_description or skill.description, "input": {"hint": "what to do with it"}}
        for skill in found.skills
        if skill.enabled
    ]
    compact = {"name": "compact", "description": "Summarise the conversation so far, to make room for more"}
    return {"sessionUpdate": "available_commands_update", "availableCommands": [compact, *skills]}


def _old_plan(card: CallCard) -> list[JsonObject]:
    given: Any = card.view.get("arguments")
    steps: Any = cast("JsonObject", given).get("plan") if isinstance(given, dict) else None
    if card.status != "completed" or not isinstance(steps, list):
        return []
    return [plan(tuple((entry["step"].strip(), entry["status"]) for entry in cast("list[Any]", steps)))]


def _whole(card: SummaryCard | OtherCard) -> JsonObject:
    """A call that is told when it is over."""
    if isinstance(card, OtherCard):
        return {"sessionUpdate": "tool_call", **acp_calls.hosted(card)}
    title = "Summarised the conversation so far"
    return {"sessionUpdate": "tool_call", "toolCallId": card.id, "title": title, "kind": "think", "status": "completed"}


def _updated(call: JsonObject) -> JsonObject:
    return {"sessionUpdate": "tool_call_update", **call}


def _running(id: str, **said: Any) -> JsonObject:
    return {"sessionUpdate": "tool_call_update", "toolCallId": id, "status": "in_progress", **said}


def _shown(changes: list[FileChange]) -> JsonObject:
    places = acp_calls.locations({"view": "file_change", "changes": changes})
    return {"content": acp_calls.diffs(changes), "locations": places}


def _terminal(card: CallCard) -> JsonObject:
    of: Any = card.view
    info = {"terminal_id": card.id, "cwd": of.get("cwd", "")}
    return {"content": [{"type": "terminal", "terminalId": card.id}], "_meta": {"terminal_info": info}}


def _terminal_end(card: CallCard, *, printed: bool) -> JsonObject:
    """`printed`: the output was told as it came."""
    of: Any = card.view
    said: JsonObject = {"terminal_exit": {"terminal_id": card.id, "exit_code": of.get("exit_code"), "signal": None}}
    if not printed and of.get("output"):
        said["terminal_output"] = {"terminal_id": card.id, "data": acp_calls.tail(of["output"], acp_calls.MAX_OUTPUT)}
    return {"content": [{"type": "terminal", "terminalId": card.id}], "_meta": said}
