"""The `mcp_servers` tables -> core McpServer values, with a sentence for every entry that could not be used.

A server whose table is wrong in a way that leaves nothing to start is left out and named. Values of env and headers are never
part of a sentence. A folder's own file adds servers only where the folder is trusted.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, cast

from ..core.mcp import MAX_SCHEMA
from ..core.pattern import late
from ..core.settings import McpApproval, McpServer
from .config_values import Layer, Values

_TABLE = "mcp_servers"
_MODES = ("auto", "prompt", "writes", "approve")
_NAME = late(r"[A-Za-z0-9_.-]{1,64}")
_NOT_SUPPORTED = ("oauth_resource", "experimental_environment")
_KEYS_OF_PROVIDERS = frozenset({"OPENAI_API_KEY", "CODEX_API_KEY"})
MAX_SECONDS = 24 * 3600


def mcp_servers(values: Values) -> tuple[McpServer, ...]:
    """The configured servers by name, the disabled ones among them."""
    found = (_server(values, name) for name in values.names(_TABLE))
    return tuple(server for server in found if server is not None)


def mcp_grace(values: Values) -> float:
    """Seconds."""
    milliseconds = values.number("mcp_optional_startup_grace_ms", most=600_000)
    return 1.0 if milliseconds is None else milliseconds / 1000


def mcp_callback_port(values: Values) -> int | None:
    if values.has("mcp_oauth_callback_url"):
        way_out = "a browser comes back to 127.0.0.1, at mcp_oauth_callback_port"
        values.wrong(("mcp_oauth_callback_url",), f"is not supported; {way_out}.")
    if values.choice("mcp_oauth_credentials_store", among=("auto", "file", "keyring")) == "keyring":
        values.wrong(("mcp_oauth_credentials_store",), "'keyring' is not supported; logins are kept in a file of yours alone.")
    return values.number("mcp_oauth_callback_port", least=1, most=65_535)


def of_folder(values: Values, layer: Layer) -> Layer:
    """The layer of a trusted folder's own file: servers may be added there and turned off, those of the user not changed.

    Give `values` with the user's own layers. A server that was given one of the user's keys of a model provider is left out.
    """
    tables: Any = layer.data.get(_TABLE)
    if not isinstance(tables, dict):
        return layer
    own, unread = values.names(_TABLE), values.gap(_TABLE)
    keys = _KEYS_OF_PROVIDERS | {values.text("model_providers", p, "env_key") for p in values.names("model_providers")}
    kept: dict[str, Any] = {}
    for name, table in cast("dict[str, Any]", tables).items():
        given: Any = cast("dict[str, Any]", table) if isinstance(table, dict) else {}
        if unread is not None:
            values.report(layer, (_TABLE, name), "is not used: your own config.toml could not be read.")
        elif name in own and given == {"enabled": False}:
            kept[name] = given
        elif name in own:
            values.report(layer, (_TABLE, name), "is in your own config.toml too, which is used; here it can only be turned off.")
        elif keys & _variables(given):
            values.report(layer, (_TABLE, name), "names the key of a model provider; this server is ignored.")
        else:
            kept[name] = table
    return replace(layer, data={**layer.data, _TABLE: kept})


def _variables(table: dict[str, Any]) -> set[Any]:
    """Variables of ours that a server's table asks for."""
    headers: Any = table.get("env_http_headers")
    names: Any = table.get("env_vars")
    listed = cast("list[Any]", names) if isinstance(names, list) else []
    of_headers = list(cast("dict[str, Any]", headers).values()) if isinstance(headers, dict) else []
    return {name for name in (*listed, *of_headers, table.get("bearer_token_env_var")) if isinstance(name, str)}


def _or_default(found: int | None) -> int:
    return MAX_SCHEMA if found is None else found


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
            values.wrong((*key, unsupported), "is not supported; it is ignored.")
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
        schema_max_bytes=_or_default(values.number(*key, "tool_input_schema_max_bytes", least=64, most=1024 * 1024)),
        scopes=values.texts(*key, "scopes") or (),
        oauth_client_id=values.text(*key, "oauth", "client_id"),
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
