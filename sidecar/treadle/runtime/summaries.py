"""What a thread keeps across compactions, as the user reads and changes it: the last summary, and the pinned notes.

Promises that a thread only grows: a changed summary is a new item in place of the old one, and is refused once the model has read
that. Notes that are written while a turn runs go with its next step.
"""

from __future__ import annotations

from ..core import compaction, tokens
from ..core.errors import RequestRefused
from ..core.items import Item, Notes, Summary
from ..core.ops import ReadNotes, ReadSummary, WriteNotes, WriteSummary
from ..core.thread import Thread
from .answers import SummaryState
from .loaded import Loaded
from .ports import Clock
from .runner import Runner

MOST_NOTES, NOTES_BYTES = 40, 16_000
"Less than core/context.py has room for, so that none is cut."


def answer(loaded: Loaded, op: ReadSummary | WriteSummary | ReadNotes | WriteNotes, clock: Clock) -> SummaryState | list[str]:
    match op:
        case ReadSummary():
            return _state(loaded)
        case WriteSummary():
            return _write(loaded, op.text, clock)
        case ReadNotes():
            return list(_notes(loaded))
        case WriteNotes():
            return _pin(loaded, op.notes, clock)


def check_compactable(thread: Thread) -> None:
    """Raises RequestRefused when there is nothing that a summary could be of."""
    if thread.opening is None:
        raise RequestRefused(
            "there is nothing to compact: the model has not been asked anything since the beginning of its context"
        )


def unsteerable(runner: Runner) -> RequestRefused:
    """Why words cannot be added to a running turn."""
    if runner.by_hand is not None:
        return RequestRefused("a command of the user is running in this thread: wait for its end or interrupt it")
    if not runner.only_compacts:
        return RequestRefused("no turn is running in this thread")
    info: dict[str, object] = {"codexErrorInfo": {"activeTurnNotSteerable": {"turnKind": "compact"}}}
    return RequestRefused("the thread is being compacted: wait for its end or interrupt it", data=info)


def _state(loaded: Loaded) -> SummaryState:
    summary = loaded.thread.summary
    if summary is None:
        return SummaryState(None)
    why_not = _why_not(loaded, summary)
    text = summary.text if summary.kind == "local" else None
    return SummaryState(text, summary.kind, why_not is None, why_not, tokens.of_item(summary))


def _why_not(loaded: Loaded, summary: Summary) -> str | None:
    if summary.kind == "remote":
        return "this summary was made by the provider, encrypted; it cannot be changed"
    if loaded.runner is not None:
        return "a turn is running in this thread: wait for its end or interrupt it"
    if loaded.thread.opening is not None:
        return "the model has read this summary already; compact the thread again to get one that can be changed"
    return None


def _write(loaded: Loaded, text: str, clock: Clock) -> SummaryState:
    before = loaded.thread.summary
    if before is None:
        raise RequestRefused("this thread has no summary: it was never compacted")
    why_not = _why_not(loaded, before)
    if why_not is not None:
        raise RequestRefused(why_not)
    text = compaction.capped(text)
    if not text:
        raise RequestRefused("a summary must say something", code=-32602)
    replacement = compaction.rewritten(before, text)
    _append(
        loaded,
        Summary(clock.new_id(), clock.now(), before.turn_id, text, replacement, files=before.files, revises=before.id),
    )
    if loaded.durable:
        loaded.thread.forget()
    return _state(loaded)


def _notes(loaded: Loaded) -> tuple[str, ...]:
    waiting = [item.texts for item in (loaded.runner.steers if loaded.runner else ()) if isinstance(item, Notes)]
    return waiting[-1] if waiting else loaded.thread.notes


def _pin(loaded: Loaded, notes: tuple[str, ...], clock: Clock) -> list[str]:
    texts = tuple(text for note in notes if (text := " ".join(note.split())))
    if len(texts) > MOST_NOTES:
        raise RequestRefused(f"at most {MOST_NOTES} notes can be pinned to a thread", code=-32602)
    if sum(map(tokens.size, texts)) > NOTES_BYTES:
        raise RequestRefused(f"the notes pinned to a thread may have at most {NOTES_BYTES} bytes together", code=-32602)
    item = Notes(clock.new_id(), clock.now(), texts)
    if loaded.runner is None:
        _append(loaded, item)
    else:
        loaded.runner.hear(item)
    return list(texts)


def _append(loaded: Loaded, item: Item) -> None:
    loaded.store.append(loaded.thread.id, (item,))
    loaded.thread.append(item)
