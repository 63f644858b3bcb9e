"""The proxy from the outside: who is let through, where to, and what the others are told."""

from __future__ import annotations

import asyncio
import base64
import contextlib

import pytest

from fakes.network import Judge, Network
from treadle.adapters.proxy import server
from treadle.core.network import HostRules, HostVerdict, Protocol
from treadle.runtime.ports.network import Way

RULES = HostRules(allow=("good.com", "missing.com", "rebound.com"), deny=("bad.com",))


def authorization(way: Way) -> bytes:
    token = way.environment["HTTP_PROXY"].split("//", 1)[1].split("@")[0]
    return b"Proxy-Authorization: Basic " + base64.b64encode(token.encode()) + b"\r\n"


def get(way: Way, host: str, port: int) -> bytes:
    return f"GET http://{host}:{port}/path HTTP/1.1\r\nHost: elsewhere.com\r\n".encode() + authorization(way) + b"\r\n"


async def test_a_request_goes_on_to_an_allowed_host(network: Network) -> None:
    way = await network.proxy.open(judge := Judge(RULES))
    status, _, body = await network.ask(way.port, get(way, "good.com", network.internet.port))
    assert status == "HTTP/1.1 200 OK"
    assert body == f"GET /path HTTP/1.1 for good.com:{network.internet.port}\n".encode()
    assert judge.asked == [("good.com", "http")]
    assert "roxy" not in network.internet.seen[0]


async def test_a_tunnel_is_a_tunnel(network: Network) -> None:
    way = await network.proxy.open(Judge(RULES))
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    writer.write(f"CONNECT good.com:{network.internet.port} HTTP/1.1\r\n".encode() + authorization(way) + b"\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    for path in (b"/one", b"/two"):
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: inside.com\r\n\r\n")
        assert path + b" HTTP/1.1 for inside.com" in await reader.readuntil(b"inside.com\n")
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    ("host", "block", "said"),
    [
        ("other.com", "blocked-by-allowlist", "other.com is not on the allow-list of the network settings."),
        ("bad.com", "blocked-by-denylist", "bad.com is on the deny-list of the network settings."),
        ("127.0.0.1", "blocked-by-policy", "127.0.0.1 is an address of this machine or its network"),
    ],
)
async def test_a_refusal_says_why_to_programs_and_to_people(network: Network, host: str, block: str, said: str) -> None:
    way = await network.proxy.open(Judge(RULES))
    tunnel = f"CONNECT {host}:443 HTTP/1.1\r\n".encode() + authorization(way) + b"\r\n"
    for request in (get(way, host, 80), tunnel):
        status, fields, body = await network.ask(way.port, request)
        assert status.startswith(f"HTTP/1.1 403 Forbidden: {said}")
        assert fields["x-proxy-error"] == block
        assert said in body.decode()
    assert network.internet.seen == network.internet.looked_up == []


async def test_a_name_that_resolves_to_this_machine_is_refused(network: Network) -> None:
    """Rebinding: one good address among bad ones does not help."""
    network.internet.addresses["rebound.com"] = ["1.1.1.1", "127.0.0.1"]
    way = await network.proxy.open(Judge(RULES, private=False))
    status, fields, _ = await network.ask(way.port, get(way, "rebound.com", network.internet.port))
    assert "403" in status
    assert fields["x-proxy-error"] == "blocked-by-policy"
    assert network.internet.seen == []


async def test_only_a_command_with_its_token_is_served(network: Network) -> None:
    way = await network.proxy.open(Judge(RULES))
    other = await network.proxy.open(Judge(HostRules()))
    request = get(way, "good.com", network.internet.port)
    wrong = base64.b64encode(b"treadle:x" + way.environment["HTTP_PROXY"].encode())
    for unknown in (
        request.replace(authorization(way), b""),
        request.replace(authorization(way), b"Proxy-Authorization: Basic " + wrong + b"\r\n"),
    ):
        status, fields, _ = await network.ask(way.port, unknown)
        assert status.startswith("HTTP/1.1 407 ")
        assert fields["proxy-authenticate"].startswith("basic")
    status, _, _ = await network.ask(way.port, get(other, "good.com", network.internet.port))
    assert "403" in status
    way.close()
    status, _, _ = await network.ask(way.port, request)
    assert "407" in status
    assert network.internet.seen == []


async def test_connections_end_with_their_command(network: Network) -> None:
    way = await network.proxy.open(Judge(RULES))
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    writer.write(f"CONNECT good.com:{network.internet.port} HTTP/1.1\r\n".encode() + authorization(way) + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    way.close()
    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "400"),
        (b"\x16\x03\x01 a TLS hello\r\n\r\n", "400"),
        (b"GET http://good.com/ HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", "431"),
    ],
)
async def test_what_is_no_request_to_a_proxy_is_answered(network: Network, data: bytes, code: str) -> None:
    way = await network.proxy.open(Judge(RULES))
    status, _, _ = await network.ask(way.port, data)
    assert f" {code} " in status


async def test_a_host_that_is_not_there_is_a_bad_gateway(network: Network) -> None:
    way = await network.proxy.open(Judge(RULES))
    status, _, body = await network.ask(way.port, get(way, "missing.com", 80))
    assert " 502 " in status
    assert body == b"The address of missing.com cannot be found.\n"
    async with await asyncio.start_server(network.internet.answer, "127.0.0.1", 0) as gone:
        port = gone.sockets[0].getsockname()[1]
    status, _, body = await network.ask(way.port, get(way, "good.com", port))
    assert " 502 " in status
    assert b"cannot be reached: " in body


async def test_a_silent_client_is_let_go(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.05)
    way = await network.proxy.open(Judge(RULES))
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


async def test_a_tunnel_in_which_nothing_moves_is_closed(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_IDLE_SECONDS", 0.05)
    way = await network.proxy.open(Judge(RULES))
    tunnel = f"CONNECT good.com:{network.internet.port} HTTP/1.1\r\n".encode() + authorization(way) + b"\r\n"
    async with asyncio.timeout(60):
        status, _, rest = await network.ask(way.port, tunnel)
    assert " 200 " in status
    assert rest == b""


async def test_one_command_cannot_take_all_connections(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_PER_COMMAND", 2)
    waiting, came = asyncio.Event(), asyncio.Semaphore(0)

    class Slow(Judge):
        async def judge(self, host: str, protocol: Protocol) -> HostVerdict:
            came.release()
            await waiting.wait()
            return await Judge.judge(self, host, protocol)

    way = await network.proxy.open(Slow(RULES))
    other = await network.proxy.open(Judge(RULES))
    held = [asyncio.create_task(network.ask(way.port, get(way, "good.com", network.internet.port))) for _ in range(2)]
    for _ in held:
        await came.acquire()
    status, _, _ = await network.ask(way.port, get(way, "good.com", network.internet.port))
    assert " 503 " in status
    status, _, _ = await network.ask(other.port, get(other, "good.com", network.internet.port))
    assert " 200 " in status
    waiting.set()
    assert [" 200 " in (await each)[0] for each in held] == [True, True]
