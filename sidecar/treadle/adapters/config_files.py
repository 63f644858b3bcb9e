"""config.toml on disk: parsed, remembered, and never a reason not to start.

A file that cannot be read or parsed yields a ConfigProblem naming file, line and key, and what it held when it was last good.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from .rules import RuleFiles

Table: TypeAlias = dict[str, Any]
MAX_CONFIG_BYTES = 1024 * 1024

_KEY_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = re.compile(rf"^\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*=")
_HEADER = re.compile(rf"^\s*\[\[?\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*\]")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Something in the configuration that was not used. `file` is a path, or where else the value came from."""

    file: str
    line: int | None
    key: str | None
    message: str

    def sentence(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, int, int]
    text: str
    data: Table
    problem: ConfigProblem | None
    ever_good: bool
    "False: `data` is empty because the file could never be read, not because it says nothing."


@dataclass(slots=True)
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
                if not stat.S_ISREG(found.st_mode):
                    return self._unreadable(path, "it is not a regular file")
                known = self._known[path] = self._parsed(path, stamp, known)
        except (FileNotFoundError, NotADirectoryError):
            if os.path.islink(path):
                return self._unreadable(path, "it is a link to a file that is not there")
            self._known.pop(path, None)
            return {}, None
        except OSError as error:
            return self._unreadable(path, error.strerror or str(error))
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
        return line_of(known.text, key) if known else None

    @staticmethod
    def _parsed(path: Path, stamp: tuple[int, int, int], before: _Known | None) -> _Known:
        good, ever = (before.data, before.ever_good) if before else ({}, False)
        instead = "The last good version of it stays in force." if ever else "It is ignored until it is mended."
        if stamp[1] > MAX_CONFIG_BYTES:
            return _Known(stamp, "", good, ConfigProblem(str(path), None, None, f"is larger than 1 MiB. {instead}"), ever)
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            return _Known(stamp, "", good, ConfigProblem(str(path), line, None, f"is not UTF-8. {instead}"), ever)
        try:
            return _Known(stamp, text, tomllib.loads(text), None, True)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            line, key, reason = _explained(text, str(error))
            return _Known(stamp, text, good, ConfigProblem(str(path), line, key, f"{reason}. {instead}"), ever)


def _explained(text: str, error: str) -> tuple[int, str | None, str]:
    """(line, key at or above it, what is wrong)."""
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


def line_of(text: str, key: tuple[str, ...]) -> int | None:
    """The line where `key`, or the nearest table around it, is set."""
    best: tuple[int, int] | None = None
    for at, path in _keys(text):
        if path == key:
            return at
        if path == key[: len(path)] and (best is None or len(path) > best[0]):
            best = (len(path), at)
        elif key == path[: len(key)] and best is None:
            best = (0, at)
    return best[1] if best else None


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
    try:
        value: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
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
        return key.strip(), tomllib.loads(f"v = {value.strip()}")["v"]
    except tomllib.TOMLDecodeError:
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
