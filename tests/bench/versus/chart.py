"""Two drawings as SVG by hand: how many times of the peer's time or memory treadle takes, and how a step grows with the thread.

Pure: from lines to text. Each drawing brings its own ground and colours for light and dark, so that it can be read on any page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .table import Line, Spread, number

STYLE = """<style>
svg { font: 12px ui-sans-serif, system-ui, sans-serif }
.ground { fill: #ffffff } text { fill: #1f2328 } .dim { fill: #59636e } .grid { stroke: #d1d9e0 } .one { stroke: #59636e }
.good { fill: #1a7f64 } .over { fill: #bc4c00 } .plain { fill: #5b7aa6 } .range { stroke: #1f2328 } .aim { stroke: #bc4c00 }
.ours { stroke: #1a7f64; fill: none } .theirs { stroke: #8250df; fill: none }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117 } text { fill: #f0f6fc } .dim { fill: #9198a1 } .grid { stroke: #3d444d } .one { stroke: #9198a1 }
.good { fill: #3fb68b } .over { fill: #f0883e } .plain { fill: #79a0d8 } .range { stroke: #f0f6fc } .aim { stroke: #f0883e }
.ours { stroke: #3fb68b } .theirs { stroke: #d2a8ff }
}
</style>"""
NAMES, WIDTH, STEP, HEAD, FOOT = 380, 900, 20, 70, 30
TICKS = (0.05, 0.1, 0.2, 0.4, 0.6, 1, 2, 4, 10, 20, 50, 100)
PANEL_WIDTH, PANEL_HEIGHT, MARGIN = 380, 170, 56


def drawing(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {size} role="img"'
    ground = f'<rect class="ground" {size} rx="8"/>'
    return "\n".join([f'{head} aria-label="{escape(title)}">', STYLE, ground, *parts, "</svg>"]) + "\n"


def word(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    plain = escape(text.replace("`", ""))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{plain}</text>'


def stroke(x1: float, y1: float, x2: float, y2: float, kind: str, width: float = 1) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke-width="{width:g}"/>'


def less(found: Spread, *, more: bool) -> Spread:
    """As if less were better in every row: the time that one takes, where the row counts by the second."""
    return Spread(1 / found.median, 1 / found.most, 1 / found.least) if more else found


@dataclass(frozen=True)
class Scale:
    """Logarithmic, so that a half and twice as much are equally far from 1."""

    least: float
    most: float
    left: float
    right: float

    def x(self, value: float) -> float:
        share = math.log(min(max(value, self.least), self.most) / self.least) / math.log(self.most / self.least)
        return self.left + share * (self.right - self.left)


def ratios(lines: Sequence[Line], ours: str, theirs: str) -> str:
    """A bar from 1 to each median, the range of the rounds over it, the target as a mark."""
    drawn = [(line, less(line.ratio, more=line.row.more)) for line in lines if line.ratio and line.row.unit != "x"]
    ends = [value for _, ratio in drawn for value in (ratio.least, ratio.most)] or [1.0]
    scale = Scale(min(0.1, *ends) * 0.9, max(2.0, *ends) * 1.1, NAMES, WIDTH - 70)
    bottom = HEAD + STEP * len(drawn)
    parts = [
        word(16, 24, f"{ours} in terms of {theirs}: time, memory or bytes; left of 1 is less"),
        word(16, 41, "bar: median of the rounds; line: least and most; mark: target", "dim"),
    ]
    for tick in TICKS:
        if scale.least <= tick <= scale.most:
            at = scale.x(tick)
            parts.append(stroke(at, HEAD - 4, at, bottom, "one" if tick == 1 else "grid", 1.5 if tick == 1 else 1))
            parts += [word(at, y, f"{tick:g}", "dim", "middle") for y in (HEAD - 8, bottom + 16)]
    for n, (line, ratio) in enumerate(drawn):
        parts += _bar(line, ratio, scale, HEAD + STEP * n)
    return drawing(f"{ours} and {theirs}, ratios", WIDTH, bottom + FOOT, parts)


def _bar(line: Line, ratio: Spread, scale: Scale, top: float) -> list[str]:
    middle, one, at = top + STEP / 2, scale.x(1), scale.x(ratio.median)
    kind = {None: "plain", True: "good", False: "over"}[line.holds]
    name = line.row.what + (" (time of one)" if line.row.more else "")
    parts = [
        word(NAMES - 12, middle + 4, name, anchor="end"),
        f'<rect class="{kind}" x="{min(one, at):.1f}" y="{top + 4}" width="{abs(one - at):.1f}" height="{STEP - 8}"/>',
        stroke(scale.x(ratio.least), middle, scale.x(ratio.most), middle, "range"),
        word(WIDTH - 14, middle + 4, number(ratio.median), anchor="end"),
    ]
    if line.row.target is not None:
        aim = scale.x(1 / line.row.target if line.row.more else line.row.target)
        parts.append(stroke(aim, top + 2, aim, top + STEP - 2, "aim", 2))
    return parts


def growth(curves: Mapping[str, Mapping[str, Sequence[float]]], ours: str, theirs: str, bucket: int) -> str:
    """A panel for each kind of step: milliseconds a step, over the steps done."""
    parts = [
        word(16, 24, "milliseconds of a step, over the steps that the turn has had"),
        stroke(440, 20, 464, 20, "ours", 3),
        word(470, 24, ours),
        stroke(560, 20, 584, 20, "theirs", 3),
        word(590, 24, theirs),
    ]
    for n, (name, by) in enumerate(curves.items()):
        parts += _panel(
            name, by, (ours, theirs), bucket, (MARGIN + n % 2 * (PANEL_WIDTH + MARGIN), 52 + n // 2 * (PANEL_HEIGHT + 62))
        )
    height = 52 + math.ceil(len(curves) / 2) * (PANEL_HEIGHT + 62)
    return drawing("growth of a step", 2 * (PANEL_WIDTH + MARGIN) + 20, height, parts)


def _panel(
    name: str, by: Mapping[str, Sequence[float]], peers: tuple[str, str], bucket: int, corner: tuple[float, float]
) -> list[str]:
    left, top = corner[0], corner[1] + 16
    most = max((value for curve in by.values() for value in curve), default=1.0) * 1.1
    count = max((len(curve) for curve in by.values()), default=1)
    bottom = top + PANEL_HEIGHT
    parts = [word(left, corner[1] + 8, name)]
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * PANEL_HEIGHT
        parts += [stroke(left, y, left + PANEL_WIDTH, y, "grid"), word(left - 6, y + 4, number(most * share), "dim", "end")]
    parts += [
        word(left, bottom + 16, "0", "dim", "middle"),
        word(left + PANEL_WIDTH, bottom + 16, str(count * bucket), "dim", "end"),
    ]
    for peer, kind in zip(peers, ("ours", "theirs"), strict=True):
        points = [
            f"{left + (n + 0.5) / count * PANEL_WIDTH:.1f},{bottom - value / most * PANEL_HEIGHT:.1f}"
            for n, value in enumerate(by.get(peer, ()))
        ]
        if points:
            parts.append(f'<polyline class="{kind}" stroke-width="2.5" points="{" ".join(points)}"/>')
    return parts
