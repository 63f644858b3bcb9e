"""Answers what was billed and what was sent: the ledger, and a request piece by piece. Changes nothing and claims nothing.

A thread need not be loaded, and another process may be writing it: what is shown is what is in the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import RequestRefused
from ..core.inspection import Inspection, Rebuilt, parts, rebuild
from ..core.items import Item
from ..core.ledger import Totals, digest
from ..core.ops import ReadLedger, ReadPrompt
from ..core.thread import Thread
from . import overrides as over
from .answers import LedgerPage
from .assembly import World
from .grants import told_prefixes
from .loaded import Loaded
from .ports import LedgerStore, Store, ThreadMeta
from .repair import repaired

_MOVED = "These bytes are not those that were sent: the thread was written by another version of Treadle."

_TRANSLATED = "The embedded model is given this in the form that its template asks for."
_COMPACTED = "It was asked for a compaction: the provider's endpoint for that takes only some of these fields."


async def answer(world: World, op: ReadLedger | ReadPrompt, loaded: Loaded | None = None) -> LedgerPage | Inspection:
    """What a client asks to see. `loaded`: the thread, when it is in memory. Raises RequestRefused for what is not there."""
    return read_ledger(world, op, loaded) if isinstance(op, ReadLedger) else await read_prompt(world, op, loaded)


def read_ledger(world: World, op: ReadLedger, loaded: Loaded | None = None) -> LedgerPage:
    """Raises RequestRefused for a thread that is not there."""
    ledger = _ledger(world, loaded)
    date = op.day or world.books.day(world.clock.now())
    turn = thread = None
    if op.thread_id is not None:
        last = ledger.row(op.thread_id)
        if last is None and loaded is None:
            _known(world.store, op.thread_id)
        thread = ledger.totals(thread_id=op.thread_id)
        turn = ledger.totals(thread_id=op.thread_id, turn_id=last.turn_id) if last else Totals()
    rows, cursor = ledger.page(thread_id=op.thread_id, day=op.day, cursor=op.cursor, limit=op.limit)
    return LedgerPage(rows, cursor, turn, thread, world.store.ledger.totals(day=date), date)


async def read_prompt(world: World, op: ReadPrompt, loaded: Loaded | None = None) -> Inspection:
    """Raises RequestRefused for a thread or a request that is not there."""
    if op.request is None:
        return await _next(world, op.thread_id, loaded)
    row = _ledger(world, loaded).row(op.thread_id, op.request)
    items = _items(world, op.thread_id, loaded)
    if row is None:
        raise RequestRefused(f"no request {op.request} in this thread: see `treadle ledger {op.thread_id}`")
    if row.endpoint == "title":
        raise RequestRefused(f"request {op.request} asked for a title and is no part of the thread: its prompt is not kept")
    rebuilt = rebuild(op.thread_id, items[: row.items], row.tail, row.recipe)
    problem = _COMPACTED if row.endpoint == "compact" else _TRANSLATED if row.wire == "local" else None
    if digest(rebuilt.request) != row.digest:
        problem = _MOVED
    return Inspection(op.thread_id, row.number, row.model, row.provider, parts(rebuilt), problem)


async def _next(world: World, thread_id: str, loaded: Loaded | None) -> Inspection:
    """What would be sent next: what is in the thread, what it lacks after a crash, and the Context that changed since."""
    thread = Thread(thread_id, _items(world, thread_id, loaded))
    pending = list[Item]()
    if loaded is not None:
        settings = loaded.settings
    else:
        meta, _ = _known(world.store, thread_id)
        settings, _ = over.resolve(over.from_json(meta.settings), world.configure)
        pending += repaired(thread, world.clock, world.store.drafts(thread_id), world.outputs)
        thread.append(*pending)
    sandboxed = (await world.sandbox.status()).sandboxed
    granted = told_prefixes(world.grants, thread_id, settings)
    news = world.briefing.news(thread, settings, sandboxed=sandboxed, granted=granted)
    thread.append(*news)
    rebuilt = Rebuilt(thread.prompt.request(world.briefing.tail(settings)), thread.prompt.origins, thread.opening)
    fresh = frozenset(item.id for item in (*pending, *news))
    problem = _TRANSLATED if settings.provider.wire == "local" else None
    return Inspection(thread_id, None, rebuilt.request.model, settings.provider.id, parts(rebuilt, fresh), problem)


def _items(world: World, thread_id: str, loaded: Loaded | None) -> Sequence[Item]:
    return loaded.items() if loaded is not None else _known(world.store, thread_id)[1]


def _ledger(world: World, loaded: Loaded | None) -> LedgerStore:
    return loaded.store.ledger if loaded is not None else world.store.ledger


def _known(store: Store, thread_id: str) -> tuple[ThreadMeta, list[Item]]:
    try:
        return store.load(thread_id)
    except KeyError:
        raise RequestRefused(f"no thread with the id {thread_id}") from None
