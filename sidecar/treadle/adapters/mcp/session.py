"""One conversation with one MCP server, from handshake to goodbye. Entered and left in one task; calls may come from any other.

Imports `mcp`, which takes longer than the rest of Treadle: load this module in a thread, when the first server is needed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp.types import Implementation, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ... import __version__
from ...core.errors import TreadleError
from ...core.items import JsonObject
from ...core.mcp import McpTool, from_wire
from ...core.settings import McpServer
from .connection import Lost
from .transport import open_transport
from .words import LastWords

MAX_PAGES = 100
MAX_TOOLS = 2048
MAX_CURSOR = 64 * 1024
LIST_TIMEOUT = 30.0
CONNECTION_CLOSED, INVALID_REQUEST = -32000, -32600


class Session:
    """A server that is ready."""

    def __init__(self, client: Client, server: McpServer) -> None:
        self._client = client
        self._server = server

    async def tools(self) -> tuple[McpTool, ...]:
        """All that it offers. Raises TreadleError for a list that does not end."""
        found: list[McpTool] = []
        cursor: str | None = None
        with anyio.fail_after(LIST_TIMEOUT):
            for _ in range(MAX_PAGES):
                page = await self._client.list_tools(cursor=cursor)
                entries = (tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools)
                found += [tool for entry in entries if (tool := from_wire(self._server.name, entry)) is not None]
                cursor = page.next_cursor
                if len(found) > MAX_TOOLS or (cursor and len(cursor) > MAX_CURSOR):
                    break
                if not cursor:
                    return tuple(found)
        raise TreadleError(f"its list of tools is longer than {MAX_TOOLS} tools or {MAX_PAGES} pages")

    async def call(self, tool: str, arguments: JsonObject, say: Callable[[str], None]) -> JsonObject:
        """The result as JSON data. Raises Lost, and TreadleError with what the server says."""

        async def progressed(progress: float, total: float | None, message: str | None) -> None:
            say(message or (f"{progress:g} of {total:g}" if total else f"{progress:g}"))

        try:
            result = await self._client.call_tool(tool, arguments, progress_callback=progressed)
        except MCPError as error:
            # over HTTP a server that was started anew refuses the session of before as an invalid request
            if error.code == CONNECTION_CLOSED or (self._server.url and error.code == INVALID_REQUEST):
                raise Lost(error.message) from error
            raise TreadleError(error.message or f"error {error.code}") from error
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, httpx2.TransportError) as error:
            raise Lost(str(error) or type(error).__name__) from error
        except RuntimeError as error:
            raise TreadleError(str(error)) from error
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)


@asynccontextmanager
async def open_session(
    server: McpServer,
    cwd: str,
    own: Mapping[str, str],
    words: LastWords,
    *,
    gone: Callable[[], None],
    changed: Callable[[], None],
) -> AsyncGenerator[Session, None]:
    """`gone`: the server's side has ended; `changed`: its list of tools has."""

    async def heard(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed()

    client = Client(
        open_transport(server, cwd, own, words, gone),
        client_info=Implementation(name="treadle", title="Treadle", version=__version__),
        message_handler=heard,
        cache=None,
    )
    async with client, anyio.create_task_group() as group:
        offer = client.server_capabilities.tools
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS and offer and offer.list_changed:
            group.start_soon(_listen, client, changed)
        try:
            yield Session(client, server)
        finally:
            group.cancel_scope.cancel()


async def _listen(client: Client, changed: Callable[[], None]) -> None:
    # A server that will not tell is asked again when it is connected again.
    with suppress(MCPError, SubscriptionLost, TimeoutError, RuntimeError):
        async with client.listen(tools_list_changed=True) as events:
            async for _ in events:
                changed()


def reason(error: BaseException) -> str:
    """Why a server could not be had, in words for the user."""
    match _first(error):
        case TreadleError() as failure:
            return failure.sentence()
        case FileNotFoundError() as missing:
            return f"there is no such program or folder: {missing.filename}"
        case OSError() as failure:
            return failure.strerror or str(failure)
        case MCPError() as failure:
            return "it ended before it was ready" if failure.code == CONNECTION_CLOSED else failure.message
        case httpx2.TransportError() as failure:
            return f"it cannot be reached ({failure})"
        case other:
            return str(other) or type(other).__name__


def _first(error: BaseException) -> BaseException:
    """What is inside of a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
