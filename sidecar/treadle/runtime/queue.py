"""The queue of each thread: messages that wait while a turn runs.

When a turn is completed the next message starts by itself. After an interrupt or a failure the queue rests: nothing starts until
the user starts it, or another turn that is completed. So a thread in which no turn runs and messages wait is one at rest, and
there is no other state to keep: a process that dies leaves its queues at rest. Must never lose a message, nor run one twice: what
was taken stays in the store until the thread has it (see core/queue.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging

from ..core.errors import RequestRefused, TreadleError
from ..core.events import QueueChanged, WarningReported
from ..core.history import TurnState
from ..core.items import TurnStatus, UserMessage
from ..core.ops import Overrides, StartTurn
from ..core.queue import (
    AddQueued,
    DeleteQueued,
    ListQueued,
    PromoteQueued,
    Queued,
    QueueOp,
    ReorderQueued,
    StartQueued,
    UpdateQueued,
)
from . import overrides as over
from . import summaries
from .answers import Promoted, QueuePage
from .assembly import World
from .loaded import Loaded
from .ports import Client
from .threads import Threads
from .turns import Turns

MOST, MOST_SIZE = 100, 64 * 1024 * 1024
"Messages that may wait in a thread, and their characters, pictures included."
_REMEMBERED = 1000
_log = logging.getLogger(__name__)


class Queues:
    """Those of all loaded threads; each is in its Loaded."""

    def __init__(self, world: World, threads: Threads, turns: Turns) -> None:
        self._world = world
        self._threads = threads
        self._turns = turns
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        turns.ended.append(self._turn_ended)

    async def answer(self, op: QueueOp, client: Client) -> Queued | QueuePage | bool | TurnState | Promoted | None:
        """AddQueued, UpdateQueued -> Queued; ListQueued -> QueuePage; DeleteQueued -> whether it was there; StartQueued ->
        TurnState; PromoteQueued -> Promoted. Raises RequestRefused."""
        if isinstance(op, ListQueued):
            return self._list(op)
        loaded = self._threads.get(op.thread_id)
        match op:
            case AddQueued():
                return self._add(loaded, op, client)
            case UpdateQueued():
                return self._update(loaded, op)
            case DeleteQueued():
                return self._delete(loaded, op.queued_id)
            case ReorderQueued():
                self._reorder(loaded, op.queued_ids)
                return None
            case StartQueued():
                return await self._start_asked(loaded, op, client)
            case PromoteQueued():
                return await self._promote(loaded, op.queued_id, client)

    async def close(self) -> None:
        """Nothing starts by itself any more."""
        self._closed = True
        for task in self._starting:
            task.cancel()
        if self._starting:
            await asyncio.wait(self._starting)

    def _list(self, op: ListQueued) -> QueuePage:
        loaded = self._threads.loaded.get(op.thread_id)
        if loaded is not None:
            waiting = loaded.waiting
        else:
            try:
                self._world.store.meta(op.thread_id)
            except KeyError:
                raise RequestRefused(f"no thread with the id {op.thread_id}") from None
            waiting = self._world.store.queue.of(op.thread_id)
        if op.cursor is not None and not op.cursor.isdecimal():
            raise RequestRefused("no such cursor; give the nextCursor of a page that was listed before, or none", code=-32602)
        start = int(op.cursor or 0)
        end = start + op.limit
        return QueuePage(waiting[start:end], str(end) if end < len(waiting) else None)

    def _add(self, loaded: Loaded, op: AddQueued, client: Client) -> Queued:
        if len(loaded.waiting) >= MOST:
            raise RequestRefused(f"the queue of this thread is full: {MOST} messages wait; delete some, or let some run")
        clock = self._world.clock
        settings = over.to_json(op.overrides)
        queued = Queued(clock.new_id(), clock.now(), op.content, op.client_id, settings, op.output_schema, op.metadata)
        _check_size(loaded, queued)
        at_rest = bool(loaded.waiting)
        loaded.store.queue.put(loaded.thread.id, queued)
        loaded.waiting.append(queued)
        loaded.audience.join(client)
        self._tell(loaded)
        if loaded.runner is None and not at_rest:
            self._go_on(loaded)
        return queued

    def _update(self, loaded: Loaded, op: UpdateQueued) -> Queued:
        place = self._place(loaded, op.queued_id)
        old = loaded.waiting[place]
        queued = dataclasses.replace(old, content=op.content, metadata=op.metadata or old.metadata)
        _check_size(loaded, queued, instead_of=old)
        loaded.store.queue.put(loaded.thread.id, queued)
        loaded.waiting[place] = queued
        self._tell(loaded)
        return queued

    def _delete(self, loaded: Loaded, queued_id: str) -> bool:
        found = [queued for queued in loaded.waiting if queued.id == queued_id]
        for queued in found:
            loaded.store.queue.remove(loaded.thread.id, (queued_id,))
            loaded.waiting.remove(queued)
            self._tell(loaded)
        return bool(found)

    def _reorder(self, loaded: Loaded, ids: tuple[str, ...]) -> None:
        by_id = {queued.id: queued for queued in loaded.waiting}
        if sorted(ids) != sorted(by_id):
            raise RequestRefused(
                "an order must name every message that waits exactly once; the queue has changed: list it again",
                data={"queuedSubmissionIds": list(by_id)},
            )
        loaded.store.queue.order(loaded.thread.id, ids)
        loaded.waiting[:] = [by_id[id] for id in ids]
        self._tell(loaded)

    async def _start_asked(self, loaded: Loaded, op: StartQueued, client: Client) -> TurnState:
        if loaded.runner is not None:
            raise RequestRefused("a turn is running in this thread; its queue goes on when that is completed")
        if op.queued_id is None and not loaded.waiting:
            raise RequestRefused("the queue is empty")
        place = 0 if op.queued_id is None else self._place(loaded, op.queued_id)
        return await self._start(loaded, loaded.waiting[place], client)

    async def _promote(self, loaded: Loaded, queued_id: str, client: Client) -> Promoted:
        queued, runner = loaded.waiting[self._place(loaded, queued_id)], loaded.runner
        if runner is None:
            return Promoted("started", (await self._start(loaded, queued, client)).id)
        if runner.only_compacts:
            raise summaries.unsteerable(runner)
        if runner.closed:
            # the turn is over but for its last words: what comes now is the next one's
            rest = [other.id for other in loaded.waiting if other.id != queued_id]
            self._reorder(loaded, (queued_id, *rest))
            return Promoted("next", None)
        loaded.waiting.remove(queued)
        self._take(loaded, queued, runner.turn_id)
        clock = self._world.clock
        said = UserMessage(queued.id, clock.now(), runner.turn_id, queued.content, queued.client_id)
        runner.hear(said, kept=True)
        loaded.audience.join(client)
        self._tell(loaded)
        return Promoted("steered", runner.turn_id)

    async def _start(self, loaded: Loaded, queued: Queued, client: Client | None) -> TurnState:
        """Takes it out at once, so that nobody changes what is about to run, and puts it back if it does not."""
        overrides = _overrides(queued)
        place = loaded.waiting.index(queued)
        del loaded.waiting[place]
        self._take(loaded, queued, "")
        self._tell(loaded)
        op = StartTurn(loaded.thread.id, queued.content, overrides, queued.output_schema, queued.client_id, queued.id)
        try:
            state = await self._turns.start(op, client)
        except BaseException:
            loaded.taken.pop(queued.id, None)
            loaded.waiting.insert(place, queued)
            self._tell(loaded)
            raise
        loaded.taken[queued.id] = state.id
        return state

    def _take(self, loaded: Loaded, queued: Queued, turn_id: str) -> None:
        loaded.taken[queued.id] = turn_id
        while len(loaded.taken) > _REMEMBERED:
            del loaded.taken[next(iter(loaded.taken))]

    def _place(self, loaded: Loaded, queued_id: str) -> int:
        """Where it waits. Raises RequestRefused, with the turn that has it if one has."""
        place = next((place for place, queued in enumerate(loaded.waiting) if queued.id == queued_id), None)
        if place is not None:
            return place
        said = (item.turn_id for item in loaded.thread.items if isinstance(item, UserMessage) and item.id == queued_id)
        turn_id = loaded.taken.get(queued_id, next(said, None))
        if turn_id is None:
            raise RequestRefused(f"queued message not found: {queued_id}")
        raise RequestRefused(
            f"the queued message {queued_id} is being worked on and cannot be changed any more: steer its turn, or queue another",
            data={"turnId": turn_id or None},
        )

    def _turn_ended(self, loaded: Loaded, turn_id: str, status: TurnStatus) -> None:
        if self._threads.loaded.get(loaded.thread.id) is not loaded:
            return  # what is on disk counts, when it is loaded again
        taken = [id for id, turn in loaded.taken.items() if turn == turn_id]
        if taken:
            try:
                # the thread has them, and the store knows; what a hook kept from the agent must go as well
                loaded.store.queue.remove(loaded.thread.id, taken)
            except Exception:
                _log.exception("the queue of thread %s", loaded.thread.id)
        if status == "completed":
            self._go_on(loaded)

    def _go_on(self, loaded: Loaded) -> None:
        if loaded.waiting and not self._closed:
            task = asyncio.create_task(self._start_next(loaded), name=f"queue of {loaded.thread.id}")
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start_next(self, loaded: Loaded) -> None:
        if not loaded.waiting or loaded.runner is not None or not self._stays(loaded):
            return
        try:
            for queued in loaded.waiting:
                try:
                    _overrides(queued)
                except RequestRefused as problem:  # the others are not held up by it
                    loaded.audience.notify(WarningReported(f"A message is left out: {problem.message}.", loaded.thread.id))
                else:
                    await self._start(loaded, queued, None)
                    break
        except TreadleError as problem:
            # else the user's own turn was first, and the queue goes on after it; or the thread was put away
            if loaded.runner is None and self._stays(loaded):
                text = f"The next message of the queue could not be started, and waits: {problem.sentence()}"
                loaded.audience.notify(WarningReported(text, loaded.thread.id))
        except Exception:
            _log.exception("the queue of thread %s", loaded.thread.id)

    def _stays(self, loaded: Loaded) -> bool:
        """It is in memory, and not about to go."""
        return self._threads.loaded.get(loaded.thread.id) is loaded and not loaded.stopped

    def _tell(self, loaded: Loaded) -> None:
        """After the answer to the request that is being served; of several changes at once, once."""
        if not loaded.queue_told:
            loaded.queue_told = True
            asyncio.get_running_loop().call_soon(_told, loaded)


def _told(loaded: Loaded) -> None:
    loaded.queue_told = False
    loaded.audience.notify(QueueChanged(loaded.thread.id))


def _overrides(queued: Queued) -> Overrides:
    """Raises RequestRefused for damaged ones: a guess may open a sandbox."""
    try:
        return over.from_json(queued.settings)
    except (TypeError, ValueError):
        what = f"the settings of the queued message {queued.id} are damaged, and it cannot be started"
        raise RequestRefused(f"{what}: delete it and send its words again") from None


def _check_size(loaded: Loaded, queued: Queued, instead_of: Queued | None = None) -> None:
    size = sum(other.size for other in loaded.waiting if other is not instead_of) + queued.size
    if size > MOST_SIZE:
        limit = f"{MOST_SIZE // 1024 // 1024} MiB"
        raise RequestRefused(f"the queue of this thread is full: its messages would be larger than {limit}; let some run first")
