"""THE LOOP: a generator from a thread to effects to an outcome. The whole control flow of the product.

It alone appends to the thread while a turn runs, and it appends exactly what the effects answer, in that order. However it ends,
every call in the thread has one output: a stopped thread is always valid. No async, no clock, no knowledge of who performs the
effects. Features do not come in here: they are items, listeners of events, tools, or verdicts on calls.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

from . import compaction
from .compaction import Room
from .effects import (
    AbortCalls,
    Compact,
    ContextOverflow,
    Effect,
    Outcome,
    ReadContext,
    Reply,
    RunByHand,
    RunTools,
    Sample,
    Stopped,
    TakeSteers,
)
from .thread import Thread

Turn: TypeAlias = Generator[Effect, Any, Outcome]


def run(thread: Thread, room: Room | None = None) -> Turn:
    """Run one turn. The user's message that starts it is the first steer. Without `room` nothing is compacted beforehand."""
    return (yield from _valid(thread, _steps(thread, room)))


def compact(thread: Thread) -> Turn:
    """A turn that does nothing else. The Context is told again when the next turn asks for it."""
    return (yield from _valid(thread, _summarised(thread)))


def by_hand(thread: Thread) -> Turn:
    """A turn in which no model is asked: the user's own command."""
    return (yield from _valid(thread, _ran(thread)))


def _valid(thread: Thread, turn: Turn) -> Turn:
    try:
        return (yield from turn)
    except Stopped as stop:
        thread.append(*stop.items)
        if thread.unanswered:
            thread.append(*(yield AbortCalls(thread.unanswered)))
        return stop.outcome


def _steps(thread: Thread, room: Room | None) -> Turn:
    if thread.unanswered:  # the turn was cut off while it waited for the user, and goes on
        thread.append(*(yield RunTools(thread.unanswered)))
    while True:
        yield from _make_room(thread, room)
        thread.append(*(yield ReadContext()))
        thread.append(*(yield TakeSteers()))
        yield from _make_room(thread, room)
        reply = yield from _sample(thread)
        thread.append(*reply.items)
        if thread.unanswered:
            thread.append(*(yield RunTools(thread.unanswered)))
        elif reply.complete:
            steers = yield TakeSteers(closing=True)
            if not steers:
                return Outcome("completed")
            thread.append(*steers)


def _sample(thread: Thread) -> Generator[Effect, Any, Reply]:
    try:
        return (yield Sample())
    except ContextOverflow as overflow:
        thread.append(*overflow.items)
    # once: a second overflow is a stop like any other
    yield from _new_epoch(thread, overflowed=True)
    return (yield Sample())


def _make_room(thread: Thread, room: Room | None) -> Generator[Effect, Any, None]:
    if compaction.due(thread, room):
        yield from _new_epoch(thread)


def _new_epoch(thread: Thread, *, overflowed: bool = False) -> Generator[Effect, Any, None]:
    thread.append(*(yield Compact(overflowed)))
    thread.append(*(yield ReadContext()))


def _summarised(thread: Thread) -> Turn:
    thread.append(*(yield Compact()))
    return Outcome("completed")


def _ran(thread: Thread) -> Turn:
    thread.append(*(yield RunByHand()))
    return Outcome("completed")
