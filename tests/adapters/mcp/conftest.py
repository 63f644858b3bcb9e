"""MCP servers to test against: children of this process, and one that is reached over HTTP on loopback."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fakes.mcp_stand import LONG, TESTS, Stand
from fakes.ports import reserved_port
from treadle.core.settings import McpServer


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    yield made
    await made.close()


class Listening:
    """A server on loopback that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._place, self._port = reserved_port()
        self._arguments = ("-m", "fakes.mcp_server", "--folder", str(folder), "--http", str(self._port))
        self.server = McpServer("web", url=f"http://127.0.0.1:{self._port}/mcp", startup_timeout=LONG, tool_timeout=LONG)

    async def start(self) -> None:
        environ = {**os.environ, "PYTHONPATH": TESTS}
        self._process = await asyncio.create_subprocess_exec(sys.executable, *self._arguments, env=environ)
        async with asyncio.timeout(LONG):
            while not await _listens(self._port):  # noqa: ASYNC110 - opened by another process
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    def close(self) -> None:
        self._place.close()


@pytest.fixture
async def over_http(stand: Stand) -> AsyncIterator[Listening]:
    listening = Listening(stand.folder)
    await listening.start()
    yield listening
    await listening.kill()
    listening.close()


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The loop's clock goes on by so many seconds: whoever waits for a time has waited."""

    def passes(seconds: float) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time
        monkeypatch.setattr(loop, "time", lambda: before() + seconds)

    return passes


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
