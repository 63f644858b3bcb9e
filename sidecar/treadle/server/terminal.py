"""The ledger as a table and a request as pages of text, for a terminal. Pure: gives text, prints nothing."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator, Sequence

from ..core.inspection import Inspection, Part
from ..core.ledger import LedgerRow, Totals, explained, price_note
from ..runtime.answers import LedgerPage

_HEADINGS = ("request", "time", "model", "input", "cached", "hit", "output", "price", "cause")
_LEFT = ("time", "model", "cause", "thread")
_RULE = 100
_OBEYED = ("Cc", "Cs", "Cf", "Zl", "Zp")
_KEPT = "\n\t\u200c\u200d"
"The last two join letters, and parts of one picture."


def ledger(page: LedgerPage, *, of_thread: bool) -> str:
    """Oldest request first, then sums, then a sentence for each cause that cost something."""
    rows = page.rows[::-1]
    headings = _HEADINGS if of_thread else (*_HEADINGS, "thread")
    lines = [headings, *(_cells(row) + (() if of_thread else (row.thread_id,)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    text = [_aligned(line, widths, headings) for line in lines] if rows else ["No requests yet."]
    text.append("")
    sums = (("last turn", page.turn), ("thread", page.thread), (f"all threads, {page.date}", page.day))
    text += [f"{name}: {_sum(totals)}" for name, totals in sums if totals is not None]
    notes = dict.fromkeys(_notes(rows))
    return "\n".join([*text, *([""] if notes else []), *notes]) + "\n"


def _cells(row: LedgerRow) -> tuple[str, ...]:
    counts = (_count(row.input_tokens), _count(row.cached_input_tokens))
    hit = "-" if row.hit is None else f"{row.hit:.0%}"
    price = "-" if row.price is None else f"${row.price:.4f}"
    cause = row.cause.replace("_", " ") + ("" if row.status == "completed" else f", {row.status}")
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.at))
    return (str(row.number), at, safe(row.model), *counts, hit, _count(row.output_tokens), price, cause)


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _aligned(line: Sequence[str], widths: Sequence[int], headings: Sequence[str]) -> str:
    cells = zip(line, widths, headings, strict=True)
    return "  ".join(cell.ljust(width) if name in _LEFT else cell.rjust(width) for cell, width, name in cells).rstrip()


def _sum(totals: Totals) -> str:
    share = totals.cached_input_tokens / totals.input_tokens if totals.input_tokens else 0.0
    priced = f"${totals.price:.4f}"
    if totals.unpriced:
        priced = f"{priced} and {totals.unpriced} without a known price" if totals.price else "no known price"
    words = "request" if totals.requests == 1 else "requests"
    return (
        f"{totals.requests} {words}, {totals.input_tokens:,} tokens in ({share:.0%} cached), "
        f"{totals.output_tokens:,} out, {priced}"
    )


def _notes(rows: Sequence[LedgerRow]) -> Iterator[str]:
    for row in rows:
        if row.cause not in ("extended", "first_request"):
            yield f"{row.number}: {safe(explained(row))}"
    for row in rows:
        note = price_note(row)
        if note and row.input_tokens is not None:
            yield safe(note)


def prompt(shown: Inspection) -> str:
    """Every piece with a line about it above its text."""
    which = "the next request" if shown.request is None else f"request {shown.request}"
    size, tokens = sum(part.size for part in shown.parts), sum(part.tokens for part in shown.parts)
    head = f"{which} of thread {shown.thread_id}: {shown.model} from {shown.provider}, {size:,} bytes, about {tokens:,} tokens"
    problem = [f"! {shown.problem}"] if shown.problem else []
    return "\n".join([safe(head), *problem, "", *(_piece(part) for part in shown.parts)])


def _piece(part: Part) -> str:
    what = f"{part.type} ({part.role})" if part.role else part.type
    new = ", not sent yet" if part.pending else ""
    title = f"{part.index} {what}: {part.source}, {part.size:,} bytes, about {part.tokens:,} tokens{new} "
    return f"{safe(title).ljust(_RULE, '-')}\n{safe(part.text)}\n"


def safe(text: str) -> str:
    """Without what would move the cursor, change colours or turn words around: a prompt holds whatever a command has printed."""
    return "".join(c if c in _KEPT or unicodedata.category(c) not in _OBEYED else "\ufffd" for c in text)
