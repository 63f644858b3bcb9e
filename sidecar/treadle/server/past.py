"""What was said in a thread before: copies it into another thread, takes turns back and gives them back."""

from __future__ import annotations

from ..core.items import JsonObject
from ..core.ops import ForkThread, RevertThread, UndoRevert
from ..runtime.answers import ThreadState
from . import inputs, project
from .handshake import BadParams
from .methods import Exchange, method
from .wire import past


@method("thread/fork")
async def thread_fork(ask: Exchange, params: past.ThreadForkParams) -> JsonObject:
    if params.last_turn_id is not None and params.before_turn_id is not None:
        raise BadParams("beforeTurnId", "cannot be combined with lastTurnId")
    op = ForkThread(
        params.thread_id,
        inputs.thread_overrides(params, fresh=False),
        params.last_turn_id,
        params.before_turn_id,
        params.ephemeral,
        ask.originator,
    )
    state = await ask.thread(op)
    ask.later.append(("thread/started", {"thread": project.thread(state)}))
    return project.settings_in_force(state, with_turns=not params.exclude_turns)


@method("thread/revert")
async def thread_revert(ask: Exchange, params: past.ThreadRevertParams) -> JsonObject:
    return _reverted(await ask.thread(RevertThread(params.thread_id, params.before_turn_id)))


@method("treadle/revert/undo")
async def revert_undo(ask: Exchange, params: past.RevertUndoParams) -> JsonObject:
    return _reverted(await ask.thread(UndoRevert(params.thread_id)))


def _reverted(state: ThreadState) -> JsonObject:
    return {"thread": project.thread(state), "turnsBackwardsCursor": None, "itemsBackwardsCursor": None}
