"""thread/list: checked parameters -> pages of threads. What the store does not filter by is left out of its pages here."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ..core.items import JsonObject
from ..core.ops import ListThreads
from ..runtime.answers import ThreadPage, ThreadState
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
        return _answer([], None)
    wanted = _wanted(params)
    cursor, rows = params.cursor, list[JsonObject]()
    while True:
        page = cast(ThreadPage, await ask.agent.submit(_page(params, cursor), ask.client))
        rows += [project.thread(state) for state in page.threads if wanted(state)]
        cursor = page.next_cursor
        if rows or cursor is None:
            return _answer(rows, cursor)


def _page(params: thread.ThreadListParams, cursor: str | None) -> ListThreads:
    cwd = params.cwd
    return ListThreads(
        cursor=cursor,
        limit=max(1, min(params.limit or _DEFAULT_PAGE, _MAX_PAGE)),
        cwds=() if cwd is None else (cwd,) if isinstance(cwd, str) else tuple(cwd),
        search=params.search_term or None,
        archived=bool(params.archived),
        ascending=params.sort_direction == "asc",
        by_update=params.sort_key in ("updated_at", "recency_at"),
    )


def _wanted(params: thread.ThreadListParams) -> Callable[[ThreadState], bool]:
    """A filter that is left out, or empty, lets everything pass."""
    providers, sources = set(params.model_providers or ()), set(params.source_kinds or ())
    originators, excluded = set(params.originators or ()), set(params.excluded_thread_ids or ())

    def wanted(state: ThreadState) -> bool:
        meta = state.meta
        return (
            meta.id not in excluded
            and (not providers or meta.provider in providers)
            and (not originators or meta.originator in originators)
            and (not sources or project.source(meta.originator) in sources)
        )

    return wanted


def _answer(rows: list[JsonObject], cursor: str | None) -> JsonObject:
    return {"data": rows, "nextCursor": cursor, "backwardsCursor": None, "readStates": None}
