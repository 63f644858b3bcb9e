"""Events of one turn -> the lines of `exec --json`, as programs that read Codex's know them.

Item ids are counted from item_0 in the order in which items first appear. Pure but for that count.
"""

from __future__ import annotations

from typing import Any

from ..core import events as e
from ..core.items import JsonObject
from ..core.replies import Usage
from ..core.views import CallCard, Card, MessageCard, OtherCard, ReasoningCard
from .cards import thread_item

_STATUS = {"inProgress": "in_progress"}
_ACTIONS = {"search": "search", "openPage": "open_page", "findInPage": "find_in_page"}
_PLAN = "update_plan"
"The tool whose calls are told by what they change: one todo_list a turn."


class Lines:
    """One turn's lines. `usage` sums what the requests of the turn took."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._ids: dict[str, str] = {}
        self._count = 0
        self._plan: JsonObject | None = None

    def of(self, event: e.Event) -> list[JsonObject]:
        match event:
            case e.TurnStarted():
                return [{"type": "turn.started"}]
            case e.CardStarted():
                item = self._item(event.card) if isinstance(event.card, (CallCard, OtherCard)) else None
                return [{"type": "item.started", "item": item}] if item else []
            case e.CardCompleted():
                item = self._item(event.card)
                return [{"type": "item.completed", "item": item}] if item else []
            case e.PlanUpdated():
                return [self._planned(event)]
            case e.UsageUpdated():
                self.usage += event.last
                return []
            case e.ErrorReported():
                return [{"type": "error", "message": event.error.message}]
            case e.WarningReported():
                item = {"id": self._next(), "type": "error", "message": event.message}
                return [{"type": "item.completed", "item": item}]
            case e.TurnCompleted():
                plan = [{"type": "item.completed", "item": self._plan}] if self._plan else []
                return [*plan, self._end(event)]
            case _:
                return []

    def _end(self, event: e.TurnCompleted) -> JsonObject:
        if event.status == "completed":
            return {"type": "turn.completed", "usage": usage(self.usage)}
        message = event.error.message if event.error else "The turn was interrupted."
        return {"type": "turn.failed", "error": {"message": message}}

    def _planned(self, event: e.PlanUpdated) -> JsonObject:
        steps = [{"text": text, "completed": state == "completed"} for text, state in event.steps]
        word = "updated" if self._plan else "started"
        self._plan = {"id": self._plan["id"] if self._plan else self._next(), "type": "todo_list", "items": steps}
        return {"type": f"item.{word}", "item": self._plan}

    def _item(self, card: Card) -> JsonObject | None:
        match card:
            case MessageCard() if card.text:
                return self._named(card.id) | {"type": "agent_message", "text": card.text}
            case ReasoningCard():
                text = "\n\n".join(card.summary or card.content)
                return self._named(card.id) | {"type": "reasoning", "text": text} if text else None
            case CallCard(name=name) if name == _PLAN:
                return None
            case CallCard() | OtherCard():
                shape = _shape(thread_item(card))
                return self._named(card.id) | shape if shape else None
            case _:
                return None

    def _named(self, id: str) -> JsonObject:
        if id not in self._ids:
            self._ids[id] = self._next()
        return {"id": self._ids[id]}

    def _next(self) -> str:
        self._count += 1
        return f"item_{self._count - 1}"


def _shape(item: JsonObject) -> JsonObject | None:
    """A thread item in the words of this format; None where it has none."""
    status = _STATUS.get(item.get("status", ""), item.get("status"))
    match item["type"]:
        case "commandExecution":
            return {
                "type": "command_execution",
                "command": item["command"],
                "aggregated_output": item["aggregatedOutput"] or "",
                "exit_code": item["exitCode"],
                "status": status,
            }
        case "fileChange":
            changes = [{"path": change["path"], "kind": change["kind"]["type"]} for change in item["changes"]]
            # a patch that was declined has failed, in the words of this format
            return {"type": "file_change", "changes": changes, "status": "failed" if status == "declined" else status}
        case "webSearch":
            return {"type": "web_search", "query": item["query"], "action": _action(item["action"])}
        case "mcpToolCall":
            error = item["error"]
            result = _result(item["result"]["content"]) if item["result"] else None
            return _tool_call(item, item["server"], status, result=result, error=error)
        case "dynamicToolCall":
            texts: list[JsonObject] = item.get("contentItems") or []
            content = [{"type": "text", "text": part.get("text", "")} for part in texts]
            failed = status == "failed"
            said = content[0]["text"] if content else "The call failed."
            result = _result(content) if status == "completed" else None
            return _tool_call(item, "treadle", status, result=result, error={"message": said} if failed else None)
        case _:
            return None


def _action(given: JsonObject | None) -> JsonObject:
    kind = _ACTIONS.get(given["type"], "other") if given else "other"
    return {"type": kind} | {name: value for name, value in (given or {}).items() if name != "type" and value is not None}


def _tool_call(item: JsonObject, server: str, status: Any, *, result: JsonObject | None, error: Any) -> JsonObject:
    return {
        "type": "mcp_tool_call",
        "server": server,
        "tool": item["tool"],
        "arguments": item["arguments"],
        "result": result,
        "error": error,
        "status": status,
    }


def _result(content: list[Any]) -> JsonObject:
    return {"content": content, "structured_content": None}


def usage(tokens: Usage) -> JsonObject:
    return {
        "input_tokens": tokens.input_tokens,
        "cached_input_tokens": tokens.cached_input_tokens,
        "cache_write_input_tokens": 0,
        "output_tokens": tokens.output_tokens,
        "reasoning_output_tokens": tokens.reasoning_output_tokens,
    }
