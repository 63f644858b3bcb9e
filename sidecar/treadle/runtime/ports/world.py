"""Time, models, and the client that watches and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from ...core.asking import Asked, Decision
from ...core.events import Event
from ...core.prompt import Request
from ...core.replies import Compacted, ReplyEvent
from ...core.settings import Provider, Settings


class Clock(Protocol):
    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...
    def new_id(self) -> str:
        """A UUIDv7 as text: sorts by time."""
        ...


class Model(Protocol):
    def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
        """One attempt at one request: batches of events as they arrive, the last one ReplyCompleted.

        Raises core.errors.ModelError. Never retries: that is runtime/retry.py's, so that loops do not multiply.
        """
        ...

    async def compact(self, request: Request) -> Compacted:
        """The provider's own compaction of this prompt, one attempt. Only asked where Provider.compact_endpoint says so.

        Raises core.errors.ModelError, with status 404, 405 or 501 when the provider has no such thing.
        """
        ...

    async def close(self) -> None: ...


class Models(Protocol):
    def get(self, provider: Provider, settings: Settings) -> Model: ...
    async def close(self) -> None: ...


class Client(Protocol):
    """Whoever watches and answers. `notify` never blocks and never fails."""

    def notify(self, events: Sequence[Event]) -> None: ...
    async def ask(self, asked: Asked) -> Decision:
        """May take hours; is cancelled when the turn ends. A lost client answers decline."""
        ...
