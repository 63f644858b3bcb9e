"""A real MCP server over HTTP that lets nobody in without a token, with a real OAuth server beside it, on loopback.

    python -m fakes.mcp_oauth --port PORT --folder FOLDER [--expires SECONDS]

Whoever opens its address is taken for the user and says yes, unless the file `refuse` is there. A token that is named in the file
`revoked` is no good any more, nor is any renewal while the file `closed` is there. `grants` is a log of what was given.
"""

from __future__ import annotations

import argparse
import json
import secrets
import time
from pathlib import Path
from typing import Any

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    AuthorizeError,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken


class Users:
    """Implements OAuthAuthorizationServerProvider, in memory."""

    def __init__(self, folder: Path, expires: int) -> None:
        self._folder = folder
        self._expires = expires
        self._clients: dict[str, OAuthClientInformationFull] = {
            "by-hand": OAuthClientInformationFull(client_id="by-hand", redirect_uris=["http://127.0.0.1:1/callback"])  # type: ignore[list-item]
        }
        self._codes: dict[str, AuthorizationCode] = {}
        self._tokens: dict[str, AccessToken] = {}
        self._renewals: dict[str, RefreshToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self._clients[client_info.client_id] = client_info
        self._log(registered=client_info.client_name)

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        if (self._folder / "refuse").exists():
            raise AuthorizeError(error="access_denied", error_description="the user said no")
        code = secrets.token_urlsafe(32)
        known = params.model_dump(include={"code_challenge", "redirect_uri", "redirect_uri_provided_explicitly", "resource"})
        self._codes[code] = AuthorizationCode(
            code=code, client_id=client.client_id, scopes=params.scopes or [], expires_at=time.time() + 60, **known
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(self, client: OAuthClientInformationFull, code: str) -> AuthorizationCode | None:
        return self._codes.get(code)

    async def exchange_authorization_code(self, client: OAuthClientInformationFull, code: AuthorizationCode) -> OAuthToken:
        del self._codes[code.code]
        return self._given("authorization_code", client, code.scopes, code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, token: str) -> RefreshToken | None:
        return None if (self._folder / "closed").exists() else self._renewals.get(token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        if self._renewals.pop(token.token, None) is None:
            raise TokenError(error="invalid_grant")
        return self._given("refresh_token", client, scopes, token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        revoked = self._folder / "revoked"
        if revoked.exists() and token in revoked.read_text():
            return None
        return self._tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None: ...

    def _given(self, how: str, client: OAuthClientInformationFull, scopes: list[str], resource: str | None) -> OAuthToken:
        access, renewal = "at-" + secrets.token_urlsafe(32), "rt-" + secrets.token_urlsafe(32)
        known: dict[str, Any] = {"client_id": client.client_id, "scopes": scopes, "resource": resource}
        self._tokens[access] = AccessToken(token=access, expires_at=int(time.time()) + 3600, **known)
        self._renewals[renewal] = RefreshToken(token=renewal, **known)
        self._log(grant=how, client=client.client_id, scopes=scopes, resource=resource)
        return OAuthToken(access_token=access, expires_in=self._expires, refresh_token=renewal, scope=" ".join(scopes))

    def _log(self, **what: Any) -> None:
        with (self._folder / "grants").open("a") as file:
            file.write(json.dumps(what) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default=".")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--expires", type=int, default=3600)
    options = parser.parse_args()
    address = f"http://127.0.0.1:{options.port}"
    auth = AuthSettings(
        issuer_url=address,  # type: ignore[arg-type]
        resource_server_url=f"{address}/mcp",  # type: ignore[arg-type]
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=["read", "write"], default_scopes=["read"]
        ),
        required_scopes=["read"],
        validate_token_resource=True,
    )
    users = Users(Path(options.folder), options.expires)
    server: MCPServer[Any] = MCPServer("guarded", auth=auth, auth_server_provider=users, log_level="ERROR")

    @server.tool()
    def secret() -> str:
        """Only for who is logged in."""
        return "open sesame"

    server.run("streamable-http", host="127.0.0.1", port=options.port)


if __name__ == "__main__":
    main()
