"""The beginning of a thread as another one: what is copied of its items. Pure.

The copy renders the bytes that the original did, so that a provider that has the original's prompt in its cache has the copy's,
too: its Openings go on naming the cache of the thread that they were made in. An epoch that begins in the copy has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .effective import effective, place
from .items import Item, Opening, Reverted, ToolOutput, TurnBegan, TurnEnded
from .thread import Thread

LEFT = "aborted: the thread was copied while this call was running; what it did since is not known here"


def copied(items: Sequence[Item], thread_id: str, *, last: str | None = None, before: str | None = None) -> list[Item]:
    """What counts of a thread: all, or up to a turn, with it (`last`) or without (`before`). Raises KeyError for no such turn."""
    kept = list(effective(items))
    named = last or before
    if named is not None:
        at = place(kept, named)
        if at is None:
            raise KeyError(named)
        kept = kept[:at] if last is None else kept[: _next(kept, at)]
    return [_own(item, thread_id) for item in kept if not isinstance(item, Reverted)]


def ended(thread: Thread, new_id: Sequence[str], at: float) -> list[Item]:
    """What a copy lacks that was made in the middle of a turn: the running calls are answered, and the turn is interrupted."""
    turn_id, ids = thread.open_turn, iter(new_id)
    items: list[Item] = [
        ToolOutput(next(ids), at, turn_id or call.turn_id, call.call_id or "", LEFT, call.kind == "custom_tool_call", "aborted")
        for call in thread.unanswered
    ]
    if turn_id is None:
        return items
    return [*items, TurnEnded(next(ids), at, turn_id, "interrupted")]


def running(items: Sequence[Item]) -> str | None:
    """The turn that has not ended."""
    last = next((item for item in reversed(items) if isinstance(item, (TurnBegan, TurnEnded))), None)
    return last.turn_id if isinstance(last, TurnBegan) else None


def _next(items: Sequence[Item], at: int) -> int:
    """Where the turn after the one at `at` begins."""
    return next((n for n in range(at + 1, len(items)) if isinstance(items[n], TurnBegan)), len(items))


def _own(item: Item, thread_id: str) -> Item:
    if isinstance(item, Opening) and not item.cache_key:
        return replace(item, cache_key=thread_id)
    return item
