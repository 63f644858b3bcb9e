"""What a model says while it answers one request: the alphabet between a Model adapter and the runner.

An adapter yields these in the order of the stream. `key` names an output item within this one reply. Deltas are for the
screen only: the authoritative item is the one in `ItemDone`. A reply is valid only if it ends with `ReplyCompleted`; an
adapter that cannot deliver that raises `core.errors.ModelError`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from .items import JsonObject
from .record import frozen


@frozen
class Usage:
    """Tokens of one request. `input_tokens` includes the cached ones, `output_tokens` the reasoning ones."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    total_tokens: int = 0
    cache_reported: bool = True
    "False: the provider does not say how many were cached; `cached_input_tokens` is 0 then."

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_output_tokens + other.reasoning_output_tokens,
            self.total_tokens + other.total_tokens,
        )


@frozen
class Compacted:
    """What a provider made of a prompt: input items that stand for all of it."""

    items: tuple[JsonObject, ...]
    usage: Usage | None = None


@frozen
class ItemBegun:
    key: str
    kind: str
    payload: JsonObject


@frozen
class Delta:
    """A piece of an item under way.

    text: assistant text. reasoning / summary: of the reasoning part number `index`. input: arguments or input of a call.
    """

    key: str
    kind: Literal["text", "reasoning", "summary", "input"]
    text: str
    index: int = 0


@frozen
class SummaryPartBegun:
    key: str
    index: int


@frozen
class ItemDone:
    key: str
    kind: str
    payload: JsonObject
    "The item as parsed JSON. The runner stores its compact JSON text and never changes it."


@frozen
class ReplyCompleted:
    response_id: str | None
    usage: Usage | None
    skipped: int = 0
    "Malformed or undecodable stream events that were passed over."
    incomplete: str | None = None
    "Why the provider stopped early although what came is valid: max_output_tokens. The user should be told."


ReplyEvent: TypeAlias = ItemBegun | Delta | SummaryPartBegun | ItemDone | ReplyCompleted
