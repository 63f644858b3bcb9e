"""A file's state of hunks as words that are stored, and back; the contents are stored beside it. Pure.

Words that make no sense are nobody's fault any more: the change is measured anew then, as of the turns that are known.
"""

from __future__ import annotations

import json
from typing import Any, cast

from .hunk_files import State, Whole
from .hunks import Mark, Review, patched
from .line_edits import lines


def noted(state: State) -> str:
    if isinstance(state, Whole):
        what: dict[str, Any] = {"id": state.id, "turns": state.turns, "edited": state.edited, "mode": state.mode}
        return json.dumps({"whole": what | {"omitted": state.omitted, "moved": state.moved}})
    marks = [[m.id, m.base_start, m.base_lines, m.start, m.lines, *m.turns] for m in state.marks]
    return json.dumps({"marks": marks, "serial": state.serial})


def recalled(path: str, base: bytes | None, current: bytes | None, turns: tuple[str, ...], notes: str) -> State | None:
    """`base` and `current` as hunk_files.base_bytes and current_bytes gave them. None: no hunks."""
    try:
        given: Any = json.loads(notes)
        if "whole" in given:
            return _whole(path, base, current, given["whole"])
        marks = tuple(_mark(one) for one in given["marks"])
        review = Review(path, lines(_text(base)), lines(_text(current)), marks, int(given["serial"]))
        if _fits(review):
            return review
    except (ValueError, LookupError, TypeError, UnicodeDecodeError):
        pass
    return _measured(path, base, current, turns)


def _whole(path: str, base: bytes | None, current: bytes | None, given: dict[str, Any]) -> Whole:
    turns = tuple(str(turn) for turn in given["turns"])
    mode = given["mode"]
    if not isinstance(given["id"], str) or not (mode is None or isinstance(mode, int)):
        raise TypeError("no such hunk")
    return Whole(path, given["id"], base, current, turns, bool(given["edited"]), mode, given["omitted"], given.get("moved"))


def _mark(given: Any) -> Mark:
    id, base_start, base_lines, start, count, *turns = cast("list[Any]", given)
    return Mark(str(id), int(base_start), int(base_lines), int(start), int(count), tuple(str(turn) for turn in turns))


def _fits(review: Review) -> bool:
    """Outside the marks both texts are equal."""
    at = base_at = 0
    end = Mark("", len(review.base), 0, len(review.current), 0, ())
    for mark in (*review.marks, end):
        if list(review.base[base_at : mark.base_start]) != list(review.current[at : mark.start]) or mark.start < at:
            return False
        at, base_at = mark.end, mark.base_end
    return True


def _measured(path: str, base: bytes | None, current: bytes | None, turns: tuple[str, ...]) -> State | None:
    turn = turns[-1] if turns else ""
    if base is None or current is None or base == current:
        return None if base == current else Whole(path, f"whole-{turn}", base, current, turns or (turn,))
    known = lines(_text(base))
    review = patched(Review(path, known, known), lines(_text(current)), turn)
    return review if review.marks else None


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "surrogatepass")
