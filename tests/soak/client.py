"""A client of a real sidecar process, by the door `app-server` or `serve`, that holds many conversations at once.

Promises: every request has one answer, and an answer that nobody asked for, or that comes twice, is an error; of what was told it
keeps only what is still open. Must never wait for ever: what does not come in time says so.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes.sidecar import program

WAIT = 120.0
LONGEST = 1 << 26
Message = dict[str, Any]


class Refused(Exception):
    """The error of an answer."""

    def __init__(self, method: str, error: Message) -> None:
        super().__init__(f"{method}: {error['code']} {error['message']}")
        self.method, self.code, self.sentence = method, error["code"], error["message"]


class Client:
    """`heard` is called with every notification and every question."""

    def __init__(self, process: asyncio.subprocess.Process, door: str, heard: Callable[[Client, Message], None]) -> None:
        self.process, self.door = process, door
        self._heard = heard
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self.seen: Counter[str] = Counter()
        self.broken: BaseException | None = None
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, door: str, env: dict[str, str], errors: Path, heard: Callable[[Client, Message], None]) -> Client:
        argv, variables = program(os.geteuid())
        if "SOAK_INSIDE" in env:
            variables["PYTHONPATH"] = f"{Path(__file__).parent / 'inside'}{os.pathsep}{variables['PYTHONPATH']}"
        pipe = asyncio.subprocess.PIPE
        with errors.open("ab") as said:
            process = await asyncio.create_subprocess_exec(
                *argv, door, stdin=pipe, stdout=pipe, stderr=said, env={**env, **variables}, cwd=env["HOME"], limit=LONGEST
            )
        client = cls(process, door, heard)
        hello: Message = {"clientInfo": {"name": "soak", "version": "1"}, "capabilities": {"experimentalApi": True}}
        if door == "serve":
            hello = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": {"cards": True}}
        await client.call("initialize", **hello)
        client.say({"method": "initialized", "params": {}})
        return client

    @property
    def pid(self) -> int:
        return self.process.pid

    async def call(self, method: str, **params: Any) -> Message:
        """Raises Refused."""
        id = next(self._ids)
        answer = self._asked[id] = asyncio.get_running_loop().create_future()
        self.say({"id": id, "method": method, "params": params})
        try:
            async with asyncio.timeout(WAIT):
                message = await answer
        except TimeoutError:
            raise TimeoutError(f"{method} was not answered") from None
        finally:
            self._asked.pop(id, None)
        if "error" in message:
            raise Refused(method, message["error"])
        return message["result"]

    def say(self, message: Message) -> None:
        assert self.process.stdin is not None
        if self.door == "serve":
            body = json.dumps({"jsonrpc": "2.0", **message}).encode()
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        else:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")

    async def hang_up(self) -> int:
        """The window is closed. Its exit status."""
        assert self.process.stdin is not None
        if self.door == "serve":
            await self.call("shutdown")
            self.say({"method": "exit"})
        self.process.stdin.close()
        async with asyncio.timeout(WAIT):
            await self._reader
            status = await self.process.wait()
        self.check()
        return status

    async def close(self) -> None:
        """Whatever state it is in."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    def check(self) -> None:
        if self.broken is not None:
            raise self.broken

    async def _read(self) -> None:
        try:
            while message := await self._message():
                self._take(message)
        except Exception as problem:
            self.broken = self.broken or problem
        ended = ConnectionError("the sidecar has ended")
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self.broken or ended)

    async def _message(self) -> Message | None:
        assert self.process.stdout is not None
        if self.door != "serve":
            line = await self.process.stdout.readline()
            return json.loads(line) if line else None
        length = 0
        while (line := await self.process.stdout.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(await self.process.stdout.readexactly(length)) if length else None

    def _take(self, message: Message) -> None:
        if "method" in message:
            self.seen[message["method"]] += 1
            self._heard(self, message)
            return
        answer = self._asked.get(message["id"])
        assert answer is not None and not answer.done(), f"an answer that nobody asked for: {str(message)[:300]}"
        answer.set_result(message)
