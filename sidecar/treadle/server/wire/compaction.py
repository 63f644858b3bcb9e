"""The context window: asking for a compaction, the summary as people read and change it, the notes that outlive it, and the
outputs that were too long for the model."""

from __future__ import annotations

from typing import Literal

from .base import Empty, Params, Wire


class ThreadCompactStartParams(Params):
    thread_id: str


class ThreadCompactStartResponse(Empty):
    """The turn that follows does nothing else, and cannot be steered."""


class SummaryReadParams(Params):
    thread_id: str


class SummaryReadResponse(Wire):
    thread_id: str
    text: str | None
    "null: the thread was never compacted, or its provider keeps the summary encrypted."
    kind: Literal["local", "remote"] | None
    editable: bool
    why_not: str | None
    "Why it cannot be changed now."
    tokens: int
    "What it takes in the prompt, the kept messages of the user included; estimated."


class SummaryWriteParams(Params):
    """Puts the user's words in place of the summary's, before the model has read it."""

    thread_id: str
    text: str


class NotesListParams(Params):
    thread_id: str


class NotesListResponse(Wire):
    thread_id: str
    notes: list[str]


class NotesWriteParams(Params):
    """All notes that are pinned from now on; they outlive every compaction."""

    thread_id: str
    notes: list[str]


class OutputReadParams(Params):
    """Offset and limit in bytes; at most 1 MiB comes at once."""

    thread_id: str
    item_id: str
    offset: int = 0
    limit: int = 65536


class OutputReadResponse(Wire):
    text: str
    start: int
    end: int
    "Where the next read begins; equal to `size` at the end."
    size: int
