"""MCP servers and tool lists -> the wire. Pure."""

from __future__ import annotations

import json
import os.path
from collections.abc import Iterable

from ..core.events import ToolsChanged
from ..core.items import JsonObject
from ..core.mcp import McpStatus, McpTool
from ..runtime.answers import McpServerState, ToolsRefresh

_STATES = {"idle": "notStarted", "starting": "starting", "ready": "connected", "failed": "failed"}
_LISTED = {**_STATES, "ready": "ready"}
_AUTH = {"unsupported": "unsupported", "not_logged_in": "notLoggedIn", "bearer_token": "bearerToken", "oauth": "oAuth"}


def statuses(found: Iterable[McpStatus], only: str | None) -> JsonObject:
    """All servers on one page, or the one that was asked for."""
    return {"data": [_status(status) for status in found if only in (None, status.name)], "nextCursor": None}


def refreshed(answer: ToolsRefresh) -> JsonObject:
    change = answer.change
    listed = {"added": list(change.added), "removed": list(change.removed), "changed": list(change.changed)}
    return {"cost": answer.cost, **listed}


def listed(found: Iterable[McpServerState]) -> JsonObject:
    return {"servers": [_listed(state) for state in found]}


def _listed(state: McpServerState) -> JsonObject:
    server, status = state.server, state.status
    tools = status.tools if status is not None else None
    return {
        "name": server.name,
        "state": _LISTED[status.state] if status is not None else "off",
        "error": status.error if status is not None else None,
        "retryIn": status.retry_in if status is not None else None,
        "required": server.required,
        "transport": "stdio" if server.command is not None else "http",
        "address": os.path.basename(server.command or "") or (status.origin if status is not None else None) or "",
        "auth": _AUTH[status.auth if status is not None else "unsupported"],
        "tools": [{"name": tool.name, "description": tool.description} for tool in tools or ()],
        "seen": tools is not None,
    }


def tools_changed(event: ToolsChanged) -> list[tuple[str, JsonObject]]:
    """Told as itself, and in words for clients that do not know it."""
    change = {"added": list(event.added), "removed": list(event.removed), "changed": list(event.changed)}
    told = {"threadId": event.thread_id, "message": event.message, **change, "cost": event.cost}
    words = [("warning", {"threadId": event.thread_id, "message": event.message})] if event.message else []
    return [("treadle/tools/changed", told), *words]


def _status(status: McpStatus) -> JsonObject:
    return {
        "name": status.name,
        "runtimeStatus": _STATES[status.state],
        "pluginId": None,
        "httpOrigin": status.origin,
        "serverInfo": None,
        "serverCapabilities": None,
        "toolListMeta": None,
        "tools": {tool.name: _tool(tool) for tool in status.tools or ()},
        "toolsError": status.error if status.tools is None else None,
        "resources": [],
        "resourceTemplates": [],
        "authStatus": _AUTH[status.auth],
    }


def _tool(tool: McpTool) -> JsonObject:
    hints = {"readOnlyHint": tool.read_only, "destructiveHint": tool.destructive, "openWorldHint": tool.open_world}
    known = {name: hint for name, hint in hints.items() if hint is not None}
    said: JsonObject = {"name": tool.name, "inputSchema": json.loads(tool.schema)}
    if tool.description:
        said["description"] = tool.description
    return said | ({"annotations": known} if known else {})
