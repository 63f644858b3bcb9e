"""Outputs that are cut for the model, and where it finds the whole: a file that its commands may read, never write.

A spill is begun when something would be lost, not before: most outputs are short and touch no disk.
"""

from __future__ import annotations

from collections.abc import Callable

from ..core import tokens, truncate
from ..core.truncate import Kept
from ..runtime.ports import Call, Outputs, Spill


def opener(outputs: Outputs | None, call: Call) -> Callable[[int], Spill] | None:
    """Opens the spill of a call; a command that goes on after it gets one more, with a number, each time it is asked."""
    if outputs is None:
        return None
    return lambda number: outputs.open(call.thread_id, f"{call.item_id}.{number}" if number else call.item_id)


def notice(spill: Spill | None) -> str:
    """What the model is told of it, with the end of the line; empty when there is none."""
    if spill is None or spill.path is None:
        return ""
    what = "Full output" if spill.whole else "Beginning of the full output"
    return f"{what}: {spill.path} (read on with read_output, search with grep)\n"


def whole(text: str, max_tokens: int, outputs: Outputs | None, call: Call) -> tuple[str, str | None]:
    """An output that is all in memory, cut for the model; and the name of the whole, when it was cut."""
    if not is_cut(Kept(text), max_tokens):
        return text, None
    spill = None
    if outputs is not None:
        spill = outputs.open(call.thread_id, call.item_id)
        spill.write(text)
        spill.close()
    name = spill.name if spill is not None and spill.path is not None else None
    return notice(spill) + truncate.middle(text, max_tokens), name


def is_cut(kept: Kept, max_tokens: int) -> bool:
    """Whether the model sees less than there was."""
    return bool(kept.omitted) or kept.bytes > max_tokens * tokens.BYTES_PER_TOKEN
