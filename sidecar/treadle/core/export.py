"""A thread as text for people (Markdown) and for programs (JSON lines). Pure.

Promises: Markdown shows what a client would draw, turns that were taken back left out, and what was said or printed cannot end
the block that it is in. JSON lines lose nothing: after one line about the thread comes every item in the very bytes in which it
is kept (core.items.decode reads them), in order, markers and all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, cast

from . import history
from .history import TurnState
from .items import Item, Text, UsageReported, dumps
from .record import frozen, mutable
from .views import CallCard, CallView, Card, MessageCard, OtherCard, ReasoningCard, ReviewCard, SummaryCard, UserCard

VERSION = 1
"Of the first line of JSON lines."


@frozen
class Head:
    """What is said of a thread besides its items. Times are seconds since the epoch."""

    id: str
    name: str | None
    preview: str
    cwd: str
    model: str
    provider: str
    created_at: float
    updated_at: float
    archived: bool = False
    originator: str = "unknown"
    forked_from: str | None = None


def jsonl(head: Head, lines: Iterable[str]) -> str:
    """`lines` are the items as core.items.encode wrote them."""
    return "\n".join([dumps({"type": "thread", "version": VERSION} | asdict(head)), *lines]) + "\n"


def markdown(head: Head, items: Sequence[Item], when: Callable[[float], str], *, folded: bool = True) -> str:
    """`when` writes a time for the reader. `folded`: outputs are closed until a reader opens them, where Markdown is drawn."""
    parts = [*_heading(head, when)]
    total = _Tokens()
    spent = _spent(items)
    for number, turn in enumerate(history.turns(items), 1):
        parts.append(_begun(number, turn, when))
        for card in turn.cards:
            parts.extend(part for part in _card(card, folded) if part)
        if turn.error:
            parts.append(f"**Error:** {turn.error.message}")
        tokens = spent.get(turn.id)
        if tokens:
            total.add(tokens)
            parts.append(f"*{tokens}*")
    if total.input:
        parts += ["---", f"*In all: {total}*"]
    return "\n\n".join(parts) + "\n"


@mutable
class _Tokens:
    input: int = 0
    cached: int = 0
    output: int = 0

    def add(self, other: _Tokens) -> None:
        self.input += other.input
        self.cached += other.cached
        self.output += other.output

    def __str__(self) -> str:
        return f"{self.input:,} tokens read, {self.cached:,} of them from the cache, {self.output:,} written"


def _spent(items: Iterable[Item]) -> dict[str, _Tokens]:
    found: dict[str, _Tokens] = {}
    for item in items:
        if isinstance(item, UsageReported):
            tokens = _Tokens(item.input_tokens, item.cached_input_tokens, item.output_tokens)
            found.setdefault(item.turn_id, _Tokens()).add(tokens)
    return found


def _heading(head: Head, when: Callable[[float], str]) -> Iterator[str]:
    yield f"# {_line(head.name or head.preview or head.id)}"
    facts = [("Thread", head.id), ("Folder", head.cwd), ("Model", f"{head.model} ({head.provider})")]
    facts += [("Begun", when(head.created_at)), ("Last turn", when(head.updated_at))]
    facts += [("Forked from", head.forked_from)] if head.forked_from else []
    yield "\n".join(f"- {name}: {_line(value)}" for name, value in facts)


def _begun(number: int, turn: TurnState, when: Callable[[float], str]) -> str:
    at = f", {when(turn.started_at)}" if turn.started_at else ""
    how = "" if turn.status == "completed" else f" ({'not ended' if turn.status == 'inProgress' else turn.status})"
    return f"## Turn {number}{at}{how}"


def _card(card: Card, folded: bool) -> Iterator[str]:
    match card:
        case UserCard():
            yield "### You"
            for part in card.content:
                yield part.text if isinstance(part, Text) else f"*(picture{': ' + _line(part.path) if part.path else ''})*"
        case MessageCard():
            yield "### Treadle"
            yield card.text
            yield "" if card.complete else "*(cut short)*"
        case ReasoningCard():
            yield "\n>\n".join("> " + text.replace("\n", "\n> ") for text in card.summary if text.strip())
        case CallCard():
            yield _call(card, folded)
        case SummaryCard():
            yield "*The conversation so far was summed up here.*"
        case ReviewCard():
            yield f"### Review of {_line(card.text)}" if card.findings is None else card.text
        case OtherCard():
            yield _block(card.kind, [("json", json.dumps(card.payload, indent=1, ensure_ascii=False))], folded)
        case _:
            pass


def _call(card: CallCard, folded: bool) -> str:
    view = cast("dict[str, Any]", card.view)
    ended = "" if card.status == "completed" else f", {'not ended' if card.status == 'inProgress' else card.status}"
    match view.get("view"):
        case "command":
            code = view.get("exit_code")
            said = f"$ {view.get('command') or ''}"
            return _block(said, [("", view.get("output") or "")], folded, ended + (f", exit code {code}" if code else ""))
        case "file_change":
            changes: list[dict[str, Any]] = view.get("changes") or []
            names = ", ".join(f"{change.get('kind')} {change.get('path')}" for change in changes)
            diffs = [("diff", str(change.get("diff") or "")) for change in changes]
            return _block(f"Patch: {names}", diffs, folded=False, ended=ended)
        case "image":
            return f"*Looked at {_line(str(view.get('path')))}*"
        case _:
            return _block(_tool(card.view, card.name), list(_told(view)), folded, ended)


def _tool(view: CallView, name: str) -> str:
    found = cast("dict[str, Any]", view)
    return f"{found['server']}: {found.get('tool')}" if found.get("server") else str(found.get("tool") or name)


def _told(view: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a tool was given, and what it gave."""
    arguments, result = view.get("arguments"), view.get("result")
    if arguments:
        yield "json", arguments if isinstance(arguments, str) else json.dumps(arguments, indent=1, ensure_ascii=False)
    if view.get("error"):
        yield "", str(view["error"])
    if isinstance(result, dict):
        parts: list[dict[str, Any]] = cast("dict[str, Any]", result).get("content") or []
        yield "", "\n".join(str(part.get("text") or f"({part.get('type')})") for part in parts)
    elif result:
        yield "", str(result)


def _block(title: str, contents: Sequence[tuple[str, str]], folded: bool, ended: str = "") -> str:
    """A call: its title, and fences that nothing in them closes."""
    fences = "\n\n".join(_fenced(kind, text) for kind, text in contents if text.strip())
    line = _line(title)
    if folded and fences:
        shown = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f"<details><summary><code>{shown}</code>{ended}</summary>\n\n{fences}\n\n</details>"
    ticks = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}{ended}" + (f"\n\n{fences}" if fences else "")


def _fenced(kind: str, text: str) -> str:
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}{kind}\n{text.strip(chr(10))}\n{ticks}"


def _line(text: str) -> str:
    return " ".join(text.split())
