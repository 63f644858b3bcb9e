"""Clients that stop reading, and clients that flood: memory stays bounded, and every request is answered once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.door_client import TESTS
from treadle.server.framing import MAX_MESSAGE, Headers, Lines
from treadle.server.outbox import HIGH_WATER

SEED = int(os.environ.get("FAULT_SEED", "0"))
SLACK = 64 * 1024 * 1024
"Of memory beyond what the bounds of buffers allow: the allocator's, and a message as bytes, as text and as objects."
BASE = 96 * 1024 * 1024
"Of a process that has done nothing."
FRAMED = ("serve",)
HELLO: dict[str, Any] = {"clientInfo": {"name": "tests", "version": "1"}, "capabilities": {}, "processId": None, "rootUri": None}


class Door:
    """A door with a scripted agent behind it, whose output nobody reads until `drain`."""

    def __init__(self, name: str, script: str = "hello", **environment: str) -> None:
        self.name = name
        env = os.environ | {"PYTHONPATH": str(TESTS)} | environment
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fakes.door", name, script], stdin=pipe, stdout=pipe, stderr=pipe, env=env
        )
        self.out, self.err = bytearray(), bytearray()
        self._framing = Headers() if name in FRAMED else Lines()
        self._parsed, self._said = 0, list[dict[str, Any]]()
        self._threads: list[threading.Thread] = []

    def framed(self, *messages: Any) -> bytes:
        bodies = [m if isinstance(m, bytes) else json.dumps({"jsonrpc": "2.0", **m}).encode() for m in messages]
        if self.name in FRAMED:
            return b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)
        return b"".join(body + b"\n" for body in bodies)

    def hello(self) -> bytes:
        return self.framed(
            {"id": "hello", "method": "initialize", "params": {"protocolVersion": 1} if self.name == "acp" else HELLO}
        )

    def feed(self, *pieces: bytes, close: bool = True) -> None:
        """From another thread, for the door may stop reading."""

        def write() -> None:
            assert self.process.stdin is not None
            try:
                for piece in pieces:
                    self.process.stdin.write(piece)
                self.process.stdin.flush()
                if close:
                    self.process.stdin.close()
            except OSError:
                pass

        self._threads.append(thread := threading.Thread(target=write, daemon=True))
        thread.start()

    def drain(self) -> None:
        def read(stream: Any, into: bytearray) -> None:
            while data := os.read(stream.fileno(), 1 << 20):
                into += data

        for stream, into in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            self._threads.append(thread := threading.Thread(target=read, args=(stream, into), daemon=True))
            thread.start()

    def until_answered(self, ids: set[Any]) -> None:
        """An editor's own requests are let go of when it goes away: these are waited for."""
        end = time.monotonic() + 60
        while not ids <= answers(self.said()).keys():
            assert time.monotonic() < end and self.process.poll() is None, bytes(self.err[-2000:])
            time.sleep(0.2)

    def end(self) -> list[dict[str, Any]]:
        """Everything that it said."""
        status = self.process.wait(60)
        for thread in self._threads:
            thread.join(30)
        assert b"Traceback" not in self.err, self.err[-2000:]
        assert status in (0, 1), self.err[-2000:]
        return self.said()

    def said(self) -> list[dict[str, Any]]:
        """All whole messages so far."""
        data = bytes(self.out[self._parsed :])
        self._parsed += len(data)
        self._said += [json.loads(body) for body in self._framing.feed(data) if isinstance(body, bytes)]
        return self._said

    @property
    def peak(self) -> int:
        """Bytes of memory that it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.fixture
def doors() -> Iterator[list[Door]]:
    opened: list[Door] = []
    yield opened
    for door in opened:
        door.process.kill()
        door.process.wait()


def settled_peak(door: Door) -> int:
    """Its memory once it takes nothing more in, because nobody reads what it says."""
    last, same = -1, 0
    while same < 5 and door.process.poll() is None:
        now = door.peak
        last, same = now, same + 1 if now == last else 0
        time.sleep(0.1)
    return last


def answers(said: list[dict[str, Any]]) -> Counter[Any]:
    return Counter(message["id"] for message in said if "id" in message and "method" not in message)


REQUESTS = {
    "app-server": {"method": "thread/loaded/list", "params": {}},
    "serve": {"method": "textDocument/codeLens", "params": {"textDocument": {"uri": "file:///a.py"}}},
    "acp": {"method": "session/list", "params": {}},
}


@pytest.mark.parametrize("name", list(REQUESTS))
def test_a_flood_of_requests_that_nobody_reads_the_answers_of_is_bounded(name: str, doors: list[Door]) -> None:
    count = 10_000 if name != "app-server" else 100_000 if "FAULT_RUNS" in os.environ else 30_000
    doors.append(door := Door(name))
    wish = REQUESTS[name]
    body = b"".join(door.framed({"id": id, **wish}) for id in range(count))
    door.feed(door.hello(), body, close=False)
    peak = settled_peak(door)
    assert peak < BASE + HIGH_WATER + SLACK, f"{peak // 2**20} MiB"
    door.drain()
    door.until_answered({"hello", *range(count)})
    door.feed(door.framed({"id": "last", **wish}), close=False)
    door.until_answered({"last"})
    door.feed()
    assert answers(door.end()) == Counter(["hello", "last", *range(count)])


@pytest.mark.parametrize("name", list(REQUESTS))
def test_giant_messages_garbage_and_half_a_message_are_passed_over(name: str, doors: list[Door]) -> None:
    rng = random.Random(SEED)
    doors.append(door := Door(name))
    giant = door.framed(b'{"id":"giant","method":"x","params":"' + b"y" * (100 * 1024 * 1024) + b'"}')
    noise = rng.randbytes(20_000).replace(b"\n", b"") + (b"\r\n\r\n" if name in FRAMED else b"\n")
    after = door.framed(*[{"id": id, **REQUESTS[name]} for id in range(3)])
    half = door.framed({"id": "half", **REQUESTS[name]})[:-7]
    door.drain()
    door.feed(door.hello(), giant, noise, after, half, close=False)
    door.until_answered({"hello", 0, 1, 2})
    door.feed()
    said = door.end()
    found = answers(said)
    assert all(found[id] == 1 for id in ("hello", 0, 1, 2)), (SEED, found)
    assert found["giant"] == found["half"] == 0
    refused = [message["error"] for message in said if message.get("id", 0) is None]
    assert refused and all(error["code"] in (-32700, -32600) for error in refused), (SEED, refused)


def test_giant_messages_cost_no_more_memory_than_one_may_have(doors: list[Door]) -> None:
    doors.append(door := Door("app-server"))
    door.drain()
    line = b'{"id":1,"method":"x","params":"' + b"y" * (100 * 1024 * 1024)
    door.feed(door.hello(), line, close=False)
    peak = settled_peak(door)
    door.feed(b'"}\n')
    door.end()
    assert peak < BASE + MAX_MESSAGE + SLACK, f"{peak // 2**20} MiB"


def test_a_thousand_turns_asked_of_one_thread_at_once_are_one_turn(doors: list[Door]) -> None:
    doors.append(door := Door("app-server", "endless"))
    door.drain()
    turn = {"method": "turn/start", "params": {"threadId": "thread-1", "input": [{"type": "text", "text": "go"}]}}
    start = {"id": "start", "method": "thread/start", "params": {"cwd": "/w"}}
    door.feed(door.hello(), door.framed(start, *[{"id": id, **turn} for id in range(1_000)]))
    said = door.end()
    found = answers(said)
    assert found == Counter(["hello", "start", *range(1_000)])
    codes = Counter(message["error"]["code"] for message in said if "error" in message)
    assert set(codes) <= {-32600, -32001}, codes


def test_a_client_that_stops_reading_in_a_flood_of_deltas_loses_none_and_costs_bounded_memory(doors: list[Door]) -> None:
    count = 600_000
    doors.append(door := Door("app-server", "flood", FLOOD=str(count), FLOOD_BATCH="200"))
    start = {"id": "start", "method": "thread/start", "params": {"cwd": "/w"}}
    turn = {"id": "turn", "method": "turn/start", "params": {"threadId": "thread-1", "input": [{"type": "text", "text": "go"}]}}
    door.feed(door.hello(), door.framed(start, turn), close=False)
    peak = settled_peak(door)
    assert peak < BASE + HIGH_WATER + SLACK, f"{peak // 2**20} MiB"
    stdout = door.process.stdout
    assert stdout is not None
    deltas, status = 0, None
    for line in stdout:
        deltas += line.count(b"item/agentMessage/delta")
        if b'"turn/completed"' in line:
            status = json.loads(line)["params"]["turn"]["status"]
            break
    assert status == "completed"
    assert 0 < deltas <= count
    door.feed()
    door.drain()
    door.end()
