"""A thread: the append-only list of items, and the views of it that a turn and its prompt need.

`append` is the only way in, and nothing is ever changed or taken out. The views are kept up to date as items come, so that asking
for them costs nothing however long the thread is. Turns that were taken back are left out when a thread is made from its items: a
Reverted marker in the list makes another thread of it, so whoever adds one makes the thread anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import tokens
from .effective import effective
from .items import (
    Context,
    Injected,
    Item,
    ModelItem,
    Notes,
    Opening,
    Reverted,
    Summary,
    ToolOutput,
    TurnBegan,
    TurnEnded,
    UsageReported,
    UserCommand,
    UserMessage,
)
from .prompt import Prompt
from .replies import Usage


class Thread:
    """The items of one conversation."""

    def __init__(self, thread_id: str, items: Iterable[Item] = ()) -> None:
        self.id = thread_id
        self.items: list[Item] = []
        "Those in memory that count: `forgotten` more came before them or were taken back, which only the store has."
        self.forgotten = 0
        self.forked_from: str | None = None
        "The thread that it was copied from."
        self.prompt = Prompt(thread_id)
        self.opening: Opening | None = None
        self.told: dict[str, str] = {}
        "Section name -> the text that the model was last told, in this epoch."
        self.usage = Usage()
        "Sum over all requests."
        self.last_usage = Usage()
        self.notes: tuple[str, ...] = ()
        "What the user has pinned."
        self.summary: Summary | None = None
        "The one that began this epoch."
        self.in_vain = 0
        "How many epochs in a row were over after one request, which took more than twice of what we had estimated."
        self._requests = 0
        self._surprised = False
        self._counted = 0
        self._since = 0
        self._epoch_at = 0
        self.open_turn: str | None = None
        self.marked = False
        "See TurnBegan.marked: of the last turn."
        self._unanswered: dict[str, ModelItem] = {}
        self.reverted_at = 0
        "How many items there were when turns were last taken back, or given back."
        self._begin(list(items))

    def _begin(self, items: list[Item]) -> None:
        left = effective(items)
        self.append(*left)
        gone = len(items) - len(left)
        if any(isinstance(item, Reverted) for item in items):
            self.reverted_at = max(at for at, item in enumerate(items, 1) if isinstance(item, Reverted))
        if gone:
            self.forgotten += gone
            self._epoch_at += gone
            # what was spent is spent
            self.usage = Usage()
            for item in items:
                if isinstance(item, UsageReported):
                    self._spend(_usage(item))

    @property
    def unanswered(self) -> tuple[ModelItem, ...]:
        """Calls without an output, in order."""
        return tuple(self._unanswered.values())

    def is_open(self, call_id: str) -> bool:
        """Whether it is the id of a call without an output."""
        return call_id in self._unanswered

    @property
    def used(self) -> int:
        """Tokens of the next request: what the provider counted for the last one, and an estimate of what came after."""
        return self._counted + self._since

    @property
    def estimated(self) -> int:
        """How many of `used` we have estimated."""
        return self._since

    @property
    def count(self) -> int:
        """How many items the thread has, in memory or not."""
        return self.forgotten + len(self.items)

    @property
    def epoch(self) -> list[Item]:
        """The items since the last Summary, which is the first of them."""
        return self.since(self._epoch_at)

    def since(self, count: int) -> list[Item]:
        """The items after the first `count`."""
        return self.items[max(count - self.forgotten, 0) :]

    def forget(self) -> None:
        """Let go of what came before this epoch: its prompt needs none of it, and the store has it all."""
        del self.items[: self._epoch_at - self.forgotten]
        self.forgotten = max(self.forgotten, self._epoch_at)

    def append(self, *items: Item) -> None:
        """Add items at the end. An output that answers no open call, or answers twice, is refused: ValueError."""
        for item in items:
            self._view(item)
            self.prompt.append(item)
            self._since += tokens.of_item(item)
            self.items.append(item)

    def _view(self, item: Item) -> None:
        match item:
            case Opening():
                if self.opening is not None:
                    self._since -= tokens.of_item(self.opening)
                self.opening = item
                self.told["model_instructions"] = item.instructions
            case Context():
                self.told.update((section.name, section.text) for section in item.sections)
            case ModelItem() if item.is_call:
                if item.call_id is None or item.call_id in self._unanswered:
                    raise ValueError(f"call id {item.call_id!r} is missing or already open")
                self._unanswered[item.call_id] = item
            case ToolOutput():
                if self._unanswered.pop(item.call_id, None) is None:
                    raise ValueError(f"output for {item.call_id!r}, which is not open")
            case Summary():
                if item.revises is None:
                    # the request for a summary is not one of the epoch's own
                    asked = bool(self.items) and isinstance(self.items[-1], UsageReported)
                    in_vain = self.summary is not None and self._surprised and self._requests - asked <= 1
                    self.in_vain = self.in_vain + 1 if in_vain else 0
                    self._requests = 0
                # the next epoch has an Opening of its own, and all Context is told again
                self.opening, self.told, self.summary = None, {}, item
                self._counted = self._since = 0
                self._epoch_at = self.count
                self.last_usage = Usage(total_tokens=tokens.of_item(item))
            case Notes():
                self.notes = item.texts
            case TurnBegan():
                self.open_turn, self.marked = item.turn_id, item.marked
            case TurnEnded():
                self.open_turn = None
            case UsageReported():
                if not self._requests:
                    self._surprised = item.total_tokens > 2 * self._since
                self._requests += 1
                self._count(item)
            case ModelItem() | UserMessage() | UserCommand() | Injected() | Reverted():
                pass

    def _count(self, item: UsageReported) -> None:
        last = _usage(item)
        self.last_usage = last
        if last.total_tokens:
            self._counted, self._since = last.total_tokens, 0
        self._spend(last)

    def _spend(self, last: Usage) -> None:
        self.usage += last


def _usage(item: UsageReported) -> Usage:
    return Usage(
        item.input_tokens,
        item.cached_input_tokens,
        item.output_tokens,
        item.reasoning_output_tokens,
        item.total_tokens,
    )
