"""One client of ours: its requests in; answers, events and questions out. The same for every door that speaks the protocol.

Order: the answer to a request leaves before any event that the request caused. Requests that name the same thread are taken one
after the other. What is under way is bounded: past MAX_IN_FLIGHT requests, or MAX_IN_FLIGHT_BYTES of them, one is refused with
-32001. A client that is gone answers every question with decline.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.asking import DECLINE, Asked, Decision
from ..core.errors import RequestRefused, TreadleError
from ..core.events import Event, HunksChanged, ProgressReported
from ..core.items import JsonObject
from . import questions, unusable
from .framing import Framing
from .handshake import BadParams, Handshake, shake
from .project import Projector, compact
from .warming import Warming

if TYPE_CHECKING:
    from ..runtime.agent import Agent
    from ..runtime.ports import Buffers

_log = logging.getLogger(__name__)
MAX_IN_FLIGHT = 256
OVERLOADED = -32001
MAX_IN_FLIGHT_BYTES = 128 * 1024 * 1024
"As they came; one alone may be as large as a message may be."
LONGEST_ID = 256
"What is longer names no thread."
MAX_HELD = 10_000
MAX_KNOWN = 10_000
"Threads that the client has named. Of more than these none is remembered, which holds back events for a moment at most."
_GRACE, _PATIENCE = 0.5, 5.0
"Seconds that requests have to end when the client is gone: by themselves; with its commands ended, and once more when cancelled."
OpenAgent: TypeAlias = "Callable[[], Awaitable[Agent]]"
_OPENING = ("thread/start", "thread/resume")
_SAYING = ("turn/start", "turn/steer")


class Connection:
    """Implements runtime.ports.Client."""

    def __init__(self, framing: Framing, put: Callable[[bytes], None], open_agent: OpenAgent) -> None:
        self._framing = framing
        self._put = put
        self._open_agent = open_agent
        self._agent: asyncio.Future[Agent] | None = None
        self._handshake: Handshake | None = None
        self._projector = Projector(framing.head, stamped=framing.stamped)
        self._warming = Warming(self._load)
        self._in_flight: dict[str | int, asyncio.Task[None]] = {}
        self._sizes: dict[str | int, int] = {}
        self._lanes: dict[str, tuple[asyncio.Lock, set[str | int]]] = {}
        "By thread: requests that name it, one of which is served."
        self._turnstile = asyncio.Lock()
        "For requests that need more than a start has loaded."
        self._ids = itertools.count()
        self._pending: dict[str | int, asyncio.Future[Any]] = {}
        self._threads: set[str] = set()
        self._opening = 0
        self._held: list[Event] = []
        self._closed = False
        self.buffers: Buffers | None = None
        "What the client, an editor, has open; lent to the agent while the connection lasts."
        self.used: str | None = None
        "The thread that the client has opened or said something in last."
        self.overhear: Callable[[Sequence[Event]], None] | None = None
        "A listener of the door's own."
        self.unheard = False
        "Hunks have changed, or a thread with some was opened, before anybody listened."
        self.resumed: Callable[[], None] | None = None
        "Called when a thread was opened again: what is kept of it can be shown from now on."

    # what the client sends

    def greet(self, handshake: Handshake) -> None:
        """The client has been answered. The agent begins to load."""
        self._handshake = handshake
        self._projector.silenced = frozenset(handshake.silenced)
        self._load()

    def receive(self, message: Any, size: int = 0) -> None:
        """One message, of so many bytes. Never raises."""
        if (problem := unusable.message(message)) is not None:
            id: Any = message.get("id") if isinstance(message, dict) and "method" not in message else None  # type: ignore[union-attr]
            if self.has_asked(id):
                # JSON has no word for the `undefined` that a client answered with; the question must not stay open for it
                self._answered(id, {})
            else:
                self._fail(None, -32600, f"Invalid request: {problem}")
            return
        given: JsonObject = message
        id = given.get("id")
        if "method" not in given:
            self._answered(id, given)
        elif id is None:
            self._noted(given["method"], given.get("params"))
        else:
            self._asked(id, given["method"], given.get("params"), size)

    def malformed(self, problem: str) -> None:
        """The client sent something that is no JSON."""
        self._fail(None, -32700, f"Parse error: {problem}")

    def cancel(self, id: Any) -> None:
        """The client does not want the answer any more."""
        if self.serves(id):
            # after its first step: a task that is cancelled before that never comes to its answer
            asyncio.get_running_loop().call_soon(self._in_flight[id].cancel)

    async def settled(self) -> None:
        """The agent is loaded, or could not be."""
        await asyncio.wait([self._load()])

    async def agent(self) -> Agent:
        """Loaded. Raises what loading it raised."""
        # all wait for the same one: who is cancelled meanwhile leaves it to the others
        return await asyncio.shield(self._load())

    @property
    def client(self) -> str:
        """What the client calls itself."""
        return self._handshake.client if self._handshake is not None else "unknown"

    def serves(self, id: Any) -> bool:
        """Whether this request is under way."""
        return isinstance(id, (str, int)) and id in self._in_flight

    def has_asked(self, id: Any) -> bool:
        """Whether this question of ours is open."""
        return isinstance(id, (str, int)) and id in self._pending

    async def close(self) -> None:
        """The client is gone: let short requests end, leave what is open to another process, close the agent."""
        # on a slow start these have not begun; loading comes to its end, and is waited for in any case
        if self._in_flight and (loading := [*self._warming.loading(), *([self._agent] if self._agent is not None else [])]):
            await asyncio.wait(loading)
        if self._in_flight:
            await asyncio.wait(list(self._in_flight.values()), timeout=_GRACE)
        if self._agent is not None and self._agent.done() and self._agent.exception() is None:
            self._agent.result().end_commands(self)
        if self._in_flight:
            await asyncio.wait(list(self._in_flight.values()), timeout=_PATIENCE)
        self._closed = True
        self._warming.close()
        agent = await self._opened()
        if agent is not None:  # what waits for an answer is left open for another process, and not declined
            await agent.stop()
        for question in self._pending.values():
            if not question.done():
                question.set_result(None)
        await self._cut_short()
        if agent is not None:
            if self.buffers is not None:
                agent.lend(None)
            agent.drop(self)
            await agent.close()

    async def _cut_short(self) -> None:
        """Cancel what is still under way. It is over before the agent is closed, unless it does not let itself be cancelled."""
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)

    async def _opened(self) -> Agent | None:
        """The agent that is to be closed."""
        opening, self._agent = self._agent, None
        try:
            return await opening if opening is not None else None
        except Exception:
            return None

    # what the agent says: runtime.ports.Client

    def notify(self, events: Sequence[Event]) -> None:
        if self._closed or not events:
            return
        if self.overhear is not None:
            self.overhear(events)
        elif not self.unheard:
            self.unheard = any(type(event) is HunksChanged for event in events)
        first = events[0]
        thread_id = None if isinstance(first, ProgressReported) else first.thread_id
        if self._opening and thread_id is not None and thread_id not in self._threads:
            self._held = [*self._held, *events][-MAX_HELD:]
            return
        texts = self._projector.texts(events, _now())
        if texts:
            self._put(self._framing.frame(texts))

    async def ask(self, asked: Asked) -> Decision:
        if self._closed:
            return DECLINE
        id = next(self._ids)
        method, params = questions.request(asked)
        self._projector.questions[asked.id] = asked.thread_id, id
        return questions.decision(asked, await self._requested(id, method, params))

    async def request(self, method: str, params: JsonObject | None) -> Any:
        """The result of a request that a door makes of its client; None when it fails or the client is gone."""
        return None if self._closed else await self._requested(next(self._ids), method, params)

    async def _requested(self, id: int, method: str, params: JsonObject | None) -> Any:
        answer = self._pending[id] = asyncio.get_running_loop().create_future()
        given = "" if params is None else f',"params":{compact(params)}'
        self._send(f'{self._framing.head}"id":{id},"method":"{method}"{given}}}')
        try:
            return await answer
        except asyncio.CancelledError:
            if self._framing.withdraws:
                self._send(f'{self._framing.head}"method":"$/cancelRequest","params":{{"id":{id}}}}}')
            raise
        finally:
            del self._pending[id]

    # requests

    def _asked(self, id: str | int, method: str, params: Any, size: int) -> None:
        if method == "initialize":
            self._initialize(id, params)
        elif self._handshake is None:
            self._fail(id, -32600, "Not initialized")
        elif self._is_full(size):
            self._fail(id, OVERLOADED, "Server overloaded; retry later.")
        elif id in self._in_flight:
            self._fail(id, -32600, f"Invalid request: the id {unusable.short(id)} is in use")
        else:
            self._sizes[id] = size
            self._in_flight[id] = asyncio.ensure_future(self._serve(id, method, params))

    def _is_full(self, size: int) -> bool:
        """Whether a request of so many bytes is one too many."""
        count = len(self._in_flight)
        return count >= MAX_IN_FLIGHT or (count > 0 and sum(self._sizes.values()) + size > MAX_IN_FLIGHT_BYTES)

    def _initialize(self, id: str | int, params: Any) -> None:
        if self._handshake is not None:
            self._fail(id, -32600, "Already initialized")
            return
        try:
            handshake, answer = shake(params)
        except BadParams as error:
            self._fail(id, -32602, f"Invalid params: {error}", {"path": error.path})
            return
        self._send(self._answer(id, answer))
        self.greet(handshake)

    async def _serve(self, id: str | int, method: str, params: Any) -> None:
        """Answer one request, whatever happens."""
        opening = method in _OPENING
        self._opening += opening
        self._warming.asked()
        try:
            thread_id = params.get("threadId") if isinstance(params, dict) else None  # type: ignore[union-attr]
            if not isinstance(thread_id, str) or len(thread_id) > LONGEST_ID:
                await self._perform(id, method, params)
                return
            await self._in_lane(thread_id, id, method, params)
        except asyncio.CancelledError:
            self._fail(id, -32800, "Request cancelled")
        finally:
            self._warming.answered(turn=method == "turn/start")
            self._opening -= opening
            if not self._opening and self._held:
                held, self._held = self._held, []
                self._send(*self._projector.texts(held, _now()))
            self._in_flight.pop(id, None)
            self._sizes.pop(id, None)

    async def _in_lane(self, thread_id: str, id: str | int, method: str, params: Any) -> None:
        lane, users = self._lanes.setdefault(thread_id, (asyncio.Lock(), set()))
        users.add(id)
        try:
            async with lane:
                if method not in _OPENING:
                    if len(self._threads) >= MAX_KNOWN:
                        self._threads.clear()
                    self._threads.add(thread_id)
                if method in _SAYING:
                    self.used = thread_id
                await self._perform(id, method, params)
        finally:
            users.discard(id)
            if not users:
                self._lanes.pop(thread_id, None)

    async def _perform(self, id: str | int, method: str, params: Any) -> None:
        from . import opening, unsupported  # noqa: PLC0415 - not before initialize is answered

        usual = opening.plain(method, params)
        assert self._handshake is not None
        try:
            methods: Any = opening
            if usual is None:
                # one by one: who comes when all is loaded does not overtake who has waited for it, such as an end its beginning
                async with self._turnstile:
                    methods = await self._warming.methods()
                    agent = await self.agent() if method in methods.METHODS else None
                if agent is None:
                    why = unsupported.METHODS.get(method)
                    said = f"{method} is not supported. {why}" if why else f"Method not found: {unusable.short(method)}"
                    self._fail(id, -32601, said)
                    return
            else:
                agent = await self.agent()
            exchange = opening.Exchange(agent, self, self._handshake.client)
            answer = await methods.call(method, params if usual is None else usual, exchange)
        except BadParams as error:
            self._fail(id, -32602, f"Invalid params: {error}", {"path": error.path})
        except RequestRefused as error:
            self._fail(id, error.code, error.sentence(), error.data)
        except TreadleError as error:
            self._fail(id, -32000, error.sentence(), {"details": error.details} if error.details else None)
        except Exception:
            _log.exception("request %s", method)
            self._fail(id, -32603, f"Treadle failed inside while it served {method}; its log has the details.")
        else:
            if method in _OPENING:
                self.used = answer["thread"]["id"]
                self._threads.add(answer["thread"]["id"])
            later = [self._projector.text(name, said, _now()) for name, said in exchange.later]
            self._send(self._answer(id, answer), *[text for text in later if text is not None])
            if method == "thread/resume" and self.resumed is not None:
                self.resumed()
            elif method == "thread/resume":
                self.unheard = True

    async def _loaded(self) -> Agent:
        if self._closed:  # by a request that has waited behind another one until now; nobody would close this agent
            raise RequestRefused("Treadle is ending: the client is gone.")
        agent = await self._open_agent()
        if self.buffers is not None:
            agent.lend(self.buffers)
        return agent

    def _load(self) -> asyncio.Future[Agent]:
        """The agent, loading; once more when it could not be loaded before."""
        if self._agent is None or (self._agent.done() and self._agent.exception() is not None):
            self._agent = asyncio.ensure_future(self._loaded())
            # an error is told to whoever asks; nobody may have asked yet
            self._agent.add_done_callback(lambda done: done.cancelled() or done.exception() or self._warming.begin())
        return self._agent

    # answers and notifications of the client

    def _answered(self, id: Any, message: JsonObject) -> None:
        question = self._pending.get(id) if isinstance(id, (str, int)) else None
        if question is not None and not question.done():
            question.set_result(message.get("result"))

    def _noted(self, method: str, params: Any) -> None:
        if method == "$/cancelRequest" and isinstance(params, dict):
            self.cancel(params.get("id"))  # type: ignore[union-attr]

    # out

    def answer(self, id: Any, result: Any) -> None:
        """Answer a request that a door took for itself."""
        self._send(self._answer(id, result))

    def refuse(self, id: Any, problem: str, code: int = -32600) -> None:
        """Refuse a request that a door took for itself."""
        self._fail(id, code, problem)

    def tell(self, method: str, params: JsonObject) -> None:
        """A notification that a door makes."""
        self._send(f'{self._framing.head}"method":"{method}","params":{compact(params)}}}')

    def put_text(self, text: str) -> None:
        """Send a message as it is."""
        self._send(text)

    def _answer(self, id: Any, result: Any) -> str:
        return f'{self._framing.head}"id":{compact(id)},"result":{compact(result)}}}'

    def _fail(self, id: str | int | None, code: int, message: str, data: Any = None) -> None:
        error: JsonObject = {"code": code, "message": unusable.short(message, unusable.SENTENCE)} | (
            {} if data is None else {"data": data}
        )
        self._send(f'{self._framing.head}"id":{compact(id)},"error":{compact(error)}}}')

    def _send(self, *texts: str) -> None:
        if texts:
            self._put(self._framing.frame(texts))


def _now() -> int:
    return int(time.time() * 1000)
