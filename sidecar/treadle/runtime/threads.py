"""Threads in memory: starts and resumes them, lets go of them. Runs no turn.

A thread is loaded when it is started or resumed, and this process is then its only writer. A thread that was left in the middle
of a turn (the process died) is repaired when it is loaded: open calls are answered "aborted" and the turn is marked interrupted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ..core import history
from ..core.errors import RequestRefused, TreadleError, open_elsewhere
from ..core.events import PlanUpdated, RequestCounted, ThreadSettingsChanged, ThreadStarted, UsageUpdated, WarningReported
from ..core.git_info import GitInfo
from ..core.items import Item, Summary, UsageReported, Waiting
from ..core.models import window_doubt
from ..core.ops import Overrides, ResumeThread, StartThread
from ..core.settings import Sandboxed, Settings
from ..core.thread import Thread
from . import overrides as over
from .answers import ThreadState
from .assembly import World
from .audience import Audience
from .damage import sound
from .loaded import Loaded, Nowhere
from .ports import Client, FileVersion, Store, ThreadMeta, Versions
from .repair import repaired, taken_up, unknown_changes, waited
from .shelf import Shelf
from .unkept import PutAway

_log = logging.getLogger(__name__)
_MOST_PUT_AWAY = 1_000


class Threads:
    """`loaded` is the table of the threads in memory, by id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.loaded: dict[str, Loaded] = {}
        self.put_away: dict[str, PutAway | None] = {}
        """Threads that are not in memory any more because something failed, each with what clients were told of its turn: the
        next turn reads them again by itself."""
        self.shelf = Shelf(world, self.loaded)
        self._ending: set[asyncio.Task[None]] = set()
        self._noting: dict[str, asyncio.Task[None]] = {}
        "Threads that were mended just now -> what is written beside them meanwhile."
        self.take_up: Callable[[Loaded, Sequence[Waiting], Sandboxed], None] = _nobody
        "Puts a turn in place that another process left open. Set by who runs turns."

    def get(self, thread_id: str) -> Loaded:
        """Raises RequestRefused for one that is not in memory."""
        loaded = self.loaded.get(thread_id)
        if loaded is None:
            raise RequestRefused(f"thread not found: {thread_id}; start or resume it first")
        return loaded

    async def start(self, op: StartThread, client: Client) -> ThreadState:
        world = self._world
        settings, problems = over.resolve(op.overrides, world.configure)
        overrides = dataclasses.replace(op.overrides, cwd=settings.cwd)
        now, thread_id = world.clock.now(), world.clock.new_id()
        meta = ThreadMeta(
            thread_id,
            now,
            now,
            settings.cwd,
            settings.model,
            settings.provider.id,
            originator=op.originator,
            ephemeral=op.ephemeral,
            settings=over.to_json(overrides),
        )
        store: Any = world.store
        if op.ephemeral:
            store = Nowhere()
        else:
            world.store.create(meta)
            world.store.claim(thread_id)
        loaded = self.load(Thread(thread_id), meta, overrides, settings, store)
        loaded.audience.join(client)
        self.look_at_git(loaded)
        state = self.shelf.state(loaded, await self.warnings(loaded, problems))
        client.notify([ThreadStarted(thread_id), *(WarningReported(text, thread_id) for text in state.warnings)])
        return state

    async def resume(self, op: ResumeThread, client: Client) -> ThreadState:
        sandboxed = (await self._world.sandbox.status()).sandboxed if op.goes_on else False
        # no await from here until what was left open is in place: nothing else may begin in the thread
        loaded = self.loaded.get(op.thread_id)
        problems: tuple[str, ...] = ()
        if loaded is None:
            loaded, problems, left = self._read_from_disk(op)
            if loaded.thread.open_turn is not None:
                self._take_up(loaded, left, sandboxed)
        else:
            self.override(loaded, op.overrides)
        items = loaded.items()
        turns = self._turns(loaded, items)
        loaded.audience.join(client)
        state = self.shelf.state(loaded, await self.warnings(loaded, problems))
        state.turns = turns
        row = loaded.store.ledger.row(loaded.thread.id)
        counted = (RequestCounted(loaded.thread.id, row.turn_id, row),) if row else ()
        missed = (*counted, *self.usage(loaded), *_plan(loaded.thread.id, items))
        client.notify([*missed, *(WarningReported(text, loaded.thread.id) for text in state.warnings)])
        if (noting := self._noting.pop(loaded.thread.id, None)) is not None:
            await asyncio.wait((noting,))  # whoever lists its checkpoints next is told what they lack
        return state

    def _turns(self, loaded: Loaded, items: Sequence[Item]) -> list[history.TurnState]:
        try:
            with sound(loaded.thread.id):
                return history.turns(items)
        except BaseException:
            if loaded.runner is None:
                self.unload(loaded)
            raise

    def usage(self, loaded: Loaded) -> tuple[UsageUpdated, ...]:
        """What a client that did not watch has missed of the tokens."""
        thread = loaded.thread
        reported = next((item for item in reversed(thread.items) if isinstance(item, (UsageReported, Summary))), None)
        if reported is None:
            return ()
        window = self._world.briefing.window(loaded.settings)
        return (UsageUpdated(thread.id, reported.turn_id, thread.last_usage, thread.usage, window),)

    def _take_up(self, loaded: Loaded, left: Sequence[Waiting], sandboxed: Sandboxed) -> None:
        try:
            self.take_up(loaded, left, sandboxed)
        except BaseException:
            self.unload(loaded)
            raise

    def _read_from_disk(self, op: ResumeThread) -> tuple[Loaded, tuple[str, ...], Sequence[Waiting]]:
        world = self._world
        if world.store.claimed(op.thread_id):  # not in memory and yet ours: it is on its way out
            raise RequestRefused(f"thread {op.thread_id} is being deleted")
        if not world.store.claim(op.thread_id):
            raise open_elsewhere(op.thread_id)
        try:
            with sound(op.thread_id):
                return self._read(op)
        except BaseException:
            self.loaded.pop(op.thread_id, None)
            world.store.release(op.thread_id)
            raise

    def _read(self, op: ResumeThread) -> tuple[Loaded, tuple[str, ...], Sequence[Waiting]]:
        """Also what the user had said in a turn that is left open, to go on."""
        world = self._world
        try:
            meta, items = world.store.load(op.thread_id)
        except KeyError:
            raise RequestRefused(f"no thread with the id {op.thread_id}") from None
        overrides = over.merged(over.from_json(meta.settings), op.overrides)
        settings, problems = over.resolve(overrides, world.configure)
        thread = Thread(op.thread_id, items)
        loaded = self.load(thread, meta, overrides, settings, world.store)
        drafts, left = world.store.drafts(thread.id), list[Waiting]()
        kept_back = self.put_away.get(thread.id)
        if kept_back is not None and kept_back.count == len(items):
            repairs = list(kept_back.items)
        elif op.goes_on and waited(thread, drafts):
            repairs, left = taken_up(thread, world.clock, drafts, world.outputs)
        else:
            repairs = repaired(thread, world.clock, drafts, world.outputs)
        if repairs:
            self._note_unknown(thread, settings, drafts)
            world.store.append(thread.id, repairs)
            thread.append(*repairs)
            loaded.waiting = world.store.queue.of(thread.id)
        self.put_away.pop(thread.id, None)
        thread.forget()
        return loaded, problems, left

    def _note_unknown(self, thread: Thread, settings: Settings, drafts: Sequence[Item]) -> None:
        """A checkpoint that lacks something says so."""
        rows = unknown_changes(thread, list(dict.fromkeys((settings.cwd, *settings.roots))), self._world.clock.now(), drafts)
        if not rows or self._world.versions is None or settings.sandbox.mode == "read-only":
            return
        self._noting[thread.id] = self._go_on(_recorded(self._world.versions, rows))

    def load(self, thread: Thread, meta: ThreadMeta, overrides: Overrides, settings: Settings, store: Store) -> Loaded:
        loaded = Loaded(thread, meta, overrides, settings, store, Audience(thread.id), self._world.new_sessions())
        loaded.waiting = store.queue.of(thread.id)
        self.loaded[thread.id] = loaded
        thread.forked_from = meta.forked_from
        if self._world.mcp is not None:
            self._world.mcp.start(settings)
        return loaded

    def look_at_git(self, loaded: Loaded) -> None:
        """Note where its folder stands, while other things go on."""
        if self._world.git is not None:
            self._go_on(self._note_git(loaded, self._world.git))

    async def _note_git(self, loaded: Loaded, look: Callable[[str], GitInfo | None]) -> None:
        found = await asyncio.to_thread(look, loaded.settings.cwd)
        if found is not None and self.loaded.get(loaded.thread.id) is loaded:
            loaded.change(git=found)

    def _go_on(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    async def settle(self) -> None:
        """Nothing goes on beside the threads any more."""
        if self._ending:
            await asyncio.wait(self._ending)

    def override(self, loaded: Loaded, overrides: Overrides) -> None:
        changed = over.changed(loaded.overrides, overrides, loaded.settings, self._world.configure)
        if changed is None:
            return
        merged, settings, problems = changed
        if settings.model != loaded.settings.model and (doubt := window_doubt(settings)):
            loaded.audience.notify(WarningReported(doubt, loaded.thread.id))
        loaded.overrides, loaded.settings = merged, settings
        loaded.audience.notify(ThreadSettingsChanged(loaded.thread.id, settings))
        loaded.audience.notify(*(WarningReported(text, loaded.thread.id, "config") for text in problems))

    async def warnings(self, loaded: Loaded, problems: tuple[str, ...]) -> tuple[str, ...]:
        found = [*problems, *self._world.briefing.problems(loaded.settings)]
        if loaded.settings.sandbox.confines:
            status = await self._world.sandbox.status()
            if status.reason:
                found.append(status.reason)
        return tuple(found)

    def put_away_for_now(self, loaded: Loaded, left: PutAway | None) -> None:
        """Unload it without its clients' doing: it is there again when somebody says something in it. `left`: what was not
        written of it."""
        self.unload(loaded)
        if loaded.durable:
            while len(self.put_away) >= _MOST_PUT_AWAY:
                del self.put_away[next(iter(self.put_away))]
            self.put_away[loaded.thread.id] = left

    def write_put_away(self) -> None:
        """The process ends: what was kept back is written where there is room by now."""
        store = self._world.store
        try:
            for thread_id, left in self.put_away.items():
                if left is not None and store.claim(thread_id):
                    if len(store.item_lines(thread_id)) == left.count:
                        store.append(thread_id, left.items)
                    store.release(thread_id)
        except TreadleError as problem:
            _log.warning("%s", problem.sentence())

    def unload(self, loaded: Loaded) -> None:
        """What is in memory may not be what is on disk: forget it, so that the next resume reads and repairs it."""
        self.loaded.pop(loaded.thread.id, None)
        self._world.store.release(loaded.thread.id)
        self._go_on(loaded.sessions.close())


async def _recorded(versions: Versions, rows: Sequence[FileVersion]) -> None:
    """Another process may hold their database for seconds."""
    try:
        await asyncio.to_thread(versions.record, rows)
    except OSError as error:
        _log.warning("%s", error)


def _nobody(loaded: Loaded, left: Sequence[Waiting], sandboxed: Sandboxed) -> None:
    raise AssertionError("nobody runs turns")


def _plan(thread_id: str, items: Sequence[Item]) -> tuple[PlanUpdated, ...]:
    """The plan as it stands, for a client that did not watch it being made; none once all of it is done."""
    found = history.last_plan(items)
    if found is None or all(status == "completed" for _, status in found[1]):
        return ()
    return (PlanUpdated(thread_id, found[0], None, found[1]),)
