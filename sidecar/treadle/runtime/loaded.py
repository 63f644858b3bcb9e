"""A thread in memory, with all that lives as long as it does."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from ..core.items import Image, Item, Text
from ..core.known_files import KnownFiles
from ..core.ops import Overrides
from ..core.queue import Queued
from ..core.record import mutable
from ..core.settings import Settings
from ..core.thread import Thread
from . import overrides as over
from .accounting import MemoryLedger
from .assembly import Sessions
from .audience import Audience
from .listing import ListingChange
from .ports import Store, ThreadMeta
from .runner import Runner

_PREVIEW = 200
"Characters of the first message that stand for a thread in lists."


@mutable
class Loaded:
    """A thread in memory, with all that lives as long as it does."""

    thread: Thread
    meta: ThreadMeta
    overrides: Overrides
    settings: Settings
    store: Store
    audience: Audience
    sessions: Sessions
    runner: Runner | None = None
    task: asyncio.Task[None] | None = None
    restoring: bool = False
    "Files are being brought back: no turn can begin."
    stopped: bool = False
    "It is about to go: nothing is started in it any more."
    greeted: bool = False
    "Its SessionStart hooks have run in this process."
    known: KnownFiles = field(default_factory=KnownFiles)
    noted: ListingChange | None = None
    "The change of the tool list that the user was told of last."
    waiting: list[Queued] = field(default_factory=list[Queued])
    "The queue: messages for later turns, in order."
    taken: dict[str, str] = field(default_factory=dict[str, str])
    "Messages that were in the queue -> the turn that has them; empty while it starts."
    queue_told: bool = False
    "Clients are about to be told that the queue has changed."
    rested_at: float = 0.0
    "When something last happened in it, by the monotonic clock."
    by_hand: dict[asyncio.Task[None], str] = field(default_factory=dict["asyncio.Task[None]", str])
    "Commands of the user that run beside its turns -> the turn in which each began."
    naming: asyncio.Task[None] | None = None
    "A model is asked for the thread's title."
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    "MCP servers with tools for which the prompt has no room, and how many, as the user was told last."

    @property
    def busy(self) -> bool:
        """Whether something goes on in it that is not to be disturbed."""
        return self.runner is not None or bool(self.by_hand) or self.restoring

    @property
    def durable(self) -> bool:
        """Whether the store keeps all items."""
        return not self.meta.ephemeral

    def items(self) -> list[Item]:
        """All items of the thread, those of earlier epochs read from the store."""
        return self.store.load(self.thread.id)[1] if self.thread.forgotten else self.thread.items

    async def stop(self) -> None:
        """Interrupt its turn and end its commands; nothing can be started in it any more, unless this is cancelled."""
        self.stopped = True
        try:
            if self.runner is not None and self.task is not None:
                self.runner.interrupt()
                await asyncio.wait((self.task,))
            if self.naming is not None:
                self.naming.cancel()
            await self.end_by_hand()
            await self.sessions.close()
        except BaseException:
            self.stopped = False
            raise

    async def end_by_hand(self, turn_id: str | None = None) -> None:
        """End the commands of the user that run beside its turns, or only those of one turn; returns when they are gone."""
        tasks = [task for task, of in self.by_hand.items() if turn_id in (None, of)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def touch(self, content: tuple[Text | Image, ...], at: float) -> None:
        """A turn begins: what lists say of the thread follows."""
        self.change(updated_at=at, **self._in_force())
        if not self.meta.preview:
            self.change(preview=preview(content))

    def settings_changed(self) -> None:
        """What lists say of its settings follows."""
        self.change(**self._in_force())

    def change(self, **changes: Any) -> None:
        """What lists say of it. Another process may have given it a name meanwhile: what is not meant stays as it is kept."""
        kept = self.store.meta(self.thread.id) if self.durable else self.meta
        self.meta = dataclasses.replace(kept, **changes)
        self.store.update(self.meta)

    def _in_force(self) -> dict[str, Any]:
        settings = self.settings
        facts = {"model": settings.model, "provider": settings.provider.id, "cwd": settings.cwd}
        return {**facts, "settings": over.to_json(self.overrides)}


def preview(content: tuple[Text | Image, ...]) -> str:
    """How the words of a message begin, on one line."""
    text = " ".join(part.text for part in content if isinstance(part, Text))
    return " ".join(text.split())[:_PREVIEW]


class Nowhere:
    """The store of an ephemeral thread: its items, for as long as it is in memory."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.queue = NoQueue()
        self._items: list[Item] = []

    def append(self, thread_id: str, items: Sequence[Item]) -> None:
        self._items.extend(items)

    def load(self, thread_id: str) -> tuple[None, list[Item]]:
        return None, list(self._items)

    def draft(self, thread_id: str, item: Item) -> None:
        pass

    def update(self, meta: ThreadMeta) -> None:
        pass


class NoQueue:
    """What is in memory is all there is."""

    def of(self, thread_id: str) -> list[Queued]:
        return []

    def put(self, thread_id: str, queued: Queued) -> None:
        pass

    def remove(self, thread_id: str, ids: Sequence[str]) -> None:
        pass

    def order(self, thread_id: str, ids: Sequence[str]) -> None:
        pass
