"""What there is to choose from: providers, permission profiles, hooks, and lists that are empty here. Shows no key, and no
address that holds one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import cast

from ..core.errors import TreadleError
from ..core.hooks import Hook
from ..core.items import JsonObject
from ..core.ops import ReadThread
from ..core.settings import Provider, Settings
from . import inputs
from .handshake import BadParams
from .methods import Exchange, method
from .wire import capability

_PROFILES = {
    ":read-only": "Reads everything, writes nothing, and has no network.",
    ":workspace": "Writes in the workspace only, and has no network.",
    ":danger-full-access": "Runs without a sandbox.",
}


@method("hooks/list")
async def hooks_list(ask: Exchange, params: capability.HooksListParams) -> JsonObject:
    if params.thread_id is not None:
        if params.cwds:
            raise BadParams("cwds", "cannot be combined with threadId")
        settings = (await ask.thread(ReadThread(params.thread_id))).settings
        if settings is None:
            raise BadParams("threadId", "the thread is not loaded: resume it first")
        return {"data": [_hooks_of(settings, ())]}
    return {"data": [await _hooks_in(ask, cwd) for cwd in params.cwds or [None]]}


async def _hooks_in(ask: Exchange, cwd: str | None) -> JsonObject:
    try:
        settings, problems = cast("tuple[Settings, Sequence[str]]", await ask.agent.info("settings", cwd=cwd))
    except TreadleError as error:
        return {"cwd": cwd or "", "hooks": [], "warnings": [], "errors": [{"path": cwd or "", "message": error.sentence()}]}
    return _hooks_of(settings, [problem for problem in problems if "hooks" in problem])


def _hooks_of(settings: Settings, warnings: Sequence[str]) -> JsonObject:
    hooks = [_hook(hook, order, settings.cwd) for order, hook in enumerate(settings.hooks)]
    return {"cwd": settings.cwd, "hooks": hooks, "warnings": list(warnings), "errors": []}


def _hook(hook: Hook, order: int, cwd: str) -> JsonObject:
    in_file = hook.source.startswith("/")
    kind = "project" if hook.project else "system" if hook.source.startswith("/etc/") else "user" if in_file else "sessionFlags"
    return {
        "key": f"{hook.source}:{hook.event}:{order}",
        "eventName": hook.event[0].lower() + hook.event[1:],
        "matcher": hook.matcher,
        "timeoutSec": int(hook.timeout),
        "statusMessage": hook.status_message,
        "additionalContextLimit": None,
        "sourcePath": hook.source if in_file else cwd,
        "source": kind,
        "pluginId": None,
        "environmentId": None,
        "displayOrder": order,
        "enabled": True,
        "isManaged": False,
        "currentHash": hashlib.sha256(hook.command.encode("utf-8", "replace")).hexdigest(),
        "trustStatus": "trusted",
        "handlerType": "command",
        "command": hook.command,
        "async": False,
    }


@method("modelProvider/list")
async def model_provider_list(ask: Exchange, params: capability.ModelProviderListParams) -> JsonObject:
    default, found = cast("tuple[str, Sequence[Provider]]", await ask.agent.info("providers"))
    return {"data": [_provider(provider) for provider in found], "defaultProviderId": default, "canChangeDefault": False}


def _provider(provider: Provider) -> JsonObject:
    auth: JsonObject = {"mode": "none"}
    if provider.env_key is not None:
        auth = {"mode": "environmentVariable", "envKey": provider.env_key}
    elif provider.bearer_token is not None or provider.http_headers or provider.env_http_headers:
        auth = {"mode": "externallyConfigured", "envKey": None}
    address = provider.base_url if provider.base_url and not set("@?#") & set(provider.base_url) else None
    kind: JsonObject = {"type": "openai"} if provider.id == "openai" else {"type": "customGateway", "auth": auth}
    return {"id": provider.id, "name": provider.name, "canEdit": False, "baseUrl": address, "settings": kind}


@method("modelProvider/capabilities/read")
async def model_provider_capabilities(ask: Exchange, params: capability.ModelProviderCapabilitiesReadParams) -> JsonObject:
    settings, _ = cast("tuple[Settings, Sequence[str]]", await ask.agent.info("settings"))
    return {"imageGeneration": False, "webSearch": settings.provider.web_search and settings.web_search != "disabled"}


@method("permissionProfile/list")
async def permission_profile_list(ask: Exchange, params: capability.PermissionProfileListParams) -> JsonObject:
    rows = [{"id": id, "description": _PROFILES[id], "allowed": True} for id in inputs.PROFILES]
    start = int(params.cursor) if params.cursor and params.cursor.isdecimal() else 0
    end = len(rows) if params.limit is None else start + max(1, params.limit)
    return {"data": rows[start:end], "nextCursor": str(end) if end < len(rows) else None}


@method("experimentalFeature/list")
async def experimental_feature_list(ask: Exchange, params: capability.ExperimentalFeatureListParams) -> JsonObject:
    return {"data": [], "nextCursor": None}


@method("collaborationMode/list")
async def collaboration_mode_list(ask: Exchange, params: capability.CollaborationModeListParams) -> JsonObject:
    return {"data": []}


@method("configRequirements/read")
async def config_requirements_read(ask: Exchange, params: capability.ConfigRequirementsReadParams) -> JsonObject:
    return {"supportsIndependentSpeedModes": None, "requirements": None}
