"""thread/list: checked parameters -> one page of threads."""

from __future__ import annotations

from typing import cast

from ..core.items import JsonObject
from ..core.ops import ListThreads
from ..runtime.answers import ThreadPage
from . import project
from .methods import Exchange, method
from .wire import thread

_MAX_PAGE = 100
_DEFAULT_PAGE = 25


@method("thread/list")
async def thread_list(ask: Exchange, params: thread.ThreadListParams) -> JsonObject:
    nowhere = (params.parent_thread_id, params.ancestor_thread_id, params.attached_to_thread_id)
    if any((*nowhere, params.section_id, params.project_id)):
        # we have no such threads
        return _answer(ThreadPage([], None))
    cwd = params.cwd
    op = ListThreads(
        cursor=params.cursor,
        limit=page_size(params.limit),
        cwds=() if cwd is None else (cwd,) if isinstance(cwd, str) else tuple(cwd),
        search=params.search_term or None,
        archived=bool(params.archived),
        ascending=params.sort_direction == "asc",
        by_update=params.sort_key in ("updated_at", "recency_at"),
        providers=tuple(params.model_providers or ()),
        originators=tuple(params.originators or ()),
        sources=tuple(params.source_kinds or ()),
        excluded=tuple(params.excluded_thread_ids or ()),
    )
    return _answer(cast(ThreadPage, await ask.agent.submit(op, ask.client)))


def page_size(limit: int | None) -> int:
    return max(1, min(limit or _DEFAULT_PAGE, _MAX_PAGE))


def _answer(page: ThreadPage) -> JsonObject:
    return {
        "data": [project.thread(state) for state in page.threads],
        "nextCursor": page.next_cursor,
        "backwardsCursor": page.previous_cursor,
        "readStates": None,
    }
