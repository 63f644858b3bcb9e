"""MCP servers to test against: children of this process, and one that is reached over HTTP on loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.mcp_stand import LONG, TESTS, Stand
from treadle.core.settings import McpServer


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def over_http(stand: Stand) -> AsyncIterator[McpServer]:
    """A server that listens on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ("-m", "fakes.mcp_server", "--folder", str(stand.folder), "--http", str(port))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env={**os.environ, "PYTHONPATH": TESTS})
    try:
        async with asyncio.timeout(LONG):
            while not await _listens(port):  # noqa: ASYNC110 - opened by another process
                await asyncio.sleep(0.02)
        yield McpServer("web", url=f"http://127.0.0.1:{port}/mcp", startup_timeout=LONG)
    finally:
        process.kill()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
