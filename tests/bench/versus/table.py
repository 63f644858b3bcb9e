"""From the numbers of all rounds to the table: pure functions, so that tests can hold them to numbers known by heart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .rows import Row

Numbers = Sequence[float | None]
"One of each round; None where the case failed."


@dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Line:
    row: Row
    ours: Spread | None
    theirs: Spread | None
    ratio: Spread | None

    @property
    def holds(self) -> bool | None:
        """Whether the target is reached; nothing where there is none."""
        if self.row.target is None or self.ratio is None:
            return None
        return self.ratio.median >= self.row.target if self.row.more else self.ratio.median <= self.row.target


def spread(numbers: Numbers) -> Spread | None:
    there = [number for number in numbers if number is not None]
    return Spread(statistics.median(there), min(there), max(there)) if there else None


def ratios(ours: Numbers, theirs: Numbers) -> list[float]:
    """Round by round, so that a busy moment of the machine is in both of its numbers."""
    return [mine / other for mine, other in zip(ours, theirs, strict=False) if mine is not None and other]


def line(row: Row, ours: Numbers, theirs: Numbers) -> Line:
    return Line(row, spread(ours), spread(theirs), spread(ratios(ours, theirs)))


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 or not value else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def between(found: Spread | None) -> tuple[str, str, str]:
    return (number(found.median), number(found.least), number(found.most)) if found else ("-", "-", "-")


def aim(row: Row) -> str:
    if row.target is None:
        return ""
    return f"{'≥' if row.more else '≤'} {row.target:g}"


def text(line: Line) -> str:
    """One line for a terminal."""
    ours, theirs = between(line.ours), between(line.theirs)
    ratio = f"{line.ratio.median:.2f} ({line.ratio.least:.2f} - {line.ratio.most:.2f})" if line.ratio else ""
    verdict = {None: "", True: "", False: "  over"}[line.holds]
    one = "".join(f"{cell:>9}" for cell in (*ours, *theirs))
    return f"{line.row.what:60}{one}  {line.row.unit:4} {ratio:20} {aim(line.row):7}{verdict}"


def head(peers: Sequence[str]) -> str:
    ours, theirs = peers
    return f"{'median, min, max':60}{ours:>9}{'':18}{theirs:>9}{'':24}{'ratio' if theirs else ''}"
