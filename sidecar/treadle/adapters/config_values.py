"""Typed values out of layered tables. A value of the wrong type is reported once, skipped, and the next layer is asked.

Never raises for what a user wrote; a value that is a secret never appears in a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from ..core.record import frozen, mutable
from .config_files import ConfigFiles, ConfigProblem, Table

T = TypeVar("T")
Key: TypeAlias = tuple[str, ...]
SECRET_KEYS = {"experimental_bearer_token", "http_headers", "query_params", "set", "env", "args", "url", "command", "base_url"}
MOST = (1 << 53) - 1
"Of numbers: what JSON can carry to everybody."
MOST_PROBLEMS = 100
_ABSENT = object()


@frozen
class Layer:
    """One source of settings. `prefix` is where its table begins in the file: a profile is a part of one."""

    name: str
    data: Table
    path: Path | None = None
    prefix: Key = ()
    unread: ConfigProblem | None = None
    "Set when the file could never be read in this session: what it says is not known, which is not the same as nothing."
    barred: frozenset[str] = frozenset()
    "Keys that this source may not set."


@mutable
class Values:
    """Layers, highest first."""

    layers: Sequence[Layer]
    files: ConfigFiles
    problems: list[ConfigProblem] = field(default_factory=list[ConfigProblem])

    def text(self, *key: str) -> str | None:
        return self._first(key, "a string", lambda value: value if _is_text(value) and value.strip() else None)

    def flag(self, *key: str, default: bool = False) -> bool:
        found = self._first(key, "true or false", lambda value: value if isinstance(value, bool) else None)
        return default if found is None else found

    def number(self, *key: str, least: int = 0, most: int = MOST) -> int | None:
        def check(value: Any) -> int | None:
            good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
            return value if good else None

        bounds = f"a whole number from {least}" + (f" to {most}" if most != MOST else "")
        return self._first(key, bounds, check)

    def decimal(self, *key: str, above: float = 0, most: float) -> float | None:
        def check(value: Any) -> float | None:
            good = isinstance(value, int | float) and not isinstance(value, bool) and above < value <= most
            return float(value) if good else None

        return self._first(key, f"a number above {above:g}, to {most:g}", check)

    def amount(self, *key: str) -> float | None:
        def check(value: Any) -> float | None:
            good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MOST
            return float(value) if good else None

        return self._first(key, "a number from 0", check)

    def choice(self, *key: str, among: Sequence[str]) -> str | None:
        return self._first(key, "one of " + ", ".join(among), lambda value: value if value in among else None)

    def texts(self, *key: str) -> tuple[str, ...] | None:
        def check(value: Any) -> tuple[str, ...] | None:
            good = isinstance(value, list) and all(map(_is_text, cast("list[Any]", value)))
            return tuple(cast("list[str]", value)) if good else None

        return self._first(key, "a list of strings", check)

    def pairs(self, *key: str) -> tuple[tuple[str, str], ...]:
        """A table of strings, all layers together, sorted by name. A name that is set to false is left out."""
        merged: dict[str, Any] = {}
        for layer in reversed(self.layers):
            value = _at(layer.data, key)
            if isinstance(value, dict):
                merged |= cast("Table", value)
            elif value is not _ABSENT:
                self.report(layer, key, "must be a table of strings")
        good = {name: value for name, value in merged.items() if _is_text(value) and _is_text(name)}
        for name in merged.keys() - good.keys():
            if merged[name] is not False:
                self.wrong((*key, name), "must be a string")
        return tuple(sorted(good.items()))

    def found(self, *key: str) -> list[Any]:
        """What the layers that say something say, the highest first, unchecked."""
        return [value for layer in self.layers if (value := _at(layer.data, key)) is not _ABSENT]

    def has(self, *key: str) -> bool:
        return any(_at(layer.data, key) is not _ABSENT for layer in self.layers)

    def gap(self, *key: str) -> ConfigProblem | None:
        """The problem of an unread file that may set `key`, unless a layer above it does. What lies below must not stand in."""
        for layer in self.layers:
            if _at(layer.data, key) is not _ABSENT:
                return None
            if layer.unread and key[0] not in layer.barred:
                return layer.unread
        return None

    def names(self, *key: str) -> tuple[str, ...]:
        """The names in a table, over all layers."""
        found: set[str] = set()
        for layer in self.layers:
            table = _at(layer.data, key)
            if isinstance(table, dict):
                found.update(cast("Table", table))
            elif table is not _ABSENT:
                self.report(layer, key, "must be a table; it is ignored.")
        return tuple(sorted(found))

    def folder(self, *key: str) -> Path | None:
        """The folder of the file that sets `key`: what a relative path in it is relative to."""
        return next((layer.path.parent for layer in self.layers if layer.path and _at(layer.data, key) is not _ABSENT), None)

    def wrong(self, key: Key, message: str) -> None:
        """Report a problem where the highest layer sets `key`."""
        for layer in self.layers:
            if _at(layer.data, key) is not _ABSENT:
                self.report(layer, key, message)
                return

    def report(self, layer: Layer, key: Key, message: str) -> None:
        line = self.files.line(layer.path, layer.prefix + key) if layer.path else None
        full = ".".join(layer.prefix + key)
        problem = ConfigProblem(str(layer.path or layer.name), line, full, message)
        if len(self.problems) <= MOST_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)

    def _first(self, key: Key, wanted: str, check: Callable[[Any], T | None]) -> T | None:
        for layer in self.layers:
            value = _at(layer.data, key)
            if value is _ABSENT or value is None:
                continue
            good = check(value)
            if good is not None:
                return good
            shown = "" if SECRET_KEYS & set(key) else f", not {_shown(value)}"
            self.report(layer, key, f"must be {wanted}{shown}; it is ignored.")
        return None


def _is_text(value: Any) -> bool:
    """Text that a path, a variable or an argument can be."""
    return isinstance(value, str) and "\0" not in value


def _shown(value: Any) -> str:
    # a number of thousands of digits cannot be written out
    text = hex(value) if isinstance(value, int) and abs(value) > MOST else str(value)
    return repr(text[:60])


def readable(text: str, longest: int) -> str:
    """On one line of bounded length: names that a file gives may hold anything."""
    text = text if len(text) <= longest else text[:longest] + "…"
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _at(table: Any, key: Key) -> Any:
    for part in key:
        if not isinstance(table, dict) or part not in table:
            return _ABSENT
        table = cast("Table", table)[part]
    return table
