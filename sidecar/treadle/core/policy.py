"""(what a call would do, settings, grants) -> a Verdict with the reason that the user reads. Pure; one table test covers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A wish to run a shell line."""

    script: str
    cwd: str
    escalated: bool = False
    "The model asks to run outside the sandbox."
    justification: str | None = None
    prefix_rule: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class WriteFiles:
    """A wish to change files. Absolute paths, symlinks resolved."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Harmless:
    """A wish that touches nothing outside the agent, e.g. polling a running command."""


Wish: TypeAlias = RunCommand | WriteFiles | Harmless
