"""THE LOOP: a generator from a thread to effects to an outcome. The whole control flow of the product.

It alone appends to the thread while a turn runs, and it appends exactly what the effects answer, in that order. However it ends,
every call in the thread has one output: a stopped thread is always valid. No async, no clock, no knowledge of who performs the
effects. Features do not come in here: they are items, listeners of events, tools, or verdicts on calls.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

from .effects import AbortCalls, Effect, Outcome, ReadContext, RunTools, Sample, Stopped, TakeSteers
from .thread import Thread

Turn: TypeAlias = Generator[Effect, Any, Outcome]


def run(thread: Thread) -> Turn:
    """Run one turn. The user's message that starts it is the first steer."""
    try:
        return (yield from _steps(thread))
    except Stopped as stop:
        thread.append(*stop.items)
        if thread.unanswered:
            thread.append(*(yield AbortCalls(thread.unanswered)))
        return stop.outcome


def _steps(thread: Thread) -> Turn:
    while True:
        thread.append(*(yield ReadContext()))
        thread.append(*(yield TakeSteers()))
        reply = yield Sample()
        thread.append(*reply.items)
        if thread.unanswered:
            thread.append(*(yield RunTools(thread.unanswered)))
        elif reply.complete:
            steers = yield TakeSteers(closing=True)
            if not steers:
                return Outcome("completed")
            thread.append(*steers)
