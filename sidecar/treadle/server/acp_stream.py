"""Bytes on our descriptors <-> messages of the Agent Client Protocol: a JSON-RPC 2.0 text a line.

What is no message is answered here and never reaches the package's connection, which would end with it. What is under way is
bounded, in requests and in their bytes: past that one is refused with -32001. Sending never waits, so messages leave
in the order of the calls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from ..core.items import JsonObject
from . import unusable
from .connection import MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES
from .framing import Lines, TooLong
from .project import compact
from .stream import decoded

NOTED = ("session/cancel",)
"Notifications that we understand; others, but for extensions, are passed over."


class Messages:
    """Implements the package's Transport over what arrives in `chunks` and a `put` that sends."""

    def __init__(self, chunks: AsyncIterator[bytes], put: Callable[[bytes], None], unread: bytes = b"") -> None:
        self._chunks = chunks
        self._put = put
        self._lines = Lines()
        self._ready: deque[JsonObject] = deque()
        self._in_flight: dict[str | int, tuple[str | None, int]] = {}
        "By the id of a request: the session that it prompts, and its bytes."
        self._asked: dict[int, tuple[JsonObject, Any]] = {}
        "Questions of ours: parameters, by which whoever asks knows them, and the request's id."
        self._ended = asyncio.Event()
        "A request of the editor's was answered."
        self._feed(unread)

    async def receive(self) -> JsonObject | None:
        while not self._ready:
            data = await anext(self._chunks, None)
            if data is None:
                return None
            self._feed(data)
        # let what was asked begin before more is read: the bound on requests is then a bound on memory
        await asyncio.sleep(0)
        return self._ready.popleft()

    async def send(self, message: JsonObject) -> None:
        if "method" not in message:
            self._in_flight.pop(message.get("id"), None)  # type: ignore[arg-type]
            self._ended.set()
            if "error" in message:
                message = {**message, "error": _readable(message["error"])}
        elif "id" in message:
            self._asked[id(message["params"])] = message["params"], message["id"]
        self._out(message)

    async def close(self) -> None:
        """The descriptors are the door's to close."""

    def notify(self, method: str, params: JsonObject) -> None:
        self._out({"jsonrpc": "2.0", "method": method, "params": params})

    def withdraw(self, params: JsonObject) -> None:
        """A question of ours needs no answer any more."""
        _, asked = self._asked.pop(id(params), (None, None))
        if asked is not None:
            self.notify("$/cancel_request", {"requestId": asked})

    def answered(self, params: JsonObject) -> None:
        """A question of ours was answered."""
        self._asked.pop(id(params), None)

    async def settled(self, seconds: float, *, prompts: bool = True) -> None:
        """No request is under way, or none that is not a prompt, or this time has passed."""
        try:
            async with asyncio.timeout(seconds):
                while any(prompts or prompted is None for prompted, _ in self._in_flight.values()):
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            return

    def _out(self, message: JsonObject) -> None:
        self._put(compact(message).encode() + b"\n")

    def _feed(self, data: bytes) -> None:
        for body in self._lines.feed(data):
            if isinstance(body, TooLong):
                self._refuse(None, -32700, "Parse error: the message is larger than 64 MiB")
                continue
            try:
                message = decoded(body)
            except ValueError as error:
                self._refuse(None, -32700, f"Parse error: {error}")
                continue
            self._take(message, len(body))

    def _take(self, message: Any, size: int) -> None:
        if (problem := unusable.message(message)) is not None:
            self._refuse(None, -32600, f"Invalid request: {problem}")
            return
        given = cast("JsonObject", message)
        method, id = given.get("method"), given.get("id")
        if method is None:
            self._answered(id, given)
        elif "id" not in given:
            self._noted(method, given)
        elif id is None:
            self._refuse(None, -32600, "Invalid request: the id must be a string or a number")
        elif id in self._in_flight:
            self._refuse(id, -32600, f"Invalid request: the id {unusable.short(id)} is in use")
        elif found := unusable.field(given.get("params")):
            self._refuse(id, -32602, f"Invalid params: {found[0]}: {found[1]}", {"path": found[0]})
        elif self._is_full(size):
            self._refuse(id, -32001, "Server overloaded; retry later.")
        else:
            session = _map(given.get("params")).get("sessionId") if method == "session/prompt" else None
            self._in_flight[id] = session if isinstance(session, str) else None, size
            self._ready.append(given)

    def _is_full(self, size: int) -> bool:
        """Whether a request of so many bytes is one too many."""
        count = len(self._in_flight)
        under_way = sum(bytes for _, bytes in self._in_flight.values())
        return count >= MAX_IN_FLIGHT or (count > 0 and under_way + size > MAX_IN_FLIGHT_BYTES)

    def _answered(self, id: Any, given: JsonObject) -> None:
        """An answer of the editor, in the shape without which the package's connection would end."""
        if not isinstance(id, int) or isinstance(id, bool):
            return
        if "result" not in given:
            error = _map(given["error"])
            code, said = error.get("code"), error.get("message")
            good = {"code": code if isinstance(code, int) else -32603, "message": said if isinstance(said, str) else "Error"}
            given = {"id": id, "error": {**good, "data": error.get("data")}}
        self._ready.append(given)

    def _noted(self, method: str, given: JsonObject) -> None:
        if method == "$/cancel_request":
            id = _map(given.get("params")).get("requestId")
            session, _ = self._in_flight.get(id, (None, 0)) if isinstance(id, (str, int)) else (None, 0)
            if session is not None:
                self._ready.append({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": session}})
        elif method in NOTED and isinstance(_map(given.get("params")).get("sessionId"), str):
            self._ready.append(given)

    def _refuse(self, id: str | int | None, code: int, message: str, data: JsonObject | None = None) -> None:
        error: JsonObject = {"code": code, "message": message} | ({} if data is None else {"data": data})
        self._out({"jsonrpc": "2.0", "id": id, "error": error})


def _readable(error: JsonObject) -> JsonObject:
    """What the package says of bad parameters, as a sentence that names the field and repeats no value."""
    error = {**error, "message": unusable.short(error["message"], unusable.SENTENCE)}
    problems = _map(error.get("data")).get("errors")
    if not isinstance(problems, list) or not problems:
        return {key: value for key, value in error.items() if value is not None}
    first = _map(cast("list[Any]", problems)[0])
    path = ".".join(str(step) for step in first.get("loc", ()))
    return {"code": error["code"], "message": f"Invalid params: {path}: {first.get('msg', '')}", "data": {"path": path}}


def _map(value: Any) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}
