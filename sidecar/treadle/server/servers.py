"""MCP servers and tool lists -> the wire. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..core.items import JsonObject
from ..core.mcp import McpStatus, McpTool
from ..runtime.answers import ToolsRefresh

_STATES = {"idle": "notStarted", "starting": "starting", "ready": "connected", "failed": "failed"}
_AUTH = {"unsupported": "unsupported", "not_logged_in": "notLoggedIn", "bearer_token": "bearerToken", "oauth": "oAuth"}


def statuses(found: Iterable[McpStatus], only: str | None) -> JsonObject:
    """All servers on one page, or the one that was asked for."""
    return {"data": [_status(status) for status in found if only in (None, status.name)], "nextCursor": None}


def refreshed(answer: ToolsRefresh) -> JsonObject:
    change = answer.change
    listed = {"added": list(change.added), "removed": list(change.removed), "changed": list(change.changed)}
    return {"cost": answer.cost, **listed}


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
