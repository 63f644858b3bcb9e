"""A door in this process with a client over pipes that may send anything, and what must hold of all that comes back.

Every message that leaves the door is judged as it comes: it is a message of the protocol, an error is one of the known ones and
says a sentence, a result has the shape of the contract, and no request is answered twice.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias

import pytest

from treadle.server import acp, acp_hello, app_server, early, lsp, lsp_hello
from treadle.server.framing import Headers, Lines
from treadle.server.wire.methods import CLIENT_REQUESTS, SERVER_NOTIFICATIONS, SERVER_REQUESTS

Name: TypeAlias = Literal["app-server", "serve", "acp"]
DOORS: tuple[Name, ...] = ("app-server", "serve", "acp")
PATIENCE = 60.0
"Seconds in which a request must have been answered."
CODES = frozenset({-32700, -32600, -32601, -32602, -32800, -32000, -32001, -32002})
"The last two but one of these are of the editors' protocols too. -32603 would be a fault of ours."
LONGEST_SENTENCE = 4_000
_OURS_INSIDE = re.compile(r"Traceback|object at 0x|<class |\b[A-Z]\w*(Error|Exception)\b|NoneType|\bself\.|sys\.|\.py\W{1,3}line")
_HELLO: dict[str, dict[str, Any]] = {
    "app-server": {"clientInfo": {"name": "tests", "version": "1"}, "capabilities": {"experimentalApi": True}},
    "serve": {"processId": None, "rootUri": None, "capabilities": {}},
    "acp": {"protocolVersion": 1, "clientCapabilities": {}},
}


class Unlawful(AssertionError):
    """What the door did must never happen."""


class Line:
    """The client's end. `serving` is the door's task."""

    def __init__(self, door: Name, to_door: int, from_door: int, serving: asyncio.Task[Any]) -> None:
        self.door: Name = door
        self._to, self._from, self._serving = to_door, from_door, serving
        self._framing = Headers() if door == "serve" else Lines()
        self._ids = itertools.count(1)
        self._asked: dict[Any, str] = {}
        self.answers: dict[Any, dict[str, Any]] = {}
        self.unnamed: list[dict[str, Any]] = []
        "Errors with the id null."
        self.told: list[dict[str, Any]] = []
        self.repeats: set[Any] = set()
        "Ids that were used more than once: they may be answered as often."
        self.log: Log
        self._news = asyncio.Event()
        self.ended = False
        self._failure: Exception | None = None
        loop = asyncio.get_running_loop()
        loop.add_reader(from_door, self._read)
        serving.add_done_callback(lambda _: self._news.set())

    def close(self) -> None:
        if not self.ended:
            asyncio.get_running_loop().remove_reader(self._from)

    def rest(self) -> None:
        """Read what the door left when it ended."""
        os.set_blocking(self._from, False)
        while not self.ended:
            try:
                self._read_some()
            except BlockingIOError:
                return

    def forget(self) -> None:
        """What came so far was looked at."""
        self._asked.clear()
        self.answers.clear()
        self.told.clear()
        self.unnamed.clear()

    # out

    async def write(self, data: bytes, step: int = 0) -> None:
        """At most `step` bytes at once; the door takes them one by one."""
        view = memoryview(data)
        while view and not self._serving.done():
            try:
                view = view[os.write(self._to, view[:step] if step else view) :]
            except BlockingIOError:
                pass
            except BrokenPipeError:
                return
            await asyncio.sleep(0)

    def framed(self, text: str | bytes) -> bytes:
        body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body) if self.door == "serve" else body + b"\n"

    def request(self, method: str, params: Any = None, id: Any = None) -> tuple[Any, str]:
        """The id and the text of a request that is now awaited."""
        id = next(self._ids) + 1_000_000 if id is None else id
        if id in self._asked:
            self.repeats.add(id)
        self._asked[id] = method
        given = {} if params is None else {"params": params}
        return id, text({"jsonrpc": "2.0", "id": id, "method": method} | given)

    async def send(self, method: str, params: Any = None, id: Any = None) -> Any:
        id, whole = self.request(method, params, id)
        await self.write(self.framed(whole))
        return id

    async def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        return await self.answer(await self.send(method, params))

    async def result(self, method: str, params: Any = None) -> Any:
        answer = await self.ask(method, params)
        if "result" not in answer:
            raise Unlawful(f"{method} was refused: {answer}")
        return answer["result"]

    async def greet(self) -> None:
        """Unless something that was sent before has been greeting enough."""
        said = await self.ask("initialize", _HELLO[self.door])
        if "result" not in said and "Already" not in said["error"]["message"]:
            raise Unlawful(f"it does not answer a greeting: {said}")

    # in

    async def answer(self, id: Any) -> dict[str, Any]:
        await self.until(lambda: id in self.answers, f"no answer to {id!r} ({self._asked.get(id)})")
        return self.answers[id]

    async def until(self, seen: Callable[[], Any], why: str = "it did not come") -> Any:
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := seen()):
                    self.check()
                    if self._serving.done():
                        raise Unlawful(f"{why}: the door has ended: {self._serving}")
                    self._news.clear()
                    await self._news.wait()
                return found
        except TimeoutError:
            raise Unlawful(f"{why}; told: {[message.get('method') for message in self.told][-10:]}") from None

    async def fence(self) -> None:
        """What was sent has been read: another request is answered, and so is all that was asked."""
        await self.ask("treadle/no/such")
        for id in self._asked:
            await self.answer(id)

    def check(self) -> None:
        """What came so far is lawful."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _read(self) -> None:
        try:
            self._read_some()
        except Exception as failure:
            self._failure = self._failure or failure
        self._news.set()

    def _read_some(self) -> None:
        data = os.read(self._from, 1 << 20)
        if not data:
            self.ended = True
            asyncio.get_running_loop().remove_reader(self._from)
        for body in self._framing.feed(data):
            if not isinstance(body, bytes):
                raise Unlawful("it wrote what is no message")
            self._take(json.loads(body.decode("utf-8"), parse_constant=_no_constant))

    def _take(self, message: Any) -> None:
        if not isinstance(message, dict) or (self.door != "app-server") is not ("jsonrpc" in message):
            raise Unlawful(f"no message of this protocol: {message}")
        if "method" in message:
            self._judge_told(message)
            self.told.append(message)
            return
        id = message["id"]
        if ("result" in message) is ("error" in message):
            raise Unlawful(f"neither an answer nor an error: {message}")
        if "error" in message:
            judge(message["error"])
        if id is None:
            self.unnamed.append(message)
            return
        if id in self.answers and id not in self.repeats:
            raise Unlawful(f"answered twice: {message}")
        method = self._asked.get(id)
        if "result" in message and self.door == "app-server" and method in CLIENT_REQUESTS:
            CLIENT_REQUESTS[method][1].model_validate(message["result"])
        self.answers[id] = message

    def _judge_told(self, message: dict[str, Any]) -> None:
        if self.door != "app-server":
            return
        if "id" in message:
            SERVER_REQUESTS[message["method"]][0].model_validate(message["params"])
        else:
            SERVER_NOTIFICATIONS[message["method"]].model_validate(message["params"])


def judge(error: Any) -> None:
    """An error is one of those that the contract names, in a sentence without anything of our inside."""
    said = error["message"]
    if error["code"] not in CODES:
        raise Unlawful(f"an error of no known code: {error}")
    if not isinstance(said, str) or not said.strip() or len(said) > LONGEST_SENTENCE:
        raise Unlawful(f"an error without a sentence: {str(error)[:500]}")
    shown = json.dumps(error)
    if found := _OURS_INSIDE.search(shown):
        raise Unlawful(f"an error that shows our inside, {found[0]!r}: {shown[:500]}")


def text(message: Any) -> str:
    """As JSON; `Raw` in it stands as it is, lone surrogates as escapes."""
    whole = json.dumps(message, default=lambda raw: f"\x00raw{raw.text}\x00")
    return re.sub(r'"\\u0000raw(.*?)\\u0000"', lambda found: found[1], whole)


class Raw:
    """JSON that Python's own would not write, such as a number beyond all floats."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Raw({self.text!r})"


class Log(logging.Handler):
    """Bad input is no error of ours: nothing may be logged as one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.exc_info:
            said += "\n" + logging.Formatter().formatException(record.exc_info)  # type: ignore[arg-type]
        self.records.append(said)

    def __enter__(self) -> Log:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)

    def check(self) -> None:
        said, self.records = self.records, []
        if said:
            raise Unlawful("logged as an error of ours: " + "\n".join(said)[:4000])


@asynccontextmanager
async def opened(door: Name, open_agent: Callable[[], Awaitable[Any]]):
    """A client of this door. At the end of its input the door must end by itself, and in good order."""
    (door_in, to_door), (from_door, door_out) = os.pipe(), os.pipe()
    os.set_blocking(to_door, False)
    serving = asyncio.ensure_future(_serve(door, open_agent, door_in, door_out))
    loop, strange = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: strange.append(repr(context.get("exception") or context["message"])))
    line = Line(door, to_door, from_door, serving)
    left = {to_door}
    try:
        with Log() as log:
            line.log = log
            yield line
            os.close(left.pop())
            await asyncio.wait_for(serving, PATIENCE)
            await asyncio.sleep(0)
            line.rest()
            line.check()
            log.check()
        if strange:
            raise Unlawful(f"an error that nobody caught: {strange}")
    finally:
        # first of all, for a thread that waits for the first message cannot be cancelled
        for fd in left:
            os.close(fd)
        line.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        for fd in (door_in, from_door, door_out):
            os.close(fd)


async def _serve(door: Name, open_agent: Callable[[], Awaitable[Any]], stdin_fd: int, stdout_fd: int) -> None:
    """As the process does it: the first message before anything is loaded, and then the rest."""
    meet, run = _PARTS[door]
    first = await asyncio.to_thread(meet, stdin_fd, stdout_fd)
    await run(open_agent, stdin_fd=stdin_fd, stdout_fd=stdout_fd, first=first)


_PARTS: dict[Name, tuple[Any, Any]] = {
    "app-server": (early.answer, app_server.run),
    "serve": (lsp_hello.answer, lsp.run),
    "acp": (acp_hello.answer, acp.run),
}


def doors(names: Iterable[Name] = DOORS) -> Any:
    return pytest.mark.parametrize("door", names)


def _no_constant(name: str) -> None:
    raise Unlawful(f"{name} is no JSON")
