"""Threads as they are kept: thread/search, thread/searchOccurrences, thread/delete and treadle/thread/export."""

from __future__ import annotations

from typing import cast

from ..core.items import JsonObject
from ..core.keeping import DeleteThread, ExportThread, FindInThread, SearchThreads
from ..runtime.answers import Occurrence, OccurrencePage, SearchPage
from . import pages, project
from .handshake import BadParams
from .listing import page_size
from .methods import Exchange, method
from .wire import keeping


@method("thread/search")
async def thread_search(ask: Exchange, params: keeping.ThreadSearchParams) -> JsonObject:
    op = SearchThreads(
        params.search_term,
        params.cursor,
        page_size(params.limit),
        archived=bool(params.archived),
        ascending=params.sort_direction == "asc",
        by_update=params.sort_key in ("updated_at", "recency_at"),
        sources=tuple(params.source_kinds or ()),
    )
    page = cast(SearchPage, await ask.agent.submit(op, ask.client))
    rows = [{"thread": project.thread(found.state), "snippet": found.snippet.text} for found in page.found]
    return {"data": rows, "nextCursor": page.next_cursor, "backwardsCursor": page.previous_cursor}


@method("thread/searchOccurrences")
async def thread_search_occurrences(ask: Exchange, params: keeping.ThreadSearchOccurrencesParams) -> JsonObject:
    if not params.search_term:
        raise BadParams("searchTerm", "expected a text")
    op = FindInThread(params.thread_id, params.search_term, params.cursor, page_size(params.limit))
    page = cast(OccurrencePage, await ask.agent.submit(op, ask.client))
    return {"data": [_occurrence(found) for found in page.found], "nextCursor": page.next_cursor}


@method("thread/delete")
async def thread_delete(ask: Exchange, params: keeping.ThreadDeleteParams) -> JsonObject:
    await ask.agent.submit(DeleteThread(params.thread_id), ask.client)
    ask.later.append(("thread/deleted", {"threadId": params.thread_id}))
    return {}


@method("treadle/thread/export")
async def thread_export(ask: Exchange, params: keeping.ThreadExportParams) -> JsonObject:
    text = cast(str, await ask.agent.submit(ExportThread(params.thread_id, params.format), ask.client))
    return {"text": text, "name": f"{params.thread_id}.{'md' if params.format == 'markdown' else 'jsonl'}"}


def _occurrence(found: Occurrence) -> JsonObject:
    text = found.snippet.text
    start, end = found.snippet.marks[0]
    return {
        "turnId": found.turn_id,
        "itemId": found.item_id,
        "snippet": text,
        "snippetMatchRange": {"start": _units(text[:start]), "end": _units(text[:end])},
        "turnCursor": pages.beginning(found.turn_id),
    }


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
