"""A scripted Responses API, fast enough not to be the bottleneck. Run as a process; prints its port.

What to answer is in the user's text of the newest turn: `say N` streams N deltas; `steps N NAME ID` asks for N calls of NAME,
one per request, then says a word. `noop` is a tool that nobody has, `flood` a command that prints 5 MB, `patch` of 50 hunks.
GET /stats gives, and forgets, the times of each request, [received, answered] in seconds of the steady clock, and its size.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from functools import cache

from .texts import file_and_patch

_WISH = re.compile(rb"bench: (.*?)(?:\"|\\n)")
_DATA = '{"type":"response.output_text.delta","item_id":"m","output_index":0,"delta":"abcd "}'
_DELTA = f"event: response.output_text.delta\ndata: {_DATA}\n\n"

FLOOD = "yes 'a line of output' | head -c 5000000"
"5 MB; of the name `flood`."


def event(kind: str, **fields: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def completed() -> str:
    usage = {"input_tokens": 10, "output_tokens": 1, "total_tokens": 11}
    return event("response.completed", response={"id": "r", "usage": usage})


@cache
def text(deltas: int) -> bytes:
    item = {"type": "message", "id": "m", "role": "assistant", "content": []}
    done = {**item, "content": [{"type": "output_text", "text": "abcd " * deltas}]}
    parts = [
        event("response.created", response={"id": "r"}),
        event("response.output_item.added", output_index=0, item=item),
        _DELTA * deltas,
        event("response.output_item.done", output_index=0, item=done),
        completed(),
    ]
    return "".join(parts).encode()


def call(n: int, name: str, arguments: str) -> bytes:
    return asked({"type": "function_call", "id": f"fc{n}", "call_id": f"call{n}", "name": name, "arguments": arguments})


@cache
def patch(n: int) -> str:
    return file_and_patch(2_000, 50, name=f"patched_{n}.py")[1]


def asked(item: dict[str, str]) -> bytes:
    begun = event("response.created", response={"id": "r"}) + event("response.output_item.added", output_index=0, item=item)
    return (begun + event("response.output_item.done", output_index=0, item=item) + completed()).encode()


class Model:
    """One server; steps are counted per wish, so every wish in a process must be different."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []
        self.steps: dict[bytes, int] = {}
        self.sizes: list[int] = []

    def answer(self, body: bytes) -> bytes:
        found = _WISH.match(body, max(0, body.rfind(b"bench: ")))
        wish = found[1] if found else b"say 1"
        verb, count, *rest = wish.decode().split(" ", 3)
        if verb == "say":
            return text(int(count))
        n = self.steps[wish] = self.steps.get(wish, 0) + 1
        if n > int(count):
            return text(1)
        number = n + 1000 * len(self.steps)
        match rest[0]:
            case "exec_command":
                return call(number, "exec_command", '{"cmd": "true"}')
            case "flood":
                return call(number, "exec_command", json.dumps({"cmd": FLOOD}))
            case "patch":
                item = {"type": "custom_tool_call", "id": f"ct{number}", "call_id": f"call{number}", "name": "apply_patch"}
                return asked({**item, "input": patch(n)})
            case name:
                return call(number, name, "{}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            received = time.perf_counter()
            if not head.startswith(b"POST"):
                if not head.startswith(b"GET /stats "):
                    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                    continue
                payload = json.dumps({"times": self.times, "sizes": self.sizes}).encode()
                self.times, self.sizes = [], []
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(payload), payload))
                continue
            self.sizes.append(len(body))
            payload = self.answer(body)
            # before it is sent: on a busy machine whoever reads it may run before we do again
            self.times.append((received, time.perf_counter()))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(payload))
            writer.write(payload)
            try:
                await writer.drain()
            except ConnectionError:
                return


async def main() -> None:
    for deltas in (1_000, 10_000):  # made before anybody waits for it
        text(deltas)
    server = await asyncio.start_server(Model().serve, "127.0.0.1", 0, limit=1 << 26)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
