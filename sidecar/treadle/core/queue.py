"""Messages that wait for their turn, and what a client may ask of a thread's queue.

A message that waits is no item of its thread: it becomes a UserMessage under the same id when its turn takes it, and is in the
queue until then. So it is always in exactly one of the two.
"""

from __future__ import annotations

import dataclasses
import json
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeAlias

from .items import Image, JsonObject, Text, dumps, said_part
from .record import frozen

if TYPE_CHECKING:
    from .ops import Overrides


@frozen
class Queued:
    """One message that waits."""

    id: str
    at: float
    content: tuple[Text | Image, ...]
    client_id: str | None
    settings: JsonObject
    "What the client set for this turn and the later ones, as runtime.overrides.to_json gives it."
    output_schema: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None
    "The client's own; kept for it."

    @property
    def size(self) -> int:
        """Characters, about: text and pictures."""
        return sum(len(part.text if isinstance(part, Text) else part.url) for part in self.content)


def encode(queued: Queued) -> str:
    return dumps(dataclasses.asdict(queued))


def decode(line: str) -> Queued:
    """The inverse of `encode`. Raises ValueError for what is no message."""
    try:
        data = json.loads(line)
        data["content"] = tuple(map(said_part, data["content"]))
        queued = Queued(**data)
        _check(queued)
        return queued
    except (TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is no message ({type(error).__name__})") from error


def _check(queued: Queued) -> None:
    """Raises ValueError for what nobody can have written. What the settings mean is for who uses them to say."""
    whole: list[tuple[object, type | tuple[type, ...]]] = [
        (queued.id, str), (queued.at, (int, float)), (queued.client_id, (str, NoneType)), (queued.settings, dict),
        (queued.output_schema, (dict, NoneType)), (queued.metadata, (dict, NoneType)),
        *((part.text if isinstance(part, Text) else part.url, str) for part in queued.content),
        *((value, str) for value in (queued.metadata or {}).values()),
    ]  # fmt: skip
    if not all(isinstance(value, kind) for value, kind in whole):
        raise ValueError("this is no message (a value of another type)")


@frozen
class AddQueued:
    """Put a message at the end. Where nothing runs and nothing waits, its turn starts at once."""

    thread_id: str
    content: tuple[Text | Image, ...]
    overrides: Overrides
    client_id: str | None = None
    output_schema: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None


@frozen
class ListQueued:
    thread_id: str
    cursor: str | None = None
    limit: int = 25


@frozen
class UpdateQueued:
    """Other words in the same place. Without `metadata` what was there stays."""

    thread_id: str
    queued_id: str
    content: tuple[Text | Image, ...]
    metadata: dict[str, str] | None = None


@frozen
class DeleteQueued:
    thread_id: str
    queued_id: str


@frozen
class ReorderQueued:
    """All that wait, in a new order: a list that is not of exactly those is refused."""

    thread_id: str
    queued_ids: tuple[str, ...]


@frozen
class StartQueued:
    """Start the turn of one that waits; without an id, of the first."""

    thread_id: str
    queued_id: str | None = None


@frozen
class PromoteQueued:
    """Make it a steer of the running turn; where none runs, start it."""

    thread_id: str
    queued_id: str


QueueOp: TypeAlias = AddQueued | ListQueued | UpdateQueued | DeleteQueued | ReorderQueued | StartQueued | PromoteQueued
