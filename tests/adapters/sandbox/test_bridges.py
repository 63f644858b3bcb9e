"""A command without network that reaches one port of the host, and nothing else by way of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sandbox_bench import Bench, Result

from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import CommandSpec

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


@dataclass(slots=True)
class Service:
    """Answers every connection with one line of HTTP and counts them."""

    port: int = 0
    seen: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        await reader.readline()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nbridged\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    async with await asyncio.start_server(made.answer, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


@pytest.fixture
async def other() -> AsyncIterator[Service]:
    made = Service()
    async with await asyncio.start_server(made.answer, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


async def run(bench: Bench, script: str, *bridges: int, policy: SandboxPolicy | None = None) -> Result:
    argv = ("/bin/bash", "-c", script)
    environment = {"PATH": os.environ["PATH"]}
    process = await bench.sandbox.spawn(
        CommandSpec(argv, str(bench.workspace), environment, bridges=bridges), policy or bench.policy()
    )
    try:
        text = b"".join([chunk async for chunk in process.output()])
        return Result(await process.wait(), text.decode())
    finally:
        await process.kill()


def python(source: str, *arguments: object) -> str:
    return f"{PYTHON} - {' '.join(map(str, arguments))} <<'END'\n{source}\nEND"


async def test_the_bridged_port_is_reached_and_no_other(bench: Bench, service: Service, other: Service) -> None:
    script = "for port in {} {}; do exec 3<>/dev/tcp/127.0.0.1/$port && echo >&3 && tail -n 1 <&3; done 2>&1"
    told = (await run(bench, script.format(service.port, other.port), service.port)).text
    assert told.startswith("bridged\n")
    assert "Connection refused" in told
    assert (service.seen, other.seen) == (1, 0)
    assert "refused" in (await run(bench, f"exec 3<>/dev/tcp/127.0.0.1/{service.port}")).text
    for policy in (bench.policy("read-only"), bench.policy(network=True)):
        script = f"exec 3<>/dev/tcp/127.0.0.1/{service.port} && echo >&3 && tail -n 1 <&3"
        assert (await run(bench, script, service.port, policy=policy)).text == "bridged\n"


async def test_two_commands_have_each_its_own_bridge(bench: Bench, service: Service, other: Service) -> None:
    script = "for port in {} {}; do exec 3<>/dev/tcp/127.0.0.1/$port && echo >&3 && tail -n 1 <&3; done 2> errors"
    script = script.format(service.port, other.port)
    told = await asyncio.gather(*(run(bench, script, port) for port in (service.port, other.port) * 3))
    assert [result.text for result in told] == ["bridged\n"] * 6
    assert (service.seen, other.seen) == (3, 3)


CLIENTS = """
import asyncio, fcntl, http.client, os, selectors, socket, sys
port = int(sys.argv[1])
def ask(sock):
    sock.sendall(b"GET / HTTP/1.0\\n")
    return sock.makefile("rb").read().endswith(b"bridged\\n")
async def stream(host):
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET\\n"); said = await reader.read(); writer.close()
    return said.endswith(b"bridged\\n")
print(ask(socket.create_connection(("127.0.0.1", port))), ask(socket.create_connection(("localhost", port), timeout=60)))
print(asyncio.run(stream("127.0.0.1")), asyncio.run(stream("localhost")))
plain = socket.socket(); plain.set_inheritable(True); plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
plain.connect(("127.0.0.1", port))
kept = socket.socket(); kept.setblocking(False); kept.connect_ex(("127.0.0.1", port))
print(plain.get_inheritable(), kept.get_inheritable(), os.get_blocking(plain.fileno()), os.get_blocking(kept.fileno()))
print(plain.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), plain.getpeername() == ("127.0.0.1", port))
mapped = socket.socket(socket.AF_INET6); mapped.connect(("::ffff:127.0.0.1", port)); print(ask(mapped))
"""


async def test_clients_of_all_kinds_notice_nothing(bench: Bench, service: Service) -> None:
    told = await run(bench, python(CLIENTS, service.port), service.port)
    assert told.text.split() == ["True"] * 4 + ["True", "False", "True", "False", "1", "True", "True"]
    url = f"http://127.0.0.1:{service.port}/"
    node = f"node -e 'fetch(\"{url}\").then(r => r.text()).then(t => process.stdout.write(t))'"
    for tool, script in (("curl", f"curl -sS --max-time 60 {url}"), ("node", node)):
        if shutil.which(tool):
            assert (await run(bench, script, service.port)).text == "bridged\n", tool


ESCAPES = """
import ctypes, socket, struct, sys
bridged, other = map(int, sys.argv[1:])
libc = ctypes.CDLL(None, use_errno=True)
def fresh():
    made = socket.socket(); made.connect(("127.0.0.1", bridged)); return made
def attempt(what, call):
    try:
        call(); print("REACHED", what)
    except OSError:
        pass
def unspecified(sock):
    libc.connect(sock.fileno(), struct.pack("=H", 0) + bytes(14), 16)
    sock.connect(("127.0.0.1", other))
attempt("again", lambda: fresh().connect(("127.0.0.1", other)))
attempt("disconnected", lambda: unspecified(fresh()))
def after_the_end(sock):
    sock.sendall(b"x\\n")
    while sock.recv(100): pass
    sock.shutdown(socket.SHUT_RDWR); sock.connect(("127.0.0.1", other))
attempt("ended", lambda: after_the_end(fresh()))
def fast_open(sock):
    sock.sendto(b"x\\n", socket.MSG_FASTOPEN, ("127.0.0.1", other))
    if sock.getpeername()[1] == bridged: raise OSError("the same connection as before")
attempt("fast open", lambda: fast_open(fresh()))
def unspecified_fast_open(sock):
    try: sock.sendto(b"x", socket.MSG_FASTOPEN, ("0.0.0.0", 0))
    except OSError: pass
    libc.sendto(sock.fileno(), b"x", 1, socket.MSG_FASTOPEN, struct.pack("=H", 0) + bytes(14), 16)
    sock.sendto(b"x\\n", socket.MSG_FASTOPEN, ("127.0.0.1", other))
attempt("unspecified fast open", lambda: unspecified_fast_open(fresh()))
attempt("listening", lambda: fresh().listen())
attempt("bound", lambda: fresh().bind(("127.0.0.1", 0)))
def datagrams(sock):
    sock.connect(("127.0.0.1", bridged)); sock.send(b"x"); sock.send(b"x")
attempt("udp", lambda: datagrams(socket.socket(type=socket.SOCK_DGRAM)))
attempt("another address", lambda: socket.create_connection(("127.0.0.2", bridged), 1))
attempt("all addresses", lambda: socket.create_connection(("0.0.0.0", bridged), 1))
print("done")
"""


async def test_a_bridged_connection_leads_nowhere_else(bench: Bench, service: Service, other: Service) -> None:
    told = await run(bench, python(ESCAPES, service.port, other.port), service.port)
    assert told.text == "done\n"
    assert other.seen == 0


async def test_a_bridge_to_a_port_where_nobody_listens_is_refused(bench: Bench, service: Service) -> None:
    async with await asyncio.start_server(service.answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    assert "Connection refused" in (await run(bench, f"exec 3<>/dev/tcp/127.0.0.1/{port}", port)).text
