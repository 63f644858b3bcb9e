"""The documents that an editor has open, kept as it says they are.

Our own and not pygls's: that one loads late, and it counts a form feed and U+2028 as line ends, which no editor does; a text that
is off by a line must never become an edit. Lines end in LF, CRLF or CR, and positions count UTF-16 units, as the protocol says. A
document whose changes do not make sense is forgotten until it is opened again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any, cast

from ..core.items import JsonObject
from ..core.pattern import late
from ..core.record import mutable

MAX_DOCUMENTS = 2_000
MAX_CHARS = 16 * 1024 * 1024
MAX_ALL_CHARS = 128 * 1024 * 1024
"Of all documents together; those that changed longest ago are forgotten."
MAX_STEPS = 8
"Changes of one didChange that are told one by one; more are told as one."
_LINE_END = late(r"\r\n|\n|\r")


@mutable
class Document:
    uri: str
    version: int
    text: str
    path: str
    "Real, of the file; symlinks were resolved when it was opened."
    language: str = ""
    "As the editor calls it."


class Documents:
    def __init__(self) -> None:
        self._open: dict[str, Document] = {}
        self.told: list[Callable[[str, str, str], None]] = []
        "Called with (real path, text before, text after) when a document has changed, was opened or closed. Must not raise."

    def take(self, method: Any, params: Any) -> None:
        """A notification of the editor. Never raises."""
        try:
            match method:
                case "textDocument/didOpen":
                    self._opened(params["textDocument"])
                case "textDocument/didChange":
                    self._changed(params["textDocument"], params["contentChanges"])
                case "textDocument/didClose":
                    closed = self._open.pop(params["textDocument"]["uri"], None)
                    if closed is not None:
                        self._tell(closed.path, [closed.text] * 2)
                case _:
                    pass
        except (LookupError, TypeError, ValueError, AttributeError):
            self._forget(params)

    def find(self, path: str) -> Document | None:
        """The document of the file at this real path; of several the one that changed last."""
        return next((document for document in reversed(self._open.values()) if document.path == path), None)

    def get(self, uri: str) -> Document | None:
        """The document that the editor calls by this URI."""
        return self._open.get(uri)

    def _opened(self, given: JsonObject) -> None:
        uri, text, version = given["uri"], given["text"], given["version"]
        path = file_path(uri)
        if path is None or not isinstance(text, str) or len(text) > MAX_CHARS or not isinstance(version, int):
            return
        self._open.pop(uri, None)
        language: Any = given.get("languageId")
        opened = Document(uri, version, text, os.path.realpath(path), language if isinstance(language, str) else "")
        self._open[uri] = opened
        self._bound()
        self._tell(opened.path, [text] * 2)

    def _changed(self, given: JsonObject, changes: list[Any]) -> None:
        document = self._open.pop(given["uri"], None)
        if document is None:
            return
        text = document.text
        steps = [text]
        for change in changes:
            text = changed(text, change)
            if len(changes) <= MAX_STEPS:
                steps.append(text)
        if len(text) <= MAX_CHARS:
            document.text, document.version = text, int(given["version"])
            self._open[document.uri] = document
            self._bound()
            self._tell(document.path, steps if len(steps) > 1 else [*steps, text])

    def _tell(self, path: str, steps: list[str]) -> None:
        for before, after in pairwise(steps):
            for told in self.told:
                told(path, before, after)

    def _bound(self) -> None:
        size = sum(len(document.text) for document in self._open.values())
        while size > MAX_ALL_CHARS or len(self._open) > MAX_DOCUMENTS:
            size -= len(self._open.pop(next(iter(self._open))).text)

    def _forget(self, params: Any) -> None:
        given = cast("JsonObject", params) if isinstance(params, dict) else {}
        document = given.get("textDocument")
        uri: Any = cast("JsonObject", document).get("uri") if isinstance(document, dict) else None
        if isinstance(uri, str):
            self._open.pop(uri, None)


def changed(text: str, change: JsonObject) -> str:
    """One change of a didChange. Raises LookupError, TypeError or ValueError when it makes no sense."""
    new: str = change["text"]
    where = change.get("range")
    if where is None:
        return new + ""
    start, end = offset(text, where["start"]), offset(text, where["end"])
    if end < start:
        raise ValueError("a range that ends before it begins")
    return text[:start] + new + text[end:]


def offset(text: str, position: JsonObject) -> int:
    """Where in the text an editor's position is. Raises LookupError, TypeError or ValueError when it makes no sense."""
    line, units = int(position["line"]), int(position["character"])
    if line < 0 or units < 0:
        raise ValueError("a negative position")
    start = 0
    if line:
        end = next(islice(_LINE_END.finditer(text), line - 1, None), None)
        if end is None:
            return len(text)
        start = end.end()
    found = _LINE_END.search(text, start)
    stop = found.start() if found else len(text)
    return start + _characters(text[start:stop], units)


def _characters(line: str, units: int) -> int:
    """How many characters the first `units` UTF-16 units are; a position past the end is the end."""
    if line.isascii() or units >= 2 * len(line):
        return min(units, len(line))
    return len(line.encode("utf-16-le", "surrogatepass")[: units * 2].decode("utf-16-le", "replace"))


def file_path(uri: str) -> str | None:
    """The path of a file: URI; None for anything else."""
    from urllib.parse import unquote  # noqa: PLC0415 - not before initialize is answered

    scheme, _, rest = uri.partition("://")
    host, slash, tail = rest.partition("/")
    if scheme.lower() != "file" or host not in ("", "localhost") or not slash:
        return None
    path = unquote("/" + re.split("[?#]", tail, maxsplit=1)[0])
    return None if "\0" in path else path


def edits(old: str, new: str, ranges: list[tuple[int, int, int, int]]) -> list[JsonObject]:
    """TextEdits that make `new` of `old`; `ranges` are of their lines, with their ends: see `lines`."""
    before, after = lines(old), lines(new)
    return [
        {"range": {"start": _position(before, a), "end": _position(before, b)}, "newText": "".join(after[c:d])}
        for a, b, c, d in ranges
    ]


def lines(text: str) -> list[str]:
    """The lines of a document with their ends."""
    out: list[str] = []
    at = 0
    for end in _LINE_END.finditer(text):
        out.append(text[at : end.end()])
        at = end.end()
    return [*out, text[at:]] if at < len(text) else out


def _position(of: list[str], line: int) -> JsonObject:
    if line < len(of) or not of or of[-1][-1] in "\r\n":
        return {"line": line, "character": 0}
    return {"line": len(of) - 1, "character": len(of[-1].encode("utf-16-le", "surrogatepass")) // 2}
