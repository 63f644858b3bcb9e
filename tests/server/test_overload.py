"""What a client may do to a door, by mistake or on purpose: it is refused by name, and the next request is served."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fakes.agent import ScriptedAgent
from fakes.door_client import Door
from fakes.peer import HELLO, Peer
from treadle.server import connection as module
from treadle.server import outbox, unusable
from treadle.server.framing import Lines
from treadle.server.outbox import Outbox

INITIALIZE = {"id": 1, "method": "initialize", "params": HELLO}
LIST = {"id": 2, "method": "thread/loaded/list", "params": {}}


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer(ScriptedAgent())
    await peer.result("initialize", HELLO)
    yield peer
    await peer.connection.close()


@pytest.fixture
def door() -> Any:
    opened = Door("hello")
    yield opened
    if opened.process.poll() is None:
        opened.process.kill()
        opened.process.wait()


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"a": found}
    return found


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"id": 9, "method": "\xff"}', "utf-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"id": 9, "method": "thread/list", "params": {"limit": NaN}}', "NaN is no JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", "4300 digits"),
        (b"\0\0\0", "Expecting value"),
    ],
)
def test_a_line_that_is_no_message_is_said_to_be_none_and_the_next_is_served(door: Door, line: bytes, problem: str) -> None:
    door.write(INITIALIZE, {"method": "initialized"})
    door.read()
    door.write(line, LIST)
    refused, answered = door.read(), door.read()
    assert (refused["id"], refused["error"]["code"]) == (None, -32700)
    assert problem in refused["error"]["message"]
    assert answered["id"] == 2


@pytest.mark.parametrize("first", [b"[" * 60_000, b"5", b'"x"', b'{"id": true, "method": "initialize"}', b"\xff\xfe"])
def test_a_first_line_that_is_no_greeting_does_not_end_the_process(door: Door, first: bytes) -> None:
    door.write(first, INITIALIZE)
    assert "error" in door.read()
    assert door.read()["result"]["userAgent"]


def test_a_byte_order_mark_is_passed_over(door: Door) -> None:
    door.write(INITIALIZE)
    door.read()
    door.write(b'\xef\xbb\xbf{"id": 2, "method": "thread/loaded/list"}')
    assert door.read()["id"] == 2


def test_ten_thousand_requests_in_one_write_are_each_answered_once(door: Door) -> None:
    door.write(INITIALIZE)
    door.read()
    door.write(*[LIST | {"id": number} for number in range(10_000)])
    answers = [door.read() for _ in range(10_000)]
    assert sorted(answer["id"] for answer in answers) == list(range(10_000))
    assert {answer["error"]["message"] for answer in answers if "error" in answer} <= {"Server overloaded; retry later."}
    door.write(LIST | {"id": "again"})
    assert door.read()["id"] == "again"


def test_notifications_and_answers_that_nobody_asked_for_are_passed_over(door: Door) -> None:
    door.write(INITIALIZE)
    door.read()
    noise = [
        {"method": "initialized"},
        {"method": "$/cancelRequest", "params": {"id": 5}},
        {"id": 77, "result": {}},
        {"method": "x"},
    ]
    door.write(*noise * 10_000, LIST)
    assert door.read()["id"] == 2


async def test_large_requests_are_bounded_by_their_bytes_and_a_single_one_is_served(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IN_FLIGHT_BYTES", 1000)
    thread_id = await peer.thread()
    peer.agent.hold.clear()
    ask: dict[str, Any] = {"method": "thread/archive", "params": {"threadId": thread_id}}
    for id in ("a", "b"):
        peer._asked[id] = "thread/archive"
    peer.connection.receive({"id": "a"} | ask, 5000)
    peer.connection.receive({"id": "b"} | ask, 10)
    refused = await peer.until(lambda m: m.get("id") == "b")
    assert refused["error"] == {"code": -32001, "message": "Server overloaded; retry later."}
    peer.agent.hold.set()
    assert (await peer.until(lambda m: m.get("id") == "a"))["result"] == {}
    assert (await peer.ask("thread/list"))["result"]


async def test_nothing_is_kept_of_threads_that_were_only_named(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 5)
    for number in range(20):
        await peer.ask("thread/read", {"threadId": f"t{number}"})
    await peer.ask("thread/read", {"threadId": "x" * 1000})
    assert peer.connection._lanes == {}
    assert len(peer.connection._threads) <= 5


@pytest.mark.parametrize(
    ("params", "path", "why"),
    [
        ({"threadId": "a\0"}, "threadId", "NUL"),
        ({"threadId": "\ud800"}, "threadId", "surrogate"),
        ({"cwd": "x" * 10_000}, "cwd", "longer"),
        ({"input": [{"type": "localImage", "path": "/\0"}]}, "input.0.path", "NUL"),
        ({"queuedSubmissionIds": ["a", "\udc00"]}, "queuedSubmissionIds.1", "surrogate"),
        (nested(500), "a.a.a.a", "nested deeper"),
        ([[[]]] * 3, None, ""),
        ({"outputSchema": nested(50), "input": [{"type": "text", "text": "\ud800\0" + "x" * 100_000}]}, None, ""),
        (None, None, ""),
    ],
)
def test_names_are_text_and_words_may_be_anything(params: Any, path: str | None, why: str) -> None:
    found = unusable.field(params)
    assert (found and found[0]) == path
    assert found is None or why in found[1]


async def test_what_no_method_can_use_is_refused_by_its_name(peer: Peer) -> None:
    error = (await peer.ask("thread/resume", {"threadId": "\ud800"}))["error"]
    assert (error["code"], error["data"]) == (-32602, {"path": "threadId"})


async def test_a_reader_that_takes_nothing_is_let_go_of_when_patience_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "PATIENCE", 0.1)
    monkeypatch.setattr(outbox, "HIGH_WATER", 100_000)
    monkeypatch.setattr(outbox, "LOW_WATER", 50_000)
    reader, writer = os.pipe()
    lost: list[bool] = []
    box = Outbox(writer, on_lost=lambda: lost.append(True))
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            box.put(b"x" * 100_000)
    assert (lost, box.lost, box._size) == ([True], True, 0)
    assert "has read nothing" in caplog.text
    box.close()
    os.close(reader)
    os.close(writer)


async def test_a_slow_reader_that_takes_a_little_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "PATIENCE", 30.0)
    monkeypatch.setattr(outbox, "HIGH_WATER", 10_000)
    monkeypatch.setattr(outbox, "LOW_WATER", 5_000)
    reader, writer = os.pipe()
    box = Outbox(writer, on_lost=lambda: None)
    data = b"".join(b"%07d\n" % number for number in range(40_000))
    reading = asyncio.create_task(asyncio.to_thread(_sip, reader, len(data)))
    await asyncio.sleep(0)
    for start in range(0, len(data), 8_000):
        box.put(data[start : start + 8_000])
    box.close()
    assert await reading == data
    assert not box.lost
    os.close(reader)
    os.close(writer)


def _sip(fd: int, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += os.read(fd, 4096)
    return found


def test_a_sidecar_whose_client_does_not_read_ends_when_it_is_told_to() -> None:
    door = Door("hello")
    door.write(INITIALIZE)
    door.read()
    # answers of more bytes than wait for a reader: the process stands still in the middle of them
    name = "x" * 200_000
    assert door.process.stdin is not None
    os.set_blocking(door.process.stdin.fileno(), False)
    message = Lines().frame([f'{{"id":"{name}","method":"no/such"}}'])
    written = 0
    while written < outbox.HIGH_WATER * 2:
        try:
            written += os.write(door.process.stdin.fileno(), message)
        except BlockingIOError:
            if written > outbox.HIGH_WATER:
                break
    door.process.send_signal(signal.SIGTERM)
    assert door.process.wait(60) == 0
