"""What counts of a thread: its items without the turns that the user took back. Pure.

A thread only grows, so taking turns back is one more item, a Reverted marker, and giving them back is another. Whoever shows,
searches or sends a thread asks here what is left; asking about what is left already leaves it as it is. What the user has pinned
(Notes) is about the whole thread and stays whatever is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .items import Context, Item, Notes, Reverted, TurnBegan


def effective(items: Sequence[Item]) -> Sequence[Item]:
    """The items that count, in order, the markers in force among them."""
    if not any(isinstance(item, Reverted) for item in items):
        return items
    return _fold(items)[0]


def undoable(items: Sequence[Item]) -> Reverted | None:
    """The marker that may be taken back: the last one in force, when nothing was said after it but notes and Context."""
    kept, wholes = _fold(items)
    if not wholes:
        return None
    last = wholes[-1][0]
    since = kept[kept.index(last) + 1 :]
    return last if all(isinstance(item, (Notes, Context, Reverted)) for item in since) else None


def place(items: Sequence[Item], turn_id: str) -> int | None:
    """Where a turn begins; None when it does not count, or is not there."""
    kept = effective(items)
    return next((at for at, item in enumerate(kept) if _begins(item, turn_id)), None)


def turn_ids(items: Iterable[Item]) -> tuple[str, ...]:
    """The turns that began among these items, in order."""
    return tuple(item.turn_id for item in items if isinstance(item, TurnBegan))


def _begins(item: Item, turn_id: str) -> bool:
    return isinstance(item, TurnBegan) and item.turn_id == turn_id


def _fold(items: Sequence[Item]) -> tuple[list[Item], list[tuple[Reverted, list[Item]]]]:
    """What is left, and of each marker in force what there was before it."""
    kept: list[Item] = []
    wholes: list[tuple[Reverted, list[Item]]] = []
    for item in items:
        if not isinstance(item, Reverted):
            kept.append(item)
        elif item.undoes is not None:
            if wholes and wholes[-1][0].id == item.undoes:
                marker, whole = wholes.pop()
                kept = [*whole, *kept[kept.index(marker) + 1 :]]
            kept.append(item)
        else:
            at = next((at for at, other in enumerate(kept) if _begins(other, item.before)), len(kept))
            wholes.append((item, kept))
            kept = [*kept[:at], *(other for other in kept[at:] if isinstance(other, Notes)), item]
    return kept, wholes
