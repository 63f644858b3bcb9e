"""(lines before, lines after) -> the runs of lines that differ. Pure, and bounded in time on any input.

Made for hunks that people judge one by one: common head and tail go first, lines that are unique on both sides are the anchors
between, and only small gaps are compared line by line; a gap too large for that is one edit. Lines carry their ends. Two lines
that differ only there are matched with each other and told as an edit of their own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from .pattern import late

Edit: TypeAlias = tuple[int, int, int, int]
"Lines [from, to) before that became lines [from, to) after."

COMPARED = 40_000
"Pairs of lines of one gap without anchors that are compared."
COMPARED_IN_ALL = 200_000
_DEPTH = 12
_LINE = late(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def lines(text: str) -> list[str]:
    """With their ends: LF, CRLF or CR, as editors have them."""
    if "\r" in text:
        return _LINE.findall(text)
    out = text.splitlines(keepends=True)
    if len(out) == text.count("\n") + (text[-1:] not in ("", "\n")):
        return out
    # A form feed or U+2028 is no line end.
    out = [line + "\n" for line in text.split("\n")]
    last = out.pop()[:-1]
    return [*out, last] if last else out


def line_edits(old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """In order, with at least one equal line between any two."""
    head, tail = _common(old, new, (0, len(old), 0, len(new)))
    a, b, c, d = head, len(old) - tail, head, len(new) - tail
    if a == b or c == d:
        return [(a, b, c, d)] if a < b or c < d else []
    found: list[Edit] = []
    if _all_end_alike(old[a:b]) and _all_end_alike(new[c:d]):
        for edit in _Search(old[a:b], new[c:d]).edits():
            _add(found, _shifted(edit, a, c))
        return found
    before = [line.rstrip("\r\n") for line in old[a:b]]
    after = [line.rstrip("\r\n") for line in new[c:d]]
    for edit in _Search(before, after).edits():
        _add(found, _shifted(edit, a, c))
    return _with_line_ends(old, new, (a, b, c, d), found)


def joined_over_blanks(old: Sequence[str], edits: Sequence[Edit]) -> list[Edit]:
    """Edits with no more than a blank line between them as one: what is written anew shares its blank lines by accident."""
    out: list[Edit] = []
    for edit in edits:
        if out and edit[0] - out[-1][1] == 1 and not old[out[-1][1]].strip():
            out[-1] = (out[-1][0], edit[1], out[-1][2], edit[3])
        else:
            out.append(edit)
    return out


def _all_end_alike(lines: Sequence[str]) -> bool:
    """With LF, as nearly all do: then lines that differ do not differ only there."""
    return lines[-1].endswith("\n") and "\r" not in "".join(lines)


def _common(old: Sequence[str], new: Sequence[str], within: Edit) -> tuple[int, int]:
    a, b, c, d = within
    limit = min(b - a, d - c)
    head = 0
    while head < limit and old[a + head] == new[c + head]:
        head += 1
    limit -= head
    tail = 0
    while tail < limit and old[b - 1 - tail] == new[d - 1 - tail]:
        tail += 1
    return head, tail


class _Search:
    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        self._old, self._new = old, new
        self._left = COMPARED_IN_ALL

    def edits(self) -> Iterator[Edit]:
        """In order; two may touch."""
        waiting = [(0, len(self._old), 0, len(self._new), 0)]
        while waiting:
            a, b, c, d, depth = waiting.pop()
            head, tail = _common(self._old, self._new, (a, b, c, d))
            a, b, c, d = a + head, b - tail, c + head, d - tail
            if a == b or c == d or self._is_new(a, b, c, d):
                if a < b or c < d:
                    yield (a, b, c, d)
                continue
            anchors = self._anchors(a, b, c, d) if depth < _DEPTH else []
            if not anchors:
                yield from self._compared(a, b, c, d)
                continue
            gaps: list[tuple[int, int, int, int, int]] = []
            for x, y in [*anchors, (b, d)]:
                if (a < x or c < y) and self._old[a:x] != self._new[c:y]:
                    gaps.append((a, x, c, y, depth + 1))
                a, c = x + 1, y + 1
            waiting += reversed(gaps)

    def _is_new(self, a: int, b: int, c: int, d: int) -> bool:
        """A single line that is not there on the other side: nothing to find."""
        if b - a == 1:
            return self._old[a] not in self._new[c:d]
        return d - c == 1 and self._new[c] not in self._old[a:b]

    def _anchors(self, a: int, b: int, c: int, d: int) -> list[tuple[int, int]]:
        """Lines that are there once on either side, the longest run of them that is in order on both."""
        old, new = self._old[a:b], self._new[c:d]
        here, there = Counter(old), dict(zip(new, range(c, d), strict=True))
        for line, count in Counter(new).items():
            if count > 1:
                del there[line]
        pairs = [(x, there[line]) for x, line in enumerate(old, a) if line in there and here[line] == 1]
        found = [y for _, y in pairs]
        if found == sorted(found):
            return pairs
        ends: list[int] = []
        tops: list[int] = []
        before: list[int] = []
        for index, (_, y) in enumerate(pairs):
            at = bisect_left(ends, y)
            before.append(tops[at - 1] if at else -1)
            ends[at : at + 1] = [y]
            tops[at : at + 1] = [index]
        out: list[tuple[int, int]] = []
        index = tops[-1] if tops else -1
        while index >= 0:
            out.append(pairs[index])
            index = before[index]
        return out[::-1]

    def _compared(self, a: int, b: int, c: int, d: int) -> Iterator[Edit]:
        size = (b - a) * (d - c)
        if size > COMPARED or size > self._left:
            yield (a, b, c, d)
            return
        self._left -= size
        matcher = SequenceMatcher(None, self._old[a:b], self._new[c:d], autojunk=False)
        for tag, i, j, k, m in matcher.get_opcodes():
            if tag != "equal":
                yield (a + i, a + j, c + k, c + m)


def _with_line_ends(old: Sequence[str], new: Sequence[str], within: Edit, edits: list[Edit]) -> list[Edit]:
    """`edits`, and the lines between them whose ends differ."""
    a, b, c, d = within
    out: list[Edit] = []
    for edit in [*edits, (b, b, d, d)]:
        while a < edit[0]:
            if old[a] != new[c]:
                _add(out, (a, a + 1, c, c + 1))
            a, c = a + 1, c + 1
        if edit[0] < edit[1] or edit[2] < edit[3]:
            _add(out, edit)
        a, c = edit[1], edit[3]
    return out


def _add(edits: list[Edit], edit: Edit) -> None:
    if edits and edits[-1][1] == edit[0] and edits[-1][3] == edit[2]:
        edits[-1] = (edits[-1][0], edit[1], edits[-1][2], edit[3])
    else:
        edits.append(edit)


def _shifted(edit: Edit, old: int, new: int) -> Edit:
    return edit[0] + old, edit[1] + old, edit[2] + new, edit[3] + new
