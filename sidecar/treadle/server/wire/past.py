"""What was said in a thread before: copied, taken back and given back."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from .base import Limit, Params, Wire
from .item import ThreadItem
from .thread import Thread, ThreadOverrides, ThreadSettingsInForce, TurnsPage


class ThreadForkParams(ThreadOverrides):
    thread_id: str
    last_turn_id: str | None = None
    "The last turn that is copied; it must have ended."
    before_turn_id: str | None = None
    "The first turn that is not copied; not together with `last_turn_id`."
    ephemeral: bool = False
    exclude_turns: bool = False


class ThreadForkResponse(ThreadSettingsInForce):
    pass


SortDirection: TypeAlias = Literal["asc", "desc"]
TurnItemsView: TypeAlias = Literal["notLoaded", "summary", "full"]


class ThreadTurnsListParams(Params):
    thread_id: str
    cursor: str | None = None
    limit: Limit | None = None
    sort_direction: SortDirection | None = None
    "The newest first when left out."
    items_view: TurnItemsView | None = None
    "summary when left out: what the user said first, and the agent last."


class ThreadTurnsListResponse(TurnsPage):
    pass


class ItemAnchor(Params):
    type: Literal["item"]
    item_id: str


class ThreadItemsListParams(Params):
    thread_id: str
    turn_id: str | None = None
    cursor: str | ItemAnchor | None = None
    "One of a page, or an item of the turn, which is not in the page."
    limit: Limit | None = None
    sort_direction: SortDirection | None = None
    "The oldest first when left out."


class ThreadItemEntry(Wire):
    turn_id: str
    item: ThreadItem
    started_at_ms: None
    completed_at_ms: None


class ThreadItemsListResponse(Wire):
    data: list[ThreadItemEntry]
    next_cursor: str | None
    backwards_cursor: str | None


class ThreadItemsReadParams(Params):
    thread_id: str
    turn_id: str
    item_ids: Annotated[list[str], Field(min_length=1, max_length=100)]


class ThreadItemsReadResponse(Wire):
    data: list[ThreadItemEntry]


class ThreadRevertParams(Params):
    thread_id: str
    before_turn_id: str
    "This turn and all that came after it are taken back. Files stay as they are."


class ThreadRevertResponse(Wire):
    thread: Thread
    turns_backwards_cursor: str | None
    items_backwards_cursor: str | None


class ThreadRevertedNotification(Wire):
    """Turns were taken back, or given back: read the thread again."""

    thread_id: str


class RevertUndoParams(Params):
    thread_id: str
