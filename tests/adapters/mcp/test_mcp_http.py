"""Servers over HTTP that break the rules, on loopback: what they answer is bounded and named, and no secret goes elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fakes.mcp_stand import LONG, Stand
from treadle.core.errors import ToolFailure
from treadle.core.settings import McpServer

MEGABYTE = 1024 * 1024
Answer = Callable[[dict[str, Any], dict[str, str], asyncio.StreamWriter], Awaitable[None]]


class Rogue:
    """Speaks the older protocol over HTTP; calls of tools are answered by `call`."""

    def __init__(self, call: Answer) -> None:
        self._call = call
        self.seen: list[dict[str, str]] = []
        self.sessions = 0
        self.forgotten = False
        self.tools: Answer | None = None

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers: dict[str, str] = {"method": line.decode().split()[0]}
                while (field := (await reader.readline()).decode().strip()) != "":
                    name, _, value = field.partition(":")
                    headers[name.lower()] = value.strip()
                self.seen.append(headers)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                await self._answer(headers, json.loads(body) if body else {}, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, headers: dict[str, str], message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        match message.get("method"):
            case None:
                await send(writer, b"", status="405 No")
            case "initialize":
                self.sessions += 1
                self.forgotten = False
                known = {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "r", "version": "1"},
                }
                await reply(writer, message, known, {"mcp-session-id": str(self.sessions)})
            case _ if self.forgotten and headers.get("mcp-session-id"):
                await send(writer, b"", status="404 Gone")
            case "tools/list" if self.tools is not None:
                await self.tools(message, headers, writer)
            case "tools/list":
                await reply(writer, message, {"tools": [{"name": "run", "inputSchema": {"type": "object"}}]})
            case "tools/call":
                await self._call(message, headers, writer)
            case method if method.startswith("notifications/"):
                await send(writer, b"", status="202 Accepted")
            case _:
                error = {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": -32601, "message": "no such method"}}
                await send(writer, json.dumps(error).encode(), {"content-type": "application/json"})


async def send(writer: asyncio.StreamWriter, body: bytes, headers: dict[str, str] | None = None, status: str = "200 OK") -> None:
    fields = {"content-length": str(len(body)), **(headers or {})}
    writer.write((f"HTTP/1.1 {status}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n").encode())
    for start in range(0, len(body), MEGABYTE):
        writer.write(body[start : start + MEGABYTE])
        await writer.drain()


async def reply(
    writer: asyncio.StreamWriter, message: dict[str, Any], result: Any, headers: dict[str, str] | None = None
) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    await send(writer, body, {"content-type": "application/json", **(headers or {})})


def texts(size: int) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": "x" * size}]}


@asynccontextmanager
async def listening(call: Answer) -> AsyncIterator[tuple[Rogue, McpServer]]:
    rogue = Rogue(call)
    server = await asyncio.start_server(rogue.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield rogue, McpServer("web", url=f"http://127.0.0.1:{port}/mcp", startup_timeout=LONG, tool_timeout=LONG)
    finally:
        server.close()


async def test_a_json_answer_of_a_hundred_megabytes_is_refused_and_the_server_goes_on(stand: Stand) -> None:
    async def call(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        await reply(writer, message, texts(100 * MEGABYTE if message["params"]["arguments"] else 3))

    async with listening(call) as (rogue, server):
        with pytest.raises(ToolFailure, match="its answer is larger than 32 MB"):
            await stand.call(server, "run", large=True)
        assert (await stand.call(server, "run"))["content"][0]["text"] == "xxx"
        assert rogue.sessions == 1
        await stand.close()


async def test_an_event_of_a_hundred_megabytes_is_refused(stand: Stand) -> None:
    async def call(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        body = b"data: " + json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": texts(100 * MEGABYTE)}).encode() + b"\n\n"
        await send(writer, body, {"content-type": "text/event-stream"})

    async with listening(call) as (_, server):
        with pytest.raises(ToolFailure, match="MCP server web"):
            await stand.call(server, "run")
        await stand.close()


@pytest.mark.parametrize("events", [False, True])
async def test_a_hundred_thousand_tools_are_refused_before_they_are_read(stand: Stand, events: bool) -> None:
    async def tools(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        listed = [{"name": f"t{number}", "inputSchema": {"type": "object"}} for number in range(100_000)]
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": listed}}).encode()
        kind = "text/event-stream" if events else "application/json"
        await send(writer, b"data: " + body + b"\n\n" if events else body, {"content-type": kind})

    async with listening(tools) as (rogue, server):
        rogue.tools = tools
        with pytest.raises(ToolFailure, match="MCP server web is not connected: its list of tools is longer than 2048 tools"):
            await stand.call(server, "run")
        await stand.close()


async def test_an_event_of_a_few_megabytes_is_taken(stand: Stand) -> None:
    async def call(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        body = b"data: " + json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": texts(5 * MEGABYTE)}).encode() + b"\n\n"
        await send(writer, body, {"content-type": "text/event-stream"})

    async with listening(call) as (_, server):
        assert len((await stand.call(server, "run"))["content"][0]["text"]) == 5 * MEGABYTE
        await stand.close()


async def test_an_answer_that_is_packed_without_being_asked_is_refused(stand: Stand) -> None:
    async def call(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": texts(100 * MEGABYTE)}).encode()
        await send(writer, gzip.compress(body), {"content-type": "application/json", "content-encoding": "gzip"})

    async with listening(call) as (rogue, server):
        with pytest.raises(ToolFailure, match="its answer is compressed although that was not asked for"):
            await stand.call(server, "run")
        assert {headers.get("accept-encoding") for headers in rogue.seen} == {"identity"}
        await stand.close()


async def test_a_session_that_the_server_forgot_is_begun_anew_and_the_call_is_not_made_twice(stand: Stand) -> None:
    made: list[int] = []

    async def call(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        made.append(1)
        await reply(writer, message, texts(1))

    async with listening(call) as (rogue, server):
        await stand.call(server, "run")
        rogue.forgotten = True
        with pytest.raises(ToolFailure, match="MCP server web stopped while it worked on run"):
            await stand.call(server, "run")
        await stand.call(server, "run")
        assert (len(made), rogue.sessions) == (2, 2)
        await stand.close()


@pytest.mark.parametrize("status", ["307 Away", "302 Away"])
async def test_a_redirect_to_another_place_is_not_followed_with_the_token(stand: Stand, status: str) -> None:
    stolen: list[dict[str, str]] = []

    async def steal(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        stolen.append(headers)

    async with listening(steal) as (thief, elsewhere):

        async def call(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
            assert headers["authorization"] == "Bearer sk-secret"
            await send(writer, b"", {"location": str(elsewhere.url)}, status=status)

        async with listening(call) as (_, server):
            with pytest.raises(ToolFailure, match="MCP server web"):
                await stand.call(McpServer("web", url=server.url, bearer_token_env_var="SECRET_KEY"), "run")
            assert thief.seen == []
            await stand.close()


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        ("500 No", "text/plain", b"broken"),
        ("200 OK", "text/html", b"<h1>hello</h1>"),
        ("200 OK", "application/json", b"{"),
        ("200 OK", "application/json", b"[" * 100_000),
        ("200 OK", "text/event-stream", b"data: {\n\n"),
        ("202 Accepted", "text/plain", b""),
    ],
)
async def test_an_answer_that_is_none_becomes_one_sentence_and_the_next_call_works(
    stand: Stand, status: str, kind: str, body: bytes
) -> None:
    answers = iter([True])

    async def call(message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        if next(answers, False):
            await send(writer, body, {"content-type": kind}, status)
        else:
            await reply(writer, message, texts(1))

    async with listening(call) as (_, server):
        with pytest.raises(ToolFailure, match="MCP server web") as failure:
            await stand.call(server, "run")
        assert "\n" not in failure.value.sentence()
        assert len(failure.value.sentence()) < 1_000
        assert (await stand.call(server, "run"))["content"][0]["text"] == "x"
        await stand.close()
