"""What a thread lacks when its process died in the middle of a turn. Changes nothing: says which items make it valid again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from ..core.items import Injected, Item, ModelItem, Notes, ToolOutput, TurnEnded, UserCommand, UserMessage
from ..core.thread import Thread
from .ports import Clock, FileVersion, Outputs

LOST = "aborted: Treadle ended while this call was running"
UNKNOWN = "Treadle ended while a command ran: what the command did to files is not known"
_HARMLESS = frozenset(("apply_patch", "read_output", "view_image", "update_plan", "request_user_input"))
"Tools that change no files, or say which before they do."


def repaired(thread: Thread, clock: Clock, drafts: Sequence[Item] = (), outputs: Outputs | None = None) -> list[Item]:
    """Items to append: what was shown of a message that was being written, an "aborted" output per open call with what was shown
    of it, what the user had said and nobody had heard yet, then the end of the turn. Empty for a thread that ended well.
    `drafts`: as the store has them."""
    if thread.open_turn is None:
        return []
    turn_id, shown = thread.open_turn, dict[str, ToolOutput]()
    repairs: list[Item] = [draft for draft in drafts if isinstance(draft, ModelItem) and draft.turn_id == turn_id]
    shown.update((draft.call_id, draft) for draft in drafts if isinstance(draft, ToolOutput))
    for call in thread.unanswered:
        call_id, custom = call.call_id or "", call.kind == "custom_tool_call"
        output = shown.get(call_id) or ToolOutput(clock.new_id(), clock.now(), turn_id, call_id, LOST, custom, "aborted")
        repairs.append(_with_rest(output, thread.id, call, outputs))
    repairs += [draft for draft in drafts if _was_said(draft, turn_id)]
    error = {"message": "Treadle ended while this turn was running.", "code": "internal", "status": None, "details": None}
    repairs.append(TurnEnded(clock.new_id(), clock.now(), turn_id, "interrupted", error))
    return repairs


def unknown_changes(thread: Thread, roots: Sequence[str], now: float) -> list[FileVersion]:
    """What the checkpoint of the turn lacks. Of a thread that is not repaired yet."""
    if thread.open_turn is None or all(call.name in _HARMLESS for call in thread.unanswered):
        return []
    return [FileVersion(thread.id, thread.open_turn, root, None, None, now, omitted=UNKNOWN) for root in roots]


def _was_said(draft: Item, turn_id: str) -> bool:
    return draft.turn_id == turn_id if isinstance(draft, UserMessage) else isinstance(draft, (Notes, Injected, UserCommand))


def _with_rest(output: ToolOutput, thread_id: str, call: ModelItem, outputs: Outputs | None) -> ToolOutput:
    """An output that was long is on disk as far as it went."""
    path = outputs.kept(thread_id, call.id) if outputs is not None else None
    if path is None:
        return output
    first, newline, rest = output.text.partition("\n")
    text = f"{first}\nBeginning of the full output: {path} (read on with read_output, search with grep){newline}{rest}"
    return dataclasses.replace(output, text=text, detail=output.detail and {**output.detail, "spill": os.path.basename(path)})
