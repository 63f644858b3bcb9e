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


class Lines:
    """One turn's lines. `usage` sums what the requests of the turn took."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._ids: dict[str, str] = {}
        self._count = 0

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
            case e.UsageUpdated():
                self.usage = _sum(self.usage, event.last)
                return []
            case e.ErrorReported():
                return [{"type": "error", "message": event.error.message}]
            case e.WarningReported():
                item = {"id": self._next(), "type": "error", "message": event.message}
                return [{"type": "item.completed", "item": item}]
            case e.TurnCompleted():
                return [self._end(event)]
            case _:
                return []

    def _end(self, event: e.TurnCompleted) -> JsonObject:
        if event.status == "completed":
            return {"type": "turn.completed", "usage": usage(self.usage)}
        message = event.error.message if event.error else "The turn was interrupted."
        return {"type": "turn.failed", "error": {"message": message}}

    def _item(self, card: Card) -> JsonObject | None:
        match card:
            case MessageCard() if card.text:
                return self._named(card.id) | {"type": "agent_message", "text": card.text}
            case ReasoningCard():
                text = "\n\n".join(card.summary or card.content)
                return self._named(card.id) | {"type": "reasoning", "text": text} if text else None
            case CallCard() | OtherCard():
                return self._named(card.id) | _shape(thread_item(card))
            case _:
                return None

    def _named(self, id: str) -> JsonObject:
        if id not in self._ids:
            self._ids[id] = self._next()
        return {"id": self._ids[id]}

    def _next(self) -> str:
        self._count += 1
        return f"item_{self._count - 1}"


def _shape(item: JsonObject) -> JsonObject:
    """A thread item in the words of this format."""
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
            return {"type": "file_change", "changes": changes, "status": status}
        case "webSearch":
            return {"type": "web_search", "query": item["query"]}
        case "mcpToolCall":
            error = item["error"]
            result = _result(item["result"]["content"]) if item["result"] else None
            return _tool_call(item, item["server"], status, result=result, error=error)
        case _:
            texts: list[JsonObject] = item.get("contentItems") or []
            content = [{"type": "text", "text": part.get("text", "")} for part in texts]
            failed = status == "failed"
            said = content[0]["text"] if content else "The call failed."
            result = _result(content) if status == "completed" else None
            return _tool_call(item, "treadle", status, result=result, error={"message": said} if failed else None)


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


def _sum(one: Usage, two: Usage) -> Usage:
    return Usage(
        one.input_tokens + two.input_tokens,
        one.cached_input_tokens + two.cached_input_tokens,
        one.output_tokens + two.output_tokens,
        one.reasoning_output_tokens + two.reasoning_output_tokens,
        one.total_tokens + two.total_tokens,
    )
