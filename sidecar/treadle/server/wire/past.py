"""What was said in a thread before: copied, taken back and given back."""

from __future__ import annotations

from .base import Params, Wire
from .thread import Thread, ThreadOverrides, ThreadSettingsInForce


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
