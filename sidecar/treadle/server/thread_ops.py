"""What is done to one thread besides its turns: settings, background commands, items of a client, the user's own commands."""

from __future__ import annotations

from typing import cast

from ..core.items import JsonObject
from ..core.ops import EndTerminals, InjectItems, ListTerminals, RunUserCommand, UpdateGit, UpdateSettings, UpdateTurn
from ..core.thread_ops import Background
from . import inputs, pages, project
from .methods import Exchange, method
from .wire import thread_ops as wire

_MOST = 100


@method("thread/settings/update")
async def thread_settings_update(ask: Exchange, params: wire.ThreadSettingsUpdateParams) -> JsonObject:
    await ask.agent.submit(UpdateSettings(params.thread_id, inputs.turn_overrides(params)), ask.client)
    return {}


@method("thread/metadata/update")
async def thread_metadata_update(ask: Exchange, params: wire.ThreadMetadataUpdateParams) -> JsonObject:
    given = params.git_info
    changes = {} if given is None else {name: getattr(given, name) for name in given.model_fields_set}
    return {"thread": project.thread(await ask.thread(UpdateGit(params.thread_id, changes)))}


@method("turn/settings/update")
async def turn_settings_update(ask: Exchange, params: wire.TurnSettingsUpdateParams) -> JsonObject:
    op = UpdateTurn(params.thread_id, params.turn_id, params.effort, params.summary)
    return {"status": "applied" if await ask.agent.submit(op, ask.client) else "targetUnavailable"}


@method("thread/backgroundTerminals/list")
async def terminals_list(ask: Exchange, params: wire.TerminalsListParams) -> JsonObject:
    running = cast("list[Background]", await ask.agent.submit(ListTerminals(params.thread_id), ask.client))
    limit = max(1, min(params.limit or _MOST, _MOST))
    found = pages.page(running, lambda background: background.process_id, params.cursor, limit, "asc")
    return {"data": [_terminal(background) for background in found.rows], "nextCursor": found.following}


@method("thread/backgroundTerminals/clean")
async def terminals_clean(ask: Exchange, params: wire.TerminalsCleanParams) -> JsonObject:
    await ask.agent.submit(EndTerminals(params.thread_id), ask.client)
    return {}


@method("thread/backgroundTerminals/terminate")
async def terminals_terminate(ask: Exchange, params: wire.TerminalsTerminateParams) -> JsonObject:
    return {"terminated": bool(await ask.agent.submit(EndTerminals(params.thread_id, params.process_id), ask.client))}


def _terminal(background: Background) -> JsonObject:
    return {
        "itemId": background.item_id,
        "processId": background.process_id,
        "command": background.command,
        "cwd": background.cwd,
        "osPid": background.pid,
        "cpuPercent": None,
        "rssKb": None,
    }


@method("thread/inject_items")
async def thread_inject_items(ask: Exchange, params: wire.ThreadInjectItemsParams) -> JsonObject:
    await ask.agent.submit(InjectItems(params.thread_id, tuple(params.items)), ask.client)
    return {}


@method("thread/shellCommand")
async def thread_shell_command(ask: Exchange, params: wire.ThreadShellCommandParams) -> JsonObject:
    op = RunUserCommand(params.thread_id, params.command)
    if params.timeout_ms is not None:
        op = RunUserCommand(params.thread_id, params.command, params.timeout_ms / 1000)
    await ask.agent.submit(op, ask.client)
    return {}
