"""The summary of a thread, and what fills its context -> the wire. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import tokens
from ..core.items import JsonObject

if TYPE_CHECKING:
    from ..core.context import Document
    from ..runtime.answers import ContextState, SummaryState


def summary(thread_id: str, state: SummaryState) -> JsonObject:
    return {
        "threadId": thread_id,
        "text": state.text,
        "kind": state.kind,
        "editable": state.editable,
        "whyNot": state.why_not,
        "tokens": state.tokens,
    }


def context(state: ContextState) -> JsonObject:
    documents = [_document(document, in_force=True) for document in state.documents]
    ignored = [_document(document, in_force=False) for document in state.ignored]
    return {
        "threadId": state.thread_id,
        "instructionSources": [document.path for document in state.documents],
        "documents": [*documents, *ignored],
        "used": state.used,
        "estimated": state.estimated,
        "window": state.room.window,
        "compactAt": state.room.limit,
        "parts": [{"kind": kind, "tokens": count} for kind, count in state.parts.items()],
    }


def _document(document: Document, *, in_force: bool) -> JsonObject:
    size = tokens.size(document.text)
    return {"path": document.path, "scope": "user" if document.is_global else "project", "size": size, "inForce": in_force}
