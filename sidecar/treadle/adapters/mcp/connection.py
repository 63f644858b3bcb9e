"""One MCP server as long as Treadle runs: connected in the background, again when it is called after it was lost.

The session lives in a task of its own, because it must be left in the task that entered it. Whatever the server does, a caller
gets a result or one sentence, and within a bounded time; a child never outlives `close`.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ...core.errors import ToolFailure, TreadleError
from ...core.items import JsonObject
from ...core.mcp import McpTool
from ...core.settings import McpServer
from .cache import ToolCache
from .words import LastWords

if TYPE_CHECKING:
    from .session import Session

State: TypeAlias = Literal["idle", "starting", "ready", "failed"]
CLOSE_TIMEOUT = 8.0
"The package asks, waits, terminates and kills, two seconds each."
_LAST_LINE = 300


class Lost(TreadleError):
    """The server went away while it was wanted."""


class Connection:
    """`changed` is called after every change of `state` or `tools`."""

    def __init__(
        self, server: McpServer, cwd: str, own: Mapping[str, str], cache: ToolCache, changed: Callable[[Connection], None]
    ) -> None:
        self.server = server
        self.state: State = "idle"
        self.error: str | None = None
        self.tools = cache.read(server)
        "As it listed them last, in this process or an earlier one; None when it was never seen."
        self._cwd = cwd
        self._own = own
        self._cache = cache
        self._changed = changed
        self._ready: asyncio.Future[Session] | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = False

    def begin(self) -> asyncio.Future[Session]:
        """Connect, unless that is done or under way."""
        if self._closing:
            raise TreadleError("it was stopped")
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            # nobody may be waiting for it
            self._ready.add_done_callback(lambda done: done.cancelled() or done.exception())
            self.state, self.error = "starting", None
            self._task = asyncio.create_task(self._live(self._ready, self._task), name=f"mcp {self.server.name}")
        return self._ready

    async def call(self, server: McpServer, tool: str, arguments: JsonObject, say: Callable[[str], None]) -> JsonObject:
        """The result of a call. Raises ToolFailure with words for the model."""
        name = server.name
        try:
            session = await asyncio.shield(self.begin())
        except TreadleError as error:
            raise ToolFailure(f"MCP server {name} is not connected: {error.sentence()}") from error
        try:
            async with asyncio.timeout(server.tool_timeout):
                return await session.call(tool, arguments, say)
        except TimeoutError as error:
            raise ToolFailure(
                f"{tool} of the MCP server {name} did not answer within {server.tool_timeout:g} s; the call was cancelled."
            ) from error
        except Lost as error:
            self._forget(session)
            raise ToolFailure(
                f"MCP server {name} stopped while it worked on {tool}; whether the call took effect is not known. "
                "It is started again with the next call."
            ) from error
        except TreadleError as error:
            raise ToolFailure(f"{tool} of the MCP server {name} failed: {error.sentence()}") from error

    async def close(self) -> None:
        """End the session and the child."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT if self.state == "ready" else 0)
            if late:
                self._task.cancel()
                await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT)

    def _forget(self, session: Session) -> None:
        """This session is dead: the next call begins another."""
        if self._ready is not None and self._ready.done() and not self._ready.exception() and self._ready.result() is session:
            self._ready = None
        self._wake.set()

    def _set(self, state: State, error: str | None = None) -> None:
        self.state, self.error = state, error
        if not self._closing:
            self._changed(self)

    async def _live(self, ready: asyncio.Future[Session], previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        # not earlier: who asked for the server may not be listening yet
        self._set("starting")
        words, code, problem = LastWords(), None, None
        try:
            code = await asyncio.to_thread(importlib.import_module, f"{__package__}.session")
            await self._converse(ready, code, words)
            if not self._closing:
                problem = "it stopped unexpectedly"
        except asyncio.CancelledError:
            raise
        except TimeoutError:
            problem = f"it was not ready within {self.server.startup_timeout:g} s (startup_timeout_sec)"
        except Exception as error:
            problem = str(code.reason(error) if code else error)
        finally:
            said = words.text().rpartition("\n")[2][-_LAST_LINE:]
            words.close()
            if problem and said:
                problem = f"{problem}; its last words: {said}"
            if self._ready is ready:
                self._ready = None
            if not ready.done():
                ready.set_exception(TreadleError(problem or "it was stopped"))
        if problem and self._ready is None:
            self._set("failed", problem)

    async def _converse(self, ready: asyncio.Future[Session], code: Any, words: LastWords) -> None:
        """Until the server is gone or we close."""
        stale, gone = asyncio.Event(), asyncio.Event()

        def noticed(what: asyncio.Event) -> None:
            what.set()
            if what is gone and self._ready is ready and ready.done():
                self._ready = None
            self._wake.set()

        async with asyncio.timeout(self.server.startup_timeout) as limit:
            opened = code.open_session(
                self.server, self._cwd, self._own, words, gone=lambda: noticed(gone), changed=lambda: noticed(stale)
            )
            async with opened as session:
                self._listed(await session.tools())
                limit.reschedule(None)
                ready.set_result(session)
                self._set("ready")
                while not (self._closing or gone.is_set() or self._ready is not ready):
                    if stale.is_set():
                        stale.clear()
                        self._listed(await session.tools())
                        self._set("ready")
                    await self._wake.wait()
                    self._wake.clear()

    def _listed(self, tools: tuple[McpTool, ...]) -> None:
        if tools != self.tools:
            self.tools = tools
            self._cache.write(self.server, tools)
