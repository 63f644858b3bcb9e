"""How an MCP server is reached: a child process or an address. The child inherits a few variables and what its table names.

A transport made here tells when the server has gone away, also while nobody waits for an answer. Imports `mcp`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from ...core.settings import McpServer
from .child import open_child
from .connection import Reach
from .http import MAX_BODY, headers, new_client
from .stored_login import StoredLogin

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "TMPDIR", "LANG", "LC_ALL")


def environment(server: McpServer, own: Mapping[str, str]) -> dict[str, str]:
    """Variables of the child: a few of ours, those that its table names, those that its table sets."""
    names = (*INHERITED, *server.env_vars)
    return {name: own[name] for name in names if name in own} | dict(server.env)


@asynccontextmanager
async def open_transport(reach: Reach, gone: Callable[[], None]) -> AsyncGenerator[Any, None]:
    """The streams of a session. `gone` is called when the server's side ends."""
    server, own = reach.server, reach.own
    if server.command is not None:
        command = (server.command, *server.args)
        more: Any = {"words": reach.words.file, "gone": gone, "warden": reach.warden}
        async with open_child(command, environment(server, own), server.cwd or reach.cwd, **more) as streams:
            yield streams
        return
    given = headers(server, own)
    named = any(name.lower() == "authorization" for name in given)
    async with (
        new_client(given, StoredLogin(server, None if named else reach.tokens)) as client,
        streamable_http_client(server.url or "", http_client=client, max_sse_event_size=MAX_BODY) as (incoming, outgoing),
    ):
        yield _Watched(incoming, gone), outgoing


class _Watched:
    """The same stream of messages, whose end is noticed: it is read all the time, also while nobody waits for an answer."""

    def __init__(self, inner: Any, gone: Callable[[], None]) -> None:
        self._inner = inner
        self._gone = gone

    @property
    def last_context(self) -> Any:
        """Of the request to which the last message belongs: by this a question finds the call that it is part of."""
        return self._inner.last_context

    async def receive(self) -> SessionMessage | Exception:
        try:
            return await self._inner.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._gone()
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> _Watched:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
