"""The commands of code actions: each starts a turn, shows how it goes, and shows what came of it in the editor.

The turn runs in the thread that was used last for the document's folder, or in a new one there. Actions in one thread wait for
each other; at most MAX_WAITING of them. What the model is told is the document as the editor had it when the user chose.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

from ..core.errors import RequestRefused, TreadleError
from ..core.events import TurnCompleted
from ..core.history import TurnState
from ..core.items import JsonObject, Text
from ..core.ops import InterruptTurn, Overrides, ReadThread, StartThread, StartTurn
from ..core.record import frozen
from ..runtime.agent import Agent
from ..runtime.answers import ThreadState
from . import action_words
from .abilities import Abilities, plain
from .action_words import Excerpt
from .connection import Connection
from .documents import Document
from .editor_client import ERROR, INFO, EditorClient, Progress, Watch
from .scratch import Scratch

_log = logging.getLogger(__name__)
MAX_WAITING = 16
_PATIENCE = 10.0
"Seconds that an editor has to show a document."
_SHORT = 300
_LABELS = {
    "treadle.explain": "Explaining",
    "treadle.fix": "Fixing",
    "treadle.tests": "Writing tests for",
    "treadle.document": "Documenting",
}


@frozen
class Wish:
    """What the user chose."""

    command: str
    path: str
    "Of the document, real."
    language: str
    excerpt: Excerpt
    diagnostics: list[JsonObject]

    @property
    def label(self) -> str:
        return f"{_LABELS[self.command]} {os.path.basename(self.path)}"

    @property
    def prompt(self) -> str:
        """The name of the task's text among the prompts."""
        return f"action_{self.command.rpartition('.')[2]}"

    def words(self, task: str, cwd: str) -> str:
        folder = os.path.realpath(cwd)
        shown = os.path.relpath(self.path, folder) if Path(self.path).is_relative_to(folder) else self.path
        return action_words.words(task, self.excerpt, shown, self.language, self.diagnostics)


def wish(command: str, document: Document, argument: JsonObject, name: str) -> Wish:
    """Raises LookupError, TypeError or ValueError when the argument makes no sense."""
    diagnostics = action_words.listed(argument.get("diagnostics"))
    excerpt = action_words.excerpt(document, argument["range"], name, diagnostics)
    return Wish(command, document.path, document.language, excerpt, diagnostics)


class ActionTurns:
    """`folders` are those that are open in the editor."""

    def __init__(self, connection: Connection, of: Abilities, folders: Callable[[], list[str]]) -> None:
        self._connection = connection
        self._abilities = of
        self._folders = folders
        self.client = EditorClient(connection, self._draws_cards)
        self._threads: dict[str, str] = {}
        "The thread of each folder that we started one for."
        self._opening = asyncio.Lock()
        self._lanes: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: dict[str, asyncio.Task[None]] = {}
        "By the token of its progress."
        self._scratch = Scratch()

    def start(self, wish: Wish) -> None:
        """Returns at once; whatever comes of it is shown."""
        if len(self._tasks) >= MAX_WAITING:
            self.client.say(ERROR, "Treadle has enough to do for now. Ask again when some of it is done.")
            return
        progress = Progress(self._connection, shown=self._abilities.shows_progress)
        task = self._running[progress.token] = asyncio.ensure_future(self._shown(self._act(wish, progress), progress))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._running.pop(progress.token, None))

    def cancel(self, token: Any) -> None:
        """The user cancels what shows its progress by this token."""
        task = self._running.get(token) if isinstance(token, str) else None
        if task is not None:
            task.cancel()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._scratch.close()

    def _draws_cards(self) -> bool:
        cards = self._abilities.cards
        return self._connection.used is not None if cards is None else cards

    async def _shown(self, work: Coroutine[Any, Any, str], progress: Progress) -> None:
        """Whatever happens, the bar ends."""
        ended = "failed"
        try:
            ended = await work
        except asyncio.CancelledError:
            ended = "cancelled"
        except TreadleError as error:
            self.client.say(ERROR, error.sentence())
        except Exception:
            _log.exception("code action")
            self.client.say(ERROR, "Treadle failed inside; its log has the details.")
        finally:
            progress.end(ended)

    async def _act(self, wish: Wish, progress: Progress) -> str:
        await progress.begin(wish.label)
        agent = await self._connection.agent()
        task = await agent.info("wording", name=wish.prompt)
        async with self._opening:
            state = await self._thread(agent, wish.path)
        thread_id, settings = state.meta.id, state.settings
        lane = self._lanes.setdefault(thread_id, asyncio.Lock())
        if lane.locked():
            progress.report("waiting for the turn before")
        async with lane:
            watch = Watch(thread_id, progress)
            self.client.watch(watch)
            try:
                words = wish.words(task, settings.cwd if settings else state.meta.cwd)
                ended = await self._turn(agent, watch, words)
            finally:
                self.client.leave(watch)
        return await self._conclude(wish, watch, ended)

    async def _turn(self, agent: Agent, watch: Watch, words: str) -> TurnCompleted:
        """One turn to its end. Cancelled, it is interrupted."""
        try:
            op = StartTurn(watch.thread_id, (Text(words),))
            turn = cast(TurnState, await agent.submit(op, self.client))
        except RequestRefused as error:
            raise RequestRefused(f"Treadle could not begin: {error.sentence()}") from error
        watch.turn_id = turn.id
        try:
            return await asyncio.shield(watch.ended)
        except asyncio.CancelledError:
            # refused: it is over, or left open for another process because this one ends
            with contextlib.suppress(TreadleError):
                await agent.submit(InterruptTurn(watch.thread_id, turn.id), self.client)
                # the next action in this thread may begin when this turn is over
                await asyncio.shield(watch.ended)
            raise

    async def _thread(self, agent: Agent, path: str) -> ThreadState:
        folder = self._folder(path)
        for known in (self._connection.used, self._threads.get(folder)):
            if known in agent.loaded_ids():
                state = cast(ThreadState, await agent.submit(ReadThread(str(known)), self.client))
                if _serves(state, path, folder):
                    return state
        client = self._connection if self._draws_cards() else self.client
        op = StartThread(Overrides(cwd=folder), originator=self._connection.client)
        state = cast(ThreadState, await agent.submit(op, client))
        self._threads[folder] = state.meta.id
        return state

    def _folder(self, path: str) -> str:
        """The innermost open folder that has the document; else its own."""
        above = [folder for folder in map(os.path.realpath, self._folders()) if Path(path).is_relative_to(folder)]
        return max(above, key=len, default=os.path.dirname(path))

    async def _conclude(self, wish: Wish, watch: Watch, ended: TurnCompleted) -> str:
        """Show what came of the turn; the last word of its progress."""
        if ended.status == "failed":
            self.client.say(ERROR, ended.error.message if ended.error else "The turn failed.")
            return "failed"
        if ended.status != "completed":
            return "stopped"
        text = watch.text.strip()
        if wish.command == "treadle.explain" and text:
            await self._explain(wish, text)
        else:
            self.client.say(INFO, _short(text) or f"{wish.label}: done.")
        return "done"

    async def _explain(self, wish: Wish, text: str) -> None:
        name, first, last = os.path.basename(wish.path), wish.excerpt.first, wish.excerpt.last
        what = wish.excerpt.name or f"{name}, {f'lines {first}-{last}' if last > first else f'line {first}'}"
        try:
            path = self._scratch.write("explanation", f"# {what}\n\n{text}\n")
        except OSError:
            _log.exception("explanation")
            self.client.say(INFO, text)
            return
        if not await self._open(path):
            self.client.say(INFO, f"{_short(text)}\nThe whole explanation: {path}")

    async def _open(self, path: str) -> bool:
        """Whether the editor shows the document."""
        if not self._abilities.shows_documents:
            return False
        params = {"uri": Path(path).as_uri(), "takeFocus": True}
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await self._connection.request("window/showDocument", params)
        except TimeoutError:
            return False
        return plain(answer).get("success") is True


def _serves(state: ThreadState, path: str, folder: str) -> bool:
    """Whether a document in this folder is a matter for the thread."""
    cwd = os.path.realpath(state.settings.cwd if state.settings else state.meta.cwd)
    return Path(path).is_relative_to(cwd) or Path(cwd).is_relative_to(folder)


def _short(text: str) -> str:
    """The first paragraph, or what of it one glance takes in."""
    first = text.split("\n\n", 1)[0].strip()
    return first if len(first) <= _SHORT else f"{first[: _SHORT - 1]}…"
