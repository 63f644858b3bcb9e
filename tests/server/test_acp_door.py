"""`treadle acp` as a process, with a scripted agent behind it; and its stream held against what no good client sends."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from treadle.server.acp_hello import VERSION, hello
from treadle.server.acp_stream import MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES, Messages
from treadle.server.framing import MAX_MESSAGE
from treadle.server.handshake import BadParams

TESTS = Path(__file__).resolve().parent.parent
PACKAGE = TESTS.parent / "sidecar" / "treadle"
HELLO = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": 1}}
NEW = {"jsonrpc": "2.0", "id": 1, "method": "session/new", "params": {"cwd": "/w", "mcpServers": []}}
PROMPT = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "session/prompt",
    "params": {"sessionId": "thread-1", "prompt": [{"type": "text", "text": "hi"}]},
}


class Door:
    def __init__(self, script: str = "hello") -> None:
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])}
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "fakes.door", "acp", script]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env)

    def write(self, *messages: Any) -> None:
        assert self.process.stdin is not None
        lines = (message if isinstance(message, bytes) else json.dumps(message).encode() for message in messages)
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def answer(self, id: int) -> dict[str, Any]:
        while (message := self.read()).get("id") != id or "method" in message:
            pass
        return message

    def end(self) -> tuple[int, bytes, bytes]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def doors() -> Iterator[list[Door]]:
    opened: list[Door] = []
    yield opened
    for door in opened:
        door.process.kill()
        door.process.communicate()


def test_a_turn_and_the_end_of_input_ends_the_process(doors: list[Door]) -> None:
    doors.append(door := Door())
    door.write(HELLO, NEW, PROMPT)
    assert door.answer(2)["result"]["stopReason"] == "end_turn"
    status, out, err = door.end()
    assert (status, err) == (0, b"")
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in out.splitlines())


def test_requests_that_came_before_the_end_of_input_are_still_answered(doors: list[Door]) -> None:
    doors.append(door := Door())
    door.write(HELLO, NEW)
    _, out, _ = door.end()
    assert {json.loads(line).get("id") for line in out.splitlines()} >= {0, 1}


def test_stray_words_on_standard_output_cannot_break_the_stream(doors: list[Door]) -> None:
    doors.append(door := Door("noisy"))
    door.write(HELLO, NEW, PROMPT)
    assert door.answer(2)["result"]["stopReason"] == "end_turn"
    assert b"stray words on descriptor 1" in door.end()[2]


def test_a_terminated_process_ends_in_good_order(doors: list[Door]) -> None:
    doors.append(door := Door("endless"))
    door.write(HELLO, NEW, PROMPT)
    while door.read().get("method") != "session/update":
        pass
    door.process.send_signal(signal.SIGTERM)
    assert door.process.wait(30) == 0


def test_what_is_unusual_at_the_beginning_is_answered_too(doors: list[Door]) -> None:
    doors.append(door := Door())
    door.write(b"{bad", NEW | {"id": 7}, HELLO | {"id": 8, "params": {}}, HELLO)
    assert door.read()["error"]["code"] == -32700
    assert door.answer(7)["error"]["message"] == "Not initialized"
    refused = door.answer(8)["error"]
    assert refused["code"] == -32602 and refused["message"].startswith("Invalid params: protocolVersion")
    assert door.answer(0)["result"]["protocolVersion"] == VERSION


def test_initialize_is_answered_before_anything_heavy_is_loaded() -> None:
    probe = (
        "import os, sys; sys.argv = ['treadle', 'acp']\n"
        "import treadle.__main__, treadle.server.acp, treadle.server.acp_hello, treadle.server.stdio\n"
        "heavy = {'asyncio', 'pydantic', 'acp', 'httpx', 'dataclasses'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_nobody_else_imports_the_package() -> None:
    users: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if any(name.split(".")[0] == "acp" for name in names):
                users.add(path.relative_to(PACKAGE).as_posix())
    assert users and all(user.startswith("server/acp") for user in users)


def test_only_what_is_clearly_said_of_a_client_counts() -> None:
    editor, _ = hello({"protocolVersion": 1, "clientCapabilities": {"fs": {"readTextFile": "yes"}, "elicitation": []}})
    assert not any((editor.reads, editor.writes, editor.terminals, editor.forms, editor.urls))
    editor, _ = hello(
        {
            "protocolVersion": 1,
            "clientInfo": {"name": "zed", "version": "1"},
            "clientCapabilities": {
                "fs": {"readTextFile": True, "writeTextFile": True},
                "elicitation": {"form": {}, "url": {}},
                "_meta": {"terminal_output": True},
            },
        }
    )
    assert editor == ("zed", True, True, True, True, True)
    for wrong in (None, {}, {"protocolVersion": "1"}, {"protocolVersion": True}):
        with pytest.raises(BadParams):
            hello(wrong)


# the stream itself


class Line:
    """A stream whose other end is the test."""

    def __init__(self) -> None:
        self.out: list[dict[str, Any]] = []
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.messages = Messages(self._read(), lambda data: self.out.append(json.loads(data)))

    async def _read(self) -> AsyncIterator[bytes]:
        while (data := await self._chunks.get()) is not None:
            yield data

    def feed(self, *data: Any) -> None:
        """Lines, and the end."""
        for each in data:
            self.piece(each if isinstance(each, bytes) else json.dumps(each).encode(), b"\n")
        self._chunks.put_nowait(None)

    def piece(self, *data: bytes) -> None:
        self._chunks.put_nowait(b"".join(data))

    async def received(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while (message := await self.messages.receive()) is not None:
            found.append(message)
        return found


async def test_what_is_no_message_is_answered_and_never_passed_on() -> None:
    line = Line()
    bad: list[Any] = [[], 1, {"method": 5}, {"id": True, "method": "x"}, {"id": None, "method": "x"}]
    line.feed(b"{", b'"\xff"', b"[" * 100_000, b'{"id": NaN}', *bad, PROMPT)
    assert await line.received() == [PROMPT]
    assert [message["error"]["code"] for message in line.out] == [*[-32700] * 4, *[-32600] * 5]
    assert {message["id"] for message in line.out} == {None}


async def test_a_message_that_is_too_long_is_passed_over() -> None:
    line = Line()
    line.piece(b'"', b"x" * MAX_MESSAGE)
    line.feed(b'"', PROMPT)
    assert await line.received() == [PROMPT]
    assert "64 MiB" in line.out[0]["error"]["message"]


async def test_what_is_under_way_is_bounded() -> None:
    line = Line()
    line.feed(*(PROMPT | {"id": id} for id in range(MAX_IN_FLIGHT + 2)), PROMPT | {"id": 0})
    assert len(await line.received()) == MAX_IN_FLIGHT
    assert [(message["id"], message["error"]["code"]) for message in line.out] == [
        *((MAX_IN_FLIGHT, -32001), (MAX_IN_FLIGHT + 1, -32001), (0, -32600)),
    ]
    await line.messages.send({"jsonrpc": "2.0", "id": 0, "result": {}})
    again = Line()
    again.feed(PROMPT)
    assert len(await again.received()) == 1


async def test_the_bytes_of_what_is_under_way_are_bounded() -> None:
    line = Line()
    large = PROMPT | {"params": {"sessionId": "s", "prompt": [{"type": "text", "text": "x" * (MAX_IN_FLIGHT_BYTES // 3)}]}}
    line.feed(*(large | {"id": id} for id in range(3)), PROMPT | {"id": 3})
    assert [message["id"] for message in await line.received()] == [0, 1, 3]
    assert [(message["id"], message["error"]["code"]) for message in line.out] == [(2, -32001)]


async def test_notifications_that_we_do_not_know_are_passed_over_and_a_request_is_cancelled_by_its_id() -> None:
    def cancel(id: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": id}}

    line = Line()
    known = {"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": "thread-1"}}
    unknown = {"jsonrpc": "2.0", "method": "document/didOpen", "params": {}}
    line.feed(unknown, cancel(2), PROMPT, cancel(3), cancel([]), cancel(2), NEW, cancel(1))
    assert await line.received() == [PROMPT, known, NEW]
    assert line.out == []


async def test_bad_parameters_are_named_and_their_values_not_repeated() -> None:
    line = Line()
    problems = [{"loc": ("mcpServers", 0, "env"), "msg": "Field required", "input": {"key": "sk-secret"}}]
    error = {"code": -32602, "message": "Invalid params", "data": {"errors": problems}}
    await line.messages.send({"jsonrpc": "2.0", "id": 1, "error": error})
    assert line.out[0]["error"] == {
        "code": -32602,
        "message": "Invalid params: mcpServers.0.env: Field required",
        "data": {"path": "mcpServers.0.env"},
    }


async def test_a_question_is_withdrawn_once_and_only_while_it_is_open() -> None:
    line = Line()
    params: dict[str, Any] = {"sessionId": "s"}
    await line.messages.send({"jsonrpc": "2.0", "id": 5, "method": "session/request_permission", "params": params})
    line.messages.withdraw(params)
    line.messages.withdraw(params)
    assert [message.get("params") for message in line.out[1:]] == [{"requestId": 5}]
