"""All that a turn may ask of the world, and how the world may stop it.

The turn is a generator: it yields an effect and is sent the answer named in the effect's docstring.
"""

from __future__ import annotations

from typing import TypeAlias

from .events import ErrorInfo
from .items import Item, ModelItem, TurnStatus
from .record import frozen


@frozen
class ReadContext:
    """Answer: list of Opening and Context items for what the model has not been told yet; mostly empty."""


@frozen
class TakeSteers:
    """Answer: list of what the user has said, each message followed by the Context that it asks for. With `closing`, an empty
    answer also ends the turn for later steers."""

    closing: bool = False


@frozen
class Sample:
    """One request to the model. Answer: Reply."""


@frozen
class RunTools:
    """Answer: list of ToolOutput, one per call, in the order in which they finished."""

    calls: tuple[ModelItem, ...]


@frozen
class AbortCalls:
    """Answer: list of ToolOutput that say "aborted", one per call. Never stopped."""

    calls: tuple[ModelItem, ...]


@frozen
class Compact:
    """Answer: list of items, the last one the Summary that begins the next epoch. Stopped when there can be none: then nothing
    of the attempt is in the thread. `overflowed`: the provider has refused the prompt, whatever our estimate says."""

    overflowed: bool = False


@frozen
class RunByHand:
    """The user's own command. Answer: list of one UserCommand. Stopped when it was interrupted, with the same."""


Effect: TypeAlias = ReadContext | TakeSteers | Sample | RunTools | AbortCalls | Compact | RunByHand


@frozen
class Reply:
    """What came of a Sample. Not `complete`: the stream died after these items and the request must be made again."""

    items: tuple[Item, ...]
    complete: bool = True


@frozen
class Outcome:
    status: TurnStatus
    error: ErrorInfo | None = None


class Stopped(Exception):
    """Thrown into a turn in place of an answer. `items` are those that had come into being by then, in order."""

    def __init__(self, outcome: Outcome, items: tuple[Item, ...] = ()) -> None:
        super().__init__(outcome.status)
        self.outcome = outcome
        self.items = items


class ContextOverflow(Stopped):
    """Thrown in place of a Reply: the provider says that the prompt is too long. A turn that knows no better ends by it."""
