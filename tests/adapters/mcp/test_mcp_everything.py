"""A server that others have written, in another language: the reference server of the protocol, over a pipe and over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.mcp_stand import LONG, Stand
from fakes.ports import reserved_port
from treadle.core.asking import ACCEPT, Decision
from treadle.core.elicitation import McpQuestion
from treadle.core.errors import ToolFailure
from treadle.core.mcp import Look
from treadle.core.settings import McpServer

SCRIPT = Path(__file__).parent / "npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
NAME = "everything"


def by_pipe() -> McpServer:
    node = shutil.which("node")
    assert node and SCRIPT.exists(), "the server is not installed: make setup"
    return McpServer(NAME, command=node, args=(str(SCRIPT), "stdio"), startup_timeout=LONG)


@pytest.fixture
async def by_http(tmp_path: Path) -> AsyncIterator[McpServer]:
    pipe = by_pipe()
    assert pipe.command
    place, port = reserved_port()
    environ = {**os.environ, "PORT": str(port)}
    with (tmp_path / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            pipe.command, str(SCRIPT), "streamableHttp", env=environ, stdout=said, stderr=said
        )
    try:
        async with asyncio.timeout(LONG):
            while not await listens(port):  # noqa: ASYNC110 - opened by another process
                await asyncio.sleep(0.05)
        yield McpServer(NAME, url=f"http://127.0.0.1:{port}/mcp", startup_timeout=LONG)
    finally:
        process.kill()
        await process.wait()
        place.close()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def texts(result: dict) -> list[str]:
    return [part["text"] for part in result["content"] if part["type"] == "text"]


async def check(stand: Stand, server: McpServer) -> None:
    asked: list[McpQuestion] = []

    async def ask(question: McpQuestion) -> Decision:
        asked.append(question)
        return ACCEPT if question.url else Decision("accept", content={"name": "Ada", "integer": 7})

    stand.ask, settings = ask, stand.settings(server)
    assert texts(await stand.call(server, "echo", message="héllo")) == ["Echo: héllo"]
    assert (await stand.call(server, "get-structured-content", location="Chicago"))["structuredContent"]
    picture = await stand.call(server, "get-tiny-image")
    assert [part["mimeType"] for part in picture["content"] if part["type"] == "image"] == ["image/png"]
    said: list[str] = []
    await stand.call(server, "trigger-long-running-operation", said.append, duration=0.2, steps=2)
    assert said[-1] == "2 of 2"
    # it lists these when it has heard what we can do
    await stand.heard_of(lambda _: any(tool.name == "trigger-url-elicitation" for tool in stand.pool.tools(settings)))
    assert "- Name: Ada" in "\n".join(texts(await stand.call(server, "trigger-elicitation-request")))
    assert asked[0].schema["required"] == ["name"]
    await stand.call(server, "trigger-url-elicitation", url="https://example.com/pay")
    assert asked[1].url == "https://example.com/pay"
    listed = await stand.pool.look(server, settings, Look("resources"))
    first = listed["resources"][0]["uri"]
    assert (await stand.pool.look(server, settings, Look("read", uri=first)))["contents"][0]["text"]
    assert (await stand.pool.look(server, settings, Look("templates")))["resourceTemplates"]
    assert (await stand.call(server, "get-sum", a="no number", b=1))["isError"]


async def test_all_that_it_offers_works_over_a_pipe(stand: Stand) -> None:
    server = by_pipe()
    await check(stand, server)
    environment = json.loads(texts(await stand.call(server, "get-env"))[0])
    ours = {name for name in environment if name.startswith("TREADLE_")}  # by which it is found should the sidecar be killed
    assert environment.keys() - ours <= {"HOME", "PATH", "TERM", "LANG"} and len(ours) <= 1


async def test_all_that_it_offers_works_over_http(stand: Stand, by_http: McpServer) -> None:
    await check(stand, by_http)


async def test_a_tool_that_wants_to_be_run_as_a_task_has_a_result_or_a_sentence(stand: Stand) -> None:
    try:
        result = await stand.call(by_pipe(), "simulate-research-query", topic="weaving")
        assert texts(result)
    except ToolFailure as failure:
        assert "\n" not in failure.sentence()
