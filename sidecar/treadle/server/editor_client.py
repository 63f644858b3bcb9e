"""The editor as whoever watches and answers the turns of its code actions, in the protocol that every editor speaks.

Events become progress and a few messages; questions become messages with buttons, unless the editor draws cards: then they go to
the connection, which asks by our protocol. An editor that is gone, or that fails to answer, has declined.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..core.asking import DECLINE, Approval, Asked, Decision, Elicitation, Question
from ..core.events import CardCompleted, CardStarted, ErrorReported, Event, TurnCompleted, WarningReported
from ..core.items import JsonObject
from ..core.views import CallCard, MessageCard
from . import editor_questions as by_buttons

ERROR, WARNING, INFO = 1, 2, 3
MAX_SAID = 1_000
_PATIENCE = 5.0
"Seconds that an editor has to make a place for progress."
_MAX_WARNINGS = 100


class Line(Protocol):
    """What of the connection is used here."""

    def tell(self, method: str, params: JsonObject) -> None: ...
    async def request(self, method: str, params: JsonObject) -> Any: ...
    async def ask(self, asked: Asked) -> Decision: ...


class Progress:
    """A bar in the editor that the user can cancel. All of it is a no-op for an editor that shows none."""

    _tokens = itertools.count(1)

    def __init__(self, line: Line, *, shown: bool) -> None:
        self.token = f"treadle-{next(self._tokens)}"
        self._line = line
        self._shown = shown

    async def begin(self, message: str) -> None:
        if not self._shown:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._line.request("window/workDoneProgress/create", {"token": self.token})
        except TimeoutError:
            self._shown = False
        self._say({"kind": "begin", "title": "Treadle", "message": message, "cancellable": True})

    def report(self, message: str) -> None:
        self._say({"kind": "report", "message": message})

    def end(self, message: str) -> None:
        self._say({"kind": "end", "message": message})

    def _say(self, value: JsonObject) -> None:
        if self._shown:
            self._line.tell("$/progress", {"token": self.token, "value": value})


class Watch:
    """One turn, from the outside."""

    def __init__(self, thread_id: str, progress: Progress) -> None:
        self.thread_id = thread_id
        self.turn_id: str | None = None
        "Known before the turn tells anything; what others tell of the thread is not for us."
        self.progress = progress
        self.text = ""
        "The last words of the agent."
        self.ended: asyncio.Future[TurnCompleted] = asyncio.get_running_loop().create_future()

    def see(self, event: Event) -> None:
        if getattr(event, "turn_id", None) != self.turn_id:
            return
        match event:
            case CardStarted(card=CallCard() as card):
                self.progress.report(_doing(card))
            case CardCompleted(card=MessageCard() as card):
                self.text = card.text or self.text
            case ErrorReported(will_retry=True):
                self.progress.report(event.error.message[:200])
            case TurnCompleted():
                if not self.ended.done():
                    self.ended.set_result(event)
            case _:
                pass


class EditorClient:
    """Implements runtime.ports.Client."""

    def __init__(self, line: Line, draws_cards: Callable[[], bool]) -> None:
        self._line = line
        self._draws_cards = draws_cards
        self._watches: dict[str, Watch] = {}
        self._warned: set[str] = set()
        self.overhear: Callable[[Sequence[Event]], None] | None = None

    def watch(self, watch: Watch) -> None:
        self._watches[watch.thread_id] = watch

    def leave(self, watch: Watch) -> None:
        self._watches.pop(watch.thread_id, None)

    def say(self, kind: int, message: str) -> None:
        self._line.tell("window/showMessage", {"type": kind, "message": message[:MAX_SAID]})

    def notify(self, events: Sequence[Event]) -> None:
        if self.overhear is not None:
            self.overhear(events)
        for event in events:
            if isinstance(event, WarningReported):
                self._warn(event.message)
            watch = self._watches.get(getattr(event, "thread_id", None) or "")
            if watch is not None:
                watch.see(event)

    async def ask(self, asked: Asked) -> Decision:
        if self._draws_cards():
            return await self._line.ask(asked)
        match asked:
            case Approval():
                return by_buttons.approved(await self._show(by_buttons.approval(asked)))
            case Question():
                return await self._question(asked)
            case Elicitation():
                return await self._elicitation(asked)

    async def _question(self, asked: Question) -> Decision:
        asking = [by_buttons.part(part) for part in asked.parts]
        if None in asking:
            return self._cannot_ask("asks for words of your own")
        return by_buttons.answered(asked, [await self._show(params) for params in asking if params is not None])

    async def _elicitation(self, asked: Elicitation) -> Decision:
        params = by_buttons.elicitation(asked)
        if params is None:
            return self._cannot_ask(f"asks you, for the server {asked.server}, to fill in a form")
        decision = by_buttons.elicited(await self._show(params))
        if decision.verdict == "accept" and asked.url is not None:
            shown = await self._line.request("window/showDocument", {"uri": asked.url, "external": True})
            if not (isinstance(shown, dict) and shown.get("success") is True):  # type: ignore[union-attr]
                return self._cannot_ask("asks you to open a page that this editor did not open")
        return decision

    def _cannot_ask(self, what: str) -> Decision:
        self.say(WARNING, f"Treadle {what}, which this editor cannot show; it goes on without.")
        return DECLINE

    async def _show(self, params: JsonObject) -> Any:
        return await self._line.request("window/showMessageRequest", params)

    def _warn(self, message: str) -> None:
        """Once each; who draws cards has been told there."""
        if not self._draws_cards() and message not in self._warned and len(self._warned) < _MAX_WARNINGS:
            self._warned.add(message)
            self.say(WARNING, message)


def _doing(card: CallCard) -> str:
    match card.view:
        case {"view": "command", "command": str(command)}:
            words = " ".join(command.split())
            return f"Running {words[:100]}"
        case {"view": "file_change", "changes": [{"path": str(path)}, *_]}:
            return f"Editing {path[-100:]}"
        case _:
            return f"Using {card.name}"
