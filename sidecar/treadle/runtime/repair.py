"""What a thread lacks when its process died in the middle of a turn. Changes nothing: says which items make it valid again."""

from __future__ import annotations

from ..core.items import Item, ToolOutput, TurnEnded
from ..core.thread import Thread
from .ports import Clock


def repaired(thread: Thread, clock: Clock) -> list[Item]:
    """Items to append: an "aborted" output per open call, then the end of the turn. Empty for a thread that ended well."""
    if thread.open_turn is None:
        return []
    turn_id, repairs = thread.open_turn, list[Item]()
    for call in thread.unanswered:
        custom = call.kind == "custom_tool_call"
        text = "aborted: Treadle ended while this call was running"
        repairs.append(ToolOutput(clock.new_id(), clock.now(), turn_id, call.call_id or "", text, custom, "aborted"))
    error = {"message": "Treadle ended while this turn was running.", "code": "internal", "status": None, "details": None}
    repairs.append(TurnEnded(clock.new_id(), clock.now(), turn_id, "interrupted", error))
    return repairs
