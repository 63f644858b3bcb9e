"""What a code action says to the model: the task, the place, the code as the editor has it, and what is wrong there. Pure.

Bounded: at most MAX_CODE characters of code and MAX_DIAGNOSTICS problems of MAX_MESSAGE characters each.
"""

from __future__ import annotations

import re
from typing import Any, cast

from ..core.items import JsonObject
from ..core.record import frozen
from .abilities import plain
from .documents import Document, lines, offset

MAX_CODE = 16_000
MAX_DIAGNOSTICS = 20
MAX_MESSAGE = 500
MAX_NOTE = 6_000
BEFORE, AFTER = 20, 40
"Lines of code that are shown around a place where nothing is selected."
_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}


@frozen
class Excerpt:
    """Lines count from 1."""

    first: int
    last: int
    code: str
    name: str = ""
    "What the cursor stands on, when nothing is selected."
    cut: bool = False


def words(task: str, excerpt: Excerpt, path: str, language: str, diagnostics: list[JsonObject], *, note: str = "") -> str:
    """The user's message. `task` is from the prompts; `path` is as the user would say it; `note` is what else is to be known."""
    many = f"lines {excerpt.first}-{excerpt.last}"
    place = f"`{_line(path, 1_000)}`, {many if excerpt.first != excerpt.last else f'line {excerpt.first}'}"
    if excerpt.name:
        place += f"; this is about `{excerpt.name}`"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", excerpt.code)), default=0))
    code = f"{fence}{_line(language, 40)}\n{excerpt.code.rstrip()}\n{fence}"
    parts = [task, f"{place}:", code]
    if excerpt.cut:
        parts.append("This is the beginning only: read the file for the rest.")
    if diagnostics:
        listed = "\n".join(_problem(diagnostic) for diagnostic in diagnostics[:MAX_DIAGNOSTICS])
        parts.append(f"What the editor says is wrong:\n\n{listed}")
    if note:
        parts.append(note.strip()[:MAX_NOTE])
    return "\n\n".join(parts)


def excerpt(document: Document, where: JsonObject, name: str, diagnostics: list[JsonObject]) -> Excerpt:
    """What is selected; else the lines around. Raises LookupError, TypeError or ValueError when the range makes no sense."""
    text = document.text
    start, end = offset(text, where["start"]), offset(text, where["end"])
    if end > start:
        first, last = int(where["start"]["line"]), int(where["end"]["line"])
        if where["end"]["character"] == 0 and last > first:
            last -= 1
        return _cut(first + 1, last + 1, text[start:end])
    spans = [plain(diagnostic.get("range")) for diagnostic in diagnostics] or [where]
    first = max(0, min(int(span["start"]["line"]) for span in spans) - BEFORE)
    last = max(int(span["end"]["line"]) for span in spans) + AFTER
    shown = lines(text)[first : last + 1]
    return _cut(first + 1, first + max(1, len(shown)), "".join(shown), name)


def listed(given: Any) -> list[JsonObject]:
    """The diagnostics of a command's argument that are any."""
    found = cast("list[Any]", given) if isinstance(given, list) else []
    return [diagnostic for diagnostic in map(plain, found[:MAX_DIAGNOSTICS]) if diagnostic.get("message")]


def _cut(first: int, last: int, code: str, name: str = "") -> Excerpt:
    return Excerpt(first, last, code[:MAX_CODE], name, len(code) > MAX_CODE)


def _problem(of: JsonObject) -> str:
    line = int(plain(plain(of.get("range")).get("start")).get("line", 0)) + 1
    origin = " ".join(_line(str(part), 100) for part in (of.get("source"), of.get("code")) if part not in (None, ""))
    what = _SEVERITIES.get(of.get("severity") or 0, "problem")
    message = str(of["message"]).strip()[:MAX_MESSAGE].replace("\n", "\n  ")
    return f"- line {line}: {what}{f' ({origin})' if origin else ''}: {message}"


def _line(text: str, limit: int) -> str:
    return re.sub(r"[\r\n`]", " ", text)[:limit]
