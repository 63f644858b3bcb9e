"""Reads a shell line as far as it goes where the grammar gives up: broken, too long, with a here-document, for another shell.

What it returns has always `trouble`, so no rule ever allows it; it serves the screen, the danger check and the rules that forbid
or ask. Takes time in proportion to the text, whatever that is. Never runs, expands or looks up anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .pattern import late
from .shell_word import ASSIGNMENT, RESERVED, SHELLS, Assignment, Draft, Line, Redirect, ansi, braced

_PLAIN = late(r"""[^ \t\n\\'"$`<>|&;()]+""")
_DOUBTFUL = late(r"\bcase\b|#|<<")
"In these a parenthesis may close nothing."
_DOUBLE_QUOTED = late(r'[^"$`\\]+')


def read(script: str, trouble: str, nested: Callable[[str], Line]) -> Line:
    """`nested` reads a script inside of this one."""
    reader = _Reader(script)
    reader.run()
    drafts = [d for d in reader.segments if d.words or d.scripts or d.redirects or d.assignments]
    for draft in drafts:
        draft.nested = [nested(script) for script in draft.scripts]
    segments = tuple(d.finish() for d in drafts)
    redirected = any(s.redirects for s in segments)
    return Line(segments, True, redirected and not reader.opaque, frozenset(), trouble)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.opaque = "\0" in text
        self.segments = [Draft("")]
        self.word: list[str] | None = None
        self.mask: list[str] = []
        "What of the word was not quoted, to tell a glob from a quoted star."
        self.known = True
        self.doubted = False
        "The end of a substitution was not certain, so that all that follows was taken for a part of it, once."
        self.redirect: str | None = None
        self.bodies: list[tuple[str, bool, bool, Draft]] = []
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
        self.mask.append(text if bare else "\0" * len(text) or "\0")

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
            self.segments[-1].scripts.append(text[start + 1 : end])
            self.at = end + 1
        elif text.startswith("$(", start):
            end = closing(text, start + 1)
            self.segments[-1].scripts.append(text[start + 2 : end])
            if not self.doubted and _DOUBTFUL.search(text, start + 2, end):
                self.doubted = True
                self.segments[-1].scripts.append(text[start + 2 :])
            self.at = end + 1
        elif text.startswith("${", start):
            self.at = _index(text, "}", start) + 1
        elif text.startswith("$'", start):
            found = re.compile(r"\$'((?:[^'\\]|\\.)*)'?", re.DOTALL).match(text, start)
            assert found is not None
            self.at = found.end()
            self.add(ansi(found.group(1)))
            return
        elif text.startswith('$"', start):
            self.at += 1
            self.known = False
            self.double_quoted()
            return
        else:
            name = re.compile(r"\$(\w*)").match(text, start)
            self.at = max(start + 2, name.end() if name else 0)
        self.known = False
        self.add(text[start : self.at])

    def redirection(self) -> None:
        text = self.text
        if text.startswith(("<(", ">("), self.at) and self.word is None:
            self.opaque = True
            end = closing(text, self.at + 1)
            self.segments[-1].scripts.append(text[self.at + 2 : end])
            self.add(text[self.at : end + 1])
            self.at = end + 1
            return
        number = ""
        if self.word is not None and (bare := "".join(self.mask)).isdigit():
            number, self.word, self.mask = bare, None, []
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
        self.segments.append(Draft(";" if found == "\n" else found))

    def end_word(self) -> None:
        if self.word is None:
            return
        word, mask, segment, known = "".join(self.word), "".join(self.mask), self.segments[-1], self.known
        self.word, self.mask, self.known = None, [], True
        if self.redirect is not None:
            self.redirected(word, mask, segment, known)
            return
        glob = _globs(mask)
        if not segment.words:
            if assigned := ASSIGNMENT.match(mask):
                segment.assignments.append(Assignment(assigned.group(1), word[assigned.end() :], known))
                self.opaque = True
                return
            if mask in RESERVED or glob:
                self.opaque = True
            if mask in RESERVED:
                return
        home = mask[:1] in ("~", "=") or "=~" in mask or ":~" in mask
        segment.expands = segment.expands or glob or home
        for text in braced(word, mask) if "{" in mask and len(word) == len(mask) else (word,):
            self.opaque = self.opaque or text != word
            if not known or glob or home:
                segment.unknown.add(len(segment.words))
            segment.words.append(text)

    def redirected(self, word: str, mask: str, segment: Draft, known: bool) -> None:
        operator, self.redirect = self.redirect or "", None
        if "<<" in operator or _globs(mask):
            self.opaque = True
        if operator.lstrip("0123456789") in ("<<", "<<-"):
            self.bodies.append((word, operator.endswith("-"), mask == word, segment))
        elif operator.endswith("<<<"):
            segment.scripts.append(word)
        segment.redirects.append(Redirect(operator, word, known and not _globs(mask)))

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
                segment.scripts.append(text)
            elif expanded:
                segment.scripts.extend(substitutions(text))
        self.bodies = []
        self.at = min(self.at, len(self.text))


def _globs(mask: str) -> bool:
    return "*" in mask or "?" in mask or 0 <= mask.find("[") < mask.rfind("]")


def substitutions(text: str) -> list[str]:
    """The scripts in $(…) and `…` of a text that the shell expands."""
    found: list[str] = []
    at, doubted = 0, False
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text.startswith("$(", at):
            end = closing(text, at + 1)
            found.append(text[at + 2 : end])
            if not doubted and _DOUBTFUL.search(text, at + 2, end):
                doubted = True
                found.append(text[at + 2 :])
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
