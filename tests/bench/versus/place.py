"""Where one peer is measured in one round: its folder, the model, and what it started there, which ends with the case."""

from __future__ import annotations

import itertools
import shutil
import statistics
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..driver import AppServer, ModelProcess, Program
from .acp import Acp
from .peers import Peer

LONGEST = 300
"Seconds that a case may take; then its program is ended, and the case has failed."
FILES = 20
_names = itertools.count()


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    steps: int = 500
    commands: int = 100
    deltas: int = 10_000
    patches: int = 4
    turns: int = 8
    "Turns of which a median is taken."
    at_once: int = 20
    turns_each: int = 5
    commands_each: int = 4
    deltas_each: int = 1_000
    pause: float = 0.5
    "Seconds in which a program may settle."
    curve_rounds: int = 2
    "Rounds in which commands, too, go on for all the steps: they take minutes."


SHORT = Sizes(60, 10, 1_000, 1, 2, 4, 2, 2, 100, 0.1, 0)


@dataclass
class Place:
    peer: Peer
    folder: Path
    model: ModelProcess
    sizes: Sizes
    round: int = 0
    curves: dict[str, list[float]] = field(default_factory=dict)
    "Milliseconds a step, the median of each fifty."
    _open: list[Program] = field(default_factory=list)

    def __enter__(self) -> Place:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._late = threading.Timer(LONGEST, self._kill)
        self._late.daemon = True
        self._late.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._late.cancel()
        for program in self._open:
            program.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, home: str = "home", mode: str = "danger-full-access", *words: str) -> Any:
        """The peer as a process. The workspace of a new home is a small git repository."""
        folder = self.folder / home
        if not folder.exists():
            workspace(folder / "ws")
        kind = {"app-server": AppServer, "acp": Acp, "exec": Program}[self.peer.door]
        stdin = subprocess.DEVNULL if kind is Program else subprocess.PIPE
        options = {"environment": self.peer.environment(self.model.port), "stdin": stdin}
        program = kind((*self.peer.argv, *words), folder, self.model.port, mode, **options)
        self._open.append(program)
        return program

    def wish(self, text: str) -> str:
        """The model counts steps by wish, so no two may be the same."""
        return f"{text} {self.peer.name}{next(_names)}"

    def times(self) -> list[tuple[float, float]]:
        """When each request since the last question had reached the model, and when its reply had been sent."""
        return [(received, sent) for received, sent in self.model.stats()["times"]]

    def arrivals(self) -> list[float]:
        return [received for received, _ in self.times()]

    def gaps(self) -> list[float]:
        return gaps(self.times())

    def _kill(self) -> None:
        for program in self._open:
            program.process.kill()


def workspace(folder: Path) -> None:
    """Files of a small project, committed, as most workspaces are."""
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# A small project\n")
    for n in range(FILES):
        (folder / f"module_{n}.py").write_text(f'"""Module {n}."""\n\n\ndef answer() -> int:\n    return {n}\n')
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)


def gaps(times: list[tuple[float, float]]) -> list[float]:
    """Milliseconds from a reply to the next request."""
    return [(after[0] - before[1]) * 1000 for before, after in itertools.pairwise(times)]


def middle(values: list[float]) -> float:
    return statistics.median(values)
