"""The clients that watch one thread. Fans events out, and asks one of them when a call needs a yes.

A question that nobody can answer is answered "decline": a lost client never lets a call run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..core.asking import DECLINE, Asked, Decision
from ..core.events import ApprovalSettled, CardCompleted, CardStarted, Event, ThreadStatusChanged
from .ports import Client


class Audience:
    """Clients of a thread, the latest comer last. `status` is what a client would be told of the thread now."""

    def __init__(self, thread_id: str) -> None:
        self._thread_id = thread_id
        self._clients: list[Client] = []
        self._asked: dict[str, tuple[Client, asyncio.Task[Decision]]] = {}
        self.open: set[str] = set()
        "Cards that were begun and have no end yet."

    @property
    def clients(self) -> tuple[Client, ...]:
        return tuple(self._clients)

    @property
    def waiting(self) -> bool:
        return bool(self._asked)

    def join(self, client: Client) -> None:
        """Watch from now on; joining again makes it the one that is asked."""
        if client in self._clients:
            self._clients.remove(client)
        self._clients.append(client)

    def leave(self, client: Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
        for answering, task in list(self._asked.values()):
            if answering is client:
                task.cancel()

    def notify(self, *events: Event) -> None:
        if events:
            self.notify_all(events)

    def notify_all(self, events: Sequence[Event]) -> None:
        for event in events:
            if type(event) is CardStarted:
                self.open.add(event.card.id)
            elif type(event) is CardCompleted:
                self.open.discard(event.card.id)
        for client in self._clients:
            client.notify(events)

    async def ask(self, asked: Asked) -> Decision:
        """The user's answer. Cancelled with the turn; then, and when its client is lost, clients learn that it is settled."""
        if not self._clients:
            return DECLINE
        client = self._clients[-1]
        task = asyncio.ensure_future(client.ask(asked))
        self._asked[asked.id] = client, task
        if len(self._asked) == 1:
            self.notify(ThreadStatusChanged(self._thread_id, "waiting_on_approval"))
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return DECLINE
        finally:
            task.cancel()
            del self._asked[asked.id]
            self.notify(ApprovalSettled(self._thread_id, asked.id))
            if not self._asked:
                self.notify(ThreadStatusChanged(self._thread_id, "active"))
