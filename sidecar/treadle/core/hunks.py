"""The agent's changes to one text, as hunks that the user keeps or undoes one by one. Pure.

A Review holds the text without those changes (base), the text as it is (current) and marks: which lines of the one became which
of the other. Outside the marks both are equal, always. What the agent writes becomes marks; what the user writes outside of them
goes into both texts, so no undo can take it away; inside of a mark it belongs to the hunk. Lines inserted right at a hunk's edge
are the user's own.

A mark keeps its id while text around it changes, while others are kept or undone and while it is typed in. Marks that one edit
joins have the first one's id from then on; of a mark that is split the first part has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import pairwise

from .line_edits import Edit, joined_over_blanks, line_edits
from .record import frozen, mutable


@frozen
class Mark:
    """Lines [base_start, base_start + base_lines) of the base that are lines [start, start + lines) of the current text."""

    id: str
    base_start: int
    base_lines: int
    start: int
    lines: int
    turns: tuple[str, ...]
    "That wrote it, oldest first."

    @property
    def base_end(self) -> int:
        return self.base_start + self.base_lines

    @property
    def end(self) -> int:
        return self.start + self.lines


@frozen
class Hunk:
    """As it is shown. Lines count from 0 and carry their ends; an empty range says where lines are gone or come back."""

    id: str
    path: str
    base_start: int
    start: int
    removed: tuple[str, ...]
    added: tuple[str, ...]
    turns: tuple[str, ...]
    whole: bool = False
    "A file that was created or deleted, or is no text: it is kept or undone whole."


@frozen
class Review:
    """Lines with their ends, as line_edits.lines makes them; never changed in place."""

    path: str
    base: Sequence[str]
    current: Sequence[str]
    marks: tuple[Mark, ...] = ()
    "In order; two may touch."
    serial: int = 0
    "Ids given so far."


def hunks(review: Review) -> list[Hunk]:
    """Those that differ from the base just now, without the lines that they have in common with it at their edges."""
    found = (_shown(review, mark) for mark in review.marks)
    return [hunk for hunk in found if hunk.removed or hunk.added]


def patched(review: Review, after: Sequence[str], turn: str) -> Review:
    """The agent made `after` of the current text."""
    edits = joined_over_blanks(review.current, line_edits(review.current, after))
    return _Move(review, after, edits, turn).result()


def typed(review: Review, after: Sequence[str]) -> Review:
    """Somebody else did."""
    edits = line_edits(review.current, after)
    if not edits:
        return review
    return _Move(review, after, [piece for edit in edits for piece in _cut(edit, review.marks)], None).result()


def kept(review: Review, ids: Collection[str]) -> Review:
    """These hunks are the user's text from now on."""
    base: list[str] = []
    out: list[Mark] = []
    at = 0
    for mark in review.marks:
        base += review.base[at : mark.base_start]
        at = mark.base_end
        if mark.id in ids:
            base += review.current[mark.start : mark.end]
        else:
            out.append(replace(mark, base_start=len(base)))
            base += review.base[mark.base_start : at]
    return replace(review, base=[*base, *review.base[at:]], marks=tuple(out))


def undone(review: Review, ids: Collection[str]) -> Review:
    """These hunks are what they were before the agent came."""
    current: list[str] = []
    out: list[Mark] = []
    at = 0
    for mark in review.marks:
        current += review.current[at : mark.start]
        at = mark.end
        if mark.id in ids:
            current += review.base[mark.base_start : mark.base_end]
        else:
            out.append(replace(mark, start=len(current)))
            current += review.current[mark.start : at]
    return replace(review, current=[*current, *review.current[at:]], marks=tuple(out))


def _shown(review: Review, mark: Mark) -> Hunk:
    old, new = review.base[mark.base_start : mark.base_end], review.current[mark.start : mark.end]
    limit = min(len(old), len(new))
    head = 0
    while head < limit and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    removed, added = tuple(old[head : len(old) - tail]), tuple(new[head : len(new) - tail])
    return Hunk(mark.id, review.path, mark.base_start + head, mark.start + head, removed, added, mark.turns)


def _cut(edit: Edit, marks: Sequence[Mark]) -> list[Edit]:
    """An edit of the user's as edits of which each is inside or outside of marks, where it can be told which lines are which."""
    a, b, c, d = edit
    edges = sorted({edge for mark in marks for edge in (mark.start, mark.end) if a < edge < b})
    if not edges:
        return [edit]
    if b - a == d - c:
        cuts = [a, *edges, b]
        return [(x, y, c + x - a, c + y - a) for x, y in pairwise(cuts)]
    if c < d and any(mark.lines and mark.start < b and a < mark.end for mark in marks):
        return [edit]
    first = (a, edges[0], c, d)
    cuts = [*edges, b]
    return [first, *((x, y, d, d) for x, y in pairwise(cuts))]


@mutable
class _Cluster:
    """Marks and edits that touch: lines [start, end) of the text before."""

    start: int
    end: int
    marks: list[Mark]
    growth: int = 0
    "Lines that the edits add."
    last: Edit | None = None


class _Move:
    """A review from one text to the next: one walk over its marks and the edits."""

    def __init__(self, review: Review, after: Sequence[str], edits: Sequence[Edit], turn: str | None) -> None:
        self._review, self._after, self._turn = review, after, turn
        self._marks, self._edits = list(review.marks), list(edits)
        self._serial = review.serial
        self._used = {mark.id for mark in review.marks}
        self._out: list[Mark] = []
        self._base: list[str] = []
        self._copied = 0
        "Lines of the old base that are in the new one, or were left out."
        self._offset = 0
        "From a line outside of marks to the one of the base, before anything moved."
        self._grown = 0
        "From a line outside of marks and edits to the one after."

    def result(self) -> Review:
        i = j = 0
        marks, edits = self._marks, self._edits
        while i < len(marks) or j < len(edits):
            mark = marks[i] if i < len(marks) else None
            edit = edits[j] if j < len(edits) else None
            if mark and (edit is None or self._precedes(mark, edit)):
                self._keep(mark)
                i += 1
            elif edit and (mark is None or not self._touches(mark, edit)):
                self._alone(edit)
                j += 1
            else:
                i, j = self._together(i, j)
        base = [*self._base, *self._review.base[self._copied :]]
        return Review(self._review.path, base, self._after, tuple(self._out), self._serial)

    def _precedes(self, mark: Mark, edit: Edit) -> bool:
        if self._turn is not None:
            return mark.end < edit[0]
        return mark.end <= edit[0]

    def _touches(self, mark: Mark, edit: Edit) -> bool:
        a, b = edit[0], edit[1]
        if self._turn is not None:
            return a <= mark.end and b >= mark.start
        if not mark.lines or a == b:
            return a < mark.start < b if not mark.lines else mark.start < a < mark.end
        return a < mark.end and b > mark.start

    def _keep(self, mark: Mark) -> None:
        self._copy(mark.base_start)
        start = len(self._base)
        self._copy(mark.base_end)
        self._out.append(replace(mark, base_start=start, start=mark.start + self._grown))
        self._offset += mark.base_lines - mark.lines

    def _alone(self, edit: Edit) -> None:
        a, b, c, d = edit
        if self._turn is None:
            self._copy(a + self._offset)
            self._base += self._after[c:d]
            self._copied = b + self._offset
            self._grown += d - c - (b - a)
        else:
            self._write(_Cluster(a, b, [], d - c - (b - a), edit))

    def _together(self, i: int, j: int) -> tuple[int, int]:
        """All marks and edits from here that hang together; the next ones' numbers."""
        mark, edit = self._marks[i], self._edits[j]
        cluster = _Cluster(min(mark.start, edit[0]), max(mark.end, edit[1]), [])
        while True:
            if i < len(self._marks) and self._joins(cluster, self._marks[i]):
                mark = self._marks[i]
                cluster.marks.append(mark)
                cluster.end = max(cluster.end, mark.end)
                i += 1
            elif j < len(self._edits) and (not cluster.marks or self._touches(cluster.marks[-1], self._edits[j])):
                edit = cluster.last = self._edits[j]
                cluster.end = max(cluster.end, edit[1])
                cluster.growth += edit[3] - edit[2] - (edit[1] - edit[0])
                j += 1
            else:
                break
        self._write(cluster)
        return i, j

    def _joins(self, cluster: _Cluster, mark: Mark) -> bool:
        return not cluster.marks or (cluster.last is not None and self._touches(mark, cluster.last))

    def _write(self, cluster: _Cluster) -> None:
        base_start = cluster.start + self._offset
        self._offset += sum(mark.base_lines - mark.lines for mark in cluster.marks)
        base_end = cluster.end + self._offset
        start = cluster.start + self._grown
        self._grown += cluster.growth
        end = cluster.end + self._grown
        self._copy(base_start)
        shift = len(self._base) - base_start
        self._copy(base_end)
        turns = tuple(dict.fromkeys(turn for mark in cluster.marks for turn in mark.turns))
        if self._turn is None:
            first = cluster.marks[0]
            self._out.append(Mark(first.id, base_start + shift, base_end - base_start, start, end - start, turns))
            return
        turns = tuple(dict.fromkeys((*turns, self._turn)))
        old, new = self._review.base[base_start:base_end], self._after[start:end]
        free = list(cluster.marks)
        # without marks it is one edit, which is as small as it can be
        found = joined_over_blanks(old, line_edits(old, new)) if free else [(0, len(old), 0, len(new))]
        for a, b, c, d in found:
            given = self._id(free, base_start + a, base_start + b, new[c:d])
            self._out.append(Mark(given, base_start + shift + a, b - a, start + c, d - c, turns))

    def _id(self, free: list[Mark], base_start: int, base_end: int, added: Sequence[str]) -> str:
        """Of the first mark left that is in the same place of the base; else a new one."""
        for index, mark in enumerate(free):
            if mark.base_start <= base_end and base_start <= mark.base_end:
                del free[: index + 1]
                return mark.id
        words = [self._review.path, self._turn or "", *self._review.base[base_start:base_end], "\0", *added]
        content = blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        while True:
            self._serial += 1
            found = blake2b(content + self._serial.to_bytes(8, "big"), digest_size=6).hexdigest()
            if found not in self._used:
                self._used.add(found)
                return found

    def _copy(self, stop: int) -> None:
        """Lines of the old base up to `stop`."""
        self._base += self._review.base[self._copied : stop]
        self._copied = stop
