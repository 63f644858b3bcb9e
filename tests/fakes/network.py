"""A made-up internet, where every name is one server on the loopback, a proxy into it, and a judge of plain rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from treadle.adapters.proxy.server import AllowListProxy
from treadle.core.network import HostRules, HostVerdict, Protocol


@dataclass(slots=True)
class Judge:
    rules: HostRules
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    private: bool = True
    "The made-up internet is on the loopback."

    async def judge(self, host: str, protocol: Protocol) -> HostVerdict:
        self.asked.append((host, protocol))
        found = self.rules.judge(host)
        return replace(found, verdict="deny") if found.verdict == "ask" else found

    def judge_address(self, host: str, address: str) -> HostVerdict:
        return HostVerdict("allow") if self.private else self.rules.judge_address(host, address)


@dataclass(slots=True)
class Internet:
    """One server behind every name; it answers each request with its first line and its host."""

    port: int = 0
    seen: list[str] = field(default_factory=list[str])
    addresses: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    looked_up: list[str] = field(default_factory=list[str])
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def resolve(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        if host == "missing.com":
            raise OSError("no such host")
        return self.addresses.get(host, ["127.0.0.1"])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                lines = head.split("\r\n")
                host = next(line.split(": ", 1)[1] for line in lines if line.lower().startswith("host:"))
                self.seen.append(head)
                self.reached.set()
                body = f"{lines[0]} for {host}\n".encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
                if "connection: close" in head.lower():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass(slots=True)
class Network:
    proxy: AllowListProxy
    internet: Internet

    async def ask(self, port: int, data: bytes) -> tuple[str, dict[str, str], bytes]:
        """(status line, headers, the rest until the end)"""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            return head[0], fields, await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def made_up_network() -> AsyncIterator[Network]:
    internet = Internet()
    async with await asyncio.start_server(internet.answer, "127.0.0.1", 0) as server:
        internet.port = server.sockets[0].getsockname()[1]
        proxy = AllowListProxy(internet.resolve)
        try:
            yield Network(proxy, internet)
        finally:
            await proxy.close()
