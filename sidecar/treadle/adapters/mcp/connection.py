"""One MCP server as long as Treadle runs: connected in the background, and again, after growing pauses, when it was lost.

The session lives in a task of its own, because it must be left in the task that entered it. Whatever the server does, a caller
gets a result or one sentence, and within a bounded time; no call is made twice; a child never outlives `close`.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ...core.errors import ToolFailure, TreadleError
from ...core.items import JsonObject
from ...core.mcp import Look, McpTool
from ...core.record import frozen
from ...core.settings import McpServer
from ...runtime.ports import Inquire
from ..environment import secrets_in
from ..warden import Warden
from .cache import Offer, ToolCache
from .journal import Journal
from .talk import Talk
from .tokens import TokenFile
from .words import LastWords

if TYPE_CHECKING:
    from .session import Session

State: TypeAlias = Literal["idle", "starting", "ready", "failed"]
CLOSE_TIMEOUT = 8.0
"The package asks, waits, terminates and kills, two seconds each."
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"Seconds before a server that was lost is started again by itself; then only when it is called."
STEADY = 60.0
"Seconds after which a server counts as running well: the pauses begin anew."
LAST_WORDS_TIMEOUT = 2.0
RELIST_PAUSE = 0.25
"Seconds at least between two lists of a server that says again and again that its list has changed."
_LAST_LINE = 300


class Lost(TreadleError):
    """The server went away while it was wanted."""


class LoginNeeded(TreadleError):
    """The server lets nobody in without a login, or not with the one that we have."""


@frozen
class Reach:
    """A server, and what it takes to reach it."""

    server: McpServer
    cwd: str
    own: Mapping[str, str] = field(repr=False)
    "Our own variables, of which it gets those that its table names."
    words: LastWords
    warden: Warden
    tokens: TokenFile | None = None


class Connection:
    """`changed` is called after every change of `state` or of what it offers."""

    def __init__(
        self,
        server: McpServer,
        cwd: str,
        own: Mapping[str, str],
        cache: ToolCache,
        changed: Callable[[Connection], None],
        *,
        outside: Inquire,
        warden: Warden,
        tokens: TokenFile | None = None,
        pauses: Sequence[float] = PAUSES,
        journal: Journal | None = None,
    ) -> None:
        self.server = server
        self._journal = journal or Journal()
        self.state: State = "idle"
        self.error: str | None = None
        self.login_needed = False
        self.attempt = 0
        self.retry_in: float | None = None
        self._offer = cache.read(server)
        self._cwd = cwd
        self._own = own
        self._cache = cache
        self._changed = changed
        self._outside = outside
        self._warden = warden
        self._tokens = tokens
        self._pauses = pauses
        self._was_ready = False
        self._timer: asyncio.TimerHandle | None = None
        self._ready: asyncio.Future[Session] | None = None
        self._task: asyncio.Task[None] | None = None
        self._previous: asyncio.Task[None] | None = None
        "The one before, which may still be ending its child."
        self._wake = asyncio.Event()
        self._closing = False

    @property
    def tools(self) -> tuple[McpTool, ...] | None:
        """As it listed them last, in this process or an earlier one; None when it was never seen."""
        return self._offer.tools if self._offer else None

    @property
    def resources(self) -> bool:
        return bool(self._offer and self._offer.resources)

    def begin(self) -> asyncio.Future[Session]:
        """Connect, unless that is done or under way."""
        if self._closing:
            raise TreadleError("it was stopped")
        if self._ready is None:
            self._stop_timer()
            self._ready = asyncio.get_running_loop().create_future()
            # nobody may be waiting for it
            self._ready.add_done_callback(lambda done: done.cancelled() or done.exception())
            self.state, self.error, self.login_needed = "starting", None, False
            self._previous = self._task
            self._task = asyncio.create_task(self._live(self._ready, self._previous), name=f"mcp {self.server.name}")
        return self._ready

    async def call(
        self, server: McpServer, tool: str, arguments: JsonObject, say: Callable[[str], None], ask: Inquire | None
    ) -> JsonObject:
        """The result of a call. Raises ToolFailure with words for the model."""
        return await self._use(server, tool, ask, say, lambda session, talk: session.call(tool, arguments, talk))

    async def look(self, server: McpServer, wanted: Look, ask: Inquire | None) -> JsonObject:
        """What it answers about its resources. Raises like `call`."""
        what = {"resources": "The list of resources", "templates": "The list of resource templates"}
        subject = what.get(wanted.what, f"Reading {wanted.uri[:200]}")
        return await self._use(server, subject, ask, lambda said: None, lambda session, talk: session.look(wanted, talk))

    async def _use(
        self,
        server: McpServer,
        subject: str,
        ask: Inquire | None,
        say: Callable[[str], None],
        use: Callable[[Session, Talk], Awaitable[JsonObject]],
    ) -> JsonObject:
        name = server.name
        try:
            session = await asyncio.shield(self.begin())
        except TreadleError as error:
            raise ToolFailure(f"MCP server {name} is not connected: {error.sentence()}") from error
        try:
            async with asyncio.timeout(server.tool_timeout) as limit:
                return await use(session, Talk(ask, limit, say))
        except TimeoutError as error:
            raise ToolFailure(
                f"{subject} of the MCP server {name} did not answer within {server.tool_timeout:g} s; the call was cancelled."
            ) from error
        except Lost as error:
            why = await self._lose(session)
            if self.login_needed:
                raise ToolFailure(f"MCP server {name} is not connected: {why}") from error
            raise ToolFailure(
                f"MCP server {name} stopped while it worked on {subject}{f' ({why})' if why else ''}; whether the call took "
                "effect is not known. It is started again with the next call."
            ) from error
        except TreadleError as error:
            raise ToolFailure(f"{subject} of the MCP server {name} failed: {error.sentence()}") from error

    async def close(self) -> None:
        """End the session and the child."""
        self._closing = True
        self._stop_timer()
        self._wake.set()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT if self.state == "ready" else 0)
            if late:
                if not self._task.cancelling():  # a second time would cut short how it ends its child
                    self._task.cancel()
                before = () if self._previous is None else (self._previous,)
                await asyncio.wait([self._task, *before], timeout=CLOSE_TIMEOUT)

    async def _lose(self, session: Session) -> str:
        """This session is dead: the next call begins another. Why, where that is known soon."""
        task = self._task
        if self._ready is not None and self._ready.done() and not self._ready.exception() and self._ready.result() is session:
            self._ready = None
        self._wake.set()
        if task is not None:
            await asyncio.wait([task], timeout=LAST_WORDS_TIMEOUT)
        return self.error or "" if self.state == "failed" else ""

    def _set(self, state: State, error: str | None = None) -> None:
        self.state, self.error = state, error
        if not self._closing:
            self._journal.noted(_noted(state, error, self.tools))
            self._changed(self)

    def _fail(self, problem: TreadleError) -> None:
        """Say so; one that has worked before is started again by itself after a while."""
        self.attempt += 1
        self.login_needed = isinstance(problem, LoginNeeded)
        again = self._was_ready and not self.login_needed and self.attempt <= len(self._pauses) and not self._closing
        self.retry_in = self._pauses[self.attempt - 1] if again else None
        if self.retry_in is not None:
            self._timer = asyncio.get_running_loop().call_later(self.retry_in, self._again)
        self._set("failed", problem.sentence())

    def _again(self) -> None:
        self._timer = None
        if not self._closing:
            self.begin()

    def _stop_timer(self) -> None:
        self.retry_in = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _live(self, ready: asyncio.Future[Session], previous: asyncio.Task[None] | None) -> None:
        try:
            if previous is not None:
                await asyncio.wait([previous])
            await self._serve(ready)
        finally:
            # also when it was closed before it began: whoever waits would wait for ever
            if not ready.done():
                ready.set_exception(TreadleError("it was stopped"))

    async def _serve(self, ready: asyncio.Future[Session]) -> None:
        # not earlier: who asked for the server may not be listening yet
        self._set("starting")
        code, problem = None, None
        words = LastWords(self.server.name, _secrets(self.server, self._own), self._journal.said)
        began = asyncio.get_running_loop().time()
        try:
            code = await asyncio.to_thread(importlib.import_module, f"{__package__}.session")
            await self._converse(ready, code, words)
            if not self._closing:
                problem = TreadleError("it stopped unexpectedly")
        except asyncio.CancelledError:
            raise
        except TimeoutError:
            problem = TreadleError(f"it was not ready within {self.server.startup_timeout:g} s (startup_timeout_sec)")
        except Exception as error:
            problem = code.reason(error) if code else TreadleError(str(error))
        finally:
            said = words.text().rpartition("\n")[2][-_LAST_LINE:]
            words.close()
            if problem and said and not isinstance(problem, LoginNeeded):
                problem = TreadleError(f"{problem.sentence()}; its last words: {said}")
            if self._ready is ready:
                self._ready = None
            if asyncio.get_running_loop().time() - began > STEADY:
                self.attempt = 0
            if not ready.done():
                ready.set_exception(problem or TreadleError("it was stopped"))
        if problem and self._ready is None:
            self._fail(problem)

    async def _converse(self, ready: asyncio.Future[Session], code: Any, words: LastWords) -> None:
        """Until the server is gone or we close."""
        stale, gone = asyncio.Event(), asyncio.Event()

        def noticed(what: asyncio.Event) -> None:
            what.set()
            if what is gone and self._ready is ready and ready.done():
                self._ready = None
            self._wake.set()

        async with asyncio.timeout(self.server.startup_timeout) as limit:
            reach = Reach(self.server, self._cwd, self._own, words, self._warden, self._tokens)
            opened = code.open_session(reach, gone=lambda: noticed(gone), changed=lambda: noticed(stale), outside=self._outside)
            async with opened as session:
                self._listed(Offer(await session.tools(), session.resources))
                limit.reschedule(None)
                ready.set_result(session)
                self._was_ready = True
                self._set("ready")
                while not (self._closing or gone.is_set() or self._ready is not ready):
                    if stale.is_set():
                        stale.clear()
                        self._listed(Offer(await session.tools(), session.resources))
                        self._set("ready")
                        await asyncio.sleep(RELIST_PAUSE)
                    await self._wake.wait()
                    self._wake.clear()

    def _listed(self, offer: Offer) -> None:
        if offer != self._offer:
            self._offer = offer
            self._cache.write(self.server, offer)


def _noted(state: State, error: str | None, tools: tuple[McpTool, ...] | None) -> str:
    if state == "ready":
        return f"connected, {len(tools or ())} tools"
    return f"{state}: {error}" if error else state


def _secrets(server: McpServer, own: Mapping[str, str]) -> tuple[str, ...]:
    """What its words may not be repeated with: the values that its table gives it."""
    given = (own[name] for name in server.env_vars if name in own)
    return (*(value for _, value in server.env), *given, *secrets_in(server.args))
