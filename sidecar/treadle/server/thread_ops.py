"""What is done to one thread besides its turns: items that a client adds, and the user's own commands."""

from __future__ import annotations

from ..core.items import JsonObject
from ..core.thread_ops import InjectItems, RunUserCommand
from .methods import Exchange, method
from .wire import thread_ops as wire


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
