"""The text that the model generates -> what it says or wants to run, piece by piece as it arrives. Pure.

It never fails: text that is not of the expected form is passed on as an answer, and a half-written command is never reported
as one to run.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from ...core.record import mutable
from .grammar import ANSWER_HEAD, CUT_COMMAND, SHELL_HEAD

_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@mutable
class JsonString:
    """Decodes what stands between the quotes of a JSON string, in chunks cut anywhere. `closed` once the quote has come."""

    closed: bool = False
    _escape: str = ""
    "An escape under way, from its backslash."
    _high: int | None = None
    "The first half of a surrogate pair that waits for the second."

    def feed(self, chunk: str) -> str:
        out: list[str] = []
        for char in chunk:
            if self.closed:
                break
            if self._escape:
                self._continue(char, out)
            elif char == "\\":
                self._escape = char
            elif char == '"':
                self._lone(out)
                self.closed = True
            else:
                self._lone(out)
                out.append(char)
        return "".join(out)

    def flush(self) -> str:
        """What was still awaited when the text was cut: a half escape is dropped, half a pair is a replacement mark."""
        out: list[str] = []
        self._escape = ""
        self._lone(out)
        return "".join(out)

    def _continue(self, char: str, out: list[str]) -> None:
        if self._escape == "\\" and char != "u":
            self._escape = ""
            self._lone(out)
            out.append(_SIMPLE.get(char, char))
            return
        self._escape += char
        if len(self._escape) < 6:
            return
        digits, self._escape = self._escape[2:], ""
        try:
            code = int(digits, 16)
        except ValueError:
            self._lone(out)
            out.append(digits)
            return
        self._unit(code, out)

    def _unit(self, code: int, out: list[str]) -> None:
        """One UTF-16 code unit."""
        if 0xDC00 <= code <= 0xDFFF and self._high is not None:
            out.append(chr(0x10000 + ((self._high - 0xD800) << 10) + (code - 0xDC00)))
            self._high = None
            return
        self._lone(out)
        if 0xD800 <= code <= 0xDBFF:
            self._high = code
        else:
            out.append("\ufffd" if 0xDC00 <= code <= 0xDFFF else chr(code))

    def _lone(self, out: list[str]) -> None:
        if self._high is not None:
            self._high = None
            out.append("\ufffd")


@mutable
class Speech:
    """One reply. Feed it chunks; `feed` and `finish` return text for the user; afterwards ask `command` or `text`."""

    form: Literal["unknown", "answer", "shell", "prose"] = "unknown"
    whole: bool = False
    "After `finish`: False when the model was stopped before it had ended."
    _head: str = ""
    _string: JsonString = field(default_factory=JsonString)
    _parts: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """All that was said to the user."""
        return "" if self.form == "shell" else "".join(self._parts)

    @property
    def command(self) -> str | None:
        """The shell line, if that is what the model wrote and it is whole."""
        return "".join(self._parts) if self.form == "shell" and self._string.closed else None

    def feed(self, chunk: str) -> str:
        if self.form == "unknown":
            chunk = self._begin(chunk)
        if self.form == "prose":
            self._parts.append(chunk)
            return chunk
        piece = self._string.feed(chunk)
        self._parts.append(piece)
        return piece if self.form == "answer" else ""

    def finish(self) -> str:
        """The end of the stream. A reply that was cut short becomes words for the user."""
        self.whole = self._string.closed or self.form == "prose"
        piece = self._string.flush()
        self._parts.append(piece)
        if self.form == "shell" and not self._string.closed:
            self.form = "prose"
            self._parts.insert(0, CUT_COMMAND)
            return self.text
        if self.form == "unknown":
            self.form = "prose"
            self._parts.append(self._head)
            return self._head
        return piece if self.form == "answer" else ""

    def _begin(self, chunk: str) -> str:
        """Wait for the head of the object; returns what follows it."""
        self._head += chunk
        for form, head in (("answer", ANSWER_HEAD + '"'), ("shell", SHELL_HEAD + '"')):
            if self._head.startswith(head):
                self.form = form  # type: ignore[assignment]
                return self._head[len(head) :]
            if head.startswith(self._head):
                return ""
        self.form = "prose"
        return self._head
