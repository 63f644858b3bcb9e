"""Rows and sums of the ledger, and a request piece by piece -> the wire. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.items import JsonObject

if TYPE_CHECKING:
    from ..core.inspection import Inspection
    from ..core.ledger import LedgerRow, Totals
    from ..runtime.answers import LedgerPage


def row(entry: LedgerRow) -> JsonObject:
    from ..core.ledger import explained, price_note  # noqa: PLC0415 - not needed before the first request

    return {
        "threadId": entry.thread_id,
        "turnId": entry.turn_id,
        "number": entry.number,
        "atMs": int(entry.at * 1000),
        "model": entry.model,
        "provider": entry.provider,
        "endpoint": entry.endpoint,
        "status": entry.status,
        "durationMs": round(entry.seconds * 1000),
        "size": entry.size,
        "fragments": entry.fragments,
        "kept": entry.kept,
        "keptTokens": entry.kept_tokens,
        "cause": entry.cause,
        "explanation": explained(entry),
        "differsAt": entry.differs_at,
        "differsSource": entry.differs_source,
        "idleSeconds": entry.idle,
        "inputTokens": entry.input_tokens,
        "cachedInputTokens": entry.cached_input_tokens,
        "outputTokens": entry.output_tokens,
        "reasoningOutputTokens": entry.reasoning_output_tokens,
        "hit": entry.hit,
        "price": entry.price,
        "priceNote": price_note(entry),
    }


def totals(sums: Totals) -> JsonObject:
    return {
        "requests": sums.requests,
        "inputTokens": sums.input_tokens,
        "cachedInputTokens": sums.cached_input_tokens,
        "outputTokens": sums.output_tokens,
        "reasoningOutputTokens": sums.reasoning_output_tokens,
        "price": sums.price,
        "unpriced": sums.unpriced,
    }


def page(found: LedgerPage) -> JsonObject:
    sums = {
        "turn": totals(found.turn) if found.turn else None,
        "thread": totals(found.thread) if found.thread else None,
        "day": totals(found.day),
        "date": found.date,
    }
    return {"rows": [row(entry) for entry in found.rows], "nextCursor": found.next_cursor, "totals": sums}


def prompt(shown: Inspection) -> JsonObject:
    pieces = [
        {
            "index": part.index,
            "where": part.where,
            "type": part.type,
            "role": part.role,
            "source": part.source,
            "turnId": part.turn_id,
            "size": part.size,
            "tokens": part.tokens,
            "pending": part.pending,
            "raw": part.raw,
            "text": part.text,
        }
        for part in shown.parts
    ]
    return {
        "threadId": shown.thread_id,
        "request": shown.request,
        "model": shown.model,
        "provider": shown.provider,
        "size": sum(part.size for part in shown.parts),
        "tokens": sum(part.tokens for part in shown.parts),
        "problem": shown.problem,
        "kept": shown.kept,
        "row": row(shown.row) if shown.row is not None else None,
        "previous": shown.previous,
        "next": shown.next,
        "parts": pieces,
    }
