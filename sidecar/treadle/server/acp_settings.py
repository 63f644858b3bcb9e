"""Settings of a thread <-> what the Agent Client Protocol has for them: modes, configuration options, MCP servers. Pure.

A mode is a pair of approval policy and sandbox. It is set by the configuration's own keys, so that the writable roots and the
network of config.toml stay in force; only over a thread that was given a policy of its own it is set as a policy.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import RequestRefused
from ..core.items import JsonObject
from ..core.ops import Overrides
from ..core.record import frozen
from ..core.settings import ApprovalPolicy, SandboxMode, Settings

if TYPE_CHECKING:
    from acp.schema import AcpMcpServer, HttpMcpServer, McpServerStdio, SseMcpServer

    Server = HttpMcpServer | SseMcpServer | AcpMcpServer | McpServerStdio


@frozen
class Mode:
    id: str
    name: str
    description: str
    approval_policy: ApprovalPolicy
    sandbox: SandboxMode


MODES = (
    Mode("read-only", "Read only", "Reads files; asks before it changes or runs anything else", "on-request", "read-only"),
    Mode("auto", "Workspace", "Edits and runs commands in the workspace; asks to leave it", "on-request", "workspace-write"),
    Mode("full-access", "Full access", "Runs everything without asking and without a sandbox", "never", "danger-full-access"),
)
AS_CONFIGURED = "as-configured"
"The mode of a thread whose settings are none of the pairs. It cannot be chosen, only kept."


def mode_id(settings: Settings) -> str:
    """The mode in force."""
    pair = settings.approval_policy, settings.sandbox.mode
    return next((mode.id for mode in MODES if (mode.approval_policy, mode.sandbox) == pair), AS_CONFIGURED)


def modes(settings: Settings) -> JsonObject:
    current = mode_id(settings)
    shown = [{"id": mode.id, "name": mode.name, "description": mode.description} for mode in MODES]
    if current == AS_CONFIGURED:
        said = f"{settings.sandbox.mode}, approvals {settings.approval_policy}"
        shown.append({"id": AS_CONFIGURED, "name": "As configured", "description": said})
    return {"currentModeId": current, "availableModes": shown}


def with_mode(settings: Settings, id: str) -> Settings:
    """What the settings are in this mode, as far as a client is told of them. Raises RequestRefused."""
    mode = _mode(settings, id)
    if mode is None:
        return settings
    sandbox = dataclasses.replace(settings.sandbox, mode=mode.sandbox, network=mode.sandbox == "danger-full-access")
    return dataclasses.replace(settings, approval_policy=mode.approval_policy, sandbox=sandbox)


def mode_overrides(settings: Settings, id: str, given: JsonObject) -> Overrides:
    """What sets this mode; `given` are the overrides that the thread has, as it is kept. Raises RequestRefused."""
    mode = _mode(settings, id)
    if mode is None:
        return Overrides()
    config: dict[str, Any] = {"sandbox_mode": mode.sandbox, "approval_policy": mode.approval_policy}
    own = given.get("sandbox") is not None
    full = mode.sandbox == "danger-full-access"
    return Overrides(
        config=config,
        approval_policy=mode.approval_policy if given.get("approval_policy") is not None else None,
        sandbox=dataclasses.replace(settings.sandbox, mode=mode.sandbox, network=full) if own else None,
    )


def options(settings: Settings, models: Sequence[JsonObject]) -> list[JsonObject]:
    """What a client may offer for choice: mode, model and effort. The same settings as the modes."""
    said = modes(settings)
    choices = [{"value": mode["id"], "name": mode["name"], "description": mode["description"]} for mode in said["availableModes"]]
    known = _of(settings, models)
    offered = [{"value": model["id"], "name": model["name"]} for model in models]
    if known is None:
        offered.insert(0, {"value": settings.model, "name": settings.model})
    found = [
        _select("mode", "Mode", "mode", said["currentModeId"], choices),
        _select("model", "Model", "model", settings.model, offered),
    ]
    efforts: list[str] = list(known["efforts"]) if known else []
    current = settings.effort or (known or {}).get("default_effort")
    if efforts and current:
        if current not in efforts:
            efforts.append(current)
        levels = [{"value": effort, "name": effort.capitalize()} for effort in efforts]
        found.append(_select("effort", "Effort", "thought_level", current, levels))
    return found


def option_overrides(settings: Settings, option: str, value: Any, models: Sequence[JsonObject]) -> tuple[Overrides, Settings]:
    """What sets this model or effort, and what the settings are then. Raises RequestRefused."""
    offered = next((one for one in options(settings, models) if one["id"] == option), None)
    if offered is None or option == "mode":
        raise RequestRefused(f"there is no option {option!r}", code=-32602)
    values = [choice["value"] for choice in offered["options"]]
    if value not in values:
        raise RequestRefused(f"{option} {value!r} is not offered: there are {', '.join(values)}", code=-32602)
    if option == "effort":
        return Overrides(effort=value), dataclasses.replace(settings, effort=value)
    model = next((one for one in models if one["id"] == value), None)
    provider = model["provider"] if model and model["provider"] != settings.provider.id else None
    shown = dataclasses.replace(settings, model=value, effort=None)
    return Overrides(model=value, provider=provider), shown


def servers(given: Sequence[Server]) -> dict[str, Any]:
    """MCP servers of the client as keys over config.toml. Raises RequestRefused for one that cannot be used."""
    keys: dict[str, Any] = {}
    for server in given:
        name, n = _name(server.name), 2
        while name in keys:
            name, n = f"{_name(server.name)}-{n}", n + 1
        keys[name] = _server(server)
    return {f"mcp_servers.{name}": table for name, table in keys.items()}


def without_old_servers(overrides: Overrides, given: JsonObject) -> Overrides:
    """`overrides` that turn off the client's servers of an earlier session which it does not name any more, and forget them."""
    kept: JsonObject = given.get("config") or {}
    old = [key for key in kept if key.startswith("mcp_servers.") and key.count(".") == 1 and key not in overrides.config]
    off = {key: {"command": "none", "enabled": False} for key in old}
    return dataclasses.replace(overrides, config={**overrides.config, **off})


def _server(server: Server) -> JsonObject:
    kind = getattr(server, "type", "stdio")
    if kind == "stdio":
        stdio: Any = server
        return {"command": stdio.command, "args": list(stdio.args), "env": {pair.name: pair.value for pair in stdio.env}}
    if kind == "http":
        http: Any = server
        return {"url": http.url, "http_headers": {pair.name: pair.value for pair in http.headers}}
    raise RequestRefused(f"the MCP server {server.name} speaks {kind}, which is not supported: use stdio or http", code=-32602)


def _name(given: str) -> str:
    """As config.toml takes names."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", given).strip("-")[:60] or "server"


def _mode(settings: Settings, id: str) -> Mode | None:
    """None: as it is."""
    mode = next((mode for mode in MODES if mode.id == id), None)
    if mode is None and id != mode_id(settings):
        raise RequestRefused(f"there is no mode {id!r}: there are {', '.join(mode.id for mode in MODES)}", code=-32602)
    return mode


def _of(settings: Settings, models: Sequence[JsonObject]) -> JsonObject | None:
    return next((model for model in models if model["id"] == settings.model), None)


def _select(id: str, name: str, category: str, current: str, choices: list[JsonObject]) -> JsonObject:
    return {"id": id, "name": name, "category": category, "type": "select", "currentValue": current, "options": choices}
