"""The keeper of MCP servers: how each that is configured stands, what it said lately, and to begin anew with one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ..core.errors import RequestRefused
from ..core.looking_ops import LookAtMcpServers, McpKeepingOp, ReadMcpJournal, RestartMcpServer
from ..core.settings import McpServer, Settings
from . import foreign
from .answers import McpServerState
from .assembly import World
from .loaded import Loaded
from .ports import McpServers

LONGEST_WAIT = 5.0
"Seconds for which a restart is not answered: by then most servers are there, or have failed."


async def answer(world: World, threads: Mapping[str, Loaded], op: McpKeepingOp) -> list[McpServerState] | str | None:
    match op:
        case LookAtMcpServers():
            return _states(world.mcp, settings_of(world, threads, op.thread_id))
        case ReadMcpJournal():
            settings = settings_of(world, threads, op.thread_id)
            server = _server(op.name, settings)
            return world.mcp.journal(server, settings) if world.mcp is not None else ""
        case RestartMcpServer():
            await _restart(world, threads, op)
            return None


def settings_of(world: World, threads: Mapping[str, Loaded], thread_id: str | None) -> Settings:
    """Raises RequestRefused for a thread that is not in memory."""
    if thread_id is None:
        return world.configure(None, {})[0]
    loaded = threads.get(thread_id)
    if loaded is None:
        raise RequestRefused(f"thread not found: {thread_id}; start or resume it first")
    return loaded.settings


def _states(servers: McpServers | None, settings: Settings) -> list[McpServerState]:
    statuses = {status.name: status for status in (servers.statuses(settings) if servers is not None else ())}
    return [McpServerState(server, statuses.get(server.name)) for server in settings.mcp_servers]


async def _restart(world: World, threads: Mapping[str, Loaded], op: RestartMcpServer) -> None:
    loaded = tuple(threads.values())
    foreign.reread(world, loaded)
    settings = settings_of(world, threads, op.thread_id)
    server = _server(op.name, settings)
    if not server.enabled:
        raise RequestRefused(f"the MCP server {op.name} is turned off in config.toml: set mcp_servers.{op.name}.enabled")
    if world.mcp is None:
        raise RequestRefused("there are no MCP servers here")
    outcome = await world.mcp.restart(server, settings)
    await foreign.connect(world, loaded)
    await asyncio.wait([outcome], timeout=LONGEST_WAIT)


def _server(name: str, settings: Settings) -> McpServer:
    for server in settings.mcp_servers:
        if server.name == name:
            return server
    raise RequestRefused(f"no MCP server {name!r} is configured", code=-32602)
