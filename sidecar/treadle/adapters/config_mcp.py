"""The `mcp_servers` tables -> core McpServer values, with a sentence for every entry that could not be used.

A server whose table is wrong in a way that leaves nothing to start is left out and named. Values of env and headers are never
part of a sentence.
"""

from __future__ import annotations

import os
import re
from typing import cast

from ..core.settings import McpApproval, McpServer
from .config_values import Values

_TABLE = "mcp_servers"
_MODES = ("auto", "prompt", "writes", "approve")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NOT_SUPPORTED = ("scopes", "oauth", "oauth_resource", "experimental_environment")
MAX_SECONDS = 24 * 3600


def mcp_servers(values: Values) -> tuple[McpServer, ...]:
    """The configured servers by name, the disabled ones among them."""
    found = (_server(values, name) for name in values.names(_TABLE))
    return tuple(server for server in found if server is not None)


def mcp_grace(values: Values) -> float:
    """Seconds."""
    milliseconds = values.number("mcp_optional_startup_grace_ms", most=600_000)
    return 1.0 if milliseconds is None else milliseconds / 1000


def _server(values: Values, name: str) -> McpServer | None:
    key = (_TABLE, name)
    if not _NAME.fullmatch(name):
        values.wrong(key, "a server's name is made of letters, digits, '_', '-' and '.'; this one is ignored.")
        return None
    command, url = values.text(*key, "command"), values.text(*key, "url")
    if (command is None) == (url is None):
        values.wrong(key, "needs either a command to start or a url; this server is ignored.")
        return None
    if url is not None and not url.startswith(("http://", "https://")):
        values.wrong((*key, "url"), "must begin with http:// or https://; this server is ignored.")
        return None
    for unsupported in _NOT_SUPPORTED:
        if values.has(*key, unsupported):
            values.wrong((*key, unsupported), "is not supported; use bearer_token_env_var or env_http_headers instead.")
    tools = values.names(*key, "tools")
    modes = ((tool, values.choice(*key, "tools", tool, "approval_mode", among=_MODES)) for tool in tools)
    return McpServer(
        name=name,
        command=command,
        args=values.texts(*key, "args") or (),
        env=values.pairs(*key, "env"),
        env_vars=values.texts(*key, "env_vars") or (),
        cwd=_folder(values, key),
        url=url,
        bearer_token_env_var=values.text(*key, "bearer_token_env_var"),
        http_headers=values.pairs(*key, "http_headers"),
        env_http_headers=values.pairs(*key, "env_http_headers"),
        enabled=values.flag(*key, "enabled", default=True),
        required=values.flag(*key, "required"),
        startup_timeout=_seconds(values, (*key, "startup_timeout_sec"), 30.0),
        tool_timeout=_seconds(values, (*key, "tool_timeout_sec"), 300.0),
        enabled_tools=values.texts(*key, "enabled_tools"),
        disabled_tools=values.texts(*key, "disabled_tools") or (),
        default_approval=cast(McpApproval, values.choice(*key, "default_tools_approval_mode", among=_MODES) or "auto"),
        approval_modes=tuple((tool, cast(McpApproval, mode)) for tool, mode in modes if mode),
        parallel_calls=values.flag(*key, "supports_parallel_tool_calls"),
    )


def _folder(values: Values, key: tuple[str, ...]) -> str | None:
    """Relative to the file that says so."""
    folder = values.text(*key, "cwd")
    if folder is None:
        return None
    return os.path.normpath(os.path.join(values.folder(*key, "cwd") or os.curdir, os.path.expanduser(folder)))


def _seconds(values: Values, key: tuple[str, ...], default: float) -> float:
    found = values.decimal(*key, above=0, most=MAX_SECONDS)
    return default if found is None else found
