"""All MCP servers of this process: which are wanted, what they offer, and calls to them. Decides nothing about a call.

Servers are told apart by how they are started or reached, not by what the user allows them, so a change of an approval mode
restarts nothing. A prompt waits for a server only when it was never seen before, and then no longer than the settings say.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from ...core.asking import DECLINE, Decision
from ...core.elicitation import McpQuestion
from ...core.errors import TreadleError
from ...core.items import JsonObject
from ...core.mcp import LoginWish, Look, McpStatus, McpTool, offered
from ...core.settings import McpServer, Settings
from ...runtime.ports import Inquire
from ..warden import Warden
from .cache import ToolCache
from .journal import Journal
from .tokens import TokenFile

if TYPE_CHECKING:
    from .connection import Connection
    from .session import Session

MAX_JOURNALS = 64


class ServerPool:
    """Implements runtime.ports.McpServers."""

    def __init__(
        self,
        cache: ToolCache,
        own: Mapping[str, str],
        changed: Callable[[McpStatus], None],
        *,
        tokens: TokenFile | None = None,
        outside: Callable[[McpQuestion], Awaitable[Decision]] | None = None,
        pauses: Sequence[float] | None = None,
    ) -> None:
        """`outside` is asked what a server wants to know while no call of it is under way."""
        self._cache = cache
        self._own = own
        self._changed = changed
        self._tokens = tokens
        self._outside = outside or _decline
        self._pauses = pauses
        self._warden = Warden()
        self._connections: dict[McpServer, Connection] = {}
        self._leaving: set[Connection] = set()
        "Not wanted any more, and perhaps still ending their children."
        self._journals: dict[tuple[str, str], Journal] = {}
        "By name and folder: they outlive their connections."
        self._logins: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def start(self, settings: Settings) -> None:
        for server in _wanted(settings):
            connection = self._connection(server, settings)
            if connection.state == "idle":
                connection.begin()

    async def settle(self, settings: Settings) -> None:
        self.start(settings)
        servers = [(server, self._connection(server, settings)) for server in _wanted(settings)]
        required = [(s, c) for s, c in servers if s.required and (c.tools is None or c.state == "failed")]
        optional = [c.begin() for s, c in servers if not s.required and c.tools is None and c.state == "starting"]
        begun = [(server, connection.begin()) for server, connection in required]
        if optional:
            await asyncio.wait(optional, timeout=settings.mcp_grace or None)
        for server, ready in begun:
            try:
                await asyncio.shield(ready)
            except TreadleError as error:
                raise TreadleError(
                    f"The MCP server {server.name}, which is required, did not start: {error.sentence()}.",
                    hint=f"Mend it, or set mcp_servers.{server.name}.required = false.",
                ) from error

    def tools(self, settings: Settings) -> tuple[McpTool, ...]:
        return tuple(
            tool for server in _wanted(settings) for tool in offered(server, self._connection(server, settings).tools or ())
        )

    def statuses(self, settings: Settings) -> tuple[McpStatus, ...]:
        return tuple(self._status(self._connection(server, settings), server) for server in _wanted(settings))

    async def call(
        self,
        server: McpServer,
        settings: Settings,
        tool: str,
        arguments: JsonObject,
        say: Callable[[str], None],
        *,
        ask: Inquire | None = None,
    ) -> JsonObject:
        return await self._connection(server, settings).call(server, tool, arguments, say, ask)

    async def look(self, server: McpServer, settings: Settings, wanted: Look, ask: Inquire | None = None) -> JsonObject:
        return await self._connection(server, settings).look(server, wanted, ask)

    async def login(self, server: McpServer, settings: Settings, wish: LoginWish, finished: Callable[[str | None], None]) -> str:
        if self._tokens is None:
            raise TreadleError("Logins are not kept here.")
        if (before := self._logins.pop(server.name, None)) is not None:
            before.cancel()
            await asyncio.wait([before])
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._log_in(server, settings, wish, opened, finished), name=f"login {server.name}")
        # one that is cancelled before it began says nothing itself
        task.add_done_callback(lambda _: opened.done() or opened.set_exception(TreadleError("The login was given up.")))
        self._logins[server.name] = task
        return await opened

    async def _log_in(
        self,
        server: McpServer,
        settings: Settings,
        wish: LoginWish,
        opened: asyncio.Future[str],
        finished: Callable[[str | None], None],
    ) -> None:
        def told(url: str) -> None:
            if not opened.done():
                opened.set_result(url)

        problem: str | None = "The login was given up."
        try:
            code = await asyncio.to_thread(importlib.import_module, f"{__package__}.oauth")
            await code.log_in(server, self._own, self._tokens, wish, told)
            problem = None
        except TreadleError as error:
            problem = error.sentence()
        finally:
            if opened.done():
                finished(problem)
            else:
                opened.set_exception(TreadleError(problem or ""))
        if not self._closed and server.enabled:
            await self._anew(server, settings)

    async def _anew(self, server: McpServer, settings: Settings) -> None:
        """Connect again, with the login of now."""
        old = self._connections.pop(_reach(server, settings), None)
        if old is not None:
            await self._end([old])
        if self._closed:  # meanwhile: nobody would end what is begun now
            raise TreadleError("it was stopped")
        self._connection(server, settings).begin()

    async def let_go(self, wanted: Iterable[Settings]) -> None:
        keys: set[McpServer] = set()
        for settings in wanted:
            keys |= {_reach(server, settings) for server in _wanted(settings)}
        unwanted = [key for key in self._connections if key not in keys]
        await self._end([self._connections.pop(key) for key in unwanted])

    async def _end(self, connections: Iterable[Connection]) -> None:
        ended = set(connections)
        self._leaving |= ended
        await asyncio.gather(*(connection.close() for connection in ended))
        self._leaving -= ended

    async def reload(self, wanted: Iterable[Settings]) -> None:
        await self.let_go(wanted)
        for connection in self._connections.values():
            if connection.state == "failed":
                connection.begin()

    async def restart(self, server: McpServer, settings: Settings) -> asyncio.Future[None]:
        self._journal(server, settings).noted("restarted by the user")
        await self._anew(server, settings)
        return asyncio.ensure_future(_outcome(self._connection(server, settings).begin()))

    def journal(self, server: McpServer, settings: Settings) -> str:
        return self._journal(server, settings).text()

    def _journal(self, server: McpServer, settings: Settings) -> Journal:
        key = server.name, server.cwd or settings.cwd
        while key not in self._journals and len(self._journals) >= MAX_JOURNALS:
            del self._journals[next(iter(self._journals))]
        return self._journals.setdefault(key, Journal())

    async def close(self) -> None:
        self._closed = True
        for task in self._logins.values():
            task.cancel()
        if self._logins:
            await asyncio.wait(self._logins.values())
        connections, self._connections = self._connections, {}
        await self._end({*connections.values(), *self._leaving})
        self._warden.close()

    def _connection(self, server: McpServer, settings: Settings) -> Connection:
        key = _reach(server, settings)
        found = self._connections.get(key)
        if found is None:
            from .connection import PAUSES, Connection  # noqa: PLC0415 - most have no server

            found = self._connections[key] = Connection(
                replace(key, cwd=server.cwd),
                settings.cwd,
                self._own,
                self._cache,
                self._tell,
                outside=self._outside,
                warden=self._warden,
                tokens=self._tokens,
                pauses=PAUSES if self._pauses is None else self._pauses,
                journal=self._journal(server, settings),
            )
        return found

    def _tell(self, connection: Connection) -> None:
        self._changed(self._status(connection, connection.server))

    def _status(self, connection: Connection, server: McpServer) -> McpStatus:
        tools = None if connection.tools is None else offered(server, connection.tools)
        parts = urlsplit(server.url or "")
        port = f":{parts.port}" if parts.port else ""
        return McpStatus(
            server.name,
            connection.state,
            connection.error,
            tools,
            f"{parts.scheme}://{parts.hostname}{port}" if server.url else None,
            self._auth(connection, server),
            connection.resources,
            connection.retry_in,
            connection.attempt,
        )

    def _auth(
        self, connection: Connection, server: McpServer
    ) -> Literal["unsupported", "not_logged_in", "bearer_token", "oauth"]:
        if server.bearer_token_env_var is not None:
            return "bearer_token"
        if connection.login_needed:
            return "not_logged_in"
        return "oauth" if self._tokens is not None and server.url and self._tokens.read(server) else "unsupported"


async def _decline(question: McpQuestion) -> Decision:
    return DECLINE


async def _outcome(ready: asyncio.Future[Session]) -> None:
    await asyncio.wait([ready])


def _wanted(settings: Settings) -> list[McpServer]:
    return [server for server in settings.mcp_servers if server.enabled]


def _reach(server: McpServer, settings: Settings) -> McpServer:
    """What makes two servers the same one: without what only says how to treat it."""
    plain = McpServer(server.name)
    return replace(
        server,
        cwd=server.cwd or (settings.cwd if server.command else None),
        required=plain.required,
        tool_timeout=plain.tool_timeout,
        enabled_tools=plain.enabled_tools,
        disabled_tools=plain.disabled_tools,
        default_approval=plain.default_approval,
        approval_modes=plain.approval_modes,
        parallel_calls=plain.parallel_calls,
    )
