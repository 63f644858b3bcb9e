"""What was said in a thread before: takes turns back and gives them back."""

from __future__ import annotations

from ..core.items import JsonObject
from ..core.ops import RevertThread, UndoRevert
from ..runtime.answers import ThreadState
from . import project
from .methods import Exchange, method
from .wire import past


@method("thread/revert")
async def thread_revert(ask: Exchange, params: past.ThreadRevertParams) -> JsonObject:
    return _reverted(await ask.thread(RevertThread(params.thread_id, params.before_turn_id)))


@method("treadle/revert/undo")
async def revert_undo(ask: Exchange, params: past.RevertUndoParams) -> JsonObject:
    return _reverted(await ask.thread(UndoRevert(params.thread_id)))


def _reverted(state: ThreadState) -> JsonObject:
    return {"thread": project.thread(state), "turnsBackwardsCursor": None, "itemsBackwardsCursor": None}
