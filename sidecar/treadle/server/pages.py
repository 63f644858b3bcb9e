"""Pages of a thread's turns and items. Pure.

A cursor names the row beside which a page begins, and whether it is in the page; so it stays right when other rows come or go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeVar

from ..core.history import TurnState
from ..core.items import JsonObject
from ..core.record import frozen
from ..core.views import MessageCard, ReviewCard, UserCard
from . import project
from .cards import thread_item
from .handshake import BadParams

MOST_TURNS, MOST_ITEMS = 100, 500
DEFAULT_TURNS, DEFAULT_ITEMS = 25, 100
Direction = Literal["asc", "desc"]
View = Literal["notLoaded", "summary", "full"]
_AFTER, _FROM = "after:", "from:"
Row = TypeVar("Row")


@frozen
class Page(Generic[Row]):
    rows: Sequence[Row]
    following: str | None
    "Where the next page of the same direction begins."
    backwards: str | None
    "Where the page of the other direction begins that has this one's first row again."


def page(rows: Sequence[Row], name: Callable[[Row], str], cursor: str | None, limit: int, direction: Direction) -> Page[Row]:
    """`rows` oldest first. Raises BadParams for a cursor that names no row."""
    ordered = list(rows) if direction == "asc" else list(reversed(rows))
    start = 0
    if cursor is not None:
        inclusive, id = cursor.startswith(_FROM), cursor.removeprefix(_FROM).removeprefix(_AFTER)
        found = next((at for at, row in enumerate(ordered) if name(row) == id), None)
        if found is None or not cursor.startswith((_FROM, _AFTER)):
            raise BadParams("cursor", "names nothing in this thread: it may have been taken back; begin without a cursor")
        start = found if inclusive else found + 1
    chosen = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return Page(chosen, after(name(chosen[-1])) if chosen and more else None, beginning(name(chosen[0])) if chosen else None)


def after(id: str) -> str:
    """The cursor of the page behind a row."""
    return _AFTER + id


def beginning(id: str) -> str:
    """The cursor of a page that begins with a row."""
    return _FROM + id


def turns(states: Sequence[TurnState], cursor: str | None, limit: int | None, direction: Direction, view: View) -> JsonObject:
    """An answer of thread/turns/list."""
    size = max(1, min(limit or DEFAULT_TURNS, MOST_TURNS))
    found = page(states, lambda state: state.id, cursor, size, direction)
    data = [turn(state, view) for state in found.rows]
    return {"data": data, "nextCursor": found.following, "backwardsCursor": found.backwards}


def turn(state: TurnState, view: View) -> JsonObject:
    """A turn with as much of what it did as was asked for."""
    if view == "full":
        return project.full_turn(state)
    bare = project.turn(state.id, state.status, state.started_at, completed_at=state.completed_at, error=state.error)
    if view == "notLoaded":
        return bare
    first = next((card for card in state.cards if isinstance(card, (UserCard, ReviewCard))), None)
    last = next((card for card in reversed(state.cards) if isinstance(card, MessageCard)), None)
    items = [thread_item(card) for card in (first, last) if card is not None]
    return bare | {"items": items, "itemsView": "summary"}


def items(states: Sequence[TurnState], cursor: str | None, limit: int | None, direction: Direction) -> JsonObject:
    """An answer of thread/items/list. The turns are those whose items are listed."""
    rows = [(state.id, card) for state in states for card in state.cards]
    size = max(1, min(limit or DEFAULT_ITEMS, MOST_ITEMS))
    found = page(rows, lambda row: row[1].id, cursor, size, direction)
    # when each began and ended is told live and not kept
    data: list[JsonObject] = [
        {"turnId": turn_id, "item": thread_item(card), "startedAtMs": None, "completedAtMs": None} for turn_id, card in found.rows
    ]
    return {"data": data, "nextCursor": found.following, "backwardsCursor": found.backwards}


def ends(states: Sequence[TurnState]) -> JsonObject:
    """The cursors from which a client goes back through a thread."""
    last = next((card.id for state in reversed(states) for card in reversed(state.cards)), None)
    return {
        "turnsBackwardsCursor": beginning(states[-1].id) if states else None,
        "itemsBackwardsCursor": beginning(last) if last else None,
    }
