"""Why a shell line would run, ask or be refused: the verdict of core/policy.py with every part of the line behind it. Pure."""

from __future__ import annotations

import re

from .judging import Part, judge
from .policy import NO_GRANTS, Allow, Ask, Deny, Grants, RunCommand, Verdict, decide
from .record import frozen
from .rules import RuleDecision
from .settings import Settings


@frozen
class Explanation:
    """What would happen to a line, and why."""

    verdict: Verdict
    sentence: str
    "The verdict in words."
    parts: tuple[Part, ...] = ()
    decision: RuleDecision | None = None
    "What the rules alone say of the whole line."


def explain(
    script: str, settings: Settings, grants: Grants = NO_GRANTS, *, escalated: bool = False, sandbox_available: bool = True
) -> Explanation:
    """As `decide` would judge the line in settings.cwd."""
    verdict = decide(RunCommand(script, settings.cwd, escalated), settings, grants, sandbox_available)
    judged = judge(script, settings.rules, grants.rules, (settings.cwd, *settings.roots))
    match verdict:
        case Allow(confined=True):
            said = "It runs in the sandbox, without a question."
        case Allow():
            said = "It runs outside the sandbox, without a question."
        case Ask(reason=reason, outside_sandbox=outside):
            said = f"It asks{' before it runs outside the sandbox' if outside else ''}: {reason}"
        case Deny(reason=reason):
            said = re.sub(r"^(This command was not run[:.] )?", "It does not run: ", reason)
    if isinstance(verdict, Allow):
        said += f" {judged.reason}"
    return Explanation(verdict, said, judged.parts, judged.decision)
