"""`python -m tests.bench.versus.readme [JSON]`: takes a result into tests/bench/results and writes README's table anew from it.

Without JSON it goes by the result that is there. A test holds README and the drawings to that file.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .peers import Door
from .result import lines, names, pictures, read
from .table import Line, Spread, aim, between

ROOT = Path(__file__).resolve().parents[3]
README, RESULTS = ROOT / "README.md", ROOT / "tests" / "bench" / "results"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
DOORS: tuple[tuple[Door, str], ...] = (("app-server", "app-server"), ("acp", "ACP"), ("exec", "exec --json"))


def cell(found: Spread | None, unit: str) -> str:
    if found is None:
        return ""
    median, least, most = between(found)
    return f"**{median}** {unit} ({least} – {most})".replace("  ", " ")


def markdown(line: Line) -> str:
    ratio = cell(line.ratio, "") if line.row.unit != "x" else ""
    target = {None: aim(line.row), True: f"{aim(line.row)} ✓", False: f"{aim(line.row)} ✗"}[line.holds]
    unit = line.row.unit.replace("x", "×")
    return f"| {line.row.what} | {cell(line.ours, unit)} | {cell(line.theirs, unit)} | {ratio} | {target} |"


def python(floor: dict[str, float]) -> str:
    if "start" not in floor:
        return ""
    return (
        f" A Python program that only loads asyncio, sqlite3 and httpx has its first request there after {floor['start']:.0f} ms."
    )


def heading(result: dict[str, Any]) -> list[str]:
    ours, theirs = names(result)
    machine, peers = result["machine"], result["peers"]
    return [
        f"`{result['command']}` on {result['date']}: {peers[ours]} and {peers[theirs]}, {result['rounds']} rounds; "
        f"{machine['processor']}, {machine['cores']} cores, {machine['kernel']}, Python {machine['python']}; "
        f"load {result['load']} before it began. Each cell: median (least – most). Commands went on to 500 steps in the "
        f"first {result['curve_rounds']} of them. Between a reply and the next request the model and the wire take "
        f"{result['floor']['step']} ms themselves, and they carry {result['floor']['deltas']:,.0f} deltas a second."
        + python(result["floor"]),
        "",
    ]


def section(result: dict[str, Any]) -> str:
    """The rows that have a target, and folded away all of them."""
    found: dict[str, Sequence[Line]] = {name: lines(result, door) for door, name in DOORS}
    aimed = [line for lines in found.values() for line in lines if line.row.target is not None]
    parts = [*heading(result), *rows("what", aimed, result), "<details><summary>All that was measured</summary>", ""]
    for name, these in found.items():
        parts += rows(name, these, result) if these else []
    return "\n".join([*parts, "</details>", ""])


def rows(name: str, found: Sequence[Line], result: dict[str, Any]) -> list[str]:
    ours, theirs = names(result)
    return [f"| {name} | {ours} | {theirs} | ratio | target |", "|---|--:|--:|--:|--:|", *map(markdown, found), ""]


def within(text: str, made: str) -> str:
    """`text` with what is between the marks replaced."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    if not after:
        raise SystemExit(f"{README.name} has no place for the table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> None:
    kept = RESULTS / "versus-codex.json"
    if len(sys.argv) > 1:
        RESULTS.mkdir(exist_ok=True)
        kept.write_text(Path(sys.argv[1]).read_text())
    result = read(kept)
    for ending, picture in pictures(result).items():
        (RESULTS / f"versus-codex{ending}.svg").write_text(picture)
    README.write_text(within(README.read_text(), section(result)))


if __name__ == "__main__":
    main()
