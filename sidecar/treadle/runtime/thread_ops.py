"""What a client asks about one thread besides its turns: items added by itself, and the user's own commands."""

from __future__ import annotations

from ..core import injection
from ..core.errors import RequestRefused
from ..core.items import Injected, ModelItem
from ..core.thread_ops import InjectItems, RunUserCommand, ThreadOp
from .assembly import World
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
        self._by_hand = HandRuns(world)

    async def answer(self, op: ThreadOp, client: Client) -> None:
        """Raises RequestRefused."""
        match op:
            case InjectItems():
                self._inject(self._threads.get(op.thread_id), op)
            case RunUserCommand():
                await self._run(self._threads.get(op.thread_id), op, client)

    def _inject(self, loaded: Loaded, op: InjectItems) -> None:
        items = loaded.thread.items
        known = {item.call_id or "" for item in items if isinstance(item, ModelItem) and item.is_call}
        known |= {call for item in items if isinstance(item, Injected) for call in injection.calls(item.raw)}
        waiting = loaded.runner.steers if loaded.runner is not None else ()
        known |= {call for item in waiting if isinstance(item, Injected) for call in injection.calls(item.raw)}
        try:
            texts = injection.checked(op.items, known)
        except injection.Unfit as unfit:
            raise RequestRefused(str(unfit), code=-32602) from unfit
        clock = self._world.clock
        added = [Injected(clock.new_id(), clock.now(), text) for text in texts]
        if loaded.runner is not None:
            loaded.runner.steers.extend(added)
            return
        loaded.store.append(loaded.thread.id, added)
        loaded.thread.append(*added)

    async def _run(self, loaded: Loaded, op: RunUserCommand, client: Client) -> None:
        self._by_hand.check(op)
        if loaded.runner is not None:
            loaded.audience.join(client)
            self._by_hand.beside(loaded, op)
        else:
            await self._turns.start(op, client)
