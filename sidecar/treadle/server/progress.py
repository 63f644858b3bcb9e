"""A headless turn as a person follows it: what the agent says on standard output as it comes, what it does on standard error.

A command is one line of the screen however long it is; of one that failed, the exit code and the end of its output are shown.
What a command has printed or the model says cannot move the cursor or change colours; a standard output that is no terminal gets
the model's words as they are.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import sys
import time
from typing import Any, TextIO

from ..core import events as e
from ..core.pattern import late
from ..core.views import CallCard, MessageCard
from .terminal import safe

HASTE = 2.0
"Seconds."
LINES = 5
"Of the output of a command that failed."
WIDTH = 120
"Columns, when standard error is no terminal."
_END = 4_000
"Characters of an output that are looked at."
_ESCAPE = late(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")


class Stuck(BrokenPipeError):
    """Whoever reads the output takes nothing, and the program is to end: it counts as gone."""


class _Hurry:
    """Since when a write has been waiting for its reader."""

    since: float | None = None


_hurry = _Hurry()


def hurry() -> None:
    """The program is to end: from now on no write waits longer than `HASTE` for its reader. A write that blocks keeps the event
    loop from seeing any signal, so this is what a timer's signal does, in the middle of the write."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _end_writing)
        signal.setitimer(signal.ITIMER_REAL, HASTE / 4, HASTE / 4)


def calm() -> None:
    """No more of that: while Python ends, the timer's signal would find its usual meaning again, and kill the process."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _end_writing(number: int, frame: object) -> None:
    if _hurry.since is not None and time.monotonic() - _hurry.since > HASTE:
        raise Stuck(errno.EPIPE, "nobody reads it")


class Progress:
    """Writes as the events come."""

    def __init__(self, color: bool) -> None:
        self._dim, self._plain = ("\x1b[2m", "\x1b[0m") if color else ("", "")
        self._speaking: dict[str, TextIO] = {}
        self._started: set[str] = set()
        self._width = _width()

    def event(self, event: e.Event) -> None:
        match event:
            case e.CardStarted(card=MessageCard() as card):
                self._speaking[card.id] = sys.stderr if card.phase == "commentary" else sys.stdout
            case e.CardDelta(kind="text"):
                self._started.add(event.card_id)
                write(self._speaking.get(event.card_id, sys.stdout), event.text)
            case e.CardStarted(card=CallCard() as card):
                # a patch may still be arriving: its files are known at the end
                if card.view.get("view") != "file_change":
                    self._line(_words(card))
            case e.CardCompleted():
                self._completed(event.card)
            case e.ErrorReported() if event.will_retry:
                self._note(f"{event.error.message} Trying again.")
            case e.ProgressReported(message=str(message)):
                self._note(message)
            case e.WarningReported():
                self._note(f"warning: {event.message}")
            case e.TurnCompleted(error=e.ErrorInfo() as error):
                write(sys.stderr, f"treadle: {error.message}\n")
            case _:
                pass

    def _completed(self, card: Any) -> None:
        if isinstance(card, MessageCard):
            out = self._speaking.pop(card.id, sys.stdout)
            # a message that did not stream comes whole
            write(out, "\n" if card.id in self._started else card.text + "\n")
            self._started.discard(card.id)
        elif isinstance(card, CallCard):
            self._called(card)

    def _called(self, card: CallCard) -> None:
        view: Any = card.view
        code = view.get("exit_code")
        if card.status == "completed" and not code:
            if view.get("view") == "file_change":
                self._line(_words(card))
            return
        # a command that has ended with a code has failed by itself, whatever became of the call
        status = "failed" if code and card.status == "completed" else card.status
        self._line(f"{status} (exit {code}): {_words(card)}" if code else f"{status}: {_words(card)}")
        told = view.get("output") if view.get("view") == "command" else view.get("error")
        for line in _end(told if isinstance(told, str) else ""):
            self._line(f"  {line}")

    def _line(self, text: str) -> None:
        """One line of the screen."""
        text = _shown(text.rstrip())
        self._note(text if len(text) <= self._width else text[: self._width - 1] + "…")

    def _note(self, text: str) -> None:
        write(sys.stderr, f"{text}\n", self._dim, self._plain)


def _words(card: CallCard) -> str:
    view: Any = card.view
    match view.get("view"):
        case "command":
            return f"$ {view.get('command', '')}"
        case "file_change":
            changes: list[Any] = view.get("changes") or []
            return "edits " + ", ".join(str(change.get("path", "")) for change in changes)
        case _:
            return f"calls {view.get('tool') or card.name}"


def _end(output: str) -> list[str]:
    return [line for line in output[-_END:].splitlines() if line.strip()][-LINES:]


def _shown(text: str) -> str:
    """As one line, without what a terminal would obey."""
    return safe(re.sub(r"[\r\n\t]+", " ", _ESCAPE.sub("", text)))


def _width() -> int:
    try:
        return max(os.get_terminal_size(sys.stderr.fileno()).columns, 20)
    except (OSError, ValueError):
        return WIDTH


def write(out: TextIO, text: str, before: str = "", after: str = "") -> None:
    """At once. Only `before` and `after` may be what a terminal obeys; they enclose the line.

    Raises OSError when standard output cannot be written to any more. Nobody need know that of standard error."""
    text = safe(text) if out is sys.stderr or out.isatty() else text
    end = "\n" if after and text.endswith("\n") else ""
    try:
        _hurry.since = time.monotonic()
        out.write(f"{before}{text.removesuffix(end)}{after}{end}")
        out.flush()
        _hurry.since = None
    except OSError:
        _hurry.since = None
        _discard(out)
        if out is not sys.stderr:
            raise


def _discard(out: TextIO) -> None:
    """What it still holds would be tried again, and complained about, when the program ends."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, out.fileno())
        os.close(nothing)
