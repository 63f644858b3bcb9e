"""A client over JSON lines, in one process with the connection that it speaks to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from treadle.server.connection import Connection
from treadle.server.framing import Lines
from treadle.server.wire.methods import CLIENT_REQUESTS, SERVER_NOTIFICATIONS, SERVER_REQUESTS

HELLO = {"clientInfo": {"name": "tests", "version": "1"}}


class Peer:
    """The client's side: sends requests, keeps all that comes back, and holds it to the contract."""

    def __init__(self, agent: Any, opened: Callable[[], Any] | None = None) -> None:
        self.agent = agent
        self.told: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._asked: dict[Any, str] = {}
        self._next = 100
        self.connection = Connection(Lines(), self._put, opened or self._open)

    async def _open(self) -> Any:
        return self.agent

    def _put(self, data: bytes) -> None:
        for line in data.splitlines():
            message = json.loads(line)
            assert "jsonrpc" not in message
            if "result" in message:
                CLIENT_REQUESTS[self._asked[message["id"]]][1].model_validate(message["result"])
            elif "id" in message and "method" in message:
                SERVER_REQUESTS[message["method"]][0].model_validate(message["params"])
            elif "method" in message:
                SERVER_NOTIFICATIONS[message["method"]].model_validate(message["params"])
            self.told.append(message)
        self._news.set()

    async def until(self, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            for message in self.told:
                if found(message):
                    return message
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 60)

    def send(self, method: str, params: Any = None) -> int:
        self._next += 1
        self._asked[self._next] = method
        self.connection.receive({"id": self._next, "method": method, "params": params})
        return self._next

    async def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        id = self.send(method, params)
        return await self.until(lambda m: m.get("id") == id and "method" not in m)

    async def result(self, method: str, params: Any = None) -> Any:
        answer = await self.ask(method, params)
        assert "result" in answer, answer
        return answer["result"]

    async def thread(self) -> str:
        return (await self.result("thread/start", {"cwd": "/w"}))["thread"]["id"]

    async def turn(self, thread_id: str) -> str:
        return (await self.result("turn/start", {"threadId": thread_id, "input": [{"type": "text", "text": "hi"}]}))["turn"]["id"]

    def methods(self) -> list[str]:
        return [message["method"] for message in self.told if "method" in message]

    async def method(self, name: str) -> dict[str, Any]:
        return await self.until(lambda m: m.get("method") == name)
