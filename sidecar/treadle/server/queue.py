"""The queue of a thread: messages that wait while a turn runs. A refused edit gives back the words that it came with."""

from __future__ import annotations

from typing import cast

from ..core.errors import RequestRefused
from ..core.history import TurnState
from ..core.items import JsonObject
from ..core.ops import Overrides
from ..core.queue import (
    AddQueued,
    DeleteQueued,
    ListQueued,
    PromoteQueued,
    Queued,
    ReorderQueued,
    StartQueued,
    UpdateQueued,
)
from ..runtime.answers import Promoted, QueuePage
from . import inputs, project
from .cards import user_input
from .methods import Exchange, method
from .wire import queue

_MAX_PAGE = 100
_DEFAULT_PAGE = 25


@method("thread/queue/add")
async def thread_queue_add(ask: Exchange, params: queue.ThreadQueueAddParams) -> JsonObject:
    said = await inputs.said(params.input)
    op = AddQueued(
        params.thread_id, said, Overrides(), params.client_user_message_id, metadata=params.responsesapi_client_metadata
    )
    return {"queuedSubmission": _row(cast(Queued, await ask.agent.submit(op, ask.client)))}


@method("treadle/queue/add")
async def queue_add(ask: Exchange, params: queue.QueueAddParams) -> JsonObject:
    said, overrides = await inputs.said(params.input), inputs.turn_overrides(params)
    op = AddQueued(params.thread_id, said, overrides, params.client_user_message_id, params.output_schema)
    return {"queuedSubmission": _row(cast(Queued, await ask.agent.submit(op, ask.client)))}


@method("thread/queue/list")
async def thread_queue_list(ask: Exchange, params: queue.ThreadQueueListParams) -> JsonObject:
    limit = max(1, min(params.limit or _DEFAULT_PAGE, _MAX_PAGE))
    page = cast(QueuePage, await ask.agent.submit(ListQueued(params.thread_id, params.cursor, limit), ask.client))
    return {"data": [_row(queued) for queued in page.queued], "nextCursor": page.next_cursor}


@method("thread/queue/update")
async def thread_queue_update(ask: Exchange, params: queue.ThreadQueueUpdateParams) -> JsonObject:
    said = await inputs.said(params.input)
    op = UpdateQueued(params.thread_id, params.queued_submission_id, said, params.responsesapi_client_metadata)
    try:
        queued = cast(Queued, await ask.agent.submit(op, ask.client))
    except RequestRefused as refused:
        words = {"queuedSubmissionId": params.queued_submission_id, "input": user_input(said)}
        raise RequestRefused(refused.message, code=refused.code, data=(refused.data or {}) | words) from refused
    return {"queuedSubmission": _row(queued)}


@method("thread/queue/delete")
async def thread_queue_delete(ask: Exchange, params: queue.ThreadQueueDeleteParams) -> JsonObject:
    return {"deleted": await ask.agent.submit(DeleteQueued(params.thread_id, params.queued_submission_id), ask.client)}


@method("thread/queue/reorder")
async def thread_queue_reorder(ask: Exchange, params: queue.ThreadQueueReorderParams) -> JsonObject:
    await ask.agent.submit(ReorderQueued(params.thread_id, tuple(params.queued_submission_ids)), ask.client)
    return {}


@method("thread/queue/start")
async def thread_queue_start(ask: Exchange, params: queue.ThreadQueueStartParams) -> JsonObject:
    op = StartQueued(params.thread_id, params.queued_submission_id)
    state = cast(TurnState, await ask.agent.submit(op, ask.client))
    return {"turn": project.turn(state.id, state.status, state.started_at)}


@method("treadle/queue/promote")
async def queue_promote(ask: Exchange, params: queue.QueuePromoteParams) -> JsonObject:
    became = cast(Promoted, await ask.agent.submit(PromoteQueued(params.thread_id, params.id), ask.client))
    return {"how": became.how, "turnId": became.turn_id}


def _row(queued: Queued) -> JsonObject:
    return {
        "id": queued.id,
        "input": user_input(queued.content),
        "clientUserMessageId": queued.client_id or queued.id,
        "responsesapiClientMetadata": queued.metadata,
    }
