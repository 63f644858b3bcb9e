"""The summary of a thread -> the wire. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.items import JsonObject

if TYPE_CHECKING:
    from ..runtime.answers import SummaryState


def summary(thread_id: str, state: SummaryState) -> JsonObject:
    return {
        "threadId": thread_id,
        "text": state.text,
        "kind": state.kind,
        "editable": state.editable,
        "whyNot": state.why_not,
        "tokens": state.tokens,
    }
