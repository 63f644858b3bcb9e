"""One effect: Sample. Asks the model, announces what streams in, records every output item the moment it is complete.

A stream that dies is asked for again as runtime/retry.py says, and the user sees it. Items that were complete by then stay: if
there are any, the reply is handed back unfinished so that their calls are answered before the next request. Every card that was
started is completed, whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from functools import partial

from ..core.effects import ContextOverflow, Outcome, Reply, Stopped
from ..core.errors import ModelError
from ..core.events import CUT_SHORT, CardCompleted, CardDelta, CardStarted, ErrorInfo, ErrorReported, Event, WarningReported
from ..core.history import card as card_of
from ..core.items import Item, JsonObject, ModelItem, UsageReported, dumps
from ..core.prompt import DISCARDED, Request
from ..core.record import mutable
from ..core.replies import Delta, ItemBegun, ItemDone, ReplyCompleted, ReplyEvent, SummaryPartBegun
from ..core.views import MessageCard, ReasoningCard
from .ports import Clock, Model
from .previews import Previews
from .retry import Retry, Wait

_CALLS = ("function_call", "custom_tool_call")


@mutable
class _Streaming:
    """An output item under way."""

    id: str
    kind: str
    pieces: list[str] = field(default_factory=list[str])

    def text(self) -> str:
        text = "".join(self.pieces)
        self.pieces[:] = [text]
        return text


@mutable
class Sampler:
    """Samples for one turn; keeps the count of retries across its requests."""

    thread_id: str
    turn_id: str
    model: Model
    clock: Clock
    new_retry: Callable[[], Retry]
    record: Callable[[Item], None]
    "Write to the store. Called before anything about the item is announced as complete."
    draft: Callable[[str, Callable[[], Item | None]], None]
    "There is more of the item under way that has this id."
    notify: Callable[[Sequence[Event]], None]
    start_call: Callable[[ModelItem], None]
    previews: Previews
    items: list[Item] = field(default_factory=list[Item])
    "What the sample under way has recorded so far; read by the runner when it is stopped."
    _retry: Retry | None = None
    "The count of failures since the last reply that was complete."
    _streaming: dict[str, _Streaming] = field(default_factory=dict[str, _Streaming])

    async def sample(self, request: Request) -> Reply:
        """Raises Stopped when the model cannot be had, ContextOverflow when the prompt is too long for it."""
        self.items = []
        while True:
            received = False
            try:
                async for batch in self.model.stream(request):
                    received = True
                    self._take(batch)
                self.cut(keep_in_prompt=True)  # items whose end was lost, although the reply has one
                self._retry = None
                return self._reply(complete=True)
            except ModelError as error:
                if error.kind == "context_overflow" and not any(isinstance(i, ModelItem) and i.is_call for i in self.items):
                    raise self._overflow(error) from error
                await self._pause(error, received)
            if any(isinstance(item, ModelItem) for item in self.items):
                return self._reply(complete=False)

    def _reply(self, *, complete: bool) -> Reply:
        items, self.items = tuple(self.items), []
        return Reply(items, complete)

    def _overflow(self, error: ModelError) -> ContextOverflow:
        self.cut(keep_in_prompt=False)
        items, self.items = tuple(self.items), []
        info = ErrorInfo(error.sentence(), error.kind, error.status, error.details)
        return ContextOverflow(Outcome("failed", info), items)

    async def _pause(self, error: ModelError, received: bool) -> None:
        self.cut(keep_in_prompt=False)
        info = ErrorInfo(error.sentence(), error.kind, error.status, error.details)
        self._retry = self._retry or self.new_retry()
        decision = self._retry.after(error, received)
        if not isinstance(decision, Wait):
            items, self.items = tuple(self.items), []
            self.notify([ErrorReported(self.thread_id, self.turn_id, info, will_retry=False)])
            raise Stopped(Outcome("failed", info), items)
        notice = ErrorInfo(f"{decision.notice} {error.message}", error.kind, error.status, error.details)
        self.notify([ErrorReported(self.thread_id, self.turn_id, notice, will_retry=True)])
        await self.clock.sleep(decision.seconds)

    def _take(self, batch: Sequence[ReplyEvent]) -> None:
        events: list[Event] = []
        try:
            self._take_all(batch, events)
        finally:  # also what came before something that could not be recorded
            if events:
                self.notify(events)

    def _take_all(self, batch: Sequence[ReplyEvent], events: list[Event]) -> None:
        streaming = self._streaming
        for event in batch:
            if type(event) is Delta:
                under_way = streaming.get(event.key)
                if under_way is not None and event.kind == "input":
                    events += self.previews.feed(under_way.id, event.text)
                elif under_way is not None:
                    under_way.pieces.append(event.text)
                    events.append(CardDelta(self.thread_id, self.turn_id, under_way.id, event.kind, event.text, event.index))
            elif type(event) is ItemBegun:
                self._begin(event, events)
            elif type(event) is SummaryPartBegun:
                if event.key in streaming:
                    delta = CardDelta(self.thread_id, self.turn_id, streaming[event.key].id, "summary_part", "", event.index)
                    events.append(delta)
            elif type(event) is ItemDone:
                self._complete(event, events)
            elif type(event) is ReplyCompleted:
                self._count(event)
        for under_way in streaming.values():
            if under_way.pieces:  # of a message or of thoughts
                self.draft(under_way.id, partial(self._unfinished, under_way))

    def _begin(self, event: ItemBegun, events: list[Event]) -> None:
        if (other := self._streaming.pop(event.key, None)) is not None:  # whose end was lost
            events += self._cut_one(other, keep_in_prompt=True)
        under_way = self._streaming[event.key] = _Streaming(self.clock.new_id(), event.kind)
        if event.kind == "message":
            card = MessageCard(under_way.id, "", event.payload.get("phase"), complete=False)
        elif event.kind == "reasoning":
            card = ReasoningCard(under_way.id)
        else:
            if event.kind in _CALLS:
                self.previews.begin(under_way.id, event.kind, event.payload)
            return  # calls are drawn when they start to run; other kinds when they are complete
        events.append(CardStarted(self.thread_id, self.turn_id, card, self.clock.now()))

    def _complete(self, event: ItemDone, events: list[Event]) -> None:
        under_way = self._streaming.pop(event.key, None)
        if under_way is not None and under_way.kind != event.kind:  # it began as something else, and was drawn as that
            events += self._cut_one(under_way, keep_in_prompt=False)
            under_way = None
        item = self._item(under_way.id if under_way else self.clock.new_id(), event.kind, event.payload)
        self.record(item)
        self.items.append(item)
        self.previews.arrived(item.id)
        if item.is_call:
            # the call's own events must come after those that came before it
            if events:
                self.notify(events)
                events.clear()
            self.start_call(item)
            return
        card = card_of(item)
        if card is None:
            return
        drawn = under_way is not None and event.kind in ("message", "reasoning")
        if not drawn:
            events.append(CardStarted(self.thread_id, self.turn_id, card, item.at))
        events.append(CardCompleted(self.thread_id, self.turn_id, card, item.at))

    def _item(self, item_id: str, kind: str, payload: JsonObject) -> ModelItem:
        call_id = None
        if kind in _CALLS:
            open_ids = {item.call_id for item in self.items if isinstance(item, ModelItem)}
            call_id = payload.get("call_id")
            if not isinstance(call_id, str) or not call_id or call_id in open_ids:
                # without an id of its own a call could not be answered
                call_id = payload["call_id"] = f"call_{self.clock.new_id()}"
        return ModelItem(item_id, self.clock.now(), self.turn_id, kind, dumps(payload), call_id=call_id, name=payload.get("name"))

    def _count(self, event: ReplyCompleted) -> None:
        if event.skipped:
            self._warn(f"{event.skipped} unreadable events in the model's answer were skipped.")
        if event.incomplete:
            self._warn(f"The provider stopped the answer early: {event.incomplete}.", CUT_SHORT)
        usage = event.usage
        if usage is None:
            return
        item = UsageReported(
            self.clock.new_id(),
            self.clock.now(),
            self.turn_id,
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.output_tokens,
            usage.reasoning_output_tokens,
            usage.total_tokens,
        )
        self.record(item)
        self.items.append(item)

    def _warn(self, message: str, code: str = "stream") -> None:
        self.notify([WarningReported(message, self.thread_id, code)])

    def cut(self, *, keep_in_prompt: bool) -> None:
        """The stream is over before its end: keep the text that was shown, close every open card.

        After an interrupt the model is shown its unfinished words; a reply that is asked for again is only kept for the screen.
        """
        events: list[Event] = []
        for under_way in self._streaming.values():
            events += self._cut_one(under_way, keep_in_prompt=keep_in_prompt)
        self._streaming.clear()
        if events:
            self.notify(events)

    def left(self) -> list[ModelItem]:
        """What stays of all that was under way, not recorded: for a turn whose store has failed."""
        found = [item for under_way in self._streaming.values() if (item := self._unfinished(under_way)) is not None]
        self._streaming.clear()
        return found

    def _cut_one(self, under_way: _Streaming, *, keep_in_prompt: bool) -> list[Event]:
        item = self._unfinished(under_way, keep_in_prompt=keep_in_prompt)
        card = None if item is None else card_of(item)
        if item is None or card is None:
            return []
        self.record(item)
        self.items.append(item)
        return [CardCompleted(self.thread_id, self.turn_id, card, self.clock.now())]

    def _unfinished(self, under_way: _Streaming, *, keep_in_prompt: bool = True) -> ModelItem | None:
        """What stays of an output item that ends now: of a message and of thoughts their text, of a call what was shown."""
        text, kind = under_way.text(), under_way.kind
        if kind == "message":
            payload: JsonObject = {"type": kind, "role": "assistant", "content": [{"type": "output_text", "text": text}]}
            kind = kind if keep_in_prompt and text else DISCARDED
        elif kind == "reasoning":
            payload = {"type": kind, "summary": [{"type": "summary_text", "text": text}] if text else []}
        else:
            self.previews.arrived(under_way.id)
            card = self.previews.cut(under_way.id)
            if card is None:
                return None
            payload = {"type": kind, "call_id": card.call_id, "name": card.name, "view": card.view}
            kind = DISCARDED
        return ModelItem(under_way.id, self.clock.now(), self.turn_id, kind, dumps(payload), complete=False)
