"""How an MCP server is reached: a child process or an address. The child inherits a few variables and what its table names.

A transport made here tells when the server has gone away, also while nobody waits for an answer. Imports `mcp`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from ...core.errors import TreadleError
from ...core.settings import McpServer
from .child import open_child
from .words import LastWords

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "TMPDIR", "LANG", "LC_ALL")
CONNECT_TIMEOUT = 30.0


def environment(server: McpServer, own: Mapping[str, str]) -> dict[str, str]:
    """Variables of the child: a few of ours, those that its table names, those that its table sets."""
    names = (*INHERITED, *server.env_vars)
    return {name: own[name] for name in names if name in own} | dict(server.env)


def headers(server: McpServer, own: Mapping[str, str]) -> dict[str, str]:
    """Raises TreadleError naming a variable that is not set."""
    found = dict(server.http_headers)
    wanted = list(server.env_http_headers)
    if server.bearer_token_env_var:
        wanted.append(("Authorization", server.bearer_token_env_var))
    for header, variable in wanted:
        value = own.get(variable)
        if not value:
            raise TreadleError(f"the environment variable {variable} is not set; the header {header} needs it")
        found[header] = f"Bearer {value}" if header == "Authorization" and variable == server.bearer_token_env_var else value
    return found


@asynccontextmanager
async def open_transport(
    server: McpServer, cwd: str, own: Mapping[str, str], words: LastWords, gone: Callable[[], None]
) -> AsyncGenerator[Any, None]:
    """The streams of a session. `gone` is called when the server's side ends."""
    if server.command is not None:
        command = (server.command, *server.args)
        async with open_child(command, environment(server, own), server.cwd or cwd, words.file, gone) as streams:
            yield streams
        return
    timeout = httpx2.Timeout(CONNECT_TIMEOUT, read=server.tool_timeout)
    async with (
        httpx2.AsyncClient(headers=headers(server, own), timeout=timeout) as client,
        streamable_http_client(server.url or "", http_client=client) as streams,
        _watched(streams, gone) as watched,
    ):
        yield watched


@asynccontextmanager
async def _watched(streams: Any, gone: Callable[[], None]) -> AsyncGenerator[Any, None]:
    """The same streams; the end of what the server says is noticed also while nobody waits for an answer."""
    incoming, outgoing = streams
    send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](0)

    async def relay() -> None:
        async with send:
            with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream):
                async for message in incoming:
                    await send.send(message)
            gone()

    async with anyio.create_task_group() as group:
        group.start_soon(relay)
        try:
            yield receive, outgoing
        finally:
            group.cancel_scope.cancel()
            receive.close()
