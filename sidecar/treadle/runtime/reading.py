"""Answers what was billed, what was sent and what would be: the ledger, a request piece by piece, what fills the context. Changes
nothing and claims nothing.

A thread need not be loaded, and another process may be writing it: what is shown is what is in the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

from ..core.breakdown import breakdown
from ..core.errors import RequestRefused
from ..core.inspection import Inspection, Rebuilt, parts, rebuild
from ..core.items import Item
from ..core.ledger import LedgerRow, Totals, digest
from ..core.looking_ops import LookAtContext
from ..core.ops import ReadLedger, ReadPrompt
from ..core.settings import DOC_BYTES, Settings
from ..core.thread import Thread
from . import overrides as over
from .answers import ContextState, LedgerPage
from .assembly import World
from .damage import sound
from .grants import told_prefixes
from .loaded import Loaded
from .ports import LedgerStore, Store, ThreadMeta
from .repair import repaired

_MOVED = "These bytes are not those that were sent: the thread was written by another version of Treadle."

_TRANSLATED = "The embedded model is given this in the form that its template asks for."
_COMPACTED = "It was asked for a compaction: the provider's endpoint for that takes only some of these fields."


async def answer(
    world: World, op: ReadLedger | ReadPrompt | LookAtContext, loaded: Loaded | None = None
) -> LedgerPage | Inspection | ContextState:
    """What a client asks to see. `loaded`: the thread, when it is in memory. Raises RequestRefused for what is not there."""
    with nullcontext() if op.thread_id is None else sound(op.thread_id):
        match op:
            case ReadLedger():
                return read_ledger(world, op, loaded)
            case ReadPrompt():
                return await read_prompt(world, op, loaded)
            case LookAtContext():
                return await read_context(world, op, loaded)


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
    before, after = (_beside(world, row, step, loaded) for step in (-1, 1))
    return Inspection(op.thread_id, row.number, row.model, row.provider, parts(rebuilt), problem, row.kept, row, before, after)


def _beside(world: World, row: LedgerRow, step: int, loaded: Loaded | None) -> int | None:
    """The number of the request before or after it that is a part of the thread."""
    other: LedgerRow | None = row
    while other is not None:
        other = _ledger(world, loaded).row(row.thread_id, other.number + step)
        if other is not None and other.endpoint != "title":
            return other.number
    return None


async def _next(world: World, thread_id: str, loaded: Loaded | None) -> Inspection:
    """What would be sent next: what is in the thread, what it lacks after a crash, and the Context that changed since."""
    thread, settings, pending = await _upcoming(world, thread_id, _items(world, thread_id, loaded), loaded)
    fresh = frozenset(item.id for item in pending)
    rebuilt = Rebuilt(thread.prompt.request(world.briefing.tail(settings)), thread.prompt.origins, thread.opening)
    problem = _TRANSLATED if settings.provider.wire == "local" else None
    ledger, pieces = _ledger(world, loaded), parts(rebuilt, fresh)
    last, answered = ledger.row(thread_id), ledger.answered(thread_id)
    goes_on = answered is not None and answered.items >= thread.count - len(thread.epoch) and rebuilt.opening not in pending
    kept = min(answered.fragments, len(pieces) - 1) if answered is not None and goes_on else 0
    before = None if last is None else last.number if last.endpoint != "title" else _beside(world, last, -1, loaded)
    return Inspection(thread_id, None, rebuilt.request.model, settings.provider.id, pieces, problem, kept, previous=before)


async def _upcoming(
    world: World, thread_id: str, items: Sequence[Item], loaded: Loaded | None
) -> tuple[Thread, Settings, Sequence[Item]]:
    """A copy of the thread as it will be when it is asked next, and what is added for that."""
    thread = Thread(thread_id, items)
    pending = list[Item]()
    if loaded is not None:
        settings = loaded.settings
    else:
        meta, _ = _known(world.store, thread_id)
        settings, _ = over.resolve(over.from_json(meta.settings), world.configure)
        pending += repaired(thread, world.clock, world.store.drafts(thread_id), world.outputs)
        thread.append(*pending)
    pending += await _told_next(world, thread, settings)
    return thread, settings, pending


async def _told_next(world: World, thread: Thread, settings: Settings) -> Sequence[Item]:
    """Adds to the copy of a thread what its model is told with the next request."""
    sandboxed = (await world.sandbox.status()).sandboxed
    granted = told_prefixes(world.grants, thread.id, settings)
    news = world.briefing.news(thread, settings, sandboxed=sandboxed, granted=granted)
    thread.append(*news)
    return news


async def read_context(world: World, op: LookAtContext, loaded: Loaded | None = None) -> ContextState:
    """What the next request holds. Raises RequestRefused for a thread that is not there."""
    if op.thread_id is None:
        settings, _ = world.configure(op.cwd, op.config)
        thread = Thread("")
        await _told_next(world, thread, settings)
    else:
        # what came before this epoch fills nothing
        items = loaded.thread.items if loaded is not None else _items(world, op.thread_id, None)
        thread, settings, _ = await _upcoming(world, op.thread_id, items, loaded)
    documents, ignored = world.briefing.documents(settings), ()
    if settings.doc_max_bytes == 0:
        would = world.briefing.documents(replace(settings, doc_max_bytes=DOC_BYTES))
        ignored = tuple(document for document in would if document not in documents)
    room, parts = world.briefing.room(settings), breakdown(thread)
    return ContextState(op.thread_id, tuple(documents), ignored, thread.used, thread.estimated, room, parts)


def _items(world: World, thread_id: str, loaded: Loaded | None) -> Sequence[Item]:
    return loaded.items() if loaded is not None else _known(world.store, thread_id)[1]


def _ledger(world: World, loaded: Loaded | None) -> LedgerStore:
    return loaded.store.ledger if loaded is not None else world.store.ledger


def _known(store: Store, thread_id: str) -> tuple[ThreadMeta, list[Item]]:
    try:
        return store.load(thread_id)
    except KeyError:
        raise RequestRefused(f"no thread with the id {thread_id}") from None
