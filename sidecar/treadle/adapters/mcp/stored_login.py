"""The user's login to an MCP server, sent with every request to it, and renewed when it runs out.

Nobody is asked to log in here: who has to is told so in words. A token is renewed once, however many requests need it at once.
Imports `mcp`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace

import httpx2
from mcp.client.auth.oauth2 import OAuthContext
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from ...core.settings import McpServer
from .connection import LoginNeeded
from .tokens import Login, TokenFile

EARLY = 30.0
"Seconds before its end at which a token is renewed."


class StoredLogin(httpx2.Auth):
    """Sends the token of the last login. `tokens` is None for a server whose table says with which token it is reached."""

    def __init__(self, server: McpServer, tokens: TokenFile | None) -> None:
        self._server = server
        self._tokens = tokens
        self._renewing = asyncio.Lock()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        login = self._kept()
        if login is not None and _is_late(login):
            async with self._renewing:
                # another request, or another process, may have been quicker
                kept = self._kept() or login
                renewal = self._renewal(kept) if kept.access_token == login.access_token else None
                login = await self._renewed(kept, (yield renewal)) if renewal is not None else kept
        if login is not None:
            request.headers["Authorization"] = f"Bearer {login.access_token}"
        response = yield request
        if response.status_code == 401 and login is not None:
            async with self._renewing:
                current = self._kept()
                if current is not None and current.access_token == login.access_token:
                    renewal = self._renewal(current)
                    current = await self._renewed(current, (yield renewal)) if renewal else None
            if current is not None:
                request.headers["Authorization"] = f"Bearer {current.access_token}"
                response = yield request
        self._check(response, login)

    def _kept(self) -> Login | None:
        return self._tokens.read(self._server) if self._tokens else None

    def _check(self, response: httpx2.Response, login: Login | None) -> None:
        name = self._server.name
        way_out = f"run `treadle mcp login {name}`, or choose Log in where it is listed"
        if response.status_code == 401 and self._tokens is None:
            raise LoginNeeded("it refused the token that its table in config.toml names (401)")
        if response.status_code == 401:
            raise LoginNeeded(f"{'its login has ended' if login else 'it wants you to log in'}: {way_out}")
        if response.status_code == 403 and "insufficient_scope" in response.headers.get("www-authenticate", ""):
            raise LoginNeeded(f"it wants a login with more rights: {way_out}")

    def _renewal(self, login: Login) -> httpx2.Request | None:
        """The request for a new token, made as the package makes it."""
        try:
            client = OAuthClientInformationFull.model_validate(login.client)
        except ValueError:
            return None
        if not login.refresh_token:
            return None
        metadata = OAuthClientMetadata(redirect_uris=None)
        context = OAuthContext(login.url, metadata, _NoStorage(), None, None, client_info=client)
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token, "client_id": client.client_id or ""}
        if login.resource:
            form["resource"] = login.resource
        data, extra = context.prepare_token_auth(form, {"Accept": "application/json"})
        return httpx2.Request("POST", login.token_endpoint, data=data, headers=extra)

    async def _renewed(self, login: Login, response: httpx2.Response) -> Login | None:
        """The login with the new token, kept; None when there is none: the old one is at its end."""
        body = await response.aread()
        try:
            token = OAuthToken.model_validate_json(body) if response.status_code == 200 else None
        except ValueError:
            token = None
        if token is None:
            return None
        new = replace(
            login,
            access_token=token.access_token,
            # who does not send another one goes on with the one of before
            refresh_token=token.refresh_token or login.refresh_token,
            expires_at=None if token.expires_in is None else time.time() + token.expires_in,
            scope=token.scope or login.scope,
        )
        if self._tokens is not None:
            self._tokens.write(self._server, new)
        return new


def _is_late(login: Login) -> bool:
    return login.expires_at is not None and login.expires_at - EARLY < time.time()


class _NoStorage:
    async def get_tokens(self) -> OAuthToken | None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None: ...
    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None: ...
