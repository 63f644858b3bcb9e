"""Keeps the ledger: listens at the model's door, so that the loop knows nothing of it.

Every attempt at a request becomes one row, written when its usage arrives or when it ends without one, and then announced. What
goes wrong in here is logged and never disturbs the turn: the bill must not stop the work.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import field
from typing import Literal
from weakref import WeakKeyDictionary

from ..core.errors import ModelError, TreadleError
from ..core.events import RequestCounted
from ..core.inspection import rebuild
from ..core.ledger import Endpoint, Ledger, LedgerRow, Moment, Status, Totals
from ..core.prices import price_of
from ..core.prompt import Request
from ..core.record import mutable
from ..core.replies import Compacted, ReplyCompleted, ReplyEvent, Usage
from ..core.settings import Settings
from ..core.thread import Thread
from .audience import Audience
from .ports import Clock, Model, Store

_log = logging.getLogger(__name__)


def utc_day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


@mutable
class Books:
    """The ledgers of the loaded threads."""

    clock: Clock
    day: Callable[[float], str] = utc_day
    kept: Store | None = None
    "Where the threads are that others were copied from."
    _ledgers: WeakKeyDictionary[Thread, Ledger] = field(default_factory=WeakKeyDictionary[Thread, Ledger])

    def ledger(self, thread: Thread, store: Store) -> Ledger:
        """That of a thread; one that was kept by an earlier process is taken up where it ended."""
        found = self._ledgers.get(thread)
        if found is None:
            last, answered = store.ledger.row(thread.id), store.ledger.answered(thread.id)
            sent = _sent(thread, store, answered) if answered else None
            if last is None and thread.forked_from is not None:
                answered, sent = self._original(thread.forked_from)
            found = self._ledgers[thread] = Ledger(last, answered, sent)
        return found

    def _original(self, thread_id: str) -> tuple[LedgerRow, Request] | tuple[None, None]:
        """What was sent last for the thread that another was copied from; nothing when it is gone."""
        row = self.kept.ledger.answered(thread_id) if self.kept is not None else None
        if self.kept is None or row is None:
            return None, None
        try:
            items = self.kept.load(thread_id)[1]
        except KeyError:
            return None, None
        return row, rebuild(thread_id, items[: row.items], row.tail, row.recipe).request


def _sent(thread: Thread, store: Store, row: LedgerRow) -> Request:
    """What was sent for a row of an earlier process: the one time that old items are encoded again."""
    in_memory = row.items - thread.forgotten if row.items > thread.reverted_at else 0
    # an epoch needs nothing of those before it; a row of one before it is only there right after a compaction
    items = thread.items[:in_memory] if in_memory > 0 else store.load(thread.id)[1][: row.items]
    return rebuild(thread.id, items, row.tail, row.recipe).request


@mutable
class CountedModel:
    """A model whose requests are counted. See runtime.ports.Model."""

    model: Model
    books: Books
    store: Store
    audience: Audience
    thread: Thread
    turn_id: str
    settings: Settings
    endpoint: Literal["responses", "title"] = "responses"

    async def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
        entry = self._open(request, self.endpoint)
        began, received, status = self.books.clock.monotonic(), False, "interrupted"
        try:
            async for batch in self.model.stream(request):
                received = True
                end = batch[-1] if batch else None
                if entry is not None and isinstance(end, ReplyCompleted):
                    self._close(entry, request, began, "completed", True, end.usage)
                    entry = None
                yield batch
            status = "failed"
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException:
            status = "failed"
            raise
        finally:
            if entry is not None:
                self._close(entry, request, began, status, received, None)

    async def compact(self, request: Request) -> Compacted:
        entry = self._open(request, "compact")
        began, usage, status = self.books.clock.monotonic(), None, "interrupted"
        try:
            answer = await self.model.compact(request)
            usage, status = answer.usage, "completed"
            return answer
        except ModelError:
            status = "failed"
            raise
        finally:
            # the endpoint has a cache of its own, if any: the next request is not compared with this one
            if entry is not None:
                self._close(entry, request, began, status, False, usage)

    async def close(self) -> None:
        await self.model.close()

    def _open(self, request: Request, endpoint: Endpoint) -> LedgerRow | None:
        try:
            at = self.books.clock.now()
            ledger = self.books.ledger(self.thread, self.store)
            provider = self.settings.provider
            moment = Moment(self.turn_id, at, self.books.day(at), provider.id, self.thread, endpoint, provider.wire)
            return ledger.open(request, moment)
        except Exception as problem:
            _not_counted(problem)
            return None

    def _close(  # noqa: PLR0917
        self, row: LedgerRow, request: Request, began: float, status: Status, answered: bool, usage: Usage | None
    ) -> None:
        try:
            provider = self.settings.provider
            price = price_of(row.model, provider.id, dict(self.settings.prices), local=provider.wire == "local")
            ledger = self.books.ledger(self.thread, self.store)
            seconds = self.books.clock.monotonic() - began
            done = ledger.close(row, request, status=status, seconds=seconds, answered=answered, usage=usage, price=price)
            self.store.ledger.add(done)
            self.audience.notify(RequestCounted(self.thread.id, self.turn_id, done))
        except Exception as problem:
            _not_counted(problem)


def _not_counted(problem: Exception) -> None:
    if isinstance(problem, TreadleError):  # the store cannot keep it, as whoever records the next item says
        _log.warning("a request could not be counted: %s", problem.sentence())
    else:
        _log.error("a request could not be counted", exc_info=problem)


@mutable
class MemoryLedger:
    """The ledger of threads that are not kept."""

    rows: list[LedgerRow] = field(default_factory=list[LedgerRow])

    def add(self, row: LedgerRow) -> None:
        self.rows.append(row)

    def row(self, thread_id: str, number: int | None = None) -> LedgerRow | None:
        return next((row for row in reversed(self.rows) if row.thread_id == thread_id and number in (None, row.number)), None)

    def answered(self, thread_id: str) -> LedgerRow | None:
        rows = (row for row in reversed(self.rows) if row.thread_id == thread_id and row.status == "completed")
        return next((row for row in rows if row.endpoint != "title"), None)

    def page(
        self, *, thread_id: str | None, day: str | None, cursor: str | None, limit: int
    ) -> tuple[list[LedgerRow], str | None]:
        end = int(cursor) if cursor and cursor.isdigit() else len(self.rows)
        places = [n for n, row in enumerate(self.rows[:end]) if thread_id in (None, row.thread_id) and day in (None, row.day)]
        chosen = places[::-1][:limit]
        return [self.rows[n] for n in chosen], str(chosen[-1]) if len(places) > limit else None

    def totals(self, *, thread_id: str | None = None, turn_id: str | None = None, day: str | None = None) -> Totals:
        wanted = (("thread_id", thread_id), ("turn_id", turn_id), ("day", day))
        return summed([row for row in self.rows if all(value in (None, getattr(row, name)) for name, value in wanted)])


def summed(rows: Sequence[LedgerRow]) -> Totals:
    """Sums over rows at hand."""
    return Totals(
        len(rows),
        sum(row.input_tokens or 0 for row in rows),
        sum(row.cached_input_tokens or 0 for row in rows),
        sum(row.output_tokens or 0 for row in rows),
        sum(row.reasoning_output_tokens or 0 for row in rows),
        sum(row.price or 0.0 for row in rows),
        sum(row.price is None and row.input_tokens is not None for row in rows),
    )
