"""A login to an MCP server by OAuth: discovery, registration, PKCE and the token, as the `mcp` package does them.

The browser comes back to a door of ours on loopback, which listens for as long as the login takes and answers nobody who does not
know its state. What a login brings is kept by TokenFile and is in no sentence. Imports `mcp`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from ... import __version__
from ...core.errors import TreadleError
from ...core.mcp import LoginWish
from ...core.settings import McpServer
from .http import headers, new_client
from .session import reason
from .tokens import Login, TokenFile

VERSION = "2025-11-25"
_READ_TIMEOUT = 10.0
_MAX_REQUEST = 16 * 1024
_PAGE = """HTTP/1.1 {status}\r
Content-Type: text/html; charset=utf-8\r
Content-Security-Policy: default-src 'none'\r
Referrer-Policy: no-referrer\r
Connection: close\r
\r
<!doctype html><title>Treadle</title><p>{words}</p>
"""


async def log_in(
    server: McpServer,
    own: Mapping[str, str],
    tokens: TokenFile,
    wish: LoginWish,
    opened: Callable[[str], None],
) -> None:
    """Returns when the login is kept. `opened` hears the address that the user is to open. Raises TreadleError."""
    if not server.url:
        raise TreadleError(f"{server.name} is started by a command; there is nothing to log in to.")
    try:
        async with asyncio.timeout(wish.seconds), _door(wish.port, opened) as door:
            await _flow(server, own, tokens, wish.scopes or server.scopes, door)
    except TimeoutError as error:
        raise TreadleError(f"Nobody logged in to {server.name} within {wish.seconds:g} s.") from error
    except OAuthFlowError as error:
        raise TreadleError(f"The login to {server.name} failed: {_short(error)}") from error
    except TreadleError:
        raise
    except Exception as error:
        raise TreadleError(f"The login to {server.name} failed: {_short(reason(error))}") from error


async def _flow(
    server: McpServer,
    own: Mapping[str, str],
    tokens: TokenFile,
    scopes: tuple[str, ...],
    door: _Door,
) -> None:
    metadata = _Metadata(client_name="Treadle", software_id="treadle", redirect_uris=[door.url])  # type: ignore[list-item]
    metadata.fix(" ".join(scopes) or None)
    provider = OAuthClientProvider(server.url or "", metadata, _Memory(server, door.url), door.open, door.answer)
    hello: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": VERSION,
            "capabilities": {},
            "clientInfo": {"name": "treadle", "version": __version__},
        },
    }
    accept = {"accept": "application/json, text/event-stream", "mcp-protocol-version": VERSION}
    async with new_client(headers(server, own), provider) as client:
        async with client.stream("POST", server.url or "", json=hello, headers=accept) as response:
            status, session = response.status_code, response.headers.get("mcp-session-id")
        token = provider.context.current_tokens
        if token is None:
            words = "it lets you in without a login" if status < 400 else f"it answers with status {status} and offers no login"
            raise TreadleError(f"There is nothing to log in to at {server.name}: {words}.")
        if status in (401, 403):
            raise TreadleError(f"{server.name} refuses the token that the login has just brought ({status}).")
        tokens.write(server, _login(server, provider, token))
        if session:
            with suppress(httpx2.HTTPError):
                await client.delete(server.url or "", headers={"mcp-session-id": session, "mcp-protocol-version": VERSION})


def _login(server: McpServer, provider: OAuthClientProvider, token: OAuthToken) -> Login:
    context = provider.context
    assert context.client_info is not None, "a token was got with it"
    known = context.oauth_metadata
    base = context.get_authorization_base_url(server.url or "")
    return Login(
        url=server.url or "",
        access_token=token.access_token,
        token_endpoint=str(known.token_endpoint) if known else urljoin(base, "/token"),
        client=context.client_info.model_dump(mode="json", exclude_none=True),
        refresh_token=token.refresh_token,
        expires_at=None if token.expires_in is None else time.time() + token.expires_in,
        scope=token.scope,
        resource=context.get_resource_url() if context.should_include_resource_param(VERSION) else None,
    )


class _Metadata(OAuthClientMetadata):
    """Who we are. The package puts in the scope that the server asks for; one that the user chose stays."""

    def fix(self, scope: str | None) -> None:
        self.scope = scope
        object.__setattr__(self, "_fixed", scope is not None)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "scope" or not getattr(self, "_fixed", False):
            super().__setattr__(name, value)


class _Memory:
    """Where the package keeps what it learns during one login."""

    def __init__(self, server: McpServer, redirect: str) -> None:
        self._client: OAuthClientInformationFull | None = None
        if server.oauth_client_id:
            self._client = OAuthClientInformationFull(client_id=server.oauth_client_id, redirect_uris=[redirect])  # type: ignore[list-item]

    async def get_tokens(self) -> OAuthToken | None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None: ...
    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


class _Door:
    """Where the browser comes back to. `state` is what it must know."""

    def __init__(self, opened: Callable[[str], None]) -> None:
        self.url = ""
        self.state = ""
        self._opened = opened
        self._came: asyncio.Future[AuthorizationCodeResult] = asyncio.get_running_loop().create_future()

    async def open(self, url: str) -> None:
        self.state = (parse_qs(urlsplit(url).query).get("state") or [""])[0]
        self._opened(url)

    async def answer(self) -> AuthorizationCodeResult:
        return await asyncio.shield(self._came)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(_READ_TIMEOUT):
                line = await reader.readline()
            status, words = self._judge(line.decode("ascii", "replace"))
            writer.write(_PAGE.format(status=status, words=words).encode())
            await writer.drain()
        writer.close()

    def _judge(self, line: str) -> tuple[str, str]:
        parts = urlsplit(line.split(" ")[1] if line.startswith("GET ") else "")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/callback":
            return "404 Not Found", "There is nothing here."
        if not self.state or not compare_digest(query.get("state", "").encode(), self.state.encode()) or self._came.done():
            return "400 Bad Request", "This is not the login that was begun in Treadle."
        if "code" not in query:
            said = " ".join(f"{query.get('error', '')} {query.get('error_description', '')}".split())[:300]
            self._came.set_exception(OAuthFlowError(said or "the server sent no code"))
            return "200 OK", "The login was refused. You can close this page and go back to Treadle."
        self._came.set_result(AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query.get("iss")))
        return "200 OK", "You are logged in. You can close this page and go back to Treadle."


@asynccontextmanager
async def _door(port: int | None, opened: Callable[[str], None]) -> AsyncGenerator[_Door, None]:
    door = _Door(opened)
    try:
        listening = await asyncio.start_server(door.take, "127.0.0.1", port or 0, limit=_MAX_REQUEST)
    except OSError as error:
        raise TreadleError(f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}.") from error
    door.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/callback"
    try:
        yield door
    finally:
        listening.close()


def _short(error: Exception) -> str:
    said = error.sentence() if isinstance(error, TreadleError) else str(error)
    return " ".join(said.split())[:300] or type(error).__name__
