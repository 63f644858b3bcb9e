"""Three contents of one file -> one that has the changes of both sides, or where the two do not agree. Pure.

Works on lines with their ends: CRLF, CR, a missing last newline and any 8-bit encoding come through byte for byte. Changes that
touch or overlap agree only when they are the same: a line that is kept or lost by guess would be somebody's work. What is no text
is one whole: it merges only when one side left it alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from .line_edits import Edit, line_edits, lines
from .record import frozen


@frozen
class Conflict:
    """Lines of `ours` (from 0; `stop` excluded) that both sides changed; what was there, and what theirs has."""

    start: int
    stop: int
    base: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


@frozen
class Merged:
    data: bytes | None
    "None: there is no file any more."
    conflicts: tuple[Conflict, ...] = ()
    "Not empty: `data` is ours, untouched."


def merge(base: bytes | None, ours: bytes | None, theirs: bytes | None) -> Merged:
    """None stands for a file that is not there."""
    if theirs in (base, ours):
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    if base is None or ours is None or theirs is None or any(map(is_binary, (base, ours, theirs))):
        return Merged(ours, (Conflict(0, 0 if ours is None else len(lines(_text(ours)))),))
    old, mine, other = (lines(_text(data)) for data in (base, ours, theirs))
    out: list[str] = []
    conflicts: list[Conflict] = []
    done = 0
    for group_a, group_b in _groups(line_edits(old, mine), line_edits(old, other)):
        first, last = _extent(group_a, group_b)
        out += old[done:first]
        done = last
        in_mine, in_other = _side(group_a, first, last, mine), _side(group_b, first, last, other)
        if not group_b or in_mine == in_other:
            out += in_mine
        elif not group_a:
            out += in_other
        else:
            start = _place(group_a, first)
            conflicts.append(Conflict(start, start + len(in_mine), tuple(old[first:last]), tuple(in_other)))
    if conflicts:
        return Merged(ours, tuple(conflicts))
    out += old[done:]
    return Merged("".join(out).encode("latin-1"))


def is_binary(data: bytes) -> bool:
    """As git decides: a NUL in the beginning. UTF-16 is binary, too."""
    return b"\0" in data[:8000]


def _text(data: bytes) -> str:
    # A character a byte: what the bytes mean does not matter here, that they come back does.
    return data.decode("latin-1")


def _groups(ours: Sequence[Edit], theirs: Sequence[Edit]) -> list[tuple[list[Edit], list[Edit]]]:
    """Edits of the base in order; those of both sides that touch are in one group."""
    edits = sorted([(edit, 0) for edit in ours] + [(edit, 1) for edit in theirs], key=lambda pair: (pair[0][0], pair[0][1]))
    groups: list[tuple[list[Edit], list[Edit]]] = []
    end = -1
    for edit, side in edits:
        if edit[0] > end:
            groups.append(([], []))
        groups[-1][side].append(edit)
        end = max(end, edit[1])
    return groups


def _extent(group_a: list[Edit], group_b: list[Edit]) -> tuple[int, int]:
    both = group_a + group_b
    return min(edit[0] for edit in both), max(edit[1] for edit in both)


def _side(edits: list[Edit], first: int, last: int, text: list[str]) -> list[str]:
    """The lines that one side has for lines [first, last) of the base."""
    if not edits:
        return []
    start = _place(edits, first)
    return text[start : edits[-1][3] + last - edits[-1][1]]


def _place(edits: list[Edit], first: int) -> int:
    return edits[0][2] - (edits[0][0] - first)
