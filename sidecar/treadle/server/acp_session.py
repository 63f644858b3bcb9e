"""One session of an editor: a thread, the prompt that runs in it, and what its editor is told and asked.

The answer to a prompt leaves after all that the turn said. A prompt that is cancelled always ends as cancelled, also when it had
not begun or failed meanwhile. Nothing is told of a session before its editor knows its id.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..core import events as e
from ..core.asking import CANCEL, DECLINE, Approval, Asked, Decision, Elicitation, Question
from ..core.errors import RequestRefused
from ..core.items import JsonObject
from ..core.ops import CompactThread, InterruptTurn, Overrides, ResumeThread, StartTurn
from ..core.replies import Usage
from . import acp_content, acp_project, acp_questions, acp_settings
from .acp_hello import Editor

if TYPE_CHECKING:
    from ..core.settings import Settings
    from ..core.skills import FoundSkills
    from ..runtime.agent import Agent
    from ..runtime.answers import ThreadState

MAX_HELD = 10_000
MAX_UNSAID = 20
_ASIDES = (e.WarningReported, e.ToolsChanged, e.McpStatusChanged, e.ProgressReported)
Tell = Callable[[str, JsonObject], None]
Request = Callable[[str, JsonObject], Awaitable[Any]]


class TurnFailed(Exception):
    """The turn ended with a failure that its user has to be told of."""

    def __init__(self, error: e.ErrorInfo) -> None:
        super().__init__(error.message)
        self.error = error


class Session:
    """Implements runtime.ports.Client for one thread."""

    def __init__(self, agent: Agent, editor: Editor, tell: Tell, request: Request) -> None:
        self._agent = agent
        self._editor = editor
        self._tell = tell
        self._request = request
        self._updates = acp_project.Updates(terminals=editor.terminals)
        self._held: list[JsonObject] | None = []
        "Updates, while the editor does not know of the session."
        self._unsaid: list[JsonObject] = []
        "Notes from between the prompts."
        self._turn: _Turn | None = None
        self._flushing: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._pending = Overrides()
        self.id = ""
        self.state: ThreadState | None = None
        self.settings: Settings | None = None
        "As the editor was told they are; in force with the next prompt."
        self.models: Sequence[JsonObject] = ()
        self.skills: FoundSkills | None = None

    # the session itself

    def opened(self, state: ThreadState, models: Sequence[JsonObject], skills: FoundSkills) -> None:
        self.id, self.state, self.settings = state.meta.id, state, state.settings
        self.models, self.skills = models, skills

    def known(self) -> None:
        """The editor has the session's id: what happened meanwhile, and what the user may say, is told."""
        held, self._held = self._held or [], None
        self._put(held)
        if self.skills is not None:
            self._put([acp_project.commands(self.skills)])

    def replay(self) -> None:
        """The conversation so far, at once."""
        assert self.state is not None
        held, self._held = self._held, None
        self._put(acp_project.replay(self.state.turns))
        self._held = held

    def said(self) -> JsonObject:
        """Modes and options, as every answer that opens a session has them."""
        assert self.settings is not None
        return {"modes": acp_settings.modes(self.settings), "configOptions": self.options()}

    def options(self) -> list[JsonObject]:
        assert self.settings is not None
        return acp_settings.options(self.settings, self.models)

    def set_mode(self, id: str) -> None:
        """In force with the next prompt. Raises RequestRefused."""
        assert self.settings is not None and self.state is not None
        changed = acp_settings.mode_overrides(self.settings, id, self.state.meta.settings)
        self.settings = acp_settings.with_mode(self.settings, id)
        self._set(changed)

    def set_option(self, option: str, value: Any) -> None:
        assert self.settings is not None
        if option == "mode":
            self.set_mode(str(value))
            self._put([{"sessionUpdate": "current_mode_update", "currentModeId": acp_settings.mode_id(self.settings)}])
            return
        changed, self.settings = acp_settings.option_overrides(self.settings, option, value, self.models)
        self._set(changed)

    def mode_changed(self) -> None:
        """Tell it also to an editor that knows options only."""
        self._put([{"sessionUpdate": "config_option_update", "configOptions": self.options()}])

    def _set(self, changed: Overrides) -> None:
        from ..runtime.overrides import merged  # noqa: PLC0415

        self._pending = merged(self._pending, changed)

    @property
    def folder(self) -> str:
        return self.settings.cwd if self.settings else ""

    def holds(self, path: str) -> bool:
        """Whether a file is in one of the session's folders."""
        roots = (self.settings.cwd, *self.settings.roots) if self.settings else ()
        return any(path.startswith(root.rstrip("/") + "/") for root in roots)

    # a prompt

    @property
    def running(self) -> bool:
        return self._turn is not None

    async def prompt(self, blocks: Sequence[Any]) -> JsonObject:
        """The answer to the prompt. Raises RequestRefused, BadParams, TurnFailed."""
        while self._turn is not None:
            if not self._turn.cancelled:
                raise RequestRefused("a prompt is running in this session: cancel it first")
            await asyncio.wait([self._turn.over])
        turn = self._turn = _Turn()
        try:
            return await self._run(turn, blocks)
        finally:
            self._turn = None
            turn.end()

    async def cancel(self) -> None:
        """End the prompt that runs, if one does."""
        turn = self._turn
        if turn is None:
            return
        turn.cancelled = True
        if turn.begun:
            # a turn that has just ended cannot be interrupted, and need not be
            with contextlib.suppress(RequestRefused):
                await self._agent.submit(InterruptTurn(self.id), self._client)

    async def end(self) -> None:
        """Cancel, and wait until the prompt was answered."""
        turn = self._turn
        if turn is not None:
            await self.cancel()
            await asyncio.wait([turn.over])

    async def _run(self, turn: _Turn, blocks: Sequence[Any]) -> JsonObject:
        compacts = acp_content.compacts(blocks)
        said = () if compacts else acp_content.content(blocks, self.skills)
        if self.id not in self._agent.loaded_ids():
            await self._agent.submit(ResumeThread(self.id), self._client)
        if turn.cancelled:
            return {"stopReason": "cancelled"}
        unsaid, self._unsaid = self._unsaid, []
        self._put(unsaid)
        turn.begun = True
        op = CompactThread(self.id) if compacts else StartTurn(self.id, said, self._pending, client_id=None)
        await self._agent.submit(op, self._client)
        if not compacts:
            self._pending = Overrides()
        if turn.cancelled:
            await self.cancel()
        return self._answer(turn, await turn.ended)

    def _answer(self, turn: _Turn, ended: e.TurnCompleted) -> JsonObject:
        usage = {"usage": acp_project.usage(turn.usage)} if turn.usage.total_tokens else {}
        if turn.cancelled or ended.status == "interrupted":
            return {"stopReason": "cancelled"} | usage
        if ended.status == "completed":
            return {"stopReason": "max_tokens" if turn.cut else "end_turn"} | usage
        error = ended.error or e.ErrorInfo("The turn failed.")
        if error.code == "policy":
            self._put([self._updates.note(error.message)])
            return {"stopReason": "refusal"} | usage
        raise TurnFailed(error)

    # runtime.ports.Client

    @property
    def _client(self) -> Session:
        return self

    def notify(self, events: Sequence[e.Event]) -> None:
        now = time.monotonic()
        told: list[JsonObject] = []
        for event in events:
            if isinstance(event, e.SkillsChanged) and self._looking is None:
                self._looking = asyncio.ensure_future(self._look())
            updates = self._updates.of(event, now)
            if self._turn is not None:
                self._turn.see(event)
            elif isinstance(event, _ASIDES):
                # they belong to a turn: an editor draws nothing of a session that has none
                self._unsaid = [*self._unsaid, *updates][-MAX_UNSAID:]
                continue
            told += updates
        self._put(told)
        if self._updates.waiting and self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(acp_project.INTERVAL, self._flush)

    async def ask(self, asked: Asked) -> Decision:
        if not self.id:
            return DECLINE
        try:
            return await self._answered(asked)
        except ConnectionError:
            # the editor is gone: no model need hear of it
            return CANCEL
        except _request_error():
            return DECLINE

    async def _answered(self, asked: Asked) -> Decision:
        match asked:
            case Approval():
                outcome = await self._permission(acp_questions.permission(asked))
                decision = acp_questions.decided(asked, outcome)
                if closing := acp_questions.closing(asked, decision):
                    self._put([closing])
                return decision
            case Question():
                return await self._question(asked)
            case Elicitation():
                return await self._elicitation(asked)

    async def _question(self, asked: Question) -> Decision:
        if self._editor.forms and not any(part.secret for part in asked.parts):
            return acp_questions.filled(asked, await self._form(asked))
        if not acp_questions.answerable(asked.parts):
            self._put([self._updates.note(f"The agent asked: {asked.parts[0].question}" if asked.parts else "The agent asked.")])
            return DECLINE
        found: JsonObject = {}
        for part in asked.parts:
            outcome = await self._permission(acp_questions.choosing(asked, part))
            if acp_questions.cancelled(outcome):
                return Decision("cancel")
            if label := acp_questions.choice(part, outcome):
                found[part.id] = [label]
        return Decision("accept", content=found) if found else DECLINE

    async def _elicitation(self, asked: Elicitation) -> Decision:
        if self._editor.urls if asked.url is not None else self._editor.forms:
            return acp_questions.filled(asked, await self._form(asked))
        if asked.url is None and asked.schema.get("properties"):
            self._put([self._updates.note(f"{asked.server} asks what this editor cannot show: {asked.message}")])
            return DECLINE
        return acp_questions.agreed(await self._permission(acp_questions.agreeing(asked)))

    async def _permission(self, params: JsonObject) -> Any:
        answer = await self._request("session/request_permission", {"sessionId": self.id, **params})
        return answer.get("outcome") if isinstance(answer, dict) else None  # type: ignore[union-attr]

    async def _form(self, asked: Question | Elicitation) -> Any:
        return await self._request("elicitation/create", {"sessionId": self.id, **acp_questions.form(asked)})

    # out

    async def _look(self) -> None:
        """Other skills are there: the user may say other commands."""
        try:
            _, skills = await self._agent.info("skills", cwd=self.folder)
            self.skills = skills
            self._put([acp_project.commands(skills)])
        finally:
            self._looking = None

    def _flush(self) -> None:
        self._flushing = None
        self._put(self._updates.due(time.monotonic()))

    def _put(self, updates: Sequence[JsonObject]) -> None:
        if self._held is not None:
            self._held = [*self._held, *updates][-MAX_HELD:]
            return
        for update in updates:
            self._tell(self.id, update)


class _Turn:
    """A prompt under way."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[e.TurnCompleted] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self.cancelled = False
        self.begun = False
        self.cut = False
        "The provider ended the last answer for its length."
        self.usage = Usage()

    def see(self, event: e.Event) -> None:
        match event:
            case e.UsageUpdated():
                self.usage += event.last
            case e.WarningReported(code=e.CUT_SHORT):
                self.cut = True
            case e.RequestCounted():
                # it is told before what its answer said
                self.cut = False
            case e.TurnCompleted() if not self.ended.done():
                self.ended.set_result(event)
            case _:
                pass

    def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


def _request_error() -> type[Exception]:
    from acp.exceptions import RequestError  # noqa: PLC0415

    return RequestError
