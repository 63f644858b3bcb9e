"""An HTTP proxy on the loopback, for commands that have no other way out.

Promises: a connection is made only for a command that is known by its token, to a host that its judge allowed, at an address that
was judged as well (names are resolved here, once, and the address that was judged is the one that is connected to); everything
is bounded in size, number and time; a refusal says why. Must never look into a tunnel, and never log a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import TypeAlias

from ...core.network import HostVerdict
from ...core.record import unique
from ...runtime.ports.network import HostJudge
from .head import BadHead, Wanted, parse

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"(host, port) -> addresses. Raises OSError."
Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_MOST_HEAD = 64 * 1024
_CHUNK = 64 * 1024
_MOST_CONNECTIONS, _MOST_PER_COMMAND = 256, 64
_HEAD_SECONDS, _RESOLVE_SECONDS, _CONNECT_SECONDS = 30.0, 15.0, 15.0
_IDLE_SECONDS = 900.0
_MOST_ADDRESSES = 8
_NO_PROXY = "localhost,127.0.0.1,::1"
_USER = "treadle"


async def system_resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@unique
class CommandWay:
    """The proxy as one command sees it."""

    judge: HostJudge
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    connections: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    ways: dict[str, CommandWay] = field(default_factory=dict[str, "CommandWay"], repr=False)

    @property
    def environment(self) -> dict[str, str]:
        url = f"http://{_USER}:{self.token}@127.0.0.1:{self.port}"
        named = {"HTTP_PROXY": url, "HTTPS_PROXY": url, "ALL_PROXY": url, "NO_PROXY": _NO_PROXY}
        return {
            **named,
            **{name.lower(): value for name, value in named.items()},
            "npm_config_proxy": url,
            "npm_config_https_proxy": url,
            "npm_config_noproxy": _NO_PROXY,
            "YARN_HTTP_PROXY": url,
            "YARN_HTTPS_PROXY": url,
            "NODE_USE_ENV_PROXY": "1",
        }

    def close(self) -> None:
        self.ways.pop(self.token, None)
        for connection in self.connections:
            connection.cancel()


class Refused(Exception):
    def __init__(self, status: str, sentence: str, block: str | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.block = status, sentence, block


class AllowListProxy:
    def __init__(self, resolve: Resolve = system_resolve) -> None:
        self._resolve = resolve
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._ways: dict[str, CommandWay] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, judge: HostJudge) -> CommandWay:
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=_MOST_HEAD)
        way = CommandWay(judge, self._server.sockets[0].getsockname()[1], ways=self._ways)
        self._ways[way.token] = way
        return way

    async def close(self) -> None:
        self._ways.clear()
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer, task)
        except Refused as refused:
            with contextlib.suppress(OSError):
                writer.write(_refusal(refused))
                await asyncio.wait_for(writer.drain(), _CONNECT_SECONDS)
        except (OSError, TimeoutError):
            pass  # one of the two has gone
        except asyncio.CancelledError:
            writer.transport.abort()  # the command has ended, or the proxy does
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        if len(self._connections) > _MOST_CONNECTIONS:
            raise Refused("503 Service Unavailable", "Too many connections are open through the proxy.")
        wanted = await _wanted(reader)
        way = self._ways.get(wanted.token or "")
        if way is None:
            raise Refused("407 Proxy Authentication Required", "This proxy serves the commands of Treadle only.")
        if len(way.connections) >= _MOST_PER_COMMAND:
            raise Refused("503 Service Unavailable", "This command has too many connections open through the proxy.")
        way.connections.add(task)
        try:
            far = await _connect(await self._addresses(wanted, way.judge), wanted)
            try:
                if wanted.tunnel:
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    far[1].write(wanted.head)
                await _relay((reader, writer), far)
            finally:
                far[1].close()
        finally:
            way.connections.discard(task)

    async def _addresses(self, wanted: Wanted, judge: HostJudge) -> list[str]:
        """Judged, all of them. A name is not even looked up before it is allowed: the question itself could carry something."""
        _check(await judge.judge(wanted.host, "https" if wanted.tunnel else "http"))
        host = wanted.host.strip("[]")
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                addresses = await self._resolve(host, wanted.port)
        except (OSError, UnicodeError, TimeoutError):
            addresses = []
        if not addresses:
            raise Refused("502 Bad Gateway", f"The address of {host} cannot be found.")
        for address in addresses:
            _check(judge.judge_address(wanted.host, address))
        return addresses[:_MOST_ADDRESSES]


async def _wanted(reader: asyncio.StreamReader) -> Wanted:
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            return parse(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.LimitOverrunError:
        raise Refused("431 Request Header Fields Too Large", "The head of the request is too long.") from None
    except asyncio.IncompleteReadError:
        raise ConnectionResetError from None
    except BadHead as bad:
        raise Refused("400 Bad Request", str(bad)) from None


def _check(verdict: HostVerdict) -> None:
    if verdict.verdict != "allow":
        raise Refused("403 Forbidden", verdict.reason, verdict.block)


async def _connect(addresses: list[str], wanted: Wanted) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    problem = "nobody answers"
    for address in addresses:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await asyncio.open_connection(address, wanted.port, limit=_CHUNK)
        except TimeoutError:
            continue
        except OSError as error:
            problem = (error.strerror or problem).lower()
    raise Refused("502 Bad Gateway", f"{wanted.host} port {wanted.port} cannot be reached: {problem}.")


async def _relay(near: Stream, far: Stream) -> None:
    """Until both directions have ended, one has failed, or nothing came from either for long."""
    loop = asyncio.get_running_loop()
    last = loop.time()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal last
        while True:
            try:
                async with asyncio.timeout_at(last + _IDLE_SECONDS):
                    data = await reader.read(_CHUNK)
            except TimeoutError:
                if loop.time() < last + _IDLE_SECONDS:  # the other direction was busy
                    continue
                raise
            if not data:
                break
            last = loop.time()
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(copy(near[0], far[1]))
            both.create_task(copy(far[0], near[1]))
    except* (OSError, TimeoutError):
        pass  # one of the two has gone, or says nothing


def _refusal(refused: Refused) -> bytes:
    body = refused.sentence.encode("ascii", "replace") + b"\n"
    reason = refused.status.encode()
    if refused.status.startswith("403"):
        reason += b": " + refused.sentence.encode("ascii", "replace")  # what most clients show of an answer to CONNECT
    lines = [b"HTTP/1.1 " + reason, b"content-type: text/plain", b"content-length: %d" % len(body), b"connection: close"]
    if refused.block is not None:
        lines.append(b"x-proxy-error: " + refused.block.encode())
    if refused.status.startswith("407"):
        lines.append(b'proxy-authenticate: Basic realm="treadle"')
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
