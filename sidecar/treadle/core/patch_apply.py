"""Chunks -> the new text of a file. Pure; knows neither paths on disk nor the sandbox.

A chunk has no line numbers: its old lines are looked for from where the chunk before it ended, first exactly, then more and
more leniently, and the first place wins, as in Codex. That rule is ours only where an `@@` line or the end of the file says which
place is meant: a chunk without them that could as well go elsewhere is refused with the candidates, because a change in the
wrong one of two equal places is not noticed. Lines that the patch does not change are never rewritten, whatever leniency found
them; a new line takes the end of the line that it replaces or follows. Lines inserted under a named `@@` context go below it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from .diff import Range
from .patch import Body, Chunk, PatchError, shown
from .patch_text import Lines
from .patch_words import ambiguous, listed, nearest
from .record import frozen


@frozen
class Edited:
    """The new text, and which lines of the old one became which of the new one: (from, to, from, to), in order."""

    text: str
    ranges: tuple[Range, ...]


@frozen
class _Place:
    """Where a chunk goes. `old` and `body` are those of the chunk, less a blank line that was only layout."""

    chunk: Chunk
    start: int
    body: Body
    old: Sequence[str]
    number: int = 0
    "The pass that found it."
    context_passes: tuple[int, ...] = ()

    @property
    def pinned(self) -> bool:
        """Something besides its old lines says where it goes."""
        return bool(self.chunk.contexts) or self.chunk.at_end or not self.old


def apply(content: str, chunks: Sequence[Chunk], path: str) -> str:
    """`content` with every chunk applied. Raises PatchError naming `path` when one does not fit, or fits several places."""
    return edited(content, chunks, path).text


def edited(content: str, chunks: Sequence[Chunk], path: str) -> Edited:
    """The same, and where the changes are."""
    mark = "\ufeff" if content.startswith("\ufeff") else ""
    raw = content[len(mark) :].split("\n")
    ends_in_newline = raw[-1] == ""
    if ends_in_newline:
        raw.pop()
    crlf = content.count("\r\n")
    lines = Lines([line.removesuffix("\r") for line in raw] if "\r" in content else raw)
    places = _leftmost(lines, chunks, path)
    _refuse_ambiguous(lines, places, path)
    text, ranges = _rewritten(raw, places, crlf, ends_in_newline=ends_in_newline)
    return Edited(mark + text, tuple(ranges))


def _leftmost(lines: Lines, chunks: Sequence[Chunk], path: str) -> list[_Place]:
    places: list[_Place] = []
    cursor = 0
    for chunk in chunks:
        passes: list[int] = []
        for context in chunk.contexts:
            found = lines.first([context], cursor)
            if found is None:
                hint = _elsewhere(lines, [context], cursor) or nearest(lines.lines, [context])
                words = f"Failed to find context '{shown(context)}' in {shown(path)}"
                raise PatchError(words + hint, words)
            cursor = found[0] + 1
            passes.append(found[1])
        place = _place(lines, chunk, cursor, tuple(passes))
        if place is None:
            hint = _elsewhere(lines, chunk.old, cursor) or nearest(lines.lines, chunk.old)
            words = f"Failed to find expected lines in {shown(path)}:\n{listed(chunk.old)}"
            raise PatchError(words + hint, words)
        places.append(place)
        if place.old:
            cursor = place.start + len(place.old)
    return places


def _place(lines: Lines, chunk: Chunk, cursor: int, passes: tuple[int, ...]) -> _Place | None:
    body, old = chunk.lines, chunk.old
    if not old:
        start = cursor if chunk.contexts and not chunk.at_end else len(lines)
        return _Place(chunk, start, body, (), 0, passes)
    found = lines.first(old, cursor, at_end=chunk.at_end)
    stripped = False
    while found is None and old and not old[-1] and (not stripped or body[-1:] == ((" ", ""),)):
        # A blank line before the next marker was probably layout, not content.
        stripped = True
        body, old = _without_last_blank(body), old[:-1]
        if old:
            found = lines.first(old, cursor, at_end=chunk.at_end)
        elif cursor == len(lines) or not body:
            found = cursor, 0
    return None if found is None else _Place(chunk, found[0], body, old, found[1], passes)


def _without_last_blank(body: Body) -> Body:
    last = max(index for index, (sign, _) in enumerate(body) if sign != "+")
    instead: Body = (("+", ""),) if body[last][0] == " " and last < len(body) - 1 else ()
    return body[:last] + instead + body[last + 1 :]


def _refuse_ambiguous(lines: Lines, places: Sequence[_Place], path: str) -> None:
    """A chunk is where it must be when the chunks, put as far down as they go in their order, come to lie in the same places."""
    if all(place.pinned for place in places):
        return
    end = len(lines)
    lowest: dict[int, int] = {}
    for index in range(len(places) - 1, -1, -1):
        lowest[index], end = _rightmost(lines, places[index], end)
    for index, place in enumerate(places):
        if not place.pinned and lowest[index] > place.start:
            candidates = lines.places(place.old, place.start, lowest[index], place.number)
            which = f"chunk {index + 1} of {len(places)}" if len(places) > 1 else "the chunk"
            which = f"{which} for {shown(path)}"
            raise PatchError(ambiguous(lines.lines, place.old, candidates, which), f"Ambiguous: {which} fits several places")


def _rightmost(lines: Lines, place: _Place, end: int) -> tuple[int, int]:
    """(the last line where the place can begin above line `end`, the line above which the chunk before it must end)."""
    start, top = place.start, end
    if place.old:
        if not place.chunk.at_end:
            start = max(lines.last(place.old, end, place.number) or 0, start)
        top = start
    for context, number in zip(reversed(place.chunk.contexts), reversed(place.context_passes), strict=True):
        top = lines.last([context], top, number) or 0
    return start, top


def _elsewhere(lines: Lines, wanted: Sequence[str], cursor: int) -> str:
    """A hint for a failed search: the same lines above the cursor, else nothing."""
    found = lines.first(wanted, 0) if cursor else None
    if found is None:
        return ""
    at = found[0] + 1
    return f"\n(They are at line {at}, above line {cursor + 1} where the search began: chunks must follow the file's order.)"


def _rewritten(raw: list[str], places: Sequence[_Place], crlf: int, *, ends_in_newline: bool) -> tuple[str, list[Range]]:
    """`raw` lines still end in the CR of a CRLF, as so many of them do."""
    ends = _Ends(crlf, len(raw) if ends_in_newline else len(raw) - 1)
    given = "\r" if not ends_in_newline and len(raw) > 1 and raw[-2].endswith("\r") else ""
    if given:
        raw[-1] += given
    out: list[str] = []
    ranges: list[Range] = []
    done, untouched = 0, True
    for place in sorted(places, key=lambda place: place.start):
        out += raw[done : place.start]
        done = place.start
        for sign, text in place.body:
            untouched = sign == " " and done == len(raw) - 1
            if sign == "+":
                out.append(text + ends.added(raw, done))
                _note(ranges, (done, done, len(out) - 1, len(out)))
                continue
            if sign == " ":
                out.append(raw[done])
            else:
                _note(ranges, (done, done + 1, len(out), len(out)))
            ends.passed(raw[done], removed=sign == "-")
            done += 1
        ends.replaced.clear()
    untouched = untouched or done < len(raw)
    out += raw[done:]
    # Only a last line that the patch left alone stays without its newline.
    if out and not ends_in_newline and untouched:
        return "\n".join(out).removesuffix(given), ranges
    return "\n".join([*out, ""]), ranges


def _note(ranges: list[Range], new: Range) -> None:
    """Extend the last range by one line, or begin another."""
    if ranges and ranges[-1][1] == new[0] and ranges[-1][3] == new[2]:
        new = (ranges[-1][0], new[1], ranges[-1][2], new[3])
        ranges.pop()
    ranges.append(new)


class _Ends:
    """Which end ("" or CR, before the LF) an added line gets."""

    def __init__(self, crlf: int, ended: int) -> None:
        """`crlf` of the `ended` lines have a CR."""
        self._only = "\r" if crlf and crlf == ended else "" if not crlf else None
        self.replaced: deque[str] = deque()
        "Ends of the lines just removed, the next one first."

    def passed(self, line: str, *, removed: bool) -> None:
        if not removed:
            self.replaced.clear()
        elif self._only is None:
            self.replaced.append("\r" if line.endswith("\r") else "")

    def added(self, raw: list[str], at: int) -> str:
        if self._only is not None:
            return self._only
        if self.replaced:
            return self.replaced.popleft()
        neighbour = raw[at - 1] if at else raw[0] if raw else ""
        return "\r" if neighbour.endswith("\r") else ""
