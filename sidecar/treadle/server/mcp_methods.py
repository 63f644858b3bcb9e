"""The methods by which a client uses one MCP server for itself: checked parameters -> op -> answer."""

from __future__ import annotations

from typing import Any, cast

from ..core.items import JsonObject
from ..core.looking_ops import LookAtMcpServers, ReadMcpJournal, RestartMcpServer
from ..core.ops import CallMcpTool, LoginMcpServer, ReadMcpResource
from ..runtime.answers import McpLogin, McpServerState
from . import servers
from .handshake import BadParams
from .methods import Exchange, method
from .wire import mcp
from .wire import servers as wire_servers

_LOGIN_SECONDS = 300
_LONGEST = 3600


@method("mcpServer/oauth/login")
async def oauth_login(ask: Exchange, params: mcp.McpServerOauthLoginParams) -> JsonObject:
    seconds = min(max(params.timeout_secs or _LOGIN_SECONDS, 1), _LONGEST)
    op = LoginMcpServer(params.name, params.thread_id, tuple(params.scopes or ()), seconds)
    login = cast(McpLogin, await ask.agent.submit(op, ask.client))
    return {"authorizationUrl": login.url, "loginId": login.id}


@method("mcpServer/resource/read")
async def resource_read(ask: Exchange, params: mcp.McpResourceReadParams) -> JsonObject:
    found = cast("JsonObject", await ask.agent.submit(ReadMcpResource(params.server, params.uri, params.thread_id), ask.client))
    return {"contents": found.get("contents", []), "originCallId": None}


@method("mcpServer/tool/call")
async def tool_call(ask: Exchange, params: mcp.McpServerToolCallParams) -> JsonObject:
    arguments: Any = {} if params.arguments is None else params.arguments
    if not isinstance(arguments, dict):
        raise BadParams("arguments", "expected an object")
    op = CallMcpTool(params.thread_id, params.server, params.tool, cast("JsonObject", arguments))
    found = cast("JsonObject", await ask.agent.submit(op, ask.client))
    return {"content": found.get("content", [])} | {key: found[key] for key in ("structuredContent", "isError") if key in found}


@method("treadle/mcp/list")
async def mcp_list(ask: Exchange, params: wire_servers.McpListParams) -> JsonObject:
    found = await ask.agent.submit(LookAtMcpServers(params.thread_id), ask.client)
    return servers.listed(cast("list[McpServerState]", found))


@method("treadle/mcp/restart")
async def mcp_restart(ask: Exchange, params: wire_servers.McpRestartParams) -> JsonObject:
    await ask.agent.submit(RestartMcpServer(params.name, params.thread_id), ask.client)
    return {}


@method("treadle/mcp/log")
async def mcp_log(ask: Exchange, params: wire_servers.McpLogParams) -> JsonObject:
    return {"text": await ask.agent.submit(ReadMcpJournal(params.name, params.thread_id), ask.client)}
