"""A pool of MCP servers to test, and what it said. The servers are children of this process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from treadle.adapters.mcp import ServerPool, TokenFile, ToolCache
from treadle.core.asking import DECLINE, Decision
from treadle.core.elicitation import McpQuestion
from treadle.core.mcp import McpStatus
from treadle.core.settings import McpServer, Provider, Settings
from treadle.runtime.ports import Inquire

TESTS = str(Path(__file__).parents[1])
LONG = 60.0


class Stand:
    """Servers, the pool that knows them, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[McpStatus] = []
        self.ask: Inquire | None = None
        self.outside: Inquire | None = None
        self.tokens = TokenFile(folder / "tokens" / "mcp.json")
        self.own = {"PATH": os.environ["PATH"], "HOME": str(folder), "SECRET_KEY": "sk-secret", "WANTED": "handed on"}
        self.cache = ToolCache(folder / "cache")
        self.pauses: tuple[float, ...] = ()
        "Empty: a server that is lost stays so until it is called."
        self._pools: list[ServerPool] = []
        self._heard = asyncio.Event()
        self.pool = self.new_pool()

    def new_pool(self) -> ServerPool:
        pool = ServerPool(self.cache, self.own, self._hear, tokens=self.tokens, outside=self._outside, pauses=self.pauses)
        self._pools.append(pool)
        return self._pools[-1]

    def server(self, *flags: str, name: str = "fake", **more: Any) -> McpServer:
        args = ("-m", "fakes.mcp_server", "--folder", str(self.folder), *flags)
        server = McpServer(name, command=sys.executable, args=args, env=(("PYTHONPATH", TESTS),), startup_timeout=LONG)
        return replace(server, **more)

    def rogue(self, trick: str, **more: Any) -> McpServer:
        """One that does what no server should."""
        script = str(Path(__file__).parent / "mcp_rogue.py")
        return McpServer("rogue", command=sys.executable, args=(script, trick, str(self.folder)), startup_timeout=LONG, **more)

    async def until(self, name: str) -> str:
        """What a server has written to this file."""
        async with asyncio.timeout(LONG):
            while not (self.folder / name).exists():  # noqa: ASYNC110 - made by another process
                await asyncio.sleep(0.01)
        return (self.folder / name).read_text()

    def settings(self, *servers: McpServer, grace: float = LONG) -> Settings:
        return Settings(str(self.folder), "m", Provider("p", "P", ""), mcp_servers=servers, mcp_grace=grace)

    async def call(self, server: McpServer, tool: str, say: Callable[[str], None] = lambda said: None, **arguments: Any) -> Any:
        return await self.pool.call(server, self.settings(server), tool, arguments, say, ask=self.ask)

    async def heard(self, state: str) -> McpStatus:
        """The first status of this state, past or to come."""
        async with asyncio.timeout(LONG):
            while True:
                for status in self.said:
                    if status.state == state:
                        return status
                self._heard.clear()
                await self._heard.wait()

    async def heard_of(self, seen: Callable[[list[McpStatus]], bool]) -> None:
        """Until what was said is like this."""
        async with asyncio.timeout(LONG):
            while not seen(self.said):
                self._heard.clear()
                await self._heard.wait()

    def pids(self) -> list[int]:
        return [int(line) for line in (self.folder / "pids").read_text().split()]

    async def close(self) -> None:
        for pool in self._pools:
            await pool.close()

    async def _outside(self, question: McpQuestion) -> Decision:
        return await self.outside(question) if self.outside else DECLINE

    def _hear(self, status: McpStatus) -> None:
        self.said.append(status)
        self._heard.set()
