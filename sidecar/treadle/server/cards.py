"""Core cards -> thread items of the wire. Pure; plain dicts with every field that the contract requires.

What a card does not say becomes null, never a guess. A card of a kind that the contract does not know becomes a dynamicToolCall,
so that every client can draw it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, assert_never

from ..core.handed_back import Problem
from ..core.items import Element, Image, JsonObject, Text
from ..core.views import (
    CallCard,
    Card,
    CommandAction,
    CommandView,
    FileChangeView,
    McpView,
    MessageCard,
    OtherCard,
    ReasoningCard,
    ReviewCard,
    SummaryCard,
    ToolView,
    UserCard,
)

_PHASES = ("commentary", "partial_answer", "final_answer")
_WEB_ACTIONS = {"search": "search", "open_page": "openPage", "find_in_page": "findInPage", "find": "findInPage"}


def thread_item(card: Card) -> JsonObject:
    """The card as a ThreadItem."""
    match card:
        case UserCard():
            return {"type": "userMessage", "id": card.id, "clientId": card.client_id, "content": user_input(card.content)}
        case MessageCard():
            return {
                "type": "agentMessage",
                "id": card.id,
                "text": card.text,
                "phase": card.phase if card.phase in _PHASES else None,
                "moderation": None,
                "memoryCitation": None,
                "delivery": None,
                "questions": None,
            }
        case ReasoningCard():
            return {"type": "reasoning", "id": card.id, "summary": list(card.summary), "content": list(card.content)}
        case CallCard():
            return _call_item(card) | _answer(card)
        case ReviewCard():
            return _review(card)
        case SummaryCard():
            return {"type": "contextCompaction", "id": card.id}
        case OtherCard() if card.kind == "web_search_call":
            return _web_search(card)
        case OtherCard():
            payload = {key: value for key, value in card.payload.items() if key not in ("id", "type", "status")}
            return _dynamic(card.id, card.kind, payload, "completed", success=True)
        case _:
            assert_never(card)


def _review(card: ReviewCard) -> JsonObject:
    if card.findings is None:
        return {"type": "enteredReviewMode", "id": card.id, "review": card.text}
    found = [
        {
            "path": one.path,
            "firstLine": one.first,
            "lastLine": one.last,
            "priority": one.priority,
            "title": one.title,
            "body": one.body,
            "confidence": one.confidence,
        }
        for one in card.findings.found
    ]
    known = {"verdict": card.findings.verdict, "summary": card.findings.summary, "findings": found}
    return {"type": "exitedReviewMode", "id": card.id, "review": card.text, **known}


def editor_problem(problem: Problem) -> JsonObject:
    """A problem as the editor reported it."""
    return {name: getattr(problem, name) for name in ("path", "line", "column", "severity", "source", "code", "message")}


def user_input(content: Sequence[Text | Image]) -> list[JsonObject]:
    """What the user said, as the client may send it again."""
    parts: list[JsonObject] = []
    for part in content:
        if isinstance(part, Text) and part.skill:
            parts.append({"type": "skill", "name": part.text.removeprefix("$"), "path": part.skill})
            continue
        if isinstance(part, Text) and part.mention:
            name = part.text.removeprefix("[@").removesuffix(f"]({part.mention})")
            parts.append({"type": "mention", "name": name, "path": part.mention})
            continue
        if isinstance(part, Text):
            parts.append({"type": "text", "text": part.text, "text_elements": [_element(one) for one in part.elements]})
            continue
        image: JsonObject = {"type": "localImage", "path": part.path} if part.path else {"type": "image", "url": part.url}
        parts.append(image | ({"detail": part.detail} if part.detail else {}))
    return parts


def _element(element: Element) -> JsonObject:
    return {"byteRange": {"start": element.start, "end": element.end}, "placeholder": element.placeholder}


def _answer(card: CallCard) -> JsonObject:
    """What the user said about a call, when they said anything."""
    if card.answer is None or card.answer.get("verdict") is None:
        return {}
    said = {name: card.answer.get(name) for name in ("verdict", "scope", "rule", "words")}
    return {} if card.view.get("view") == "image" else {"answer": said}


def _call_item(card: CallCard) -> JsonObject:
    view = card.view
    if view.get("view") == "command":
        return _command(card, view)  # type: ignore[arg-type]
    if view.get("view") == "file_change":
        status = "failed" if card.status == "aborted" else card.status
        return {"type": "fileChange", "id": card.id, "changes": file_changes(view), "status": status}  # type: ignore[arg-type]
    if view.get("view") == "mcp":
        return _mcp(card, view)  # type: ignore[arg-type]
    if view.get("view") == "image":
        return {"type": "imageView", "id": card.id, "path": view.get("path", "")}
    return _tool(card, view)  # type: ignore[arg-type]


def _mcp(card: CallCard, view: McpView) -> JsonObject:
    result, error = view.get("result"), view.get("error")
    status = card.status if card.status in ("inProgress", "completed") else "failed"
    if status == "failed" and error is None:
        error = "The call was declined." if card.status == "declined" else "The call was stopped."
    shown = {"content": result["content"], "structuredContent": result["structured"], "_meta": None} if result else None
    return {
        "type": "mcpToolCall",
        "id": card.id,
        "server": view.get("server", ""),
        "tool": view.get("tool", ""),
        "status": status,
        "arguments": view.get("arguments"),
        "appContext": None,
        "mcpAppUi": None,
        "pluginId": None,
        "readOnlyHint": view.get("read_only"),
        "result": shown,
        "error": {"message": error} if error else None,
        "durationMs": view.get("duration_ms"),
    }


def _command(card: CallCard, view: CommandView) -> JsonObject:
    exit_code = view.get("exit_code")
    status = card.status
    if status == "aborted" or (status == "completed" and exit_code not in (0, None)):
        status = "failed"
    return {
        "type": "commandExecution",
        "id": card.id,
        "pluginId": None,
        "scriptPath": None,
        "command": view.get("command", ""),
        "cwd": view.get("cwd", ""),
        "processId": view.get("process_id"),
        "source": view.get("source", "agent"),
        "status": status,
        "commandActions": command_actions(view),
        "aggregatedOutput": view.get("output"),
        "exitCode": exit_code,
        "durationMs": view.get("duration_ms"),
    }


def command_actions(view: CommandView) -> list[JsonObject]:
    """Best-effort meanings of a command; one that lacks what the contract asks for is unknown."""
    return [_action(action, view.get("command", "")) for action in view.get("actions") or []]


def _action(action: CommandAction, whole: str) -> JsonObject:
    command, path = action.get("command", whole), action.get("path")
    match action.get("type"):
        case "read" if path:
            return {"type": "read", "command": command, "name": action.get("name") or path.rpartition("/")[2], "path": path}
        case "listFiles":
            return {"type": "listFiles", "command": command, "path": path}
        case "search":
            return {"type": "search", "command": command, "query": action.get("query"), "path": path}
        case _:
            return {"type": "unknown", "command": command}


def file_changes(view: FileChangeView) -> list[JsonObject]:
    """The changes of a patch, a file each."""
    changes: list[JsonObject] = []
    for change in view.get("changes") or []:
        kind = change.get("kind", "update")
        shape: JsonObject = {"type": kind, "move_path": change.get("move_path")} if kind == "update" else {"type": kind}
        changes.append({"path": change.get("path", ""), "kind": shape, "diff": change.get("diff", "")})
    return changes


def _tool(card: CallCard, view: ToolView) -> JsonObject:
    status = card.status if card.status in ("inProgress", "completed") else "failed"
    name, result, duration = view.get("tool") or card.name, view.get("result"), view.get("duration_ms")
    success = view.get("success")
    if success is False:
        status = "failed"
    if success is None and status != "inProgress":
        success = status == "completed"
    arguments = given_arguments(view.get("arguments"))
    if not name.startswith("mcp__"):
        return _dynamic(card.id, name, arguments, status, result=result, success=success, duration=duration)
    server, _, tool = name.removeprefix("mcp__").partition("__")
    content = [{"type": "text", "text": result or ""}]
    return {
        "type": "mcpToolCall",
        "id": card.id,
        "server": server,
        "tool": tool,
        "status": status,
        "arguments": arguments,
        "appContext": None,
        "mcpAppUi": None,
        "pluginId": None,
        "readOnlyHint": None,
        "result": {"content": content, "structuredContent": None, "_meta": None} if status == "completed" else None,
        "error": {"message": result or "The call failed."} if status == "failed" else None,
        "durationMs": duration,
    }


def _dynamic(
    id: str,
    tool: str,
    arguments: Any,
    status: str,
    *,
    success: bool | None,
    result: str | None = None,
    duration: int | None = None,
) -> JsonObject:
    return {
        "type": "dynamicToolCall",
        "id": id,
        "namespace": None,
        "tool": tool,
        "arguments": arguments,
        "status": status,
        "contentItems": None if result is None else [{"type": "inputText", "text": result}],
        "success": success,
        "durationMs": duration,
    }


def given_arguments(arguments: object) -> Any:
    """Arguments as JSON data; text that is not JSON, such as the input of a custom call, as it is."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _web_search(card: OtherCard) -> JsonObject:
    given: JsonObject = card.payload.get("action") or {}
    kind = _WEB_ACTIONS.get(given.get("type", ""), "other")
    fields = {"search": ("query", "queries"), "openPage": ("url",), "findInPage": ("url", "pattern"), "other": ()}[kind]
    action: JsonObject = {"type": kind} | {name: given.get(name) for name in fields}
    queries: list[str] = given.get("queries") or [""]
    query = given.get("query") or given.get("url") or queries[0]
    results: Any = card.payload.get("results")
    return {
        "type": "webSearch",
        "id": card.id,
        "query": query,
        "action": action if given else None,
        "results": results,
    }
