"""What a client wants of one MCP server for itself: a login, a resource, a call. No model takes part and no item is made.

A tool or a server that the settings turn off stays off for clients too. What a server asks meanwhile goes to the thread's user.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core.asking import Decision
from ..core.elicitation import McpQuestion
from ..core.errors import RequestRefused, TreadleError
from ..core.events import McpLoginCompleted
from ..core.items import JsonObject, dumps
from ..core.mcp import LoginWish, Look, McpTool, offered
from ..core.ops import CallMcpTool, LoginMcpServer, McpOp, ReadMcpResource
from ..core.settings import McpServer, Settings
from .answers import McpLogin
from .assembly import World
from .foreign import ask
from .loaded import Loaded
from .mcp_keeping import settings_of
from .ports import Client, McpServers

MAX_ANSWER = 8 * 1024 * 1024
"Characters of an answer to a client."


async def answer(world: World, threads: Mapping[str, Loaded], op: McpOp, client: Client) -> McpLogin | JsonObject:
    settings = settings_of(world, threads, op.thread_id)
    server = _server(op.name if isinstance(op, LoginMcpServer) else op.server, settings)
    if world.mcp is None:
        raise RequestRefused("there are no MCP servers here")
    match op:
        case LoginMcpServer():
            return await _login(world, world.mcp, server, settings, op, client)
        case ReadMcpResource():
            return _bounded(await world.mcp.look(server, settings, Look("read", uri=op.uri)))
        case CallMcpTool():
            if not offered(server, [McpTool(server.name, op.tool)]):
                raise RequestRefused(f"{op.tool} of the MCP server {server.name} is turned off in the settings")

            async def inquire(question: McpQuestion) -> Decision:
                return await ask(world, [threads[op.thread_id]], question)

            called = world.mcp.call(server, settings, op.tool, op.arguments, _nothing, ask=inquire)
            return _bounded(await called)


async def _login(  # noqa: PLR0917
    world: World, servers: McpServers, server: McpServer, settings: Settings, op: LoginMcpServer, client: Client
) -> McpLogin:
    id = world.clock.new_id()

    def finished(error: str | None) -> None:
        client.notify([McpLoginCompleted(op.thread_id, server.name, id, error)])

    wish = LoginWish(op.scopes, settings.mcp_callback_port, op.seconds)
    try:
        return McpLogin(id, await servers.login(server, settings, wish, finished))
    except TreadleError as error:
        raise RequestRefused(error.sentence()) from error


def _server(name: str, settings: Settings) -> McpServer:
    for server in settings.mcp_servers:
        if server.name == name and server.enabled:
            return server
    raise RequestRefused(f"no MCP server {name!r} is configured, or it is turned off", code=-32602)


def _bounded(found: JsonObject) -> JsonObject:
    if len(dumps(found)) > MAX_ANSWER:
        raise RequestRefused(f"what the server answers is larger than {MAX_ANSWER // (1024 * 1024)} MB")
    return found


def _nothing(said: str) -> None:
    pass
