"""What the scripted model, the wire and Python take by themselves.

A client that does nothing between a reply and its next request: no program can be faster. And a Python program that loads what
any agent in Python needs for a first request, and sends one: no such agent can start faster.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import statistics
import subprocess
import sys
import time

from ..driver import ModelProcess

REQUESTS, BYTES, DELTAS, STARTS = 100, 40_000, 10_000, 7
START = """
import asyncio, json, sqlite3, sys
sys.modules["httpx._main"] = None  # its command line is not needed
import httpx

async def main():
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        await client.post(sys.argv[1], content=b'{"input":"bench: say 1\\\\n"}')

asyncio.run(main())
"""


def floor(model: ModelProcess) -> dict[str, float]:
    """Milliseconds from a reply to the next request of 40 KB, and deltas a second."""
    with socket.create_connection(("127.0.0.1", model.port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        model.stats()
        for _ in range(REQUESTS):
            _ask(wire, "say 1", BYTES)
        times = model.stats()["times"]
        began = time.perf_counter()
        _ask(wire, f"say {DELTAS}", BYTES)
        took = time.perf_counter() - began
    gaps = [(after[0] - before[1]) * 1000 for before, after in itertools.pairwise(times)]
    start = statistics.median([_start(model) for _ in range(STARTS)])
    return {"step": round(statistics.median(gaps), 2), "deltas": round(DELTAS / took), "start": round(start, 1)}


def _start(model: ModelProcess) -> float:
    """Milliseconds from the start of the program to its request at the model."""
    model.stats()
    began = time.perf_counter()
    url = f"http://127.0.0.1:{model.port}/v1/responses"
    subprocess.run([sys.executable, "-I", "-c", START, url], check=True)
    return (model.stats()["times"][0][0] - began) * 1000


def _ask(wire: socket.socket, wish: str, size: int) -> None:
    body = json.dumps({"input": f"bench: {wish}\n", "more": "x" * size}).encode()
    wire.sendall(b"POST /v1/responses HTTP/1.1\r\nhost: bench\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    head = b""
    while b"\r\n\r\n" not in head:
        head += wire.recv(65536)
    head, _, rest = head.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head)
    left = int(found[1]) - len(rest) if found else 0
    while left:
        left -= len(wire.recv(min(left, 1 << 20)))
