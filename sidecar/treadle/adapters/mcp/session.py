"""One conversation with one MCP server, from handshake to goodbye. Entered and left in one task; calls may come from any other.

Imports `mcp`, which takes longer than the rest of Treadle: load this module in a thread, when the first server is needed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, cast

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult, Implementation, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ... import __version__
from ...core import elicitation
from ...core.asking import DECLINE
from ...core.errors import TreadleError
from ...core.items import JsonObject
from ...core.mcp import Look, McpTool, from_wire
from ...core.settings import McpServer
from ...runtime.ports import Inquire
from .connection import Lost
from .lines import MAX_TOOLS, TOO_MANY
from .talk import Talk
from .transport import Reach, open_transport

MAX_PAGES = 100
MAX_CURSOR = 64 * 1024
LIST_TIMEOUT = 30.0
MAX_SAID = 2_000
"Characters of a failure in the server's own words."
CONNECTION_CLOSED, INVALID_REQUEST, PARSE_ERROR, URL_NEEDED = -32000, -32600, -32700, -32042
_GONE = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream, httpx2.TransportError)
_STREAM = "SSE stream failed: "
_NOT_MCP = "it sent something that is not of the protocol"
_talk: ContextVar[Talk | None] = ContextVar("talk", default=None)
"The call that what is being done belongs to."


class Desk:
    """Where the server's questions arrive: each goes to the call that it belongs to, else to whoever uses the server."""

    def __init__(self, server: str, outside: Inquire) -> None:
        self._server = server
        self._outside = outside
        self._talks: list[Talk] = []

    @contextmanager
    def during(self, talk: Talk) -> Generator[None]:
        token = _talk.set(talk)
        self._talks.append(talk)
        try:
            yield
        finally:
            self._talks.remove(talk)
            talk.close()
            _talk.reset(token)

    async def elicited(self, context: Any, params: Any) -> ElicitResult:
        return await self.put(params.model_dump(mode="json", by_alias=True, exclude_none=True))

    async def put(self, params: JsonObject) -> ElicitResult:
        question = elicitation.question(self._server, params)
        if question is None:
            return ElicitResult(action="decline")
        # over a pipe nothing says which call it is about: the one that began last, mostly the only one
        talk = _talk.get() or (self._talks[-1] if self._talks else None)
        decision = await (talk.ask(question) if talk else self._outside(question))
        action, content = elicitation.answer(question, decision or DECLINE)
        return ElicitResult(action=action, content=content)


class Session:
    """A server that is ready."""

    def __init__(self, client: Client, server: McpServer, desk: Desk) -> None:
        self._client = client
        self._server = server
        self._desk = desk

    @property
    def resources(self) -> bool:
        return self._client.server_capabilities.resources is not None

    async def tools(self) -> tuple[McpTool, ...]:
        """All that it offers. Raises TreadleError for a list that does not end."""
        if self._client.server_capabilities.tools is None:
            return ()
        found, cursor = await self._pages("tools", self._client.list_tools)
        if cursor is not None:
            raise TreadleError(f"{TOO_MANY} or {MAX_PAGES} pages")
        limit = self._server.schema_max_bytes
        return tuple(tool for entry in found if (tool := from_wire(self._server.name, entry, limit)) is not None)

    async def call(self, tool: str, arguments: JsonObject, talk: Talk) -> JsonObject:
        """The result as JSON data. Raises Lost, and TreadleError with what the server says."""

        async def progressed(progress: float, total: float | None, message: str | None) -> None:
            talk.say(message or (f"{progress:g} of {total:g}" if total else f"{progress:g}"))

        return await self._asked(talk, lambda: self._client.call_tool(tool, arguments, progress_callback=progressed))

    async def look(self, wanted: Look, talk: Talk) -> JsonObject:
        """Resources, resourceTemplates and nextCursor, or contents. Raises like `call`."""
        client = self._client
        if not self.resources:
            raise TreadleError("it offers no resources")
        if wanted.what == "read":
            return await self._asked(talk, lambda: client.read_resource(wanted.uri))
        fetch = client.list_resources if wanted.what == "resources" else client.list_resource_templates
        if wanted.cursor is not None:
            return await self._asked(talk, lambda: fetch(cursor=wanted.cursor))
        key = "resources" if wanted.what == "resources" else "resourceTemplates"
        try:
            found, cursor = await self._pages("resources" if key == "resources" else "resource_templates", fetch)
        except MCPError as error:
            raise self._failure(error) from error
        except _GONE as error:
            raise Lost(str(error) or type(error).__name__) from error
        except ValueError as error:
            raise TreadleError(_NOT_MCP) from error
        return {key: found} | ({"nextCursor": cursor} if cursor else {})

    async def _pages(self, key: str, fetch: Callable[..., Awaitable[Any]]) -> tuple[list[JsonObject], str | None]:
        """The entries, and where they go on when there are more than we take."""
        found: list[JsonObject] = []
        cursor: str | None = None
        with _in_time():
            for _ in range(MAX_PAGES):
                page: Any = await fetch(cursor=cursor)
                entries: list[Any] = getattr(page, key)
                room = MAX_TOOLS - len(found)
                found += [entry.model_dump(mode="json", by_alias=True, exclude_none=True) for entry in entries[:room]]
                cursor = page.next_cursor
                if len(entries) > room:
                    return found, cursor or ""
                if not cursor:
                    return found, None
                if len(cursor) > MAX_CURSOR:
                    break
        return found, cursor or ""

    async def _asked(self, talk: Talk, send: Callable[[], Awaitable[Any]]) -> JsonObject:
        try:
            with self._desk.during(talk):
                try:
                    result = await send()
                except MCPError as error:
                    if error.code == URL_NEEDED:
                        raise await self._sent_elsewhere(error) from error
                    raise
        except MCPError as error:
            raise self._failure(error) from error
        except _GONE as error:
            raise Lost(str(error) or type(error).__name__) from error
        except ValueError as error:
            raise TreadleError(_NOT_MCP) from error
        except RuntimeError as error:
            raise TreadleError(str(error)) from error
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    def _failure(self, error: MCPError) -> TreadleError:
        # over HTTP a server that was started anew refuses the session of before as an invalid request
        if error.code == CONNECTION_CLOSED or (self._server.url and error.code == INVALID_REQUEST):
            return Lost(error.message)
        return TreadleError(_said(error))

    async def _sent_elsewhere(self, error: MCPError) -> TreadleError:
        """The server wants the user to open addresses first; it is not called again by itself."""
        data: Any = error.error.data
        wanted: Any = cast("JsonObject", data).get("elicitations") if isinstance(data, dict) else None
        entries = cast("list[Any]", wanted)[:4] if isinstance(wanted, list) else []
        answers = [
            await self._desk.put(cast("JsonObject", entry) | {"mode": "url"}) for entry in entries if isinstance(entry, dict)
        ]
        if answers and all(answer.action == "accept" for answer in answers):
            return TreadleError(
                "it needs the user to do something in the browser first, who was sent there; call it again after that"
            )
        return TreadleError("it needs the user to do something in the browser first, who declined")


@contextmanager
def _in_time() -> Generator[None]:
    try:
        with anyio.fail_after(LIST_TIMEOUT):
            yield
    except TimeoutError as error:
        raise TreadleError(f"its list did not come to an end within {LIST_TIMEOUT:g} s") from error


@asynccontextmanager
async def open_session(
    reach: Reach, *, gone: Callable[[], None], changed: Callable[[], None], outside: Inquire
) -> AsyncGenerator[Session, None]:
    """`gone`: the server's side has ended; `changed`: its list of tools has; `outside`: asks when no call is under way."""

    async def heard(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed()

    desk = Desk(reach.server.name, outside)
    client = Client(
        open_transport(reach, gone),
        client_info=Implementation(name="treadle", title="Treadle", version=__version__),
        message_handler=heard,
        elicitation_callback=desk.elicited,
        cache=None,
    )
    async with client, anyio.create_task_group() as group:
        offer = client.server_capabilities.tools
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS and offer and offer.list_changed:
            group.start_soon(_listen, client, changed)
        try:
            yield Session(client, reach.server, desk)
        finally:
            group.cancel_scope.cancel()


async def _listen(client: Client, changed: Callable[[], None]) -> None:
    # A server that will not tell is asked again when it is connected again.
    with suppress(MCPError, SubscriptionLost, TimeoutError, RuntimeError):
        async with client.listen(tools_list_changed=True) as events:
            async for _ in events:
                changed()


def reason(error: BaseException) -> TreadleError:
    """Why a server could not be had, in words for the user."""
    match _first(error):
        case TreadleError() as failure:
            return failure
        case FileNotFoundError() as missing:
            return TreadleError(f"there is no such program or folder: {missing.filename}")
        case OSError() as failure:
            return TreadleError(failure.strerror or str(failure))
        case MCPError() as failure:
            return TreadleError("it ended before it was ready" if _is_end(failure) else _said(failure))
        case httpx2.TransportError() as failure:
            return TreadleError(f"it cannot be reached ({failure})")
        case ValueError():
            return TreadleError(_NOT_MCP)
        case other:
            return TreadleError(" ".join((str(other) or type(other).__name__).split())[:300])


def _is_end(error: MCPError) -> bool:
    return error.code == CONNECTION_CLOSED and not error.message.startswith(_STREAM)


def _said(error: MCPError) -> str:
    """A failure in the server's own words, or in ours where the package made one of ours its own."""
    said = " ".join(error.message.split())[:MAX_SAID]
    if error.code == PARSE_ERROR and "validation error" in said:
        return _NOT_MCP
    return said.removeprefix(_STREAM).removeprefix("Failed to parse JSON response: ") or f"error {error.code}"


def _first(error: BaseException) -> BaseException:
    """What is inside of a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
