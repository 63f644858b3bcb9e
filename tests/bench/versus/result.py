"""A finished measurement as it is kept: JSON to write and to read back, and what the table and the drawings take of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import chart, table
from .peers import Door
from .rows import GROUPS
from .working import BUCKET

STEPS = {
    "noop": "rejected tool",
    "danger-full-access": "`true`, unsandboxed",
    "read-only": "`true`, read-only",
    "workspace-write": "`true`, workspace-write",
}


def key(door: Door, row: str) -> str:
    """Under which name a row's numbers are kept."""
    return row if door == "app-server" else f"{door}: {row}"


def written(result: dict[str, Any]) -> str:
    """JSON with one line for the numbers of a row, so that two results can be compared by eye."""
    parts = []
    for name, value in result.items():
        if name in ("numbers", "curves"):
            rows = ",\n".join(f"  {json.dumps(row)}: {json.dumps(_short(by))}" for row, by in value.items())
            parts.append(f" {json.dumps(name)}: {{\n{rows}\n }}")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _short(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.4g}")
        case list():
            return [_short(part) for part in value]
        case dict():
            return {name: _short(part) for name, part in value.items()}
        case _:
            return value


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def lines(result: dict[str, Any], door: Door) -> list[table.Line]:
    """The rows that were measured through this door."""
    ours, theirs = names(result)
    numbers = result["numbers"]
    rows = [(row, numbers[key(door, row.key)]) for group in GROUPS for row in group.rows if key(door, row.key) in numbers]
    return [table.line(row, by.get(ours, ()), by.get(theirs, ())) for row, by in rows]


def names(result: dict[str, Any]) -> tuple[str, str]:
    """Ours, and the peer's, which is nothing where treadle ran alone."""
    ours, *rest = result["peers"]
    return ours, rest[0] if rest else ""


def pictures(result: dict[str, Any]) -> dict[str, str]:
    """Ending of the file's name -> SVG."""
    ours, theirs = names(result)
    if not theirs:
        return {}
    doors: Sequence[Door] = ("app-server", "acp", "exec")
    found = {"": chart.ratios([line for door in doors for line in lines(result, door)], ours, theirs)}
    if result["curves"]:
        curves = {STEPS[name]: {peer: middle(rounds) for peer, rounds in by.items()} for name, by in result["curves"].items()}
        found["-steps"] = chart.growth(curves, ours, theirs, BUCKET)
    return found


def middle(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Of several curves the median at each place."""
    return [statistics.median(values) for values in zip(*rounds, strict=False)]
