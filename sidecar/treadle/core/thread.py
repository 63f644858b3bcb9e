"""A thread: the append-only list of items, and the views of it that a turn and its prompt need.

`append` is the only way in, and nothing is ever changed or taken out. The views are kept up to date as items come, so that asking
for them costs nothing however long the thread is.
"""

from __future__ import annotations

from collections.abc import Iterable

from .items import Context, Item, ModelItem, Opening, Summary, ToolOutput, TurnBegan, TurnEnded, UsageReported, UserMessage
from .prompt import Prompt
from .replies import Usage


class Thread:
    """The items of one conversation."""

    def __init__(self, thread_id: str, items: Iterable[Item] = ()) -> None:
        self.id = thread_id
        self.items: list[Item] = []
        self.prompt = Prompt(thread_id)
        self.opening: Opening | None = None
        self.told: dict[str, str] = {}
        "Section name -> the text that the model was last told, in this epoch."
        self.usage = Usage()
        "Sum over all requests."
        self.last_usage = Usage()
        self.open_turn: str | None = None
        self._unanswered: dict[str, ModelItem] = {}
        self.append(*items)

    @property
    def unanswered(self) -> tuple[ModelItem, ...]:
        """Calls without an output, in order."""
        return tuple(self._unanswered.values())

    def append(self, *items: Item) -> None:
        """Add items at the end. An output that answers no open call, or answers twice, is refused: ValueError."""
        for item in items:
            self._view(item)
            self.prompt.append(item)
            self.items.append(item)

    def _view(self, item: Item) -> None:
        match item:
            case Opening():
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
                self.told = {"model_instructions": self.opening.instructions} if self.opening else {}
            case TurnBegan():
                self.open_turn = item.turn_id
            case TurnEnded():
                self.open_turn = None
            case UsageReported():
                self._count(item)
            case ModelItem() | UserMessage():
                pass

    def _count(self, item: UsageReported) -> None:
        last = Usage(
            item.input_tokens,
            item.cached_input_tokens,
            item.output_tokens,
            item.reasoning_output_tokens,
            item.total_tokens,
        )
        total = self.usage
        self.last_usage = last
        self.usage = Usage(
            total.input_tokens + last.input_tokens,
            total.cached_input_tokens + last.cached_input_tokens,
            total.output_tokens + last.output_tokens,
            total.reasoning_output_tokens + last.reasoning_output_tokens,
            total.total_tokens + last.total_tokens,
        )
