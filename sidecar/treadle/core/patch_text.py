"""The lines of one file, made to be searched: leftmost and rightmost places of a few lines, in four passes of leniency. Pure.

A search costs time linear in the file, because the lines are joined and the search is the language's own; all searches in one
file together are bounded too. Odd separators inside a line (form feed, U+2028, a lone CR) are no line ends.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from itertools import accumulate

from .patch import PatchError
from .record import mutable

BUDGET = 4_000_000_000
"Characters searched through for one file: some seconds. Patches of people and models need a thousandth of it."

_ASCII = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
)
REPLACED = "\ufffd"
"What a reader shows for a byte that it could not decode."


def _undecoded(line: str) -> str:
    return "".join(char if char.isascii() else REPLACED for char in line.strip())


PASSES: tuple[Callable[[str], str], ...] = (str, str.rstrip, str.strip, lambda line: line.strip().translate(_ASCII), _undecoded)
"The last one is tried only for lines that hold U+FFFD: copied from a display of a file that is not UTF-8."


@mutable
class _Pass:
    """The lines as one pass sees them. Line n begins after the newline at `starts[n]`."""

    text: str
    starts: list[int]
    backwards: str | None = None


@mutable
class Lines:
    """`lines` without their ends."""

    lines: Sequence[str]
    _passes: dict[int, _Pass] = field(default_factory=dict[int, _Pass])
    _searched: int = 0

    def __len__(self) -> int:
        return len(self.lines)

    def first(self, wanted: Sequence[str], start: int, *, at_end: bool = False) -> tuple[int, int] | None:
        """(line, pass) of the first place from `start`, by the strictest pass that finds one. `at_end`: only the file's end."""
        last = len(self.lines) - len(wanted)
        if last < 0 or (at_end and last < start):
            return None
        for number in range(len(PASSES)):
            if number == len(PASSES) - 1 and not any(REPLACED in line for line in wanted):
                continue
            at = self.next(wanted, last if at_end else start, number)
            if at is not None:
                return at, number
        return None

    def next(self, wanted: Sequence[str], start: int, number: int) -> int | None:
        """The first place from `start` in this pass."""
        seen = self._pass(number)
        needle = _needle(wanted, number)
        begin = seen.starts[min(start, len(self.lines))]
        found = seen.text.find(needle, begin)
        self._spend((found if found >= 0 else len(seen.text)) - begin)
        return None if found < 0 else bisect_left(seen.starts, found)

    def last(self, wanted: Sequence[str], end: int, number: int) -> int | None:
        """The last place that is wholly above line `end` in this pass."""
        seen = self._pass(number)
        if seen.backwards is None:
            # Searching backwards is quadratic at worst; searching a mirror image is not.
            seen.backwards = seen.text[::-1]
        needle, size = _needle(wanted, number), len(seen.text)
        begin = size - 1 - seen.starts[end]
        found = seen.backwards.find(needle[::-1], begin)
        self._spend((found if found >= 0 else size) - begin)
        return None if found < 0 else bisect_left(seen.starts, size - found - len(needle))

    def places(self, wanted: Sequence[str], first: int, last: int, number: int) -> Iterator[int]:
        """Every place from line `first` to line `last`."""
        at: int | None = first
        while at is not None and at <= last:
            yield at
            at = self.next(wanted, at + 1, number)

    def _pass(self, number: int) -> _Pass:
        seen = self._passes.get(number)
        if seen is None:
            normal = PASSES[number]
            lines = [normal(line) for line in self.lines] if number else self.lines
            starts = list(accumulate([len(line) + 1 for line in lines], initial=0))
            seen = self._passes[number] = _Pass("\n".join(["", *lines, ""]), starts)
        return seen

    def _spend(self, characters: int) -> None:
        self._searched += characters
        if self._searched > BUDGET:
            raise PatchError("Invalid patch: too many chunks for a file of this size; split the patch")


def _needle(wanted: Sequence[str], number: int) -> str:
    return "\n".join(["", *(map(PASSES[number], wanted) if number else wanted), ""])
