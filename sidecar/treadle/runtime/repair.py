"""What a thread lacks when its process ended in the middle of a turn. Changes nothing: says which items make it valid again, and
whether the turn can go on because it waited for the user.

Whether a call had begun is told by its draft (see calls.py): one that had is never run again, whatever came of it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import cast

from ..core.asking import is_open
from ..core.items import Injected, Item, JsonObject, ModelItem, Notes, ToolOutput, TurnEnded, UserCommand, UserMessage, Waiting
from ..core.thread import Thread
from .ports import Clock, FileVersion, Outputs

LOST = "aborted: Treadle ended while this call was running"
NOT_BEGUN = "aborted: Treadle ended before this call was run"
NOT_KEPT = "aborted: what came of this call was not kept"
ASKING = frozenset(("request_user_input",))
"Tools that do nothing but ask the user: to ask again is not to do anything twice."
UNKNOWN = "Treadle ended while a command ran: what the command did to files is not known"
_HARMLESS = frozenset(("apply_patch", "read_output", "view_image", "update_plan", "request_user_input"))
"Tools that change no files, or say which before they do."


def repaired(
    thread: Thread,
    clock: Clock,
    drafts: Sequence[Item] = (),
    outputs: Outputs | None = None,
    told: tuple[str, JsonObject] | None = None,
) -> list[Item]:
    """Items to append: what was shown of a message that was being written, an "aborted" output per open call with what was shown
    of it, what the user had said and nobody had heard yet, then the end of the turn. Empty for a thread that ended well.
    `drafts`: as the store has them; `told`: a turn and why it failed, as clients know it already."""
    if thread.open_turn is None:
        return [
            ToolOutput(clock.new_id(), clock.now(), call.turn_id, call.call_id or "", NOT_KEPT, _custom(call), "aborted")
            for call in thread.unanswered
        ]
    turn_id = thread.open_turn
    repairs = _shown(thread, clock, drafts, outputs, thread.unanswered)
    repairs += [draft for draft in drafts if _was_said(draft, turn_id)]
    error = {"message": "Treadle ended while this turn was running.", "code": "internal", "status": None, "details": None}
    if told is not None and told[0] == turn_id:
        repairs.append(TurnEnded(clock.new_id(), clock.now(), turn_id, "failed", told[1]))
    else:
        repairs.append(TurnEnded(clock.new_id(), clock.now(), turn_id, "interrupted", error))
    return repairs


def waited(thread: Thread, drafts: Sequence[Item]) -> bool:
    """Whether the turn that was cut waited for the user, so that it can go on by asking again."""
    open_calls = {call.call_id for call in thread.unanswered}
    asked = (draft for draft in drafts if isinstance(draft, ToolOutput) and draft.call_id in open_calls)
    return thread.open_turn is not None and thread.marked and any(is_open(draft.answer) for draft in asked)


def taken_up(
    thread: Thread, clock: Clock, drafts: Sequence[Item], outputs: Outputs | None = None
) -> tuple[list[Item], list[Waiting]]:
    """For a turn that waited: items to append, so that all calls that had begun are answered; and what the user had said."""
    assert thread.open_turn is not None, "only a turn that was cut off is taken up"
    begun = {draft.call_id for draft in drafts if isinstance(draft, ToolOutput) and not is_open(draft.answer)}
    calls = [call for call in thread.unanswered if call.call_id in begun]
    said = [draft for draft in drafts if _was_said(draft, thread.open_turn)]
    return _shown(thread, clock, drafts, outputs, calls), cast("list[Waiting]", said)


def unknown_changes(thread: Thread, roots: Sequence[str], now: float, drafts: Sequence[Item] = ()) -> list[FileVersion]:
    """What the checkpoint of the turn lacks. Of a thread that is not repaired yet."""
    if thread.open_turn is None:
        return []
    begun = {draft.call_id for draft in drafts if isinstance(draft, ToolOutput) and not is_open(draft.answer)}
    if all(call.name in _HARMLESS or (thread.marked and call.call_id not in begun) for call in thread.unanswered):
        return []
    return [FileVersion(thread.id, thread.open_turn, root, None, None, now, omitted=UNKNOWN) for root in roots]


def _shown(
    thread: Thread, clock: Clock, drafts: Sequence[Item], outputs: Outputs | None, calls: Sequence[ModelItem]
) -> list[Item]:
    """What was shown of messages and of these calls."""
    turn_id = thread.open_turn or ""
    shown = {draft.call_id: draft for draft in drafts if isinstance(draft, ToolOutput)}
    items: list[Item] = [draft for draft in drafts if isinstance(draft, ModelItem) and draft.turn_id == turn_id]
    for call in calls:
        call_id, custom = call.call_id or "", _custom(call)
        why = NOT_BEGUN if thread.marked else LOST
        output = shown.get(call_id) or ToolOutput(clock.new_id(), clock.now(), turn_id, call_id, why, custom, "aborted")
        items.append(_with_rest(output, thread.id, call, outputs))
    return items


def _custom(call: ModelItem) -> bool:
    return call.kind == "custom_tool_call"


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
