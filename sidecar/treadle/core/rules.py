"""The user's rules over commands and hosts: what may run without asking, what asks, what never runs; and their files.

A rule is about the words that a command begins with, never about the text of a line; the strictest of those that fit wins. The
form of the files is that of Codex (`*.rules`), read as data: literals, constants and calls, nothing is ever run. A file with a
mistake loses what it allows and keeps what it forbids or asks about, so that no slip of the pen opens a door. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal, TypeAlias

from .record import frozen

RuleDecision: TypeAlias = Literal["allow", "prompt", "forbidden"]
Protocol: TypeAlias = Literal["http", "https", "socks5_tcp", "socks5_udp"]
STRICTNESS: Mapping[RuleDecision, int] = {"allow": 0, "prompt": 1, "forbidden": 2}


@frozen
class PrefixRule:
    """A verdict on every command that begins with these words."""

    pattern: tuple[tuple[str, ...], ...]
    "The alternatives for each place: (('git',), ('push', 'fetch'))."
    decision: RuleDecision = "allow"
    justification: str | None = None
    source: str = ""
    "The file, or where else it comes from."
    line: int = 0
    outside: bool = True
    "An `allow` that also covers a run without the sandbox. False for the user's yes to a confined run."

    @classmethod
    def of(cls, words: Iterable[str], *, outside: bool = True, source: str = "") -> PrefixRule:
        """An allowing rule for exactly these first words."""
        return cls(tuple((word,) for word in words), outside=outside, source=source)

    @property
    def place(self) -> str:
        """file:line, as far as known."""
        return f"{self.source}:{self.line}" if self.source and self.line else self.source

    def matches(self, words: Sequence[str]) -> bool:
        """Whether these words begin as the pattern does; the first is compared as it stands."""
        return len(words) >= len(self.pattern) and all(word in place for word, place in zip(words, self.pattern, strict=False))

    def __str__(self) -> str:
        return " ".join(place[0] if len(place) == 1 else "[" + "|".join(place) + "]" for place in self.pattern)


@frozen
class NetworkRule:
    """A verdict on every connection to a host."""

    host: str
    "Lower case, without scheme, port and path."
    protocol: Protocol
    decision: RuleDecision
    justification: str | None = None
    source: str = ""
    line: int = 0


@frozen
class HostExecutable:
    """The absolute paths under which a program counts as the one that rules call by its name."""

    name: str
    paths: tuple[str, ...]


@frozen
class Match:
    """A rule that fits a command."""

    rule: PrefixRule
    certain: bool = True
    "False: it would fit if a word that only the shell knows were the right one. Never for an `allow`."


@frozen
class RuleBook:
    """All rules in force. Immutable; books that were read from the same files compare quickly."""

    prefixes: tuple[PrefixRule, ...] = ()
    networks: tuple[NetworkRule, ...] = ()
    executables: tuple[HostExecutable, ...] = ()
    _by_name: dict[str, tuple[PrefixRule, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict[str, tuple[PrefixRule, ...]]
    )

    def __post_init__(self) -> None:
        named: dict[str, list[PrefixRule]] = {}
        for rule in self.prefixes:
            for name in rule.pattern[0]:
                named.setdefault(name, []).append(rule)
        self._by_name.update((name, tuple(of_name)) for name, of_name in named.items())

    def __add__(self, other: RuleBook) -> RuleBook:
        if not other.prefixes and not other.networks and not other.executables:
            return self
        return RuleBook(self.prefixes + other.prefixes, self.networks + other.networks, self.executables + other.executables)

    @property
    def strict(self) -> bool:
        """Whether any rule forbids or asks."""
        return any(rule.decision != "allow" for rule in self.prefixes)

    def matches(self, words: Sequence[str], unknown: frozenset[int] = frozenset()) -> tuple[Match, ...]:
        """The rules that fit, strictest first, of equally strict ones the most specific first. `unknown` are the places of words
        that only the shell knows: an `allow` never fits over one, the others may.

        /usr/bin/git is `git` to a rule that forbids or asks; to one that allows only if a HostExecutable lists the path."""
        if not words or not self._by_name or 0 in unknown:
            return ()
        first, base = words[0], words[0].rsplit("/", 1)[-1]
        found = [m for rule in self._by_name.get(first, ()) if (m := _match(rule, words, unknown))]
        if base != first:
            known = any(first in e.paths for e in self.executables if e.name == base)
            named = [base, *words[1:]]
            found += [
                m
                for rule in self._by_name.get(base, ())
                if (known or rule.decision != "allow") and (m := _match(rule, named, unknown))
            ]
        found.sort(key=lambda m: (STRICTNESS[m.rule.decision], len(m.rule.pattern)), reverse=True)
        return tuple(found)


NO_RULES = RuleBook()


def _match(rule: PrefixRule, words: Sequence[str], unknown: frozenset[int]) -> Match | None:
    if len(words) < len(rule.pattern):
        return None
    certain = True
    for index, place in enumerate(rule.pattern):
        if index in unknown:
            if rule.decision == "allow":
                return None
            certain = False
        elif words[index] not in place:
            return None
    return Match(rule, certain)


def parse(text: str, source: str) -> tuple[RuleBook, tuple[str, ...]]:
    """The rules of a file, and its mistakes as `source:line: sentence`. Later steps warn with them; they never raise."""
    from . import rule_file  # noqa: PLC0415  ast loads only where there are rules

    return rule_file.parse(text, source)


def render(rule: PrefixRule | NetworkRule | HostExecutable) -> str:
    """The rule as a line of a `*.rules` file."""
    from . import rule_file  # noqa: PLC0415

    return rule_file.render(rule)
