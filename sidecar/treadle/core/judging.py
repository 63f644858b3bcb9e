"""(a shell line, rules) -> what the rules say of every command in it. Pure.

Every command counts: those behind && || ; | &, in substitutions, subshells, loops, functions, here-documents for a shell, and
those that env, sudo, xargs, find -exec or bash -c would start. The line is allowed only if every part of it is, by words that are
plain to see, and nothing else in the line can change what they do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from pathlib import PurePosixPath

from . import shell_line
from .pattern import late
from .reach import reaches_further
from .record import frozen, mutable
from .rules import STRICTNESS, PrefixRule, RuleBook, RuleDecision
from .shell_word import Line, Redirect, Segment
from .wrappers import started

MOST_PARTS = 2_000
_DEPTH = 12
_PLAIN_FORMS = frozenset(("subshell", "group", "negation", "condition", "background", "comment", "time", "loop", "expansion"))
_HARMLESS_VARIABLES = late(
    r"CI|NO_COLOR|FORCE_COLOR|CLICOLOR(_FORCE)?|COLUMNS|LINES|LANG|LC_[A-Z]+|TZ|NODE_ENV|RUST_BACKTRACE|VERBOSE"
    r"|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE"
)


@frozen
class Part:
    """One command of a line, and what the rules say of it."""

    words: tuple[str, ...]
    decision: RuleDecision | None
    "None: no rule speaks of it, or the one that allows cannot hold here."
    reason: str
    "One sentence for people."
    rule: PrefixRule | None = None
    neutral: bool = False
    "It needs no rule: a `cd` to a plain folder."


@frozen
class Judgement:
    """What the rules say of a whole line: the strictest part decides."""

    decision: RuleDecision | None
    reason: str
    parts: tuple[Part, ...] = ()
    rule: PrefixRule | None = None
    "The one that decided."
    outside: bool = False
    "Every allowing rule also covers a run without the sandbox."
    hidden: bool = False
    "Some command is only known when it runs."


UNRULED = Judgement(None, "There are no rules.")


def judge(script: str, rules: RuleBook, granted: Sequence[PrefixRule] = (), roots: Sequence[str] = ()) -> Judgement:
    """`granted` are the user's own answers: they allow as rules do and answer a rule that asks; a rule that forbids stands.
    A `cd` to one of `roots`, or below, needs no rule; nor does one to a folder below the current one."""
    court = _Court(rules, sorted(granted, key=lambda rule: not rule.outside), roots)
    line = shell_line.read(script)
    court.line(line, 0)
    return court.judgement()


@mutable
class _Court:
    rules: RuleBook
    granted: Sequence[PrefixRule]
    roots: Sequence[str]
    parts: list[Part] = field(default_factory=list[Part])
    spoilt: str | None = None
    "Why no rule can allow the line."
    hidden: bool = False
    seen: int = 0

    def judgement(self) -> Judgement:
        strict = [p for p in self.parts if p.decision in ("prompt", "forbidden")]
        if strict:
            worst = max(strict, key=lambda p: STRICTNESS[p.decision] if p.decision else 0)
            return Judgement(worst.decision, worst.reason, tuple(self.parts), worst.rule, hidden=self.hidden)
        counted = [p for p in self.parts if not p.neutral]
        missing = [p for p in counted if p.decision is None]
        if self.spoilt or missing or not counted:
            reason = missing[0].reason if missing and not self.spoilt else self.spoilt or "No rule speaks of this."
            return Judgement(None, reason, tuple(self.parts), hidden=self.hidden)
        outside = all(p.rule is None or p.rule.outside for p in counted)
        return Judgement("allow", counted[0].reason, tuple(self.parts), counted[0].rule, outside)

    def spoil(self, sentence: str) -> None:
        self.spoilt = self.spoilt or sentence

    def line(self, line: Line, depth: int) -> None:
        if line.trouble:
            self.spoil(f"The line {line.trouble}, so no rule can allow it.")
            if not line.segments:
                self.unseen()
        if odd := sorted(line.forms - _PLAIN_FORMS):
            self.spoil(f"There is more in the line than plain words ({', '.join(odd)}), so no rule can allow it.")
        for segment in line.segments:
            if self.beyond(depth):
                return
            self.segment(segment, depth)

    def beyond(self, depth: int) -> bool:
        self.seen += 1
        if self.seen <= MOST_PARTS and depth <= _DEPTH:
            return False
        self.unseen()
        return True

    def unseen(self) -> None:
        """Something was not looked at: no rule can allow the line, and one that forbids may have missed it."""
        said = "The line has more in it than can be judged"
        self.spoil(f"{said}.")
        self.hidden = True
        if self.rules.strict and not any(p.words == () for p in self.parts):
            self.parts.append(Part((), "prompt", f"{said}, and there are rules that forbid or ask."))

    def segment(self, segment: Segment, depth: int) -> None:
        for redirect in segment.redirects:
            if not _harmless(redirect):
                self.spoil(f"It redirects to or from {redirect.target or redirect}, which no rule can allow.")
        for assigned in segment.assignments:
            if not (
                assigned.known and _HARMLESS_VARIABLES.fullmatch(assigned.name) and re.fullmatch(r"[\w.,:+-]*", assigned.value)
            ):
                self.spoil(f"It sets {assigned.name}, which may change what a command does, so no rule can allow it.")
        if segment.words:
            self.command(segment.words, segment.unknown, depth)
        for nested in segment.nested:
            self.spoil("A part of the line is only known when it runs.")
            self.line(nested, depth + 1)

    def command(self, words: tuple[str, ...], unknown: frozenset[int], depth: int) -> None:
        if self.seen > MOST_PARTS:
            self.unseen()
            return
        part = self.part(words, unknown)
        self.hidden = self.hidden or 0 in unknown
        inner = started(words, unknown)
        # each of them is most of the words once more
        self.seen += len(inner) * len(words) // 64
        if inner and self.beyond(depth):
            self.parts.append(part)
            return
        transparent = part.decision is None and part.rule is None and any(s.transparent for s in inner)
        if not transparent:
            self.parts.append(part)
        before = (len(self.parts), self.spoilt)
        for one in inner:
            if one.script is not None:
                self.line(shell_line.read(one.script), depth + 1)
            elif one.words:
                self.command(one.words, one.unknown, depth + 1)
        if not transparent:
            # What is behind a command that a rule judges by its own words can make the verdict stricter, not stand in its way.
            kept = [p for p in self.parts[before[0] :] if p.decision in ("prompt", "forbidden")]
            self.parts[before[0] :] = kept
            self.spoilt = before[1]

    def part(self, words: tuple[str, ...], unknown: frozenset[int]) -> Part:
        # there may be hundreds: most are told apart by the first word
        answered = next((r for r in self.granted if words[0] in r.pattern[0] and _covers(r, words, unknown)), None)
        reason, allowed = "", None
        for match in self.rules.matches(words, unknown):
            rule = match.rule
            why = f" {rule.justification}" if rule.justification else ""
            if not match.certain:
                return Part(words, "prompt", f"A rule asks about `{rule}`, and what runs here is only known then.{why}", rule)
            match rule.decision:
                case "forbidden":
                    return Part(words, "forbidden", f"A rule forbids `{rule}`.{why}", rule)
                case "prompt" if answered is None:
                    return Part(words, "prompt", f"A rule asks before `{rule}`.{why}", rule)
                case "prompt":
                    break
                case "allow":
                    allowed, reason = rule, f"A rule allows `{rule}`.{why}"
                    break
        if allowed is None and answered is not None:
            allowed, reason = answered, f"You said yes to `{answered}`."
        if allowed is None:
            return self.unruled(words, unknown)
        if unknown:
            places = ", ".join(words[i] for i in sorted(unknown))[:60]
            return Part(words, None, f"A rule fits `{allowed}`, but {places} is only known when it runs.", allowed)
        if further := reaches_further(words, len(allowed.pattern)):
            return Part(words, None, f"A rule allows `{allowed}`, but not with {further}.", allowed)
        return Part(words, "allow", reason, allowed)

    def unruled(self, words: tuple[str, ...], unknown: frozenset[int]) -> Part:
        if words[0] == "cd" and len(words) == 2 and not unknown and self.stays(words[1]):
            return Part(words, None, "It only changes the folder.", neutral=True)
        return Part(words, None, f"No rule speaks of `{' '.join(words)[:80]}`.")

    def stays(self, folder: str) -> bool:
        path = PurePosixPath(folder)
        if folder[:1] in ("-", "~", "") or ".." in path.parts:
            return False
        return not path.is_absolute() or any(path.is_relative_to(root) for root in self.roots)


def _covers(rule: PrefixRule, words: Sequence[str], unknown: frozenset[int]) -> bool:
    return rule.decision == "allow" and not unknown and rule.matches(words)


def _harmless(redirect: Redirect) -> bool:
    """To nowhere, or between descriptors."""
    operator = redirect.operator.lstrip("0123456789")
    if not redirect.known:
        return False
    if operator in (">&-", "<&-"):
        return not redirect.target
    if operator in (">&", "<&") and re.fullmatch(r"[0-9]+-?|-", redirect.target):
        return True
    return redirect.target == "/dev/null" and operator in (">", ">>", "<", "&>", "&>>", ">|", ">&")
