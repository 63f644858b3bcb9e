"""Why a shell line would run, ask or be refused: the verdict of core/policy.py with every part of the line behind it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .judging import Part
from .policy import NO_GRANTS, Grants, RunCommand, Verdict, decide
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen to a line, and why."""

    verdict: Verdict
    sentence: str
    "The verdict in words."
    parts: tuple[Part, ...] = ()


def explain(
    script: str, settings: Settings, grants: Grants = NO_GRANTS, *, escalated: bool = False, sandbox_available: bool = True
) -> Explanation:
    """As `decide` would judge the line in settings.cwd."""
    wish = RunCommand(script, settings.cwd, escalated)
    return Explanation(decide(wish, settings, grants, sandbox_available), "")
