"""Which first words of a command an approval offers to remember, and which may never stand for a yes. Pure.

Never proposes an interpreter, a shell, a wildcard, or a program that only starts others: a yes to one would be a yes to all.
"""

from __future__ import annotations

import shlex

from .policy import RunCommand
from .rules import NO_RULES, RuleBook


def proposal(wish: RunCommand | str, rules: RuleBook = NO_RULES) -> tuple[str, ...] | None:
    """The prefix whose rule would answer this question the next time, beside the rules in force; None when no sane one would."""
    return None if isinstance(wish, str) or not rules.prefixes else wish.prefix_rule


def parse_pattern(text: str) -> tuple[str, ...]:
    """`npm test`, as a user edits it, shell quoting allowed -> its words. ValueError, in words for the user, if it cannot."""
    words = tuple(shlex.split(text))
    if not words:
        raise ValueError("A rule needs at least one word.")
    return words
