"""The rounds: each group once for each peer in every round, whoever was first in one round being last in the next.

Keeps the numbers of all rounds; a case that fails is told and leaves a gap, and the others go on.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..driver import ModelProcess
from . import table
from .floor import floor
from .peers import Door, Peer, pairs
from .place import SHORT, Place, Sizes
from .result import key, lines, names, pictures, written
from .rows import GROUPS, Group

CHOICES = ("PEER", "ROUNDS", "CURVE_ROUNDS", "ONLY", "SHORT")
"Variables that change what is measured; they are part of the command that made a result."
OUT = Path(__file__).parents[1] / "out"


def say(line: str, end: str = "\n") -> None:
    sys.stdout.write(line + end)
    sys.stdout.flush()


def machine() -> dict[str, str]:
    """What the numbers depend on."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


class Run:
    """One measurement of a pair of peers, or of treadle alone."""

    def __init__(self, peer: str, rounds: int, only: tuple[str, ...], *, short: bool, out: Path = OUT) -> None:
        self.rounds = rounds
        self.sizes = SHORT if short else replace(Sizes(), curve_rounds=int(os.environ.get("CURVE_ROUNDS", Sizes.curve_rounds)))
        self.pairs = pairs(peer)
        self.out, self.load = out, round(os.getloadavg()[0], 1)
        unknown = set(only) - {group.name for group in GROUPS}
        if unknown:
            raise SystemExit(f"ONLY={','.join(sorted(unknown))} is not known: {', '.join(group.name for group in GROUPS)}.")
        self.work = [
            (group, pair)
            for group in GROUPS
            for pair in self.pairs
            if pair[0].door in group.doors and (not only or group.name in only)
        ]
        self.numbers: dict[str, dict[str, list[float | None]]] = {}
        "By row, then by peer."
        self.curves: dict[str, dict[str, list[list[float]]]] = {}
        "By tool or sandbox, then by peer: a curve of each round that has one."
        self.round, self.floor = 0, dict[str, float]()

    def measure(self) -> None:
        # not below the temporary folder: sandboxes let that be written, and some programs behave otherwise there
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix="treadle-bench-"))
        model, began = ModelProcess(), time.monotonic()
        try:
            self.floor = floor(model)
            if self.rounds > 1:
                self._warm(model, scratch)
            for number in range(self.rounds):
                self.round = number
                say(f"round {number + 1} of {self.rounds}, after {time.monotonic() - began:.0f} s:", end="")
                for at, (group, pair) in enumerate(self.work):
                    self._round(group, pair[:: -1 if (number + at) % 2 else 1], model, scratch)
                say("")
        finally:
            model.close()
            shutil.rmtree(scratch, ignore_errors=True)
            if self.numbers:
                self.write(self.result())
        show(self.result())

    def _warm(self, model: ModelProcess, scratch: Path) -> None:
        """Everybody's files are in the memory of the machine before anything is measured."""
        for peer in {peer for _, pair in self.work for peer in pair}:
            with Place(peer, scratch / peer.name, model, SHORT) as place:
                place.start().close()

    def _round(self, group: Group, order: tuple[Peer, ...], model: ModelProcess, scratch: Path) -> None:
        say(f" {group.name}", end="")
        for peer in order:
            values: dict[str, float] = {}
            try:
                with Place(peer, scratch / peer.name, model, self.sizes, self.round) as place:
                    values = group.run(place)
                for name, curve in place.curves.items():
                    self.curves.setdefault(name, {}).setdefault(peer.name, []).append(curve)
            except (OSError, RuntimeError, ValueError, LookupError) as problem:
                say(f"\n{group.name}: {peer.name} failed: {type(problem).__name__}: {problem}")
            for row in group.rows:
                self.numbers.setdefault(key(peer.door, row.key), {}).setdefault(peer.name, []).append(values.get(row.key))

    def result(self) -> dict[str, Any]:
        return {
            "command": " ".join(["make bench", *(f"{name}={os.environ[name]}" for name in CHOICES if os.environ.get(name))]),
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "rounds": self.rounds,
            "curve_rounds": min(self.rounds, self.sizes.curve_rounds),
            "machine": machine(),
            "load": self.load,
            "floor": self.floor,
            "peers": {peer.name: peer.version() for peer in self.pairs[0]},
            "numbers": self.numbers,
            "curves": self.curves,
        }

    def write(self, result: dict[str, Any]) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "versus.json").write_text(written(result))
        for ending, picture in pictures(result).items():
            (self.out / f"versus{ending}.svg").write_text(picture)


def show(result: dict[str, Any]) -> None:
    """The table, for a terminal."""
    doors: tuple[Door, ...] = ("app-server", "acp", "exec")
    for door in doors:
        if found := lines(result, door):
            say(f"\n{door}\n{table.head(names(result))}")
            for line in found:
                say(table.text(line))
