"""Runs one turn: performs the effects that core/turn.py yields. The only place that persists and announces an item.

Every item is in the store before anything about it is announced as complete, and announced before the next effect starts. Items
that come into being inside an effect (streamed output, finished calls) are recorded there and then; the turn appends the same
items in the same order, which `Recorder.catch_up` relies on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import field
from typing import Any, Protocol

from ..core import turn as loop
from ..core.effects import (
    AbortCalls,
    Compact,
    ContextOverflow,
    Effect,
    Outcome,
    ReadContext,
    RunByHand,
    RunTools,
    Sample,
    Stopped,
    TakeSteers,
)
from ..core.errors import TreadleError
from ..core.events import (
    CardCompleted,
    CardStarted,
    ContextChanged,
    ErrorInfo,
    ErrorReported,
    Event,
    UsageUpdated,
    WarningReported,
)
from ..core.history import last_message, said_card, user_card
from ..core.hooks import HookAnswer
from ..core.items import Context, Item, JsonObject, Summary, Text, UsageReported, UserCommand, UserMessage, Waiting
from ..core.record import mutable
from ..core.thread import Thread
from ..core.views import SummaryCard
from .audience import Audience
from .calls import Calls
from .compacting import Compactor
from .drafts import Drafts
from .hooks import Hooks
from .ports import Store
from .sampling import Sampler

_log = logging.getLogger(__name__)
CUT_OFF = "aborted, because Treadle was closed,"
INTERNAL = "Treadle failed inside; the thread is safe. Its log has the details: please report them."


@mutable
class Recorder:
    """Writes items to the store, and remembers those that the turn has yet to append.

    A store that has failed once is not asked again: what comes after is put in `unkept`, in order, for unkept.py."""

    store: Store
    thread_id: str
    drafts: Drafts
    early: deque[Item] = field(default_factory=deque[Item])
    unkept: list[Item] = field(default_factory=list[Item])
    failure: TreadleError | None = None

    def record(self, item: Item) -> None:
        """Persist an item that came into being inside an effect."""
        self._write((item,))
        self.drafts.recorded(item)
        self.early.append(item)

    def keep(self, draft: Item) -> None:
        """Write what an item under way would be if the process died now."""
        self.store.draft(self.thread_id, draft)

    def catch_up(self, items: Sequence[Item]) -> None:
        """Persist those of `items`, just appended by the turn, that were not recorded on the way."""
        fresh: list[Item] = []
        for item in items:
            if self.early and self.early[0] is item:
                self.early.popleft()
            else:
                fresh.append(item)
        if self.early:
            raise AssertionError("an item was recorded that the turn did not append")
        if fresh:
            self._write(fresh)

    def _write(self, items: Sequence[Item]) -> None:
        try:
            if self.failure is not None:
                raise self.failure
            self.store.append(self.thread_id, items)
        except TreadleError as failure:
            self.failure = failure
            self.unkept.extend(items)
            raise


class ByHand(Protocol):
    """A command of the user: by_hand.py."""

    item: UserCommand | None
    "What came of it; also when it was cancelled."

    async def run(self) -> UserCommand: ...


@mutable
class Runner:
    """One turn of one thread."""

    thread: Thread
    turn_id: str
    tail: JsonObject
    "Request fields that may change without moving the prefix."
    recorder: Recorder
    audience: Audience
    context: Callable[[], Awaitable[Sequence[Item]]]
    "Opening and Context items that the model has not been told."
    context_window: int | None
    sampler: Sampler
    calls: Calls
    compactor: Compactor
    hooks: Hooks
    only_compacts: bool = False
    "The user asked for a compaction, and for nothing else."
    forgets: bool = False
    "The store has all items: those of earlier epochs need not stay in memory."
    instruction_sources: Callable[[], tuple[str, ...]] = tuple
    by_hand: ByHand | None = None
    "The user's own command is all of the turn."
    follow: Callable[[Iterable[Waiting]], Sequence[Item]] = tuple
    "What the user said as it enters the thread: each message with the skills that it names after it."
    steers: deque[Waiting] = field(default_factory=deque["Waiting"])
    "What the user has said, or pinned, since the last step."
    closed: bool = False
    "No more steers: the turn is about to end."
    _recorded: int = 0
    _overflow: ErrorInfo | None = None
    "Not told to anyone yet: the turn may recover from it."
    _effect: asyncio.Task[Any] | None = None
    _interrupted: bool = False
    left_open: bool = False
    "The turn is to go on in another process: it has no end."
    cut_off: bool = False
    "Not the user stops it, but the end of the process."

    def interrupt(self) -> None:
        """Stop as soon as possible. Safe to call at any time, more than once."""
        self._interrupted = True
        if self._effect is not None:
            self._effect.cancel()

    def end_with_process(self) -> None:
        """Stop because the process ends. A turn that waits for the user is left open: another process can ask again."""
        self.cut_off = True
        self.left_open = self.forgets and not self._interrupted and self.calls.waits
        self.interrupt()

    async def run(self) -> Outcome:
        """Run to the end, whatever the end is. Never raises but for cancellation, which leaves a valid thread too."""
        thread = self.thread
        self._recorded = thread.count
        generator = self._loop()
        answer: Any = None
        stop: Stopped | None = None
        try:
            while True:
                effect = generator.throw(stop) if stop else generator.send(answer)
                self._catch_up()
                answer, stop = None, None
                try:
                    answer = await self._perform_stoppable(effect)
                except Stopped as stopped:
                    stop = stopped
        except StopIteration as done:
            self.closed = True
            self.take_late()
            outcome: Outcome = done.value
            if outcome.error is not None and outcome.error is self._overflow:
                self.audience.notify(ErrorReported(thread.id, self.turn_id, outcome.error, will_retry=False))
            return outcome

    def hear(self, item: Waiting, *, kept: bool = False) -> None:
        """What enters the thread before the next step. Until then it survives as a draft, unless it is `kept` elsewhere; words
        that a hook may yet keep from the model do not."""
        self.steers.append(item)
        if kept or (isinstance(item, UserMessage) and self.hooks.any("UserPromptSubmit")):
            return
        try:
            self.recorder.keep(item)
        except TreadleError as problem:
            if not isinstance(item, UserCommand):
                raise
            # nobody waits for an answer about it; whoever records the next item tells the user
            _log.warning("no draft was kept of thread %s: %s", self.thread.id, problem.sentence())

    def _loop(self) -> loop.Turn:
        if self.by_hand is not None:
            return loop.by_hand(self.thread)
        return loop.compact(self.thread) if self.only_compacts else loop.run(self.thread, self.compactor.room)

    def take_late(self) -> None:
        """What was said too late for the model is kept for the next turn, or for the rest of this one. The turn is over."""
        if self.left_open:
            for said in self.steers:
                self.recorder.keep(said)
            return
        late = self.follow(self.steers)
        self.steers.clear()
        self.thread.append(*late)
        self._catch_up()

    def _catch_up(self) -> None:
        """Persist and announce what the turn has appended, less what was recorded on the way."""
        news = self.thread.since(self._recorded)
        self.recorder.catch_up(news)
        self._recorded += len(news)
        events = [event for item in news for event in self._announced(item)]
        if events:
            self.audience.notify_all(events)
        if self.forgets and any(isinstance(item, Summary) for item in news):
            self.thread.forget()

    def _announced(self, item: Item) -> list[Event]:
        thread_id, turn_id = self.thread.id, self.turn_id
        match item:
            case UserMessage():
                card = said_card(item)
                return [CardStarted(thread_id, turn_id, card, item.at), CardCompleted(thread_id, turn_id, card, item.at)]
            case UsageReported():
                return [UsageUpdated(thread_id, turn_id, self.thread.last_usage, self.thread.usage, self.context_window)]
            case UserCommand():
                return [CardCompleted(thread_id, item.turn_id, user_card(item), item.at)]
            case Summary():
                return [CardCompleted(thread_id, turn_id, SummaryCard(item.id), item.at)]
            case Context() if any(section.name == "agents_md" for section in item.sections):
                return [ContextChanged(thread_id, self.instruction_sources())]
            case _:
                return []

    async def _perform_stoppable(self, effect: Effect) -> Any:
        if isinstance(effect, AbortCalls):
            why = "aborted by user" if self._interrupted else "aborted, because the turn failed,"
            why = CUT_OFF if self.cut_off else why
            return await (self.calls.leave if self.left_open else self.calls.abort)(effect.calls, why)
        if self._interrupted:
            raise Stopped(Outcome("interrupted"))
        # here, since a task that is cancelled before its first step does nothing at all
        self.calls.outputs = []
        task = self._effect = asyncio.create_task(self._perform(effect))
        try:
            return await task
        except asyncio.CancelledError:
            await self._let_go(task)
            raise await self._stopped(effect, Outcome("interrupted")) from None
        except ContextOverflow as overflow:
            self._overflow = overflow.outcome.error
            raise
        except Stopped as stopped:
            # items of a failed sample; its calls may still be running
            raise await self._stopped(effect, stopped.outcome, stopped.items) from None
        except TreadleError as problem:
            error = ErrorInfo(problem.sentence(), "config", details=problem.details)
            self.audience.notify(ErrorReported(self.thread.id, self.turn_id, error, will_retry=False))
            raise await self._stopped(effect, Outcome("failed", error)) from problem
        except Exception as bug:
            _log.exception("turn %s", self.turn_id)
            error = ErrorInfo(INTERNAL, "internal", details=repr(bug))
            self.audience.notify(ErrorReported(self.thread.id, self.turn_id, error, will_retry=False))
            raise await self._stopped(effect, Outcome("failed", error)) from bug
        finally:
            self._effect = None

    async def _let_go(self, task: asyncio.Task[Any]) -> None:
        """We were cancelled from outside, or `task` was by `interrupt`: either way end it before going on."""
        task.cancel()
        await asyncio.wait([task])

    async def _stopped(self, effect: Effect, outcome: Outcome, items: Sequence[Item] = ()) -> Stopped:
        """What the turn must still append: all that was recorded inside the effect."""
        if isinstance(effect, Sample) and not items:
            self.sampler.cut(keep_in_prompt=True)
            items = tuple(self.sampler.items)
            self.sampler.items = []
        elif isinstance(effect, Compact):
            items, self.compactor.left = tuple(self.compactor.left), []
        elif isinstance(effect, RunTools):
            await self.calls.stop()
            items = tuple(self.calls.outputs)
        elif isinstance(effect, RunByHand) and self.by_hand is not None and self.by_hand.item is not None:
            items = (self.by_hand.item,)
        return Stopped(outcome, tuple(items))

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case ReadContext():
                return list(await self.context())
            case TakeSteers(closing=closing):
                return await (self._last_words() if closing else self._heard())
            case Sample():
                return await self.sampler.sample(self.thread.prompt.request(self.tail))
            case RunTools(calls=calls):
                return await self.calls.collect(calls)
            case Compact():
                return await self.compactor.compact(effect)
            case RunByHand():
                assert self.by_hand is not None, "only a turn of its own asks for it"
                return [await self.by_hand.run()]
            case AbortCalls():
                raise AssertionError("aborting is not stoppable")

    async def _heard(self) -> list[Item]:
        """What the user has said since the last step, less what a hook keeps from the model."""
        items: list[Item] = []
        refused: str | None = None
        while self.steers:
            message = self.steers[0]
            said = await self.hooks.prompt(_text(message)) if isinstance(message, UserMessage) else HookAnswer()
            self.steers.popleft()
            no = said.blocked or said.stopped
            if no is not None:
                refused = f"A UserPromptSubmit hook kept your message from the agent: {no}"
                self.audience.notify(WarningReported(refused, self.thread.id, "hook"))
                continue
            items += self.follow([message])
            items += self.hooks.told("hook_user_prompt_submit", said.context)
        if refused is not None and not any(isinstance(item, UserMessage) for item in items):
            raise Stopped(Outcome("failed", ErrorInfo(refused, "hook")), tuple(items))
        return items

    async def _last_words(self) -> list[Item]:
        """What keeps the turn going after the agent's last message; nothing, and the turn takes no more."""
        if not self._waiting:
            said = await self.hooks.stop(last_message(self.thread.items))
            if said.blocked is not None and said.stopped is None:
                self.hooks.continued += 1
                return [*self.hooks.told("hook_stop", (said.blocked,)), *(await self._heard() if self._waiting else [])]
        if self._waiting:
            return await self._heard()
        self.closed = True
        return []

    @property
    def _waiting(self) -> bool:
        return any(isinstance(item, UserMessage) for item in self.steers)


def _text(message: UserMessage) -> str:
    return "\n".join(part.text for part in message.content if isinstance(part, Text))
