"""(a shell line, rules) -> what the rules say of every command in it. Pure.

Every command counts: those behind && || ; | &, in substitutions, subshells, loops, functions, here-documents for a shell, and
those that env, sudo, xargs, find -exec or bash -c would start. The line is allowed only if every part of it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from .rules import PrefixRule, RuleBook, RuleDecision


@dataclass(frozen=True, slots=True)
class Part:
    """One command of a line, and what the rules say of it."""

    words: tuple[str, ...]
    decision: RuleDecision | None
    "None: no rule speaks of it, or the one that allows cannot hold here."
    reason: str
    "One sentence for people."
    rule: PrefixRule | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of a whole line: the strictest part decides."""

    decision: RuleDecision | None
    reason: str
    parts: tuple[Part, ...] = ()
    rule: PrefixRule | None = None
    "The one that decided."
    outside: bool = False
    "Every allowing rule also covers a run without the sandbox."


def judge(script: str, rules: RuleBook) -> Judgement:
    return Judgement(None, f"No rule of {len(rules.prefixes)} speaks of {script[:80]}.")
