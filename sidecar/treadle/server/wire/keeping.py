"""Threads as they are kept: found, exported, deleted."""

from __future__ import annotations

from typing import Literal

from .base import Empty, Limit, Params, Wire
from .thread import Thread


class ThreadSearchParams(Params):
    search_term: str
    """All words must be in one message, command, output or in the name; "words in quotes" side by side; of the last word a
    beginning is enough."""
    cursor: str | None = None
    limit: Limit | None = None
    sort_key: Literal["created_at", "updated_at", "recency_at"] | None = None
    sort_direction: Literal["asc", "desc"] | None = None
    source_kinds: list[str] | None = None
    archived: bool | None = None


class ThreadSearchResult(Wire):
    thread: Thread
    snippet: str
    "One line around the first place."


class ThreadSearchResponse(Wire):
    data: list[ThreadSearchResult]
    next_cursor: str | None
    backwards_cursor: str | None


class ThreadSearchOccurrencesParams(Params):
    thread_id: str
    search_term: str
    "Letter by letter, but for upper and lower case."
    cursor: str | None = None
    limit: Limit | None = None


class ThreadSearchTextRange(Wire):
    """In UTF-16 code units."""

    start: int
    end: int


class ThreadSearchOccurrence(Wire):
    turn_id: str
    item_id: str
    snippet: str
    snippet_match_range: ThreadSearchTextRange
    turn_cursor: str
    "thread/turns/list goes on from this turn."


class ThreadSearchOccurrencesResponse(Wire):
    data: list[ThreadSearchOccurrence]
    next_cursor: str | None


class ThreadDeleteParams(Params):
    thread_id: str


class ThreadDeleteResponse(Empty):
    pass


class ThreadDeletedNotification(Wire):
    thread_id: str


class ThreadExportParams(Params):
    thread_id: str
    format: Literal["markdown", "jsonl"] = "markdown"


class ThreadExportResponse(Wire):
    text: str
    name: str
    "For a file."
