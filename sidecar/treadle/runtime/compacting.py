"""One effect: Compact. Has the thread summarised, by the provider where it can, else by an ordinary request to the model.

Promises: whoever watches sees a contextCompaction card begin and end; when the attempt is cancelled, fails, or would not free
enough, that card is all that is recorded, and the prompt is as it was. Asks a bounded number of times. Never appends to the
thread: it answers with items, and the turn appends them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import field, replace

from ..core import compaction, tokens
from ..core.compaction import Room
from ..core.effects import Compact, Outcome, Stopped
from ..core.errors import ModelError
from ..core.events import CardCompleted, CardStarted, ErrorInfo, ErrorReported, WarningReported
from ..core.history import UNFINISHED, message_text
from ..core.items import Item, JsonObject, ModelItem, Summary, UsageReported, dumps
from ..core.prompt import DISCARDED, Request
from ..core.record import mutable
from ..core.replies import ItemDone, ReplyCompleted, Usage
from ..core.settings import Provider
from ..core.thread import Thread
from ..core.views import SummaryCard
from .audience import Audience
from .ports import Clock, Model
from .retry import Retry, Wait

_log = logging.getLogger(__name__)
WHOLE = 0.95
"Of the window: a thread that is not longer is shown as it is to the model that summarises it."
SMALLER = (0.7, 0.5, 0.3)
"Of the thread: what is shown of it after each time that it was too much."
ASK_AGAIN = "Try again, choose another model, or start a new thread."
_ABSENT = (404, 405, 501)
TOO_FULL = "The conversation does not fit into the model's context window even when it is summarised."
WAY_OUT = (
    "Send a shorter message, start a new thread, or choose a model with a larger window. "
    "What counts against it besides: AGENTS.md, skills, tools, and model_auto_compact_token_limit when it is set."
)


@mutable
class Compactor:
    """Compacts for one turn."""

    thread: Thread
    turn_id: str
    provider: Provider
    model: Model
    clock: Clock
    room: Room
    instruction: str
    tail: JsonObject
    "Of ordinary requests."
    audience: Audience
    new_retry: Callable[[], Retry]
    absent: set[str]
    "Addresses of providers that turned out to have no endpoint for it."
    record: Callable[[Item], None]
    "Write to the store. Called before anything about the item is announced as complete."
    left: list[Item] = field(default_factory=list[Item])
    "What stays of one that failed or was stopped, recorded; taken by the runner."

    async def compact(self, effect: Compact) -> list[Item]:
        """The Summary, and before it the tokens that it cost. Raises Stopped."""
        thread, summary_id = self.thread, self.clock.new_id()
        card = SummaryCard(summary_id)
        self.audience.notify(CardStarted(thread.id, self.turn_id, card, self.clock.now()))
        made = False
        try:
            if compaction.futile(thread, self.room):
                raise self._failed(ErrorInfo(f"{TOO_FULL} {WAY_OUT}", "context_overflow"))
            items = await self._by_provider(summary_id) or await self._by_model(summary_id, effect)
            made = True
            return items
        except ModelError as error:
            info = ErrorInfo(error.sentence(), error.kind, error.status, error.details)
            raise self._failed(info) from error
        finally:
            if not made:  # what was shown is there for whoever looks later
                payload = dumps({"type": UNFINISHED})
                item = ModelItem(summary_id, self.clock.now(), self.turn_id, DISCARDED, payload, complete=False)
                self.record(item)
                self.left.append(item)
                self.audience.notify(CardCompleted(thread.id, self.turn_id, card, self.clock.now()))

    def _failed(self, info: ErrorInfo) -> Stopped:
        self.audience.notify(ErrorReported(self.thread.id, self.turn_id, info, will_retry=False))
        return Stopped(Outcome("failed", info))

    async def _by_provider(self, summary_id: str) -> list[Item]:
        """Empty when the provider cannot, or when what it gave is of no use."""
        address = self.provider.base_url
        if not self.provider.compact_endpoint or address in self.absent:
            return []
        try:
            answer = await self.model.compact(self.thread.prompt.request(self.tail))
            replacement = compaction.returned(self.thread, answer.items)
        except ModelError as error:
            if error.status in _ABSENT and error.kind != "model_not_found":
                _log.info("%s has no compaction endpoint: %s", address, error.message)
                self.absent.add(address)
            else:
                self._warn(error.message)
            return []
        except ValueError as error:
            self._warn(f"{error}.")
            return []
        if compaction.too_little(self.thread, self.room, replacement):
            self._warn("what came back is as long as before.")
            return []
        files = compaction.files(self.thread)
        summary = Summary(summary_id, self.clock.now(), self.turn_id, "", replacement, "remote", files)
        return [*self._cost(answer.usage), summary]

    def _warn(self, why: str) -> None:
        text = f"{self.provider.name} could not compact the conversation, so the model summarises it: {why}"
        self.audience.notify(WarningReported(text, self.thread.id, "compaction"))

    async def _by_model(self, summary_id: str, effect: Compact) -> list[Item]:
        thread = self.thread
        words, usage = await self._asked(effect)
        if not words.strip():  # a call, most likely: once more
            words, usage = await self._asked(effect)
        if not words.strip():
            raise ModelError("The model wrote no summary; the conversation stays as it was.", hint=ASK_AGAIN)
        text = compaction.composed(thread, self.room, words.strip())
        replacement = compaction.replacement(compaction.kept_words(thread, self.room), text)
        if compaction.too_little(thread, self.room, replacement):
            raise self._failed(ErrorInfo(f"{TOO_FULL} {WAY_OUT}", "context_overflow"))
        files = compaction.files(thread)
        return [
            *self._cost(usage),
            Summary(summary_id, self.clock.now(), self.turn_id, text, replacement, files=files),
        ]

    async def _asked(self, effect: Compact) -> tuple[str, Usage | None]:
        """The model's words. When the thread is too long to be read as a whole, shorter and shorter versions of it are tried."""
        whole = self.thread.prompt.request(_plain(self.tail))
        head = len(whole.head) // tokens.BYTES_PER_TOKEN
        # a provider that refused it counts otherwise than we do: from then on go by its size, not by the window's
        size = min(head + sum(map(tokens.of_raw, whole.fragments)), self.room.window)
        budgets = [int(size * share) for share in SMALLER]
        if not effect.overflowed:
            budgets.insert(0, int(self.room.window * WHOLE))
        for budget in budgets:
            fragments = compaction.asked(whole.fragments, self.instruction, budget - head)
            try:
                return await self._answer(replace(whole, fragments=fragments))
            except ModelError as error:
                if error.kind != "context_overflow" or budget == budgets[-1]:
                    raise
        raise AssertionError("a request is made at least once")

    async def _answer(self, request: Request) -> tuple[str, Usage | None]:
        retry = self.new_retry()
        while True:
            text, usage, received = "", None, False
            try:
                async for batch in self.model.stream(request):
                    received = True
                    for event in batch:
                        if isinstance(event, ItemDone) and event.kind == "message":
                            text = message_text(event.payload)
                        elif isinstance(event, ReplyCompleted):
                            usage = event.usage
                return text, usage
            except ModelError as error:
                decision = retry.after(error, received)
                if error.kind == "context_overflow" or not isinstance(decision, Wait):
                    raise
                notice = ErrorInfo(f"{decision.notice} {error.message}", error.kind, error.status, error.details)
                self.audience.notify(ErrorReported(self.thread.id, self.turn_id, notice, will_retry=True))
                await self.clock.sleep(decision.seconds)

    def _cost(self, usage: Usage | None) -> list[Item]:
        if usage is None:
            return []
        return [
            UsageReported(
                self.clock.new_id(),
                self.clock.now(),
                self.turn_id,
                usage.input_tokens,
                usage.cached_input_tokens,
                usage.output_tokens,
                usage.reasoning_output_tokens,
                usage.total_tokens,
            )
        ]


def _plain(tail: JsonObject) -> JsonObject:
    """Without the form that the turn's final answer must have: a summary has its own."""
    text: JsonObject = {name: value for name, value in tail.get("text", {}).items() if name != "format"}
    rest = {name: value for name, value in tail.items() if name != "text"}
    return {**rest, "text": text} if text else rest
