"""What becomes of a turn whose store cannot take any more, a full disk most likely: how it ends, as far as this process knows.

Promises: every card that was begun gets its end, and what it ends as is what the thread will have: the items that were not
written are kept in memory, word for word, and are the first that is written when the thread is opened again. A process that dies
before that takes them with it; the next one mends the thread from what is on disk (see repair.py). Writes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..core import history
from ..core.events import CardCompleted, CardStarted, ErrorInfo, Event
from ..core.items import Item, ModelItem, ToolOutput, TurnEnded
from ..core.record import frozen
from ..core.thread import Thread
from .audience import Audience
from .ports import Clock, Outputs
from .repair import repaired
from .runner import Runner

NOT_KEPT = "aborted, because the turn failed"


@frozen
class PutAway:
    """A thread that is not in memory any more because its store failed."""

    count: int
    "Items that the store had: one that has others by now was opened by another process."
    items: tuple[Item, ...]
    "What comes after them; the end of the turn is the last."


def given_up(  # noqa: PLR0917
    thread: Thread, runner: Runner, failure: ErrorInfo, clock: Clock, outputs: Outputs | None, audience: Audience
) -> tuple[PutAway, list[Event]]:
    """All that the turn leaves once its calls are halted, and what clients have not been told of it."""
    recorder = runner.recorder
    whole, items = Thread(thread.id, _stored(thread, runner)), list[Item]()
    count, known = thread.forgotten + whole.count, {item.id for item in whole.items}

    def add(*more: Item) -> None:
        for item in more:
            if item.id in known or (isinstance(item, ToolOutput) and not whole.is_open(item.call_id)):
                continue  # the end that a call came to counts, and not that it was to be aborted then
            known.add(item.id)
            whole.append(item)
            items.append(item)

    add(*recorder.unkept)
    add(*runner.sampler.left())
    add(*runner.calls.left(whole.unanswered, NOT_KEPT))
    if runner.by_hand is not None and runner.by_hand.item is not None:
        add(runner.by_hand.item)
    add(*repaired(whole, clock, tuple(runner.steers), outputs, (runner.turn_id, dataclasses.asdict(failure))))
    return PutAway(count, tuple(items)), _untold(whole, items, runner.turn_id, audience, clock.now())


def not_begun(thread: Thread, turn_id: str, failure: ErrorInfo, clock: Clock) -> PutAway:
    """Of a turn whose beginning was written and not the words that it was for: they were refused."""
    return PutAway(thread.count, tuple(repaired(thread, clock, told=(turn_id, dataclasses.asdict(failure)))))


def _stored(thread: Thread, runner: Runner) -> list[Item]:
    unkept = {id(item) for item in runner.recorder.unkept}
    stored = [item for item in thread.items if id(item) not in unkept]
    known = {id(item) for item in stored}
    return [*stored, *(item for item in runner.recorder.early if id(item) not in known)]


def _untold(whole: Thread, items: Sequence[Item], turn_id: str, audience: Audience, now: float) -> list[Event]:
    """The ends of all cards that have none, and the cards of what was not written."""
    calls = {item.call_id: item.id for item in whole.items if isinstance(item, ModelItem) and item.is_call}
    ids = set(audience.open)
    for item in items:
        ids.add(calls.get(item.call_id, "") if isinstance(item, ToolOutput) else item.id)
        if isinstance(item, TurnEnded):
            ids.add(history.review_id(item))
    events: list[Event] = []
    for card in next((turn.cards for turn in reversed(history.turns(whole.items)) if turn.id == turn_id), ()):
        if card.id in ids:
            if card.id not in audience.open:
                events.append(CardStarted(whole.id, turn_id, card, now))
            events.append(CardCompleted(whole.id, turn_id, card, now))
    return events
