"""The methods of the Agent Client Protocol, one short function each, as the package's router calls them. Decides nothing.

Every failure is answered with a sentence for the user, none with a stack trace. Sessions are threads: what is opened here can be
opened by every other door, by one process at a time.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from acp.exceptions import RequestError

from ..core.errors import RequestRefused, TreadleError
from ..core.events import ErrorInfo
from ..core.items import JsonObject
from ..core.keeping import DeleteThread
from ..core.ops import ForkThread, ListThreads, Overrides, ReadThread, ResumeThread, StartThread
from . import acp_project, acp_settings
from .acp_buffers import AcpBuffers
from .acp_hello import API_KEY, Editor, hello
from .acp_session import Request, Session, Tell, TurnFailed
from .handshake import BadParams

if TYPE_CHECKING:
    from ..runtime.agent import Agent
    from ..runtime.answers import ThreadPage, ThreadState

_log = logging.getLogger(__name__)
AUTH_REQUIRED, NOT_FOUND = -32000, -32002
_PAGE = 50
P = ParamSpec("P")
R = TypeVar("R")


def _answered(
    method: Callable[Concatenate[AcpAgent, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[AcpAgent, P], Coroutine[Any, Any, R]]:
    """The method, with failures in the protocol's words."""

    @wraps(method)
    async def answered(self: AcpAgent, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.editor is None:
            raise RequestError(-32600, "Not initialized")
        try:
            return await method(self, *args, **kwargs)
        except BadParams as error:
            raise RequestError(-32602, f"Invalid params: {error}", {"path": error.path}) from error
        except TurnFailed as failed:
            raise _of_turn(failed.error) from failed
        except RequestRefused as error:
            raise RequestError(error.code, error.sentence(), error.data) from error
        except TreadleError as error:
            raise RequestError(-32603, error.sentence(), {"details": error.details} if error.details else None) from error
        except (RequestError, asyncio.CancelledError):
            raise
        except Exception as error:
            _log.exception("%s", method.__name__)
            raise RequestError(-32603, "Treadle failed inside while it served this; its log has the details.") from error

    return answered


class AcpAgent:
    """What the package calls an Agent: names and parameters of its methods are the package's."""

    def __init__(self, open_agent: Callable[[], Awaitable[Agent]], tell: Tell, request: Request) -> None:
        self._open_agent = open_agent
        self._tell = tell
        self._request = request
        self._agent: asyncio.Future[Agent] | None = None
        self._sessions: dict[str, Session] = {}
        self._opening: set[str] = set()
        self.editor: Editor | None = None

    def greet(self, editor: Editor) -> None:
        """The editor has been answered. The agent begins to load."""
        self.editor = editor
        self._load()

    async def settled(self) -> None:
        """The agent is loaded, or could not be."""
        if self._agent is not None:
            await asyncio.wait([self._agent])

    async def close(self) -> None:
        """The editor is gone."""
        opening, self._agent = self._agent, None
        if opening is None:
            return
        try:
            agent = await opening
        except Exception:
            return
        await agent.stop()
        agent.lend(None)
        for session in self._sessions.values():
            agent.drop(session)
        await agent.close()

    # the package's methods

    async def initialize(self, protocol_version: int, **more: Any) -> JsonObject:
        if self.editor is not None:
            raise RequestError(-32600, "Already initialized")
        said = {"protocolVersion": protocol_version}
        for name, key in (("client_capabilities", "clientCapabilities"), ("client_info", "clientInfo")):
            if more.get(name) is not None:
                said[key] = more[name].model_dump(by_alias=True, exclude_none=True)
        editor, answer = hello(said)
        self.greet(editor)
        return answer

    @_answered
    async def authenticate(self, method_id: str, **_: Any) -> JsonObject:
        if method_id != API_KEY:
            raise BadParams("methodId", f"there is no method {method_id!r}")
        agent = await self._load()
        problem = (await agent.info("doctor")).get("keyProblem")
        if problem:
            raise RequestError(AUTH_REQUIRED, f"{problem} Then start the agent again.")
        return {}

    @_answered
    async def new_session(self, **given: Any) -> JsonObject:
        overrides = _overrides(given)
        session = await self._session()
        op = StartThread(overrides, originator=self._originator)
        state = cast("ThreadState", await (await self._load()).submit(op, session))
        await self._opened(session, state)
        return {"sessionId": session.id, **session.said()}

    @_answered
    async def load_session(self, session_id: str, **given: Any) -> JsonObject:
        session = await self._resumed(session_id, _overrides(given))
        session.replay()
        return session.said()

    @_answered
    async def resume_session(self, session_id: str, **given: Any) -> JsonObject:
        return (await self._resumed(session_id, _overrides(given))).said()

    @_answered
    async def list_sessions(self, cwd: str | None = None, cursor: str | None = None, **_: Any) -> JsonObject:
        agent = await self._load()
        cwds = () if cwd is None else (os.path.realpath(cwd),)  # noqa: ASYNC240 - one folder, before a query
        op = ListThreads(cursor=cursor, limit=_PAGE, cwds=cwds, by_update=True)
        page = cast("ThreadPage", await agent.submit(op, await self._session()))
        more = {"nextCursor": page.next_cursor} if page.next_cursor else {}
        return {"sessions": [acp_project.session_info(state) for state in page.threads], **more}

    @_answered
    async def fork_session(self, session_id: str, **given: Any) -> JsonObject:
        overrides = _overrides(given)
        known, session = await self._kept(session_id), await self._session()
        overrides = acp_settings.without_old_servers(overrides, known.meta.settings)
        op = ForkThread(session_id, overrides, originator=self._originator)
        await self._opened(session, cast("ThreadState", await (await self._load()).submit(op, session)))
        return {"sessionId": session.id, **session.said()}

    @_answered
    async def delete_session(self, session_id: str, **_: Any) -> JsonObject:
        await self._kept(session_id)
        session = self._sessions.pop(session_id, None)
        if session is not None:
            await session.end()
        await (await self._load()).submit(DeleteThread(session_id), session or await self._session())
        return {}

    @_answered
    async def close_session(self, session_id: str, **_: Any) -> JsonObject:
        session = self._known(session_id)
        await session.end()
        (await self._load()).unsubscribe(session_id, session)
        del self._sessions[session_id]
        return {}

    @_answered
    async def set_session_mode(self, session_id: str, mode_id: str, **_: Any) -> JsonObject:
        session = self._known(session_id)
        session.set_mode(mode_id)
        session.mode_changed()
        return {}

    @_answered
    async def set_config_option(self, session_id: str, config_id: str, value: str | bool, **_: Any) -> JsonObject:
        session = self._known(session_id)
        session.set_option(config_id, value)
        return {"configOptions": session.options()}

    @_answered
    async def prompt(self, session_id: str, prompt: Sequence[Any], **_: Any) -> JsonObject:
        return await self._known(session_id).prompt(prompt)

    async def cancel(self, session_id: str, **_: Any) -> None:
        if session_id in self._sessions:
            await self._sessions[session_id].cancel()

    # sessions

    def _known(self, session_id: str) -> Session:
        session = self._sessions.get(session_id)
        if session is None:
            raise RequestError(NOT_FOUND, f"no session with the id {session_id} is open: load it first")
        return session

    async def _kept(self, session_id: str) -> ThreadState:
        """What the store has of it, whoever has it open."""
        agent = await self._load()
        try:
            return cast("ThreadState", await agent.submit(ReadThread(session_id), await self._session()))
        except RequestRefused as error:
            raise RequestError(NOT_FOUND, error.sentence()) from error

    @property
    def _originator(self) -> str:
        return f"acp:{self.editor.name}" if self.editor else "acp"

    async def _session(self) -> Session:
        assert self.editor is not None
        return Session(await self._load(), self.editor, self._tell, self._request)

    async def _resumed(self, session_id: str, overrides: Overrides) -> Session:
        before = self._sessions.get(session_id)
        if session_id in self._opening or (before is not None and before.running):
            raise RequestRefused("this session is at work here: cancel its prompt first")
        self._opening.add(session_id)
        try:
            agent, session = await self._load(), await self._session()
            known = await self._kept(session_id)
            overrides = acp_settings.without_old_servers(overrides, known.meta.settings)
            state = cast("ThreadState", await agent.submit(ResumeThread(session_id, overrides), session))
            if before is not None:
                agent.unsubscribe(session_id, before)
            await self._opened(session, state)
        finally:
            self._opening.discard(session_id)
        return session

    async def _opened(self, session: Session, state: ThreadState) -> None:
        agent = await self._load()
        models = await agent.info("models", cwd=state.meta.cwd)
        _, skills = await agent.info("skills", cwd=state.meta.cwd)
        session.opened(state, models, skills)
        self._sessions[session.id] = session
        # from here to the answer's leaving nothing waits: by then the editor knows the id
        asyncio.get_running_loop().call_soon(session.known)

    def _load(self) -> asyncio.Future[Agent]:
        """The agent, loading; once more when it could not be loaded before."""
        if self._agent is None or (self._agent.done() and self._agent.exception() is not None):
            self._agent = asyncio.ensure_future(self._opened_agent())
            # an error is told to whoever asks; nobody may have asked yet
            self._agent.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._agent

    async def _opened_agent(self) -> Agent:
        agent = await self._open_agent()
        if self.editor is not None and self.editor.reads:
            agent.lend(AcpBuffers(self.editor, self._request, self._session_of))
        return agent

    def _session_of(self, path: str) -> str | None:
        """The session with a prompt under way, or else any, that has the path in its folder; the innermost folder first."""
        found = [session for session in self._sessions.values() if session.holds(path)]
        best = max(found, key=lambda session: (session.running, len(session.folder)), default=None)
        return best.id if best else None


def _overrides(given: JsonObject) -> Overrides:
    """What a client says of the session that it opens."""
    cwd, folders = given["cwd"], given.get("additional_directories") or ()
    for path, field in ((cwd, "cwd"), *((folder, "additionalDirectories") for folder in folders)):
        if not os.path.isabs(path):
            raise BadParams(field, "expected an absolute path")
    servers = acp_settings.servers(given.get("mcp_servers") or ())
    return Overrides(cwd=cwd, roots=tuple(folders) or None, config=servers)


def _of_turn(error: ErrorInfo) -> RequestError:
    data = {"kind": error.code, "status": error.status, "details": error.details}
    code = AUTH_REQUIRED if error.code == "unauthorized" else -32603
    return RequestError(code, error.message, {name: value for name, value in data.items() if value is not None})
