"""MCP servers for who keeps them: all that are configured, how each stands, what it said, and to begin anew with one."""

from __future__ import annotations

from typing import Literal

from .base import Empty, Params, Wire


class McpListParams(Params):
    """Without a thread: the servers of the process's own folder."""

    thread_id: str | None = None


class McpListTool(Wire):
    name: str
    description: str


class McpListServer(Wire):
    name: str
    state: Literal["off", "notStarted", "starting", "ready", "failed"]
    error: str | None
    "failed: why."
    retry_in: float | None
    "failed: seconds after which it was to be started again by itself; null when it waits for a call or a restart."
    required: bool
    "Without it no turn runs."
    transport: Literal["stdio", "http"]
    address: str
    "The program, without its arguments, or scheme, host and port."
    auth: Literal["unsupported", "notLoggedIn", "bearerToken", "oAuth"]
    tools: list[McpListTool]
    "As it listed them last, perhaps in an earlier process; those that the settings let through."
    seen: bool
    "Whether it ever listed its tools."


class McpListResponse(Wire):
    """In the order of the configuration, those that are turned off as well."""

    servers: list[McpListServer]


class McpRestartParams(Params):
    """Reads the configuration again, ends the server whatever it is doing, and connects again."""

    name: str
    thread_id: str | None = None


class McpRestartResponse(Empty):
    """When it is ready or has failed, or after some seconds."""


class McpLogParams(Params):
    name: str
    thread_id: str | None = None


class McpLogResponse(Wire):
    """What happened to it and what it said on standard error, lately, a line each; secrets of its table are struck out."""

    text: str
