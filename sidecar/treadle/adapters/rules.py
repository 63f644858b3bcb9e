"""The `*.rules` files of some folders -> one RuleBook, each file read again only when it changed. Decides and writes nothing.

A file that cannot be read says so and stays out, or in force as it last was; it never silences the others. The same files give
the same RuleBook object, so that settings compare quickly.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import TypeAlias

from ..core.record import frozen, mutable
from ..core.rules import NO_RULES, RuleBook, parse
from .file_read import read_small

MOST_FILES = 200
MOST_BYTES = 1_000_000
Stamp: TypeAlias = tuple[int, int, int]


@frozen
class RuleProblem:
    """A mistake in a file of rules."""

    file: str
    line: int | None
    message: str


@frozen
class _Known:
    stamp: Stamp
    book: RuleBook
    problems: tuple[RuleProblem, ...]


@mutable
class RuleFiles:
    """What each file holds, as long as the process lives."""

    _known: dict[str, _Known] = field(default_factory=dict[str, _Known])
    _sums: dict[tuple[int, ...], tuple[list[RuleBook], RuleBook]] = field(
        default_factory=dict[tuple[int, ...], tuple[list[RuleBook], RuleBook]]
    )
    "By the ids of the books, which it keeps alive: an id belongs to one object as long as that lives."

    def read(self, folders: Iterable[Path]) -> tuple[RuleBook, tuple[RuleProblem, ...]]:
        """The rules of all `*.rules` directly in these folders, by name; a folder that is not there holds none."""
        books: list[RuleBook] = []
        problems: list[RuleProblem] = []
        for path in self._paths(folders, problems):
            known = self._file(path, problems)
            if known is not None:
                books.append(known.book)
                problems += known.problems
        return self._sum(books), tuple(problems)

    def _paths(self, folders: Iterable[Path], problems: list[RuleProblem]) -> list[str]:
        found: list[str] = []
        for folder in folders:
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.name for entry in entries if entry.name.endswith(".rules"))
            except FileNotFoundError:
                continue
            except OSError as error:
                if not os.path.lexists(folder):
                    continue  # what is above it is no folder
                problems.append(RuleProblem(str(folder), None, f"cannot be read ({error.strerror})."))
                continue
            if len(names) > MOST_FILES:
                problems.append(
                    RuleProblem(str(folder), None, f"holds more than {MOST_FILES} files of rules; the rest is not used.")
                )
            found += [os.path.join(folder, name) for name in names[:MOST_FILES]]
        return list(dict.fromkeys(found))

    def _file(self, path: str, problems: list[RuleProblem]) -> _Known | None:
        known = self._known.get(path)
        try:
            status = os.stat(path)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if known is not None and known.stamp == stamp:
                return known
            raw = read_small(path, MOST_BYTES)
        except OSError as error:
            kept = " Its rules stay in force as they last were." if known else ""
            problems.append(RuleProblem(path, None, f"cannot be read ({error.strerror or error}).{kept}"))
            return known
        try:
            book, said = parse(raw.decode("utf-8"), path)
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            book, said = NO_RULES, (f"{path}:{line}: this is not UTF-8; no rule of the file is in force.",)
        self._known[path] = _Known(stamp, book, tuple(_problem(path, sentence) for sentence in said))
        return self._known[path]

    def _sum(self, books: list[RuleBook]) -> RuleBook:
        key = tuple(id(book) for book in books)
        if key not in self._sums:
            if len(self._sums) > MOST_FILES:
                self._sums.clear()
            self._sums[key] = books, sum(books, NO_RULES)
        return self._sums[key][1]


def _problem(path: str, sentence: str) -> RuleProblem:
    """file:line: sentence, taken apart."""
    rest = sentence.removeprefix(path).removeprefix(":")
    number, _, message = rest.partition(":")
    return RuleProblem(path, int(number), message.strip()) if number.isdigit() else RuleProblem(path, None, rest.strip())
