"""The client of these runs: in one process with the agent, or of a `treadle app-server` process. Both speak JSON lines.

Promises: every message is held to the contract; what is wrong with one is kept for the end and breaks nothing on the way.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

from fakes.peer import HELLO, Peer
from fakes.preloaded import Process

Message = dict[str, Any]


class Client(Peer):
    """As Peer, but quick to find what it waits for."""

    def __init__(self, agent: Any) -> None:
        super().__init__(agent)
        self.broken: list[str] = []
        self.heard: list[Callable[[Message], None]] = []
        self._answers: dict[Any, asyncio.Future[Message]] = {}
        self.ended: dict[str, asyncio.Future[Message]] = {}
        "Turn -> its end."

    def _put(self, data: bytes) -> None:
        for line in data.splitlines():
            try:
                super()._put(line)
            except Exception as problem:
                self.broken.append(f"{problem!r} about {line[:2000].decode('utf-8', 'replace')}")
            self._follow(json.loads(line))

    def _follow(self, message: Message) -> None:
        if "method" not in message:
            if (waiting := self._answers.pop(message.get("id"), None)) is not None and not waiting.done():
                waiting.set_result(message)
        elif message["method"] == "turn/completed":
            turn = message["params"]["turn"]
            self.end_of(turn["id"]).set_result(turn)
        for listener in self.heard:
            listener(message)

    def end_of(self, turn_id: str) -> asyncio.Future[Message]:
        return self.ended.setdefault(turn_id, asyncio.get_running_loop().create_future())

    async def ask(self, method: str, params: Any = None) -> Message:
        answer = self._answers[self._next + 1] = asyncio.get_running_loop().create_future()
        self.send(method, params)
        return await answer

    async def hello(self) -> None:
        await self.result("initialize", HELLO | {"capabilities": {"experimentalApi": True}})

    async def close(self) -> None:
        await self.connection.close()


class _Pipe:
    """As much of a Connection as a Peer needs, with a process behind it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def receive(self, message: Message) -> None:
        self._process.stdin.write(json.dumps(message).encode() + b"\n")


class ProcessClient(Client):
    """Of a process."""

    def __init__(self, process: Process) -> None:
        super().__init__(None)
        self._process = process
        self.connection = _Pipe(process)  # type: ignore[assignment]
        self._loop = asyncio.get_running_loop()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._loop.call_soon_threadsafe(self._put, line)

    async def close(self) -> None:
        self._process.stdin.close()
        code = await asyncio.to_thread(self._process.wait, 60)
        await asyncio.to_thread(self._reader.join, 60)
        self._process.stdout.close()
        if code != 0:
            self.broken.append(f"the process ended with {code}")
