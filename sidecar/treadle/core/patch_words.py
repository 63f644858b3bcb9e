"""What a model is told when a chunk does not fit: its own lines, the places that fit equally, the lines that are there now.

Everything is bounded, and lines are shown as they are in the file, so that they can be copied into the next patch; only what is
no text (half a surrogate pair, a byte that is not UTF-8) is shown as U+FFFD.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from .pattern import late

SHOWN_LINES = 40
LINE_CHARS = 200
CANDIDATES = 5
NEAR_LINES = 12
SEARCHED_LINES = 50_000
"A file longer than this is searched for similar lines in its beginning only."
_COMMON = 20
"Lines that occur more often than this say nothing about the place."
_SURROGATE = late("[\ud800-\udfff]")
_WORD = late(r"\w{3,}")


def listed(lines: Sequence[str], limit: int = SHOWN_LINES) -> str:
    """The lines, one below the other, with the number of those left out."""
    text = "\n".join(map(_clipped, lines[:limit]))
    return text if len(lines) <= limit else f"{text}\n… ({len(lines) - limit} more lines)"


def ambiguous(lines: Sequence[str], old: Sequence[str], places: Iterable[int], which: str) -> str:
    """Why a chunk is refused that fits several places, with the places."""
    found = list(islice(places, 1000))
    count = "more than 999" if len(found) == 1000 else str(len(found))
    parts = [f"Ambiguous: {which} fits {count} places equally well, and no @@ line says which:"]
    for at in found[:CANDIDATES]:
        scope = _scope(lines, at)
        parts.append(f"--- line {at + 1}" + (f", below `{_clipped(scope.strip())}`:" if scope else ":"))
        parts.append(listed(lines[max(0, at - 2) : at + min(len(old), 3) + 1]))
    if len(found) > CANDIDATES:
        parts.append("--- and more")
    parts.append("Give more context lines, or name what encloses the right place after @@, so that only one place fits.")
    return "\n".join(parts)


def nearest(lines: Sequence[str], wanted: Sequence[str]) -> str:
    """The lines of now where `wanted` was most likely meant; empty when nothing is alike."""
    at = _most_alike(lines, wanted)
    if at is None:
        return ""
    first = max(0, at - 1)
    last = min(len(lines), first + min(len(wanted) + 2, NEAR_LINES))
    return f"\nThe closest lines are now, from line {first + 1} on:\n{listed(lines[first:last])}"


def _most_alike(lines: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Where most of the wanted lines are in place, whatever their indentation; else the line that shares most words."""
    places: dict[str, list[int]] = {}
    for index, line in enumerate(islice(lines, SEARCHED_LINES)):
        places.setdefault(line.strip(), []).append(index)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(wanted[:1000]):
        at = places.get(line.strip(), ()) if line.strip() else ()
        if len(at) <= _COMMON:
            votes.update(max(index - offset, 0) for index in at)
    if votes:
        most = max(votes.values())
        return min(at for at, count in votes.items() if count == most)
    return _shares_words(places, wanted)


def _shares_words(places: dict[str, list[int]], wanted: Sequence[str]) -> int | None:
    words = [set(_WORD.findall(line[:LINE_CHARS])) for line in wanted[:SHOWN_LINES]]
    best, at = 1, None
    for line, indexes in places.items():
        if len(indexes) > _COMMON or not line:
            continue
        there = set(_WORD.findall(line[:LINE_CHARS]))
        for offset, some in enumerate(words):
            if len(there & some) > best:
                best, at = len(there & some), max(indexes[0] - offset, 0)
    return at


def _scope(lines: Sequence[str], at: int) -> str | None:
    """The nearest line above that is indented less: what encloses the place."""
    indent = _indent(lines[at])
    for line in reversed(lines[max(0, at - 500) : at]):
        if line.strip() and _indent(line) < indent and any(char.isalnum() for char in line):
            return line
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _clipped(line: str) -> str:
    line = line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]}…"
    return _SURROGATE.sub("\ufffd", line)
