"""Tool calls -> tool calls of the Agent Client Protocol: title, kind, places, contents, raw input and output. Pure.

What a card does not say is left out, never guessed. A diff shows old and new text of each hunk, not of whole files. Text that a
client draws as Markdown is fenced, so that no output can pose as something else. Everything that is sent has a cap.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, cast

from ..core.items import JsonObject
from ..core.pattern import late
from ..core.truncate import clip
from ..core.views import CallCard, CallView, CommandView, FileChange, FileChangeView, ImageView, McpView, OtherCard, ToolView
from ..core.visible import one_line, visible
from .cards import given_arguments

MAX_TITLE = 400
MAX_OUTPUT = 64 * 1024
"Characters of one output; the model and the store have what is longer."
MAX_RAW = 16 * 1024
MAX_DIFFS = 200
_HUNK = late(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_STATUS = {"inProgress": "in_progress", "completed": "completed"}
_KINDS = {"request_user_input": "think", "update_plan": "think", "read_output": "read", "view_image": "read"}


def call(card: CallCard) -> JsonObject:
    """The call with all that is known of it now."""
    return {"toolCallId": card.id, "title": title(card.name, card.view), "kind": kind(card.name, card.view)} | _said(card)


def title(name: str, view: CallView) -> str:
    match view.get("view"):
        case "command":
            return _code(clip(cast("CommandView", view).get("command", ""), MAX_TITLE))
        case "file_change":
            return _changes_title(cast("FileChangeView", view).get("changes") or [])
        case "mcp":
            of = cast("McpView", view)
            return clip(one_line(f"{of.get('server', '')}: {of.get('tool', '')}"), MAX_TITLE)
        case "image":
            return f"View {_base(cast('ImageView', view).get('path', ''))}"
        case _:
            return cast("ToolView", view).get("tool") or name


def kind(name: str, view: CallView) -> str:
    match view.get("view"):
        case "command":
            actions = {action.get("type") for action in cast("CommandView", view).get("actions") or []}
            if actions and actions <= {"read", "listFiles"}:
                return "read"
            return "search" if actions and actions <= {"read", "listFiles", "search"} else "execute"
        case "file_change":
            changes = cast("FileChangeView", view).get("changes") or []
            if changes and all(change.get("kind") == "delete" for change in changes):
                return "delete"
            return "move" if changes and all(change.get("move_path") for change in changes) else "edit"
        case "image":
            return "read"
        case "mcp":
            return "other"
        case _:
            return _KINDS.get(name, "other")


def locations(view: CallView) -> list[JsonObject]:
    """Absolute paths, with the line of the first change where there is one."""
    match view.get("view"):
        case "command":
            of = cast("CommandView", view)
            paths = [action.get("path") for action in of.get("actions") or []]
            return [{"path": os.path.normpath(os.path.join(of.get("cwd", ""), path))} for path in paths if path][:20]
        case "file_change":
            return [_place(change) for change in cast("FileChangeView", view).get("changes") or []][:MAX_DIFFS]
        case "image":
            return [{"path": cast("ImageView", view).get("path", "")}]
        case _:
            return []


def diffs(changes: list[FileChange]) -> list[JsonObject]:
    """Contents that show what a patch changes."""
    found: list[JsonObject] = []
    for change in changes:
        path, text = change.get("move_path") or change.get("path", ""), change.get("diff", "")
        match change.get("kind"):
            case "add" if not _HUNK.match(text):
                found.append(_diff(path, None, text))
            case "delete":
                found.append(_diff(path, text, ""))
            case _:
                found += [_diff(path, old, new) for _, old, new in hunks(text)]
    return found[:MAX_DIFFS]


def hunks(diff: str) -> list[tuple[int, str, str]]:
    """(first line in the new text, old text, new text) of each hunk of a unified diff without file headers."""
    found: list[tuple[int, list[str], list[str]]] = []
    sides: tuple[int, ...] = ()
    for line in diff.split("\n"):
        head = _HUNK.match(line)
        if head:
            found.append((int(head[1]), [], []))
        elif not found or not line:
            continue
        elif line[0] == "\\":
            # the line before it has no end in the file
            for side in sides:
                lines = cast("list[str]", found[-1][side])
                lines[-1] = lines[-1].removesuffix("\n")
        else:
            sides = {" ": (1, 2), "-": (1,), "+": (2,)}.get(line[0], ())
            for side in sides:
                cast("list[str]", found[-1][side]).append(line[1:] + "\n")
    return [(line, "".join(old), "".join(new)) for line, old, new in found]


def fenced(text: str, language: str = "") -> str:
    """A Markdown block that shows this text as it is."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}{language}\n{text}{end}{fence}"


def text_content(text: str) -> JsonObject:
    return {"type": "content", "content": {"type": "text", "text": text}}


def tail(text: str, limit: int) -> str:
    return text if len(text) <= limit else "…" + text[-limit:]


def hosted(card: OtherCard) -> JsonObject:
    """What the provider did by itself, such as a search of the web."""
    action: JsonObject = card.payload.get("action") or {}
    if card.kind != "web_search_call":
        return {"toolCallId": card.id, "title": card.kind, "kind": "other", "status": "completed"}
    queries: list[str] = action.get("queries") or [""]
    about = str(action.get("query") or action.get("url") or queries[0])
    opened = action.get("type") in ("open_page", "find_in_page", "find")
    return {
        "toolCallId": card.id,
        "title": clip(f"Open {about}" if opened else f"Search the web: {about}" if about else "Search the web", MAX_TITLE),
        "kind": "fetch",
        "status": "completed",
        "rawInput": _raw(action),
    }


def _said(card: CallCard) -> JsonObject:
    """Status, places, contents, raw input and output."""
    view = card.view
    said: JsonObject = {"status": _status(card)}
    if places := locations(view):
        said["locations"] = places
    if (raw := given(view)) is not None:
        said["rawInput"] = raw
    if contents := _contents(view):
        said["content"] = contents
    if card.status != "inProgress" and (result := _result(card)):
        said["rawOutput"] = result
    return said


def _status(card: CallCard) -> str:
    view: Any = card.view
    failed = view.get("exit_code") not in (0, None) or view.get("error") or view.get("success") is False
    return "failed" if card.status == "completed" and failed else _STATUS.get(card.status, "failed")


def given(view: CallView) -> Any:
    match view.get("view"):
        case "command":
            of = cast("CommandView", view)
            return {"command": of.get("command", ""), "cwd": of.get("cwd", "")}
        case "file_change":
            changes = cast("FileChangeView", view).get("changes") or []
            return {"changes": [{"path": one.get("path", ""), "kind": one.get("kind", "update")} for one in changes[:MAX_DIFFS]]}
        case "image":
            return {"path": cast("ImageView", view).get("path", "")}
        case _:
            return _raw(given_arguments(cast("ToolView | McpView", view).get("arguments")))


def _contents(view: CallView) -> list[JsonObject]:
    match view.get("view"):
        case "command":
            output = cast("CommandView", view).get("output")
            return [text_content(fenced(tail(output, MAX_OUTPUT)))] if output else []
        case "file_change":
            return diffs(cast("FileChangeView", view).get("changes") or [])
        case "mcp":
            of = cast("McpView", view)
            if error := of.get("error"):
                return [text_content(fenced(clip(error, MAX_OUTPUT)))]
            parts: list[Any] = (of.get("result") or {}).get("content") or []
            return [found for part in parts if (found := _block(part))]
        case "image":
            return []
        case _:
            result = cast("ToolView", view).get("result")
            return [text_content(fenced(tail(result, MAX_OUTPUT)))] if result else []


def _block(part: Any) -> JsonObject | None:
    """A part of what an MCP tool gave: the two protocols have the same blocks. Only what we know passes."""
    given = cast("JsonObject", part) if isinstance(part, dict) else {}
    match given.get("type"):
        case "text":
            return text_content(fenced(clip(str(given.get("text", "")), MAX_OUTPUT)))
        case "image" if isinstance(given.get("data"), str) and isinstance(given.get("mimeType"), str):
            return {"type": "content", "content": {"type": "image", "data": given["data"], "mimeType": given["mimeType"]}}
        case "resource_link" if isinstance(given.get("uri"), str):
            name = str(given.get("name") or given["uri"])
            return {"type": "content", "content": {"type": "resource_link", "uri": given["uri"], "name": name}}
        case _:
            return None


def _result(card: CallCard) -> JsonObject:
    view: Any = card.view
    match view.get("view"):
        case "command":
            found = {
                "exitCode": view.get("exit_code"),
                "durationMs": view.get("duration_ms"),
                "output": _tail(view.get("output")),
            }
        case "mcp":
            found = {"result": _raw(view.get("result")), "error": view.get("error")}
        case "tool":
            found = {"result": _tail(view.get("result")), "success": view.get("success")}
        case _:
            found = {}
    ended = {} if card.status == "completed" else {"status": card.status}
    return ended | {name: value for name, value in found.items() if value is not None}


def _tail(text: Any) -> str | None:
    return tail(text, MAX_RAW) if isinstance(text, str) else None


def _raw(value: Any) -> Any:
    """The value, or the beginning of its text when it is too long, or when JSON has no word for it."""
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False)
    plain = not any(word in text for word in ("NaN", "Infinity")) or _is_plain(value)
    return value if plain and len(text) <= MAX_RAW else clip(text, MAX_RAW)


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _diff(path: str, old: str | None, new: str) -> JsonObject:
    return {"type": "diff", "path": path, "newText": new} | ({} if old is None else {"oldText": old})


def _place(change: FileChange) -> JsonObject:
    path = change.get("move_path") or change.get("path", "")
    found = hunks(change.get("diff", "")) if change.get("kind") == "update" else []
    return {"path": path} | ({"line": max(1, found[0][0])} if found else {})


def _changes_title(changes: list[FileChange]) -> str:
    if not changes:
        return "Edit files"
    words = {"add": "Create", "delete": "Delete"}
    first = changes[0]
    if first.get("move_path"):
        said = f"Move {_base(first.get('path', ''))} to {_base(first.get('move_path') or '')}"
    else:
        said = f"{words.get(first.get('kind', ''), 'Edit')} {_base(first.get('path', ''))}"
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return clip(said + more, MAX_TITLE)


def _base(path: str) -> str:
    return one_line(path.rstrip("/").rpartition("/")[2] or path)


def _code(text: str) -> str:
    """As a code span of Markdown, whatever it holds: an empty line would end it."""
    text = visible(text).replace("\n", " \u21b5 ")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    if not longest:
        return f"`{text}`"
    ticks = "`" * (longest + 1)
    return f"{ticks} {text} {ticks}"
