"""What a thread is found by: the text of an item that people search for, a query's words, and where in a text they are.

All words of a query must be in one item; words in quotes stand side by side; of the last word a beginning is enough. Any text is
a query: what has no letters and no digits finds nothing. `said` decides what goes into an index: when it says something else of
an item that was said before, VERSION must grow, or what was indexed cannot be taken out again.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, cast

from .history import message_text
from .items import Item, JsonObject, ModelItem, Notes, Text, ToolOutput, UserCommand, UserMessage
from .pattern import late
from .prompt import DISCARDED
from .record import frozen

VERSION = 1
MESSAGE = 64_000
"Characters at most of a message; of a call and of an output it is less."
CALL = 8_000
OUTPUT = 4_000
"Half of them from the beginning, half from the end."
LONGEST = 1_000
"Characters of a query; what comes after is passed over."
MOST = 32
"Phrases of a query."
WIDTH = 160
"Characters of a snippet."
_BEFORE = 50
_WORD = late(r"[^\W_]+")
_PARTS = late(r'"([^"]*)"?|([^\s"]+)')
_PATCHED = late(r"^\*\*\* (?:Add|Update|Delete) File: .*|^\*\*\* Move to: .*", re.MULTILINE)
_SIGNS = late(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
"Scripts without spaces: each sign is a word, for an index and for a query."


@frozen
class Query:
    """`phrases` are to be found all, each as words that stand side by side."""

    phrases: tuple[str, ...]
    open: bool
    "Whether the last phrase may end within a word."


@frozen
class Snippet:
    """One line around what was found. `marks` are the places of it, (start, end) in `text`."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


def understood(text: str) -> Query | None:
    """None: nothing can be found by this."""
    text = text[:LONGEST].rstrip()
    parts = [part for part in _PARTS.finditer(text) if _WORD.search(part[0])][:MOST]
    if not parts:
        return None
    last = parts[-1]
    finished = last.end() < len(text) or last[0].endswith('"')
    # one letter begins nearly everything
    single = len(_WORD.findall(spaced(last[0]))[-1]) == 1
    return Query(tuple(spaced(part[1] or part[2]) for part in parts), not finished and not single)


def spaced(text: str) -> str:
    """As an index takes it in, and encodable."""
    if text.isascii():
        return text.replace("\0", " ")
    return _SIGNS.sub(r" \1 ", text.encode("utf-8", "replace").decode().replace("\0", " "))


def said(item: Item) -> str:
    """The text that an item is found by; empty for what nobody would search for."""
    match item:
        case UserMessage():
            return _words(item)[:MESSAGE]
        case Notes():
            return "\n".join(item.texts)[:MESSAGE]
        case ModelItem(kind=kind) if kind in ("message", DISCARDED):
            return _words(item)[:MESSAGE]
        case ModelItem() if item.is_call:
            return _called(item)[:CALL]
        case ToolOutput():
            return _printed(item.text, item.detail)
        case UserCommand():
            return f"{item.detail.get('command') or ''}\n{_printed(item.text, item.detail)}"
        case _:
            return ""


def occurrences(items: Iterable[Item], text: str, start: int, limit: int) -> list[tuple[str, str, Snippet]]:
    """Where `text` is in words of the user and of the agent, letter by letter but for upper and lower case: the turn, the item,
    and the words around it. The first `start` places are left out."""
    wanted = re.compile(re.escape(text), re.IGNORECASE)
    places = (
        (item.turn_id, item.id, _around(words, *place.span()))
        for item in items
        if isinstance(item, UserMessage) or (isinstance(item, ModelItem) and item.kind in ("message", DISCARDED))
        for words in [_words(item)]
        for place in wanted.finditer(words)
    )
    return list(itertools.islice(places, start, start + limit))


def _words(item: UserMessage | ModelItem) -> str:
    if isinstance(item, UserMessage):
        return "\n".join(part.text for part in item.content if isinstance(part, Text))
    return message_text(item.payload)


def _around(text: str, start: int, end: int) -> Snippet:
    first, last = max(0, start - _BEFORE), min(len(text), max(end, start - _BEFORE + WIDTH))
    line = re.sub(r"\s", " ", text[first:last])
    dots = "…" * (first > 0)
    return Snippet(dots + line + "…" * (last < len(text)), ((start - first + len(dots), end - first + len(dots)),))


def _called(item: ModelItem) -> str:
    payload = item.payload
    if item.kind == "custom_tool_call":
        text = str(payload.get("input") or "")
        # the names of all files, whatever is cut
        return text if len(text) <= CALL else "\n".join(_PATCHED.findall(text))[: CALL // 2] + "\n" + text
    try:
        arguments: Any = json.loads(payload.get("arguments") or "")
    except ValueError:
        return str(payload.get("arguments") or "")
    return "\n".join(_strings(arguments))


def _strings(value: Any) -> Iterator[str]:
    """All text in JSON, without the names of fields."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting.extend(reversed(list(cast("dict[str, Any]", part).values())))
        elif isinstance(part, list):
            waiting.extend(reversed(cast("list[Any]", part)))


def _printed(text: str, detail: JsonObject) -> str:
    shown = detail.get("output")
    text = shown if isinstance(shown, str) and shown else text
    return text if len(text) <= OUTPUT else f"{text[: OUTPUT // 2]}\n{text[-OUTPUT // 2 :]}"


def snippet(text: str, query: Query) -> Snippet:
    """One line of `text` around the first place of what was found, with all places in it."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    found = list(_places(line, query))
    at = min((start for start, _ in found), default=0)
    begin = max(0, at - _BEFORE) if len(line) > WIDTH else 0
    end = min(len(line), begin + WIDTH)
    begin = max(0, end - WIDTH)
    before, after = "…" * (begin > 0), "…" * (end < len(line))
    moved = len(before) - begin
    marks = sorted({(start + moved, stop + moved) for start, stop in found if begin <= start and stop <= end})
    return Snippet(before + line[begin:end] + after, tuple(marks))


def matches(texts: Iterable[str], query: Query) -> bool:
    """Whether one of the texts has all phrases: what an index answers, the slow way."""
    return any(all(next(_of(text, *phrase), None) for phrase in _phrases(query)) for text in map(spaced, texts))


def _places(line: str, query: Query) -> Iterator[tuple[int, int]]:
    for words, open_end in _phrases(query):
        for count, place in enumerate(_of(line, words, open_end)):
            yield place
            if count == 20:
                break


def _phrases(query: Query) -> Iterator[tuple[list[str], bool]]:
    for number, phrase in enumerate(query.phrases):
        yield _WORD.findall(_folded(phrase)), query.open and number == len(query.phrases) - 1


def _of(text: str, words: list[str], open_end: bool) -> Iterator[tuple[int, int]]:
    """Where these words stand side by side. Signs of scripts without spaces stand alone."""
    folded = _folded(text)
    if len(folded) != len(text):  # accents that are letters of their own: places would be off
        folded = text.lower()
        if len(folded) != len(text):
            return
    gap = r"[\W_]*" if any(_SIGNS.match(word) for word in words) else r"[\W_]+"
    first = "" if _SIGNS.match(words[0]) else r"(?<![^\W_])"
    last = "" if open_end or _SIGNS.match(words[-1]) else r"(?![^\W_])"
    for place in re.finditer(first + gap.join(map(re.escape, words)) + last, folded):
        yield place.span()


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return "".join(_plain(sign) for sign in text)


def _plain(sign: str) -> str:
    base, *accents = unicodedata.normalize("NFD", sign)
    if not all(unicodedata.combining(accent) for accent in accents):
        base = sign
    low = base.lower()
    return low if len(low) == 1 else base
