"""The handshake of the JSON-lines door. Over LSP the editor's own initialize takes its place."""

from __future__ import annotations

from .base import Params, Wire


class ClientInfo(Params):
    name: str
    title: str | None = None
    version: str


class InitializeCapabilities(Params):
    experimental_api: bool = False
    opt_out_notification_methods: list[str] | None = None
    "Exact names; unknown ones are passed over. Requests, answers and errors cannot be opted out of."


class InitializeParams(Params):
    client_info: ClientInfo
    capabilities: InitializeCapabilities | None = None


class InitializeResponse(Wire):
    user_agent: str
    codex_home: str
    "The folder with our configuration and threads; the name is the protocol's."
    platform_family: str
    platform_os: str
