"""What requests cost and what was in them: the ledger's rows and sums, and one request piece by piece."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from .base import Limit, Params, Wire

Day: TypeAlias = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
LedgerCause: TypeAlias = Literal[
    "first_request",
    "extended",
    "new_epoch",
    "reverted",
    "forked",
    "provider_changed",
    "model_changed",
    "tools_refreshed",
    "instructions_changed",
    "head_changed",
    "input_rewritten",
    "provider_evicted",
    "cache_not_reported",
]


class LedgerRow(Wire):
    """One request. Counts of tokens are null where the provider did not report them."""

    thread_id: str
    turn_id: str
    number: int
    "Counts from 1 within its thread."
    at_ms: int
    model: str
    provider: str
    endpoint: Literal["responses", "compact", "title"]
    status: Literal["completed", "failed", "interrupted"]
    duration_ms: int
    size: int
    "Bytes of the request's body."
    fragments: int
    "Pieces before the closing fields, as treadle/prompt/read counts them."
    kept: int
    "How many of them, from the first, are those of the last request that was answered."
    kept_tokens: int
    "Estimate of what the provider's cache should hold."
    cause: LedgerCause
    explanation: str
    "The cause as a sentence."
    differs_at: int | None
    "The first piece that is not as before."
    differs_source: str
    idle_seconds: float | None
    "Since the last request of the thread began."
    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    reasoning_output_tokens: int | None
    hit: float | None
    "Share of the input that came out of the cache, 0 to 1."
    price: float | None
    "USD; null when it is not known."
    price_note: str | None
    "Why there is no price."


class LedgerTotals(Wire):
    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    price: float
    "USD, of the requests that have a price."
    unpriced: int
    "Requests that cost something which is not in `price`."


class LedgerSums(Wire):
    turn: LedgerTotals | None
    "The last turn of the thread."
    thread: LedgerTotals | None
    day: LedgerTotals
    "All threads on `date`."
    date: str
    "YYYY-MM-DD, local."


class LedgerReadParams(Params):
    thread_id: str | None = None
    "Without it: the requests of all threads."
    day: Day | None = None
    "YYYY-MM-DD, local. Only this day's rows, and the sum of this day instead of today's."
    cursor: str | None = None
    limit: Limit | None = None


class LedgerReadResponse(Wire):
    """Newest request first."""

    rows: list[LedgerRow]
    next_cursor: str | None
    totals: LedgerSums


class LedgerUpdatedNotification(Wire):
    """A request came to its end, whatever the end."""

    thread_id: str
    turn_id: str
    row: LedgerRow


class PromptReadParams(Params):
    thread_id: str
    request: int | None = None
    "Its number in the ledger. Without it: the request that would come next."


class PromptPart(Wire):
    """One piece of a request. The `raw` texts of all pieces put together are the body, byte for byte."""

    index: int
    where: Literal["head", "input", "tail"]
    type: str
    "instructions, tools or fields; for input the item's own type."
    role: str | None
    source: str
    "Where it comes from: a file, a configuration key, a turn, a tool."
    turn_id: str | None
    size: int
    "Bytes."
    tokens: int
    "Estimate."
    pending: bool
    "Not in the thread yet: it would be added before the next request."
    raw: str
    text: str
    "The same for reading."


class PromptReadResponse(Wire):
    thread_id: str
    request: int | None
    model: str
    provider: str
    size: int
    tokens: int
    problem: str | None
    "Why this may not be what was sent."
    kept: int
    "How many pieces, from the first, are as in the last request that was answered: what a cache should hold."
    row: LedgerRow | None
    "What it cost; null for the request that would come next."
    previous: int | None
    next: int | None
    "The requests of the thread around this one."
    parts: list[PromptPart]
