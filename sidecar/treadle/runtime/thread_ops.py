"""What a client asks about one thread besides its turns: name, copies, taking back, settings, items added by hand, commands."""

from __future__ import annotations

import dataclasses

from ..core import injection
from ..core.errors import RequestRefused
from ..core.events import ThreadNamed
from ..core.git_info import GitInfo, without_credentials
from ..core.items import Injected, ModelItem
from ..core.ops import (
    ArchiveThread,
    EndTerminals,
    ForkThread,
    InjectItems,
    ListTerminals,
    NameThread,
    ReadThread,
    RevertThread,
    RunUserCommand,
    ThreadOp,
    UndoRevert,
    UpdateGit,
    UpdateSettings,
    UpdateTurn,
)
from . import forking, reverting
from .answers import Answer, ThreadState
from .assembly import World
from .audience import Audience
from .by_hand import HandRuns
from .loaded import Loaded
from .ports import Client
from .threads import Threads
from .turns import Turns


class ThreadOps:
    def __init__(self, world: World, threads: Threads, turns: Turns) -> None:
        self._world = world
        self._threads = threads
        self._turns = turns
        self.by_hand = HandRuns(world)

    async def answer(self, op: ThreadOp, client: Client) -> Answer:
        """Raises RequestRefused."""
        match op:
            case NameThread():
                meta = self._threads.shelf.change(op.thread_id, name=op.name, titled=False)
                self._audience(op.thread_id, client).notify(ThreadNamed(meta.id, meta.name))
            case ArchiveThread():
                self._threads.shelf.change(op.thread_id, archived=op.archived)
                if op.archived and (loaded := self._threads.loaded.get(op.thread_id)):
                    await loaded.stop()
                    self._threads.unload(loaded)
            case ForkThread():
                return await forking.fork(self._world, self._threads, op, client)
            case RevertThread() | UndoRevert():
                return await reverting.answer(self._world, self._threads, op)
            case UpdateSettings():
                self._update(self._threads.get(op.thread_id), op)
            case UpdateGit():
                return self._update_git(op)
            case UpdateTurn():
                return self._update_turn(self._threads.get(op.thread_id), op)
            case InjectItems():
                self._inject(self._threads.get(op.thread_id), op)
            case RunUserCommand():
                await self._run(self._threads.get(op.thread_id), op, client)
            case ListTerminals():
                return self._threads.get(op.thread_id).sessions.running()
            case EndTerminals():
                return await _end(self._threads.get(op.thread_id), op)
        return None

    def _audience(self, thread_id: str, client: Client) -> Audience:
        loaded = self._threads.loaded.get(thread_id)
        if loaded is not None:
            return loaded.audience
        alone = Audience(thread_id)
        alone.join(client)
        return alone

    def _update(self, loaded: Loaded, op: UpdateSettings) -> None:
        self._threads.override(loaded, op.overrides)
        loaded.settings_changed()

    def _update_git(self, op: UpdateGit) -> ThreadState:
        known = self._threads.shelf.read(ReadThread(op.thread_id)).meta.git or GitInfo()
        changes = {name: without_credentials(value) if value is not None else None for name, value in op.changes.items()}
        self._threads.shelf.change(op.thread_id, git=dataclasses.replace(known, **changes))
        return self._threads.shelf.read(ReadThread(op.thread_id))

    def _update_turn(self, loaded: Loaded, op: UpdateTurn) -> bool:
        runner = loaded.runner
        if runner is None or runner.turn_id != op.turn_id or runner.closed:
            return False
        reasoning = {"effort": op.effort, "summary": op.summary}
        given = {name: value for name, value in reasoning.items() if value is not None}
        if "reasoning" in runner.tail:
            together = {**runner.tail["reasoning"], **given}
            runner.tail = {**runner.tail, "reasoning": {name: value for name, value in together.items() if value != "none"}}
        return True

    def _inject(self, loaded: Loaded, op: InjectItems) -> None:
        waiting = loaded.runner.steers if loaded.runner is not None else ()
        known = {item.call_id or "" for item in loaded.thread.items if isinstance(item, ModelItem) and item.is_call}
        for item in (*loaded.thread.items, *waiting):
            if isinstance(item, Injected):
                known.update(injection.calls(item.raw))
        try:
            texts = injection.checked(op.items, known)
        except injection.Unfit as unfit:
            raise RequestRefused(str(unfit), code=-32602) from unfit
        clock = self._world.clock
        added = [Injected(clock.new_id(), clock.now(), text) for text in texts]
        if loaded.runner is not None:
            for item in added:
                loaded.runner.hear(item)
            return
        loaded.store.append(loaded.thread.id, added)
        loaded.thread.append(*added)

    async def _run(self, loaded: Loaded, op: RunUserCommand, client: Client) -> None:
        self.by_hand.check(op)
        if loaded.runner is not None:
            loaded.audience.join(client)
            self.by_hand.beside(loaded, op)
        else:
            await self._turns.start(op, client)


async def _end(loaded: Loaded, op: EndTerminals) -> int:
    """How many were ended."""
    running = loaded.sessions.running() if op.process_id is None else ()
    ids = [background.process_id for background in running] if op.process_id is None else [op.process_id]
    return sum([await loaded.sessions.end_one(process_id) for process_id in ids])
