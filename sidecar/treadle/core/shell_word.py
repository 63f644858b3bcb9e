"""What a shell line is read into, and what one word of it means: quotes removed, and what only the shell would know marked. Pure.

A word is `known` only when every shell would pass exactly its text. Braces are expanded, $'…' is decoded; nothing else is.
"""

# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from itertools import pairwise

from .pattern import late
from .record import frozen, mutable

RESERVED = frozenset("if then else elif fi for while until do done case esac in function select time coproc { } ! [[ ]]".split())
SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ksh", "fish", "ash", "mksh", "rbash"))
ASSIGNMENT = late(r"([A-Za-z_]\w*)(\[[^]]*\])?\+?=", re.ASCII)
MOST_BRACES = 64
"Words that one word with braces may become; beyond, it stays as it is."


@frozen
class Redirect:
    """Such as 2>/dev/null: the operator with its descriptor, and where to."""

    operator: str
    target: str
    known: bool = True

    def __str__(self) -> str:
        return self.operator + self.target


@frozen
class Assignment:
    """NAME=value, before a command, by itself, or as the variable of a loop."""

    name: str
    value: str
    known: bool = True


@frozen
class Segment:
    """One command of a line as far as it could be read."""

    after: str = ""
    "The operator in front of it: empty for the first, else one of && || ; | & ( and so on."
    words: tuple[str, ...] = ()
    unknown: frozenset[int] = frozenset()
    "Places of words that only the shell knows; such a word is its source text."
    expands: bool = False
    "A word holds an unquoted glob or ~: the shell would replace it."
    redirects: tuple[Redirect, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    nested: tuple[Line, ...] = ()
    "What runs as part of it: substitutions, and a here-document that a shell would read."


@frozen
class Line:
    """A script, command by command in the order of its text."""

    segments: tuple[Segment, ...] = ()
    opaque: bool = False
    "More than plain words joined by && || ; | and newlines."
    redirected: bool = False
    "Opaque for redirections and nothing else."
    forms: frozenset[str] = frozenset()
    "What there is besides commands, in words: loop, function, subshell, background …"
    trouble: str | None = None
    "Why it could only be read roughly, as the end of a sentence; None when the grammar read all of it."


class Draft:
    """A segment while it is read."""

    def __init__(self, after: str) -> None:
        self.after = after
        self.words: list[str] = []
        self.unknown: set[int] = set()
        self.expands = False
        self.redirects: list[Redirect] = []
        self.assignments: list[Assignment] = []
        self.nested: list[Line] = []
        self.scripts: list[str] = []
        "What is nested, not yet read."

    def finish(self) -> Segment:
        return Segment(
            self.after,
            tuple(self.words),
            frozenset(self.unknown),
            self.expands,
            tuple(self.redirects),
            tuple(self.assignments),
            tuple(self.nested),
        )


@mutable
class Word:
    """One word while it is read: its text, and a mask of the same length that shows only what was not quoted."""

    text: list[str] = field(default_factory=list[str])
    mask: list[str] = field(default_factory=list[str])
    known: bool = True
    ansi: bool = False

    def add(self, text: str, *, bare: bool = False) -> None:
        self.text.append(text)
        self.mask.append(text if bare else "\0" * len(text))

    def finish(self) -> Finished:
        text, mask = "".join(self.text), "".join(self.mask)
        if mask[:1] == "#":
            raise Unreadable
        texts = tuple(braced(text, mask)) if "{" in mask else (text,)
        glob = "*" in mask or "?" in mask or 0 <= mask.find("[") < mask.rfind("]")
        home = mask[:1] in ("~", "=") or "=~" in mask or ":~" in mask
        return Finished(text, mask, texts, self.known, glob, home, self.ansi)


@frozen
class Finished:
    """One word of the source."""

    text: str
    mask: str
    texts: tuple[str, ...]
    "The words that its braces make of it; itself when it has none."
    known: bool
    glob: bool
    home: bool
    "Begins like ~ (or =command of zsh)."
    ansi: bool = False

    @property
    def braces(self) -> bool:
        return self.texts != (self.text,)


class Unreadable(Exception):
    """A word does not mean what the grammar took it for."""


def dequote(pieces: Iterable[str | None], sources: Iterator[str]) -> Finished:
    """A word in pieces: text, or None for what the shell would replace, whose source text is the next of `sources`."""
    word, quoted = Word(), False
    for piece in pieces:
        if piece is None:
            word.add(next(sources))
            word.known = False
            continue
        at = 0
        while at < len(piece):
            if quoted:
                at, quoted = _double_quoted(piece, at, word)
            else:
                at, quoted = _bare(piece, at, word)
    if quoted:
        raise Unreadable
    return word.finish()


_PLAIN = late(r"""[^ \t\n\r\v\f\\'"$`<>|&;()\0]+""")
_DOUBLE = late(r'[^"$`\\]+')
_ANSI = late(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)


def _bare(piece: str, at: int, word: Word) -> tuple[int, bool]:
    char = piece[at]
    if run := _PLAIN.match(piece, at):
        word.add(run.group(), bare=True)
        return run.end(), False
    if char == '"':
        return at + 1, True
    if char == "'":
        end = piece.find("'", at + 1)
        if end < 0:
            raise Unreadable
        word.add(piece[at + 1 : end])
        return end + 1, False
    if char == "\\" and at + 1 < len(piece):
        if piece[at + 1] != "\n":
            word.add(piece[at + 1])
        return at + 2, False
    if char == "$":
        if found := _ANSI.match(piece, at):
            word.add(ansi(found.group(1)))
            word.ansi = True
            return found.end(), False
        if piece.startswith('$"', at):
            # Translated by the locale: what it becomes is not known.
            word.known = False
            return at + 2, True
        if not _begins_expansion(piece, at):
            word.add("$")
            return at + 1, False
    raise Unreadable


def _double_quoted(piece: str, at: int, word: Word) -> tuple[int, bool]:
    char = piece[at]
    if run := _DOUBLE.match(piece, at):
        word.add(run.group())
        return run.end(), True
    if char == '"':
        return at + 1, False
    if char == "\\":
        following = piece[at + 1 : at + 2]
        if following == "\n":
            return at + 2, True
        if following and following in '$`"\\':
            word.add(following)
            return at + 2, True
        word.add(char)
        return at + 1, True
    if char == "$" and not (_begins_expansion(piece, at) and piece[at + 1 : at + 2] not in ("'", '"')):
        word.add(char)
        return at + 1, True
    raise Unreadable


def _begins_expansion(text: str, at: int) -> bool:
    return re.compile(r"\$[\w({@*#?$!'\"\[-]").match(text, at) is not None


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}
_ESCAPE = late(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL)


def ansi(body: str) -> str:
    """The text of $'body'."""

    def decoded(found: re.Match[str]) -> str:
        two, four, eight, octal, control, plain = found.groups()
        if two or four or eight:
            code = int(two or four or eight, 16)
        elif octal:
            code = int(octal, 8) & 0xFF
        elif control:
            code = ord(control) & 0x1F
        else:
            return _ESCAPES.get(plain, plain if plain in "\\'\"?" else "\\" + plain)
        return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else "\ufffd"

    # A zero byte ends the text for bash.
    return _ESCAPE.sub(decoded, body).split("\0", 1)[0]


def braced(text: str, mask: str) -> Iterator[str]:
    """The words that {a,b} and {1..3} make of one word, empty ones left out as bash does; itself if too many."""
    done: list[str] = []
    waiting = [(text, mask)]
    while waiting:
        if len(done) + len(waiting) > MOST_BRACES:
            return iter((text,))
        first, hidden = waiting.pop(0)
        found = _brace(hidden)
        if found is None:
            done.append(first)
            continue
        start, end, cuts = found
        heads, tails = (first[:start], hidden[:start]), (first[end + 1 :], hidden[end + 1 :])
        edges = [start, *cuts, end]
        inner = [(first[a + 1 : b], hidden[a + 1 : b]) for a, b in pairwise(edges)] if cuts else _sequence(first[start + 1 : end])
        waiting = [(heads[0] + a + tails[0], heads[1] + b + tails[1]) for a, b in inner] + waiting
    return iter([word for word in done if word] or [""])


def _brace(mask: str) -> tuple[int, int, list[int]] | None:
    """Start, end and commas of the first brace pair that the shell would expand."""
    open_at: list[tuple[int, list[int]]] = []
    best: tuple[int, int, list[int]] | None = None
    for index, char in enumerate(mask):
        if char == "{":
            open_at.append((index, []))
        elif char == "," and open_at:
            open_at[-1][1].append(index)
        elif char == "}" and open_at:
            start, commas = open_at.pop()
            if (commas or _SEQUENCE.fullmatch(mask[start + 1 : index])) and (best is None or start < best[0]):
                best = (start, index, commas)
    return best


_SEQUENCE = late(r"(-?\d{1,6})\.\.(-?\d{1,6})(?:\.\.(-?\d{1,6}))?|([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d{1,3}))?")


def _sequence(text: str) -> list[tuple[str, str]]:
    found = _SEQUENCE.fullmatch(text)
    if found is None:
        return [(text, "\0" * len(text))]
    first, last, step, letter, final, letters = found.groups()
    low, high = (int(first), int(last)) if first else (ord(letter), ord(final))
    stride = abs(int(step or letters or 1)) or 1
    values = range(low, high + 1, stride) if low <= high else range(low, high - 1, -stride)
    made = [str(v) if first else chr(v) for v in values[: MOST_BRACES + 1]]
    return [(word, "\0" * len(word)) for word in made]
