"""Reads a shell line into words: what is quoted, what the shell would still expand, and where commands begin.

Two promises to two readers. To the policy: `opaque` is set whenever the line is more than plain words joined by && || ; | or
newlines, so a line that is not opaque means exactly its words. To the screen and the danger check: an opaque line is still
read as far as it goes. Never runs, expands or looks up anything.
"""
# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import re
from dataclasses import dataclass, field

RESERVED = frozenset("if then else elif fi for while until do done case esac in function select time coproc { } ! [[ ]]".split())
SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ksh", "fish"))
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^]]*\])?\+?=")
_PLAIN = re.compile(r"""[^ \t\n\\'"$`<>|&;()]+""")
_DOUBLE_QUOTED = re.compile(r'[^"$`\\]+')


@dataclass(slots=True)
class Segment:
    """One command of a line as far as it could be read."""

    after: str
    "The operator in front of it: empty for the first, else one of && || ; | & ( and so on."
    words: list[str] = field(default_factory=list[str])
    expands: bool = False
    "A word holds an unquoted glob or ~: the shell would replace it."
    redirects: list[str] = field(default_factory=list[str])
    "Such as 2>/dev/null: operator and target in one."
    assigned: bool = False
    "It begins with NAME=value."
    nested: list[str] = field(default_factory=list[str])
    "Scripts inside: of substitutions, and of a here-document that a shell would read."


@dataclass(slots=True)
class Line:
    segments: list[Segment]
    opaque: bool
    "More than plain words joined by && || ; | and newlines."
    redirected: bool
    "Opaque for redirections to files and nothing else."


def read(script: str) -> Line:
    reader = _Reader(script)
    reader.run()
    segments = [s for s in reader.segments if s.words or s.nested or s.redirects or s.assigned]
    redirected = any(s.redirects for s in segments)
    return Line(segments, reader.opaque or redirected, redirected and not reader.opaque)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.opaque = "\0" in text
        self.segments = [Segment("")]
        self.word: list[str] | None = None
        self.bare = ""
        "The unquoted characters of the word, to tell a glob from a quoted star."
        self.redirect: str | None = None
        self.bodies: list[tuple[str, bool, bool, Segment]] = []
        "Here-documents whose bodies begin after the next newline: delimiter, tabs stripped, expanded, segment."

    def run(self) -> None:
        while self.at < len(self.text):
            self.step(self.text[self.at])
        self.end_word()
        last = self.segments[-1]
        self.opaque = self.opaque or self.redirect is not None
        if not last.words and last.after not in ("", ";"):
            self.opaque = True

    def step(self, char: str) -> None:
        if char in " \t":
            self.end_word()
            self.at += 1
        elif char == "#" and self.word is None:
            self.opaque = True
            self.at = _index(self.text, "\n", self.at)
        elif char == "\\":
            self.backslash()
        elif char == "'":
            end = self.text.find("'", self.at + 1)
            self.quoted(end, self.text[self.at + 1 : end if end >= 0 else None])
        elif char == '"':
            self.double_quoted()
        elif char in "$`":
            self.expansion()
        elif char in "<>":
            self.redirection()
        elif char in "|&;()\n":
            self.operator(char)
        else:
            run = _PLAIN.match(self.text, self.at)
            assert run is not None
            self.add(run.group(), bare=True)
            self.at = run.end()

    def add(self, text: str, *, bare: bool = False) -> None:
        self.word = self.word if self.word is not None else []
        self.word.append(text)
        if bare:
            self.bare += text
        elif not self.bare.endswith("\0"):
            self.bare += "\0"

    def quoted(self, end: int, content: str) -> None:
        self.add(content)
        if end < 0:
            self.opaque = True
        self.at = end + 1 if end >= 0 else len(self.text)

    def backslash(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if not following:
            self.opaque = True
        elif following != "\n":
            self.add(following)
        self.at += 2

    def double_quoted(self) -> None:
        self.add("")
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return
            run = _DOUBLE_QUOTED.match(self.text, self.at)
            if run is not None:
                self.add(run.group())
                self.at = run.end()
            elif char in "$`" and self.text[self.at + 1 : self.at + 2] != "'":
                self.expansion()
            elif char == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\", "\n"):
                following = self.text[self.at + 1]
                self.add(following if following != "\n" else "")
                self.at += 2
            else:
                self.add(char)
                self.at += 1
        self.opaque = True

    def expansion(self) -> None:
        """At $ or `: the word keeps the source text, a script inside goes to the segment."""
        text, start = self.text, self.at
        if text[start] == "$" and not re.match(r"\$[\w({@*#?$!'\"-]", text[start : start + 2]):
            self.add("$")
            self.at += 1
            return
        self.opaque = True
        if text[start] == "`":
            end = _index(text, "`", start + 1)
            self.segments[-1].nested.append(text[start + 1 : end])
            self.at = end + 1
        elif text.startswith("$(", start):
            end = closing(text, start + 1)
            self.segments[-1].nested.append(text[start + 2 : end])
            self.at = end + 1
        elif text.startswith("${", start):
            self.at = _index(text, "}", start) + 1
        elif text.startswith("$'", start):
            found = re.compile(r"\$'(?:[^'\\]|\\.)*'?", re.DOTALL).match(text, start)
            self.at = found.end() if found else start + 2
        else:
            self.at += 1
        self.add(text[start : self.at])

    def redirection(self) -> None:
        text = self.text
        if text.startswith(("<(", ">("), self.at) and self.word is None:
            self.opaque = True
            end = closing(text, self.at + 1)
            self.segments[-1].nested.append(text[self.at + 2 : end])
            self.add(text[self.at : end + 1])
            self.at = end + 1
            return
        number = ""
        if self.word is not None and self.bare.isdigit():
            number, self.word, self.bare = self.bare, None, ""
        self.end_word()
        found = re.compile(r"<<<|<<-?|<>|[<>]&|>>|>\||[<>]").match(text, self.at)
        assert found is not None
        self.at = found.end()
        self.redirect = number + found.group()

    def operator(self, char: str) -> None:
        text = self.text
        if text.startswith("&>", self.at):
            self.end_word()
            width = 3 if text.startswith("&>>", self.at) else 2
            self.redirect = text[self.at : self.at + width]
            self.at += width
            return
        self.end_word()
        found = next(o for o in ("&&", "||", "|&", ";;", char) if text.startswith(o, self.at))
        self.at += len(found)
        current = self.segments[-1]
        if found == "\n":
            self.skip_bodies()
        if found not in ("&&", "||", ";", "|", "\n") or (found != "\n" and not current.words):
            self.opaque = True
        if found == "\n" and not current.words and not current.redirects:
            return
        self.segments.append(Segment(";" if found == "\n" else found))

    def end_word(self) -> None:
        if self.word is None:
            return
        word, bare, segment = "".join(self.word), self.bare, self.segments[-1]
        self.word, self.bare = None, ""
        if self.redirect is not None:
            self.redirected(word, bare, segment)
            return
        glob = _globs(bare)
        if not segment.words:
            if _ASSIGNMENT.match(bare):
                segment.assigned = self.opaque = True
                return
            if bare in RESERVED or glob:
                self.opaque = True
            if bare in RESERVED:
                return
        if _braces(bare):
            self.opaque = True
        segment.expands = segment.expands or glob or bare[:1] in ("~", "=") or "=~" in bare or ":~" in bare
        segment.words.append(word)

    def redirected(self, word: str, bare: str, segment: Segment) -> None:
        operator, self.redirect = self.redirect or "", None
        if "<<" in operator or _globs(bare):
            self.opaque = True
        if operator.lstrip("0123456789") in ("<<", "<<-"):
            self.bodies.append((word, operator.endswith("-"), bare == word, segment))
        elif operator.endswith("<<<"):
            segment.nested.append(word)
        else:
            segment.redirects.append(operator + word)

    def skip_bodies(self) -> None:
        """At the first line after here-document operators."""
        for delimiter, tabs, expanded, segment in self.bodies:
            body: list[str] = []
            while self.at < len(self.text):
                end = _index(self.text, "\n", self.at)
                line = self.text[self.at : end]
                self.at = end + 1
                if (line.lstrip("\t") if tabs else line) == delimiter:
                    break
                body.append(line)
            text = "\n".join(body)
            if any(word.rsplit("/", 1)[-1] in SHELLS for word in segment.words):
                segment.nested.append(text)
            elif expanded:
                segment.nested.extend(substitutions(text))
        self.bodies = []
        self.at = min(self.at, len(self.text))


def _globs(bare: str) -> bool:
    return "*" in bare or "?" in bare or 0 <= bare.find("[") < bare.rfind("]")


def _braces(bare: str) -> bool:
    inside = bare[bare.find("{") : bare.rfind("}") + 1] if "{" in bare else ""
    return "," in inside or ".." in inside


def substitutions(text: str) -> list[str]:
    """The scripts in $(…) and `…` of a text that the shell expands."""
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text.startswith("$(", at):
            end = closing(text, at + 1)
            found.append(text[at + 2 : end])
            at = end
        elif text[at] == "`":
            end = _index(text, "`", at + 1)
            found.append(text[at + 1 : end])
            at = end
        at += 1
    return found


def closing(text: str, start: int) -> int:
    """Index of the parenthesis that closes the one at `start`, or the end of the text. Quotes are skipped."""
    depth, at = 0, start
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "'":
            at = _index(text, "'", at + 1)
        elif char == '"':
            found = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL).match(text, at + 1)
            at = found.end() if found else at
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return len(text)


def _index(text: str, wanted: str, start: int) -> int:
    found = text.find(wanted, start)
    return found if found >= 0 else len(text)
