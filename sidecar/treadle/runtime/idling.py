"""Lets go of threads that nobody watches and in which nothing has happened for a while. What is on disk stays. Lets go, too, of
MCP servers that were there for threads which are not in memory any more.

A turn, a command of the user or a restore is something that happens, and its end begins the while anew; background commands are
not, and they end with the thread in memory. Must never let go of a thread that somebody watches.
"""

from __future__ import annotations

import asyncio
from weakref import WeakSet

from ..core.events import ThreadClosed, ThreadStatusChanged
from .assembly import World
from .loaded import Loaded
from .ports import Client, McpServers
from .threads import Threads

UNLOAD_AFTER = 30 * 60.0
"Seconds."
SERVERS_AFTER = 10.0
"Seconds: whoever puts a thread away may begin another one in the same folder."


class Idling:
    def __init__(self, world: World, threads: Threads) -> None:
        self._world = world
        self._threads = threads
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        "Of threads that are let go of just now. One of them may be read again meanwhile, and is then watched anew."
        self._letting_go: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        "Servers come to their end in these: nobody else would see to it that they do."
        self._clients: WeakSet[Client] = WeakSet()
        "Whoever has asked for something and is not gone: they hear of it."

    def met(self, client: Client) -> None:
        self._clients.add(client)

    def gone(self, client: Client) -> None:
        """The client is no more, and watches nothing."""
        self._clients.discard(client)
        for loaded in tuple(self._threads.loaded.values()):
            if client in loaded.audience.clients:
                loaded.audience.leave(client)
                self.rested(loaded)

    def left(self, loaded: Loaded, client: Client) -> bool:
        """The client watches this thread no more; False when it did not."""
        if client not in loaded.audience.clients:
            return False
        loaded.audience.leave(client)
        self.rested(loaded)
        return True

    async def close(self) -> None:
        tasks = [*self._watches.values(), *self._closing, *([self._letting_go] if self._letting_go is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks or self._ending:
            await asyncio.wait([*tasks, *self._ending])

    def unloaded(self) -> None:
        """A thread is not in memory any more: nor is what was waiting for it to be idle, which would keep all of it."""
        for thread_id, watch in tuple(self._watches.items()):
            if thread_id not in self._threads.loaded:
                watch.cancel()
        if self._world.mcp is not None and self._letting_go is None:
            self._letting_go = asyncio.create_task(self._let_go(self._world.mcp), name="let go of MCP servers")

    async def _let_go(self, servers: McpServers) -> None:
        await self._world.clock.sleep(SERVERS_AFTER)
        self._letting_go = None  # what is unloaded from here on needs another look
        if (ending := asyncio.current_task()) is not None:
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        loaded = tuple(self._threads.loaded.values())
        # a turn keeps the servers that it began with, whatever its thread's settings have become
        of_turns = [one.runner.calls.scope.settings for one in loaded if one.runner is not None]
        await servers.let_go([*(one.settings for one in loaded), *of_turns])

    def rested(self, loaded: Loaded) -> None:
        """Something in it is over, or somebody left: from now on it counts as idle, if nobody watches it."""
        loaded.rested_at = self._world.clock.monotonic()
        thread_id = loaded.thread.id
        if loaded.audience.clients or self._threads.loaded.get(thread_id) is not loaded:
            return
        if (watch := self._watches.get(thread_id)) is None or watch.done():
            watch = self._watches[thread_id] = asyncio.create_task(self._watch(loaded), name=f"idle {thread_id}")
            watch.add_done_callback(lambda done: self._over(thread_id, done))

    def _over(self, thread_id: str, watch: asyncio.Task[None]) -> None:
        self._closing.discard(watch)
        if self._watches.get(thread_id) is watch:
            del self._watches[thread_id]

    async def _watch(self, loaded: Loaded) -> None:
        clock, rest = self._world.clock, UNLOAD_AFTER
        while True:
            await clock.sleep(rest)
            if loaded.audience.clients or self._threads.loaded.get(loaded.thread.id) is not loaded:
                return
            if loaded.restoring:
                rest = UNLOAD_AFTER
                continue
            if loaded.busy:
                return  # whatever goes on begins the while anew when it ends
            idle = clock.monotonic() - loaded.rested_at
            if idle >= UNLOAD_AFTER:
                break
            rest = UNLOAD_AFTER - idle
        # first out of the tables: whoever resumes it meanwhile reads it anew
        self._closing.add(self._watches.pop(loaded.thread.id))
        self._threads.unload(loaded)
        self.unloaded()
        await loaded.stop()
        if loaded.thread.id in self._threads.loaded:
            return  # whoever has it again is not to hear that it is closed
        for client in tuple(self._clients):
            client.notify([ThreadStatusChanged(loaded.thread.id, "not_loaded"), ThreadClosed(loaded.thread.id)])
