"""An MCP server at an address: the headers that its table names, and an HTTP client that is bounded in what it reads.

Imports `httpx2`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2

from ...core.errors import TreadleError
from ...core.settings import McpServer
from .lines import DESCRIBES, MAX_TOOLS, TOO_MANY

MAX_BODY = 32 * 1024 * 1024
"Bytes of one answer, and of one event of a stream."
CONNECT_TIMEOUT = 30.0


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


def new_client(given: Mapping[str, str], auth: httpx2.Auth | None) -> httpx2.AsyncClient:
    """Without a time-out for reading: a call has its own, which stands still while the user thinks."""
    timeout = httpx2.Timeout(CONNECT_TIMEOUT, read=None)
    # what comes packed could be a thousand times as large as it looks
    known = {"accept-encoding": "identity", **given}
    return httpx2.AsyncClient(headers=known, timeout=timeout, auth=auth, transport=_Bounded())


class _Bounded(httpx2.AsyncHTTPTransport):
    """Ends an answer that grows too large. A stream of events has a bound of its own, for each event."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await response.aclose()
            raise httpx2.RemoteProtocolError("its answer is compressed although that was not asked for")
        events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        if not events or request.method == "POST":
            response.stream = _Counted(response.stream, events=events)
        return response


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: Any, *, events: bool) -> None:
        self._inner = inner
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read, described, end = 0, 0, b""
        failure = httpx2.SSEError if self._events else httpx2.StreamError
        async for chunk in self._inner:
            read += len(chunk)
            # a key that lies across two chunks is found in one of them
            described += (end + chunk).count(DESCRIBES)
            end = chunk[1 - len(DESCRIBES) :]
            if described > 2 * MAX_TOOLS:
                raise failure(TOO_MANY)
            if read > MAX_BODY and not self._events:
                raise failure(f"its answer is larger than {MAX_BODY // (1024 * 1024)} MB")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
