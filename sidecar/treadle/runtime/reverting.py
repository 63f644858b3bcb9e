"""Takes turns of a thread back, and gives them back. Files are not touched, and nothing is removed from the list.

The marker is in the store before the thread in memory is made anew from what counts, so a process that dies in between comes to
the same. Background commands of turns that were taken back end: nobody would know of them. What was spent stays spent.
"""

from __future__ import annotations

from ..core.effective import effective, place, turn_ids, undoable
from ..core.errors import RequestRefused
from ..core.events import ThreadReverted
from ..core.items import Item, Reverted, UserMessage
from ..core.known_files import KnownFiles
from ..core.ops import RevertThread, UndoRevert
from ..core.thread import Thread
from .answers import ThreadState
from .assembly import World
from .loaded import Loaded, preview
from .threads import Threads

_BUSY = "a turn or a command is running in this thread: wait for its end or interrupt it"


async def answer(world: World, threads: Threads, op: RevertThread | UndoRevert) -> ThreadState:
    """Raises RequestRefused while a turn runs, for a turn that is not there, and when there is nothing to give back."""
    loaded = threads.get(op.thread_id)
    if loaded.runner is not None or loaded.by_hand:
        raise RequestRefused(_BUSY)
    if loaded.restoring:
        raise RequestRefused("files are being restored in this thread: try again when that is done")
    # no await until the thread in memory is what the list says
    items = list(loaded.items())
    gone = _turn_back(world, loaded, items, op)
    loaded.audience.notify(ThreadReverted(loaded.thread.id), *threads.usage(loaded))
    for turn_id in gone:
        await loaded.sessions.end_turn(turn_id)
    return threads.shelf.state(loaded)


def _turn_back(world: World, loaded: Loaded, items: list[Item], op: RevertThread | UndoRevert) -> tuple[str, ...]:
    """The ids of the turns that count no more."""
    new_id, now = world.clock.new_id, world.clock.now()
    if isinstance(op, RevertThread):
        at = place(items, op.before_turn_id)
        if at is None:
            raise RequestRefused(f"no turn with the id {op.before_turn_id} in this thread: it may have been taken back already")
        gone = turn_ids(effective(items)[at:])
        marker = Reverted(new_id(), now, op.before_turn_id)
    else:
        last = undoable(items)
        if last is None:
            raise RequestRefused("nothing can be given back: no turn was taken back, or something new was said since")
        gone = ()
        marker = Reverted(new_id(), now, last.before, undoes=last.id)
    loaded.store.append(loaded.thread.id, (marker,))
    items.append(marker)
    loaded.thread = Thread(loaded.thread.id, items)
    loaded.thread.forked_from = loaded.meta.forked_from
    if loaded.durable:
        loaded.thread.forget()
    # what it read since is not in the model's memory any more
    loaded.known = KnownFiles()
    loaded.greeted = loaded.greeted and loaded.thread.opening is not None
    first = next((item for item in effective(items) if isinstance(item, UserMessage)), None)
    loaded.change(updated_at=now, preview=preview(first.content) if first else "")
    return gone
