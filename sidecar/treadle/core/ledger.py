"""Request after request: how much of the prompt was as before, what the cache gave, and why not more. Pure.

A row is made from what is new in a request: sizes and the running digest of old fragments are kept, never computed again, and
fragments that are the same object are not looked into. The prediction is made against the last request that was answered,
because one that was not leaves nothing in a provider's cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any, Literal, TypeAlias

from . import tokens
from .inspection import Recipe, head_parts, source
from .items import Item, Reverted, Summary
from .prices import Price, cost
from .prompt import Request
from .record import frozen, mutable
from .replies import Usage
from .thread import Thread

Cause: TypeAlias = Literal[
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
Status: TypeAlias = Literal["completed", "failed", "interrupted"]
Endpoint: TypeAlias = Literal["responses", "compact", "title"]
"""title: a request to the usual endpoint beside the thread, of which it is not a part: nothing is kept of it, or compared."""

CACHE_MINIMUM = 1_024
"Tokens. Providers do not cache a shorter prefix, so its absence has no cause."


@frozen
class LedgerRow:
    """One request. Counts of tokens are None where the provider did not report them; times are seconds since the epoch."""

    thread_id: str
    turn_id: str
    number: int
    "Counts from 1 within its thread."
    at: float
    day: str
    "YYYY-MM-DD, where the user is."
    model: str
    provider: str
    items: int
    "It was made from that many items of the thread, the first ones."
    tail: str
    "Its closing bytes: what may change from request to request."
    digest: str
    "SHA-256 of the body, so that a body that was put together again can be told from another one."
    size: int
    "Bytes of the body."
    fragments: int
    "Pieces before the tail, as the inspector counts them."
    kept: int
    "How many of them, from the first, are those of the last request that was answered."
    kept_tokens: int
    "Estimate: the prefix that a cache should hold. 0 when model or provider changed."
    cause: Cause
    differs_at: int | None = None
    "The first piece that is not as before; None when there is none."
    differs_source: str = ""
    idle: float | None = None
    "Seconds since the last request began."
    recipe: Recipe = ()
    "How its input was made when it was not the thread's own."
    endpoint: Endpoint = "responses"
    wire: Literal["responses", "local"] = "responses"
    "local: the embedded model was given the same in a form of its own."
    status: Status = "completed"
    seconds: float = 0.0
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    price: float | None = None
    "USD; None when the model's price or the usage is not known."

    @property
    def hit(self) -> float | None:
        """The share of the input that came out of the cache."""
        if not self.input_tokens or self.cached_input_tokens is None:
            return None
        return min(1.0, self.cached_input_tokens / self.input_tokens)


@frozen
class Totals:
    """Sums over requests. `unpriced` of them cost something that is not in `price`."""

    requests: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    price: float = 0.0
    unpriced: int = 0


@frozen
class Moment:
    """What the ledger is told about a request besides its bytes."""

    turn_id: str
    at: float
    day: str
    provider: str
    thread: Thread
    endpoint: Endpoint = "responses"
    wire: Literal["responses", "local"] = "responses"


@mutable
class _Measured:
    """The request that was opened last, with what is known of its bytes."""

    head: bytes = b""
    fragments: Sequence[bytes] = ()
    heads: int = 0
    ends: list[int] = field(default_factory=list[int])
    "Bytes up to the end of each fragment, the head included."
    state: Any = field(default_factory=hashlib.sha256)

    def take(self, request: Request) -> None:
        """Measure what is new in `request`."""
        kept = shared(self.fragments, request.fragments) if request.head == self.head else -1
        if kept < len(self.fragments) or kept < 0:
            self.head, self.heads = request.head, len(head_parts(request.head))
            self.ends, self.state, kept = [], hashlib.sha256(request.head), 0
        end = self.ends[-1] if self.ends else len(self.head)
        for fragment in request.fragments[kept:]:
            if self.ends:
                self.state.update(b",")
                end += 1
            self.state.update(fragment)
            end += len(fragment)
            self.ends.append(end)
        self.fragments = request.fragments

    def digest(self, tail: bytes) -> str:
        whole = self.state.copy()
        whole.update(tail)
        return whole.hexdigest()

    def end(self, count: int) -> int:
        return self.ends[count - 1] if count else len(self.head)


class Ledger:
    """The requests of one thread, in order."""

    def __init__(self, last: LedgerRow | None = None, answered: LedgerRow | None = None, sent: Request | None = None) -> None:
        """`last` row of the thread, and the last one that was answered with what was sent then: of an earlier process."""
        self._number = last.number if last else 0
        self._last_at = last.at if last else None
        self._answered = answered if sent else None
        self._before = sent
        self._now = _Measured()

    def open(self, request: Request, now: Moment) -> LedgerRow:
        """The row of a request that is about to be sent, with what is predicted."""
        measured = self._now if now.endpoint != "title" else _Measured()
        measured.take(request)
        idle = None if self._last_at is None else max(0.0, now.at - self._last_at)
        self._number, self._last_at = self._number + 1, now.at
        row = LedgerRow(
            thread_id=now.thread.id,
            turn_id=now.turn_id,
            number=self._number,
            at=now.at,
            day=now.day,
            model=request.model,
            provider=now.provider,
            items=now.thread.count,
            tail=request.tail.decode(),
            digest=measured.digest(request.tail),
            size=measured.end(len(request.fragments)) + len(request.tail),
            fragments=measured.heads + len(request.fragments),
            kept=0,
            kept_tokens=0,
            cause="first_request",
            idle=idle,
            recipe=recipe(now.thread.prompt.fragments, request.fragments),
            endpoint=now.endpoint,
            wire=now.wire,
        )
        return row if now.endpoint == "title" else self._compared(row, request, now)

    def close(
        self,
        row: LedgerRow,
        request: Request,
        *,
        status: Status,
        seconds: float,
        answered: bool,
        usage: Usage | None,
        price: Price | None,
    ) -> LedgerRow:
        """The same row with what came of it. `answered`: the provider has read the prompt, whatever happened then."""
        done = replace(row, status=status, seconds=seconds)
        if usage is not None:
            done = replace(
                done,
                input_tokens=usage.input_tokens,
                cached_input_tokens=usage.cached_input_tokens if usage.cache_reported else None,
                output_tokens=usage.output_tokens,
                reasoning_output_tokens=usage.reasoning_output_tokens,
                price=cost(price, usage) if price else None,
            )
        done = replace(done, cause=_judged(done))
        if answered and row.endpoint != "title":
            self._answered, self._before = done, request
        return done

    def _compared(self, row: LedgerRow, request: Request, now: Moment) -> LedgerRow:
        before, sent, measured = self._answered, self._before, self._now
        if before is None or sent is None:
            return row
        if sent.head != request.head:
            old, new = head_parts(sent.head), head_parts(request.head)
            place = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a.raw != b.raw), min(len(old), len(new)))
            kept, size, differs = place, sum(part.size for part in new[:place]), place
            what = new[place].type if place < len(new) else ""
            cause = _HEAD_CAUSES.get(what, "head_changed")
            source_of = new[place].source if place < len(new) else ""
        else:
            place = shared(sent.fragments, request.fragments)
            kept, size = measured.heads + place, measured.end(place)
            cause = "extended" if place == len(sent.fragments) else "input_rewritten"
            differs = kept if place < len(request.fragments) else None
            source_of = _source(now.thread.prompt.origins, place) if differs is not None else ""
        if before.thread_id != row.thread_id:
            cause = "forked"
        elif cause != "extended":
            cause = _turned(now.thread.since(before.items)) or cause
        predicted = tokens.of_bytes(size)
        if before.input_tokens:
            # the provider's own count, as far as it goes
            whole = before.size - tokens.size(before.tail)
            predicted = min(before.input_tokens, round(before.input_tokens * size / whole))
        if cause in _KEEPING and before.provider != row.provider:
            cause, predicted = "provider_changed", 0
        elif cause in _KEEPING and before.model != row.model:
            cause, predicted = "model_changed", 0
        return replace(row, kept=kept, kept_tokens=predicted, cause=cause, differs_at=differs, differs_source=source_of)


_KEEPING: tuple[Cause, ...] = ("extended", "reverted", "forked")
"The beginning of the prompt is one that was sent before."


def _turned(items: Sequence[Item]) -> Cause | None:
    """Which of these made the thread another one, the last of them first; None when none did."""
    for item in reversed(items):
        if isinstance(item, Summary):
            return "new_epoch"
        if isinstance(item, Reverted):
            return "reverted"
    return None


_HEAD_CAUSES: dict[str, Cause] = {"instructions": "instructions_changed", "tools": "tools_refreshed"}


def recipe(own: Sequence[bytes], sent: Sequence[bytes]) -> Recipe:
    """What was sent, as ranges of the thread's own fragments and as texts; empty when it was all of them, in order."""
    whole = shared(tuple(own), tuple(sent))
    if whole == len(own) == len(sent):
        return ()
    made: list[tuple[int, int] | str] = [(0, whole)] if whole else []
    places = {id(fragment): place for place, fragment in enumerate(own)}
    for fragment in sent[whole:]:
        place = places.get(id(fragment))
        last = made[-1] if made else ""
        if place is None:
            made.append(fragment.decode())
        elif isinstance(last, tuple) and last[1] == place:
            made[-1] = (last[0], place + 1)
        else:
            made.append((place, place + 1))
    return tuple(made)


def digest(request: Request) -> str:
    """What `LedgerRow.digest` is for a request."""
    return hashlib.sha256(request.body()).hexdigest()


def shared(old: Sequence[bytes], new: Sequence[bytes]) -> int:
    """How many fragments both begin with. Same objects are not compared byte by byte."""
    if new[: len(old)] == old:
        return len(old)
    return next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _source(origins: Sequence[Item], place: int) -> str:
    return source(origins[place] if place < len(origins) else None, {})


def _judged(row: LedgerRow) -> Cause:
    """Whether the cache kept what the prompt promised."""
    if row.cause != "extended" or row.input_tokens is None or row.kept_tokens < CACHE_MINIMUM:
        return row.cause
    if row.cached_input_tokens is None:
        return "cache_not_reported"
    return "provider_evicted" if row.cached_input_tokens * 2 < row.kept_tokens else "extended"


def explained(row: LedgerRow) -> str:
    """The cause as the user reads it: one sentence."""
    if row.endpoint == "title":
        return "It asked for the thread's title: a request beside the thread, of which it is no part."
    match row.cause:
        case "first_request":
            return "The first request: there was nothing to keep."
        case "extended":
            return "The prompt only grew."
        case "new_epoch":
            return "The thread was compacted: a new epoch begins with a prompt of its own."
        case "reverted":
            return "Turns were taken back, or given back: the prompt is what it was at that point, and what is new."
        case "forked":
            return "The first request of a fork: the prompt of the thread that it was made from, as far as it was taken over."
        case "provider_changed":
            return f"Another provider answers from here on, {row.provider}: its cache does not know this thread."
        case "model_changed":
            return f"Another model answers from here on, {row.model}: its cache does not know this thread."
        case "tools_refreshed":
            return "The tool list changed, and with it all that follows."
        case "instructions_changed":
            return "The base instructions changed, and with them all that follows."
        case "head_changed":
            return "The beginning of the request changed, and with it all that follows."
        case "input_rewritten":
            where = f"piece {row.differs_at} on ({row.differs_source})"
            return f"The prompt differs from {where}. This should not happen: please report it."
        case "provider_evicted":
            waited = f" after {_spoken(row.idle)} without a request" if row.idle is not None else ""
            return f"The prompt only grew, but the provider no longer had it in its cache{waited}."
        case "cache_not_reported":
            return "The prompt only grew; the provider does not say what its cache gave."


def price_note(row: LedgerRow) -> str | None:
    """Why a row has no price: one sentence."""
    if row.price is not None:
        return None
    if row.input_tokens is None:
        return "The provider did not report what this request used."
    key = f'[treadle.prices."{row.model}"]'
    return f"No price is known for {row.model} from {row.provider}: set {key} in config.toml."


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
