"""What was said in a thread before: lists it, copies it into another thread, takes turns back and gives them back."""

from __future__ import annotations

from ..core.history import TurnState
from ..core.items import JsonObject
from ..core.ops import ForkThread, ReadThread, RevertThread, UndoRevert
from ..runtime.answers import ThreadState
from . import inputs, pages, project
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
    return await _reverted(ask, await ask.thread(RevertThread(params.thread_id, params.before_turn_id)))


@method("treadle/revert/undo")
async def revert_undo(ask: Exchange, params: past.RevertUndoParams) -> JsonObject:
    return await _reverted(ask, await ask.thread(UndoRevert(params.thread_id)))


async def _reverted(ask: Exchange, state: ThreadState) -> JsonObject:
    return {"thread": project.thread(state)} | pages.ends(await _turns(ask, state.meta.id))


@method("thread/turns/list")
async def thread_turns_list(ask: Exchange, params: past.ThreadTurnsListParams) -> JsonObject:
    found = await _turns(ask, params.thread_id)
    return pages.turns(found, params.cursor, params.limit, params.sort_direction or "desc", params.items_view or "summary")


@method("thread/items/list")
async def thread_items_list(ask: Exchange, params: past.ThreadItemsListParams) -> JsonObject:
    found, cursor = await _turns(ask, params.thread_id), params.cursor
    if params.turn_id is not None:
        found = [_turn(found, params.turn_id)]
    if isinstance(cursor, past.ItemAnchor):
        if params.turn_id is None:
            raise BadParams("turnId", "an item stands for a place only within a turn")
        cursor = pages.after(cursor.item_id)
    return pages.items(found, cursor, params.limit, params.sort_direction or "asc")


@method("thread/items/read")
async def thread_items_read(ask: Exchange, params: past.ThreadItemsReadParams) -> JsonObject:
    state = _turn(await _turns(ask, params.thread_id), params.turn_id)
    wanted = set(params.item_ids)
    state.cards = [card for card in state.cards if card.id in wanted]
    return {"data": pages.items([state], None, len(wanted), "asc")["data"]}


async def _turns(ask: Exchange, thread_id: str) -> list[TurnState]:
    return (await ask.thread(ReadThread(thread_id, include_turns=True))).turns


def _turn(found: list[TurnState], turn_id: str) -> TurnState:
    state = next((state for state in found if state.id == turn_id), None)
    if state is None:
        raise BadParams("turnId", f"no turn with the id {turn_id} in this thread")
    return state
