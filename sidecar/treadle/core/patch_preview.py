"""A patch that is still arriving -> the changes seen so far, for the screen only. Pure; linear in what arrives, and bounded.

Never raises and never decides: what is wrong with a patch is said when it is whole (core/patch.py). Only whole lines are shown.
The changes have no line numbers yet: the diff of an update is its chunks as they were written.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import field
from typing import Literal

from .patch import ADD, DELETE, END, END_OF_FILE, MOVE, UPDATE
from .pattern import late
from .record import mutable
from .views import FileChange

TOOL = "apply_patch"
"The tool whose calls have a preview."
MAX_DIFF_CHARS = 128 * 1024
"Of all files of a patch together; after that only the counts grow."
MAX_CHARS = 512 * 1024
"Of a patch; a longer one stands still from there until it is whole."
MAX_FILES = 500
MAX_LINE = 16 * 1024

_KINDS: tuple[tuple[str, Literal["add", "delete", "update"]], ...] = ((ADD, "add"), (DELETE, "delete"), (UPDATE, "update"))
_SIGNS = frozenset("+- ")
_KEY = late(r'"input"\s*:\s*"')
_WHOLE = late(r'(?:[^"\\]+|\\[^u]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4})*')
_LONGEST_ESCAPE, _LONGEST_HEAD = 12, 1_000


@mutable
class _Seen:
    path: str
    kind: Literal["add", "delete", "update"]
    move_path: str | None = None
    added: int = 0
    removed: int = 0
    diff: list[str] = field(default_factory=list[str])


class PatchPreview:
    """`base` is the folder that relative paths are relative to. With `in_json` the patch comes as JSON: {"input": "..."}."""

    def __init__(self, base: str, *, in_json: bool = False) -> None:
        self._base = base
        self._unquoted = _Unquoted() if in_json else None
        self._files: list[_Seen] = []
        self._line: list[str] = []
        self._line_size = 0
        self._size = 0
        self._fed = 0
        self._ended = False

    def feed(self, piece: str) -> bool:
        """The next piece of the call's input. True when the changes are different now."""
        if self._unquoted is not None:
            piece = self._unquoted.feed(piece)
        if self._ended:
            return False
        piece = piece[: MAX_CHARS - self._fed]
        self._fed += len(piece)
        self._ended = self._fed >= MAX_CHARS
        *ends, rest = piece.split("\n")
        changed = False
        for end in ends:
            self._keep(end)
            line = "".join(self._line).removesuffix("\r")
            self._line, self._line_size = [], 0
            changed = self._take(line) or changed
        self._keep(rest)
        return changed

    def changes(self) -> list[FileChange]:
        """What is known so far."""
        return [
            FileChange(
                path=seen.path,
                kind=seen.kind,
                move_path=seen.move_path,
                diff="".join(seen.diff),
                added=seen.added,
                removed=seen.removed,
            )
            for seen in self._files
        ]

    def _keep(self, piece: str) -> None:
        piece = piece[: MAX_LINE - self._line_size]
        if piece:
            self._line.append(piece)
            self._line_size += len(piece)

    def _take(self, line: str) -> bool:
        last = self._files[-1] if self._files else None
        if last is not None and last.kind != "delete" and line[:1] in _SIGNS:
            return self._content(last, line)
        marker = line.strip()
        for prefix, kind in _KINDS:
            if marker.startswith(prefix):
                return self._begin(marker[len(prefix) :].strip(), kind)
        if last is None:
            return False
        if marker == END:
            self._ended = True
            return False
        if last.kind == "delete" or marker == END_OF_FILE:
            return False
        if last.kind == "update" and marker.startswith(MOVE) and not last.diff:
            last.move_path = self._absolute(marker[len(MOVE) :].strip())
            return True
        return self._content(last, line)

    def _begin(self, path: str, kind: Literal["add", "delete", "update"]) -> bool:
        if len(self._files) >= MAX_FILES or not path:
            self._ended = self._ended or bool(path)
            return False
        self._files.append(_Seen(self._absolute(path), kind))
        return True

    def _content(self, last: _Seen, line: str) -> bool:
        sign = line[:1]
        if last.kind == "add":
            if sign != "+":
                return False
            line = line[1:]
        elif sign not in ("+", "-", " ", "@", ""):
            return False
        last.added += sign == "+"
        last.removed += sign == "-" and last.kind == "update"
        if self._size < MAX_DIFF_CHARS:
            last.diff.append(line + "\n")
            self._size += len(line) + 1
        return True

    def _absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._base, path))


class _Unquoted:
    """The string "input" of a JSON object, as far as it has come."""

    def __init__(self) -> None:
        self._raw = ""
        self._inside = False
        self._over = False

    def feed(self, piece: str) -> str:
        if self._over:
            return ""
        self._raw += piece
        if not self._inside:
            key = _KEY.search(self._raw)
            if key is None:
                self._over = len(self._raw) > _LONGEST_HEAD
                return ""
            self._inside, self._raw = True, self._raw[key.end() :]
        whole = _WHOLE.match(self._raw)
        end = whole.end() if whole else 0
        ready, self._raw = self._raw[:end], self._raw[end:]
        self._over = self._raw.startswith('"') or len(self._raw) >= _LONGEST_ESCAPE
        try:
            return json.loads(f'"{ready}"', strict=False)
        except ValueError:
            self._over = True
            return ""
