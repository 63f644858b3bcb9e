"""config.toml on disk: parsed, remembered, and never a reason not to start.

A file that cannot be read or parsed yields a ConfigProblem naming file, line and key, and what it held when it was last good.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, TypeAlias, cast

from ..core.pattern import late
from ..core.record import frozen, mutable
from .file_read import read_small
from .rules import RuleFiles

Table: TypeAlias = dict[str, Any]
MAX_CONFIG_BYTES = 1024 * 1024
DEEPEST = 64
"Tables within tables. Far more would end our own recursion, and the parser takes quadratic time over the parts of one key."

_KEY_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = late(rf"^\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*=")
_HEADER = late(rf"^\s*\[\[?\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*\]")
_BARE = late(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_DOTTED = late(rf"{_KEY_PART}(?:\s*\.\s*{_KEY_PART})*+")
_AT_LINE = late(r"\(at line (\d+), column \d+\)")


@frozen
class ConfigProblem:
    """Something in the configuration that was not used. `file` is a path, or where else the value came from."""

    file: str
    line: int | None
    key: str | None
    message: str

    def sentence(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


@frozen
class _Known:
    stamp: tuple[int, int, int]
    data: Table
    problem: ConfigProblem | None
    ever_good: bool
    "False: `data` is empty because the file could never be read, not because it says nothing."
    lines: KeyLines = field(default_factory=lambda: KeyLines(""))


@mutable
class ConfigFiles:
    """What each file holds now, and what it held when it could last be parsed."""

    _known: dict[Path, _Known] = field(default_factory=dict[Path, _Known])
    rules: RuleFiles = field(default_factory=RuleFiles)

    def read(self, path: Path) -> tuple[Table, ConfigProblem | None]:
        """({} for a file that is not there, None); with a problem the data is the last good one of this session."""
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            known = self._known.get(path)
            if known is None or known.stamp != stamp:
                known = self._known[path] = self._parsed(path, stamp, known)
        except (FileNotFoundError, NotADirectoryError):
            if os.path.islink(path):
                return self._unreadable(path, "it is a link to a file that is not there")
            self._known.pop(path, None)
            return {}, None
        except (OSError, ValueError) as error:
            return self._unreadable(path, getattr(error, "strerror", None) or str(error))
        return known.data, known.problem

    def _unreadable(self, path: Path, reason: str) -> tuple[Table, ConfigProblem]:
        known = self._known.get(path)
        return known.data if known else {}, ConfigProblem(str(path), None, None, f"cannot be read ({reason}).")

    def ever_good(self, path: Path) -> bool:
        """Whether a file that has a problem now could be read before, in this session."""
        known = self._known.get(path)
        return known is not None and known.ever_good

    def line(self, path: Path, key: tuple[str, ...]) -> int | None:
        known = self._known.get(path)
        return known.lines.of(key) if known else None

    @staticmethod
    def _parsed(path: Path, stamp: tuple[int, int, int], before: _Known | None) -> _Known:
        good, ever = (before.data, before.ever_good) if before else ({}, False)
        instead = "The last good version of it stays in force." if ever else "It is ignored until it is mended."
        if stamp[1] > MAX_CONFIG_BYTES:
            return _Known(stamp, good, ConfigProblem(str(path), None, None, f"is larger than 1 MiB. {instead}"), ever)
        raw = read_small(str(path), MAX_CONFIG_BYTES)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            return _Known(stamp, good, ConfigProblem(str(path), line, None, f"is not UTF-8. {instead}"), ever)
        try:
            return _Known(stamp, parsed(text), None, True, KeyLines(text))
        except ValueError as error:
            line, key, reason = _explained(text, error)
            return _Known(stamp, good, ConfigProblem(str(path), line, key, f"{reason}. {instead}"), ever, KeyLines(text))


class TooDeep(ValueError):
    """The first argument is the line, where it is known."""


def parsed(text: str) -> Table:
    """TOML of bounded depth. Raises ValueError."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") >= DEEPEST and any(_parts(found[0]) > DEEPEST for found in _DOTTED.finditer(line)):
            raise TooDeep(number)
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise TooDeep from error
    if too_deep(data):
        raise TooDeep
    return data


def _parts(key: str) -> int:
    return len(re.findall(_KEY_PART, key))


def too_deep(value: Any) -> bool:
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            return True
        if isinstance(one, dict):
            waiting += [(part, depth + 1) for part in cast("Table", one).values()]
        elif isinstance(one, list):
            waiting += [(part, depth + 1) for part in cast("list[Any]", one)]
    return False


def _explained(text: str, wrong: ValueError) -> tuple[int | None, str | None, str]:
    """(line, key at or above it, what is wrong)."""
    if isinstance(wrong, TooDeep):
        return next(iter(wrong.args), None), None, f"is nested more than {DEEPEST} deep"
    if not isinstance(wrong, tomllib.TOMLDecodeError):
        return None, None, "holds a number that is too long, or a date that is none"
    error = str(wrong)
    found = _AT_LINE.search(error)
    line = int(found[1]) if found else text.count("\n") + 1
    key = None
    for at, path in _keys(text):
        if at > line:
            break
        key = ".".join(path)
    return (
        line,
        key,
        "is not valid TOML: " + _AT_LINE.sub("", error).replace("(at end of document)", "at the end of the file").strip(),
    )


@mutable
class KeyLines:
    """Where the keys of a text are set. Nothing is looked for before the first question."""

    text: str
    _set: dict[tuple[str, ...], int] | None = None
    _around: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])
    "The first line of anything below a key."

    def of(self, key: tuple[str, ...]) -> int | None:
        """The line where `key`, or the nearest table around it, is set; else the first one below it."""
        if self._set is None:
            self._set = {}
            for at, path in _keys(self.text):
                self._set.setdefault(path, at)
                for size in range(1, len(path)):
                    self._around.setdefault(path[:size], at)
        for size in range(len(key), 0, -1):
            if key[:size] in self._set:
                return self._set[key[:size]]
        return self._around.get(key)


def _keys(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    for at, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            table = split_key(header[1])
            yield at, table
        elif key := _KEY.match(line):
            yield at, table + split_key(key[1])


def split_key(key: str) -> tuple[str, ...]:
    """`a."b.c".d` -> (a, b.c, d); a key that is not TOML is split at its dots."""
    if _BARE.fullmatch(key) or not _DOTTED.fullmatch(key.strip()) or _parts(key) > DEEPEST:
        return tuple(key.split("."))
    try:
        value: Any = tomllib.loads(f"{key} = 0")
    except ValueError:
        return tuple(key.split("."))
    path: list[str] = []
    while isinstance(value, dict):
        ((part, value),) = cast("Table", value).items()
        path.append(part)
    return tuple(path)


def parse_override(text: str) -> tuple[str, Any]:
    """`a.b=1` -> ("a.b", 1): the value is TOML, else the text as it stands. Raises ValueError without `=`."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"{text!r} is not of the form key=value")
    try:
        return key.strip(), parsed(f"v = {value.strip()}")["v"]
    except ValueError:
        return key.strip(), value.strip().strip("\"'")


def nested(dotted: Mapping[str, Any]) -> Table:
    """Dotted keys as tables in tables; a later key wins."""
    out: Table = {}
    for key, value in dotted.items():
        *way, last = split_key(key)
        table = out
        for part in way:
            below = table.get(part)
            if not isinstance(below, dict):
                below = table[part] = {}
            table = cast("Table", below)
        old: Any = table.get(last)
        table[last] = (
            merged(cast("Table", old), cast("Table", value)) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return out


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> Table:
    """`high` over `low`, tables merged key by key."""
    out = dict(low)
    for key, value in high.items():
        old: Any = out.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        out[key] = merged(cast("Table", old), cast("Table", value)) if both else value
    return out
