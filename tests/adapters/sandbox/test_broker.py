"""Unix sockets of confined commands: their own work, the host's stay out of reach, and nobody waits for somebody else's peer."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandbox_bench import Bench

from treadle.adapters.sandbox import broker as broker_module
from treadle.adapters.sandbox import host_sockets, linux, notices
from treadle.adapters.sandbox.broker import Broker
from treadle.adapters.sandbox.spawner import confine_thread

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


def program(source: str) -> str:
    return f"cat > program.py <<'END'\n{source}\nEND\n{PYTHON} program.py"


OWN = """
import asyncio, multiprocessing, socket, sys, threading
def double(number):
    return 2 * number
async def talk():
    server = await asyncio.start_unix_server(lambda r, w: (w.write(b"hello"), w.close()), "deep/er/socket")
    reader, writer = await asyncio.open_unix_connection("deep/../deep/er/socket")
    assert await reader.read() == b"hello"
    writer.close(); server.close()
def names():
    for name in ("plain", "\\0abstract", sys.argv[1] + "/absolute"):
        for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            with socket.socket(socket.AF_UNIX, kind) as server, socket.socket(socket.AF_UNIX, kind) as client:
                address = f"{name}-{int(kind)}"
                server.bind(address); server.listen()
                client.connect(address)
                connection, _ = server.accept()
                client.send(b"x"); assert connection.recv(1) == b"x"
                assert client.getpeername() in (address, address.encode()), client.getpeername()
if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.dict(a=1); assert shared["a"] == 1
    with multiprocessing.get_context("forkserver").Pool(2) as pool:
        assert pool.map(double, [1, 2]) == [2, 4]
    asyncio.run(talk()); names()
    print("works")
"""


@pytest.mark.parametrize("network", [False, True])
async def test_a_command_uses_unix_sockets_of_its_own(bench: Bench, network: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:  # an address has room for a hundred bytes
        near = dataclasses.replace(bench, workspace=Path(short))
        script = program(OWN) + " $PWD"
        result = await near.run(f"mkdir -p deep/er; export TMPDIR=$PWD; {script}", near.policy(network=network))
    assert result.text == "works\n"


async def test_other_programs_use_theirs(bench: Bench) -> None:
    """Each with another way to wait for a connection, or with a peer that looks at who connects."""
    node = """node -e 'const net = require("net");
const server = net.createServer(c => c.end("node"));
server.listen("n", () => net.connect("n").on("data", d => console.log("" + d)).on("close", () => server.close()))'"""
    agent = "eval $(ssh-agent -a $PWD/agent) > out; ssh-add -l; kill $SSH_AGENT_PID"
    curl = f"{PYTHON} served.py & until [ -S http ]; do sleep 0.01; done; curl -s --unix-socket http http://x/; wait"
    (bench.workspace / "served.py").write_text(
        "import socketserver\n"
        "class Answer(socketserver.StreamRequestHandler):\n"
        "    def handle(self):\n"
        "        self.rfile.readline(); self.wfile.write(b'HTTP/1.0 200 OK\\r\\n\\r\\ncurl\\n')\n"
        "socketserver.UnixStreamServer('http', Answer).handle_request()\n"
    )
    for tool, script, said in (("node", node, "node"), ("ssh-agent", agent, "no identities"), ("curl", curl, "curl")):
        if shutil.which(tool):
            assert said in (await bench.run(script)).text, tool


async def test_errors_are_those_of_connect_itself(bench: Bench) -> None:
    source = """
import ctypes, errno, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def connect(fd, address, length=None):
    libc.connect(fd, address, len(address) if length is None else length)
    return errno.errorcode.get(ctypes.get_errno())
unix, internet = socket.socket(socket.AF_UNIX), socket.socket()
name = lambda path: struct.pack("=H", 1) + path
open("file", "w").close(); os.symlink("loop", "loop")
print(connect(unix.fileno(), name(b"missing")), connect(unix.fileno(), name(b"file")), connect(unix.fileno(), name(b"loop")),
      connect(unix.fileno(), name(b"file/below")), connect(unix.fileno(), name(b"")),
      connect(unix.fileno(), struct.pack("=HH", 2, 0)),
      connect(unix.fileno(), ctypes.c_void_p(8), 20), connect(unix.fileno(), b"", 4000), connect(unix.fileno(), b"", -1),
      connect(999, name(b"x")), connect(0, name(b"x")), connect(internet.fileno(), name(b"x" * 16)))
"""
    expected = "ENOENT ECONNREFUSED ELOOP ENOTDIR EINVAL EINVAL EFAULT EINVAL EINVAL EBADF ENOTSOCK EAFNOSUPPORT"
    assert (await bench.run(program(source))).text.split() == expected.split()


@pytest.fixture
def service(bench: Bench) -> Iterator[socket.socket]:
    """Of the host, bound by a relative name inside the workspace."""
    with closing(socket.socket(socket.AF_UNIX)) as server:
        before = os.getcwd()
        os.chdir(bench.workspace)
        try:
            server.bind("service")
        finally:
            os.chdir(before)
        server.listen()
        yield server


REACH = """
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1]); print("CONNECTED")
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize(
    ("prepare", "name"),
    [
        ("true", "service"),
        ("true", "$PWD/../workspace/service"),
        ("ln service linked", "linked"),
        ("mv service renamed", "renamed"),
        ("ln -s service link", "link"),
        ("mkdir a && mv service a/b && touch a/b", "a/b"),
        ("ln service again && rm service && chmod 777 again", "again"),
    ],
)
async def test_a_service_of_the_host_is_refused_by_whatever_name(
    bench: Bench, service: socket.socket, network: bool, prepare: str, name: str
) -> None:
    result = await bench.run(f"{prepare}; {program(REACH)} {name}", bench.policy(network=network))
    assert result.text == "PermissionError\n"
    service.setblocking(False)
    with pytest.raises(BlockingIOError):
        service.accept()


@pytest.mark.parametrize("network", [False, True])
async def test_a_service_that_begins_during_the_command_is_refused(bench: Bench, network: bool) -> None:
    source = "import os, time\nprint('ready', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)\n" + REACH
    process = await bench.start(program(source) + " late", bench.policy(network=network))
    output = process.output()
    assert await anext(output) == b"ready\n"
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(bench.workspace / "late"))
        server.listen()
        (bench.workspace / "go").touch()
        assert b"".join([chunk async for chunk in output]) == b"PermissionError\n"
    await process.kill()


async def test_a_new_service_where_the_command_cannot_write_is_not_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the kernel does not list it, as one of a container with a network of its own."""
    monkeypatch.setattr(host_sockets, "listed", dict)
    source = "import os, time\nprint('ready', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)\n" + REACH
    process = await bench.start(f"{program(source)} {bench.outside}/late")
    output = process.output()
    assert await anext(output) == b"ready\n"
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(bench.outside / "late"))
        server.listen()
        (bench.workspace / "go").touch()
        assert b"".join([chunk async for chunk in output]) == b"PermissionError\n"
    await process.kill()


async def test_a_program_that_hides_from_tracers_connects_as_well(bench: Bench) -> None:
    source = """
import ctypes, socket
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
server = socket.socket(socket.AF_UNIX); server.bind("s"); server.listen()
socket.socket(socket.AF_UNIX).connect("s"); print("works")
"""
    assert (await bench.run(program(source))).text == "works\n"


async def test_what_was_looked_at_cannot_be_exchanged(bench: Bench, service: socket.socket) -> None:
    """One thread exchanges the name, the link and the descriptor while others connect."""
    source = """
import ctypes, os, socket, struct, threading, time
libc = ctypes.CDLL(None)
own = socket.socket(socket.AF_UNIX); own.bind("own"); own.listen(4000)
address = ctypes.create_string_buffer(struct.pack("=H", 1) + b"own" + bytes(8), 13)
names = (b"own" + bytes(8), b"service" + bytes(4), b"turning" + bytes(4))
until, connected = time.monotonic() + 1.5, []
def going():  # on a busy machine until one came through
    return time.monotonic() < until or not connected
def turn():
    while going():
        for target, name in zip(("own", "service", "own"), names):
            ctypes.memmove(ctypes.addressof(address) + 2, name, 11)
            os.symlink(target, "new"); os.rename("new", "turning")
def connect():
    while going():
        client = socket.socket(socket.AF_UNIX); client.settimeout(1)
        if libc.connect(client.fileno(), address, 13) == 0: connected.append(1)
threads = [threading.Thread(target=work) for work in (turn, connect, connect)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
own.setblocking(False); own.accept(); print("works")
"""
    assert (await bench.run(program(source))).text == "works\n"
    service.setblocking(False)
    with pytest.raises(BlockingIOError):
        service.accept()


WAITING = """
import errno, os, signal, socket, struct, sys, threading, time
def full(family, address):
    server = socket.socket(family); server.bind(address); server.listen(0)
    while not is_full(server):
        client = socket.socket(family); client.setblocking(False); kept.append(client)
        if client.connect_ex(server.getsockname()) == errno.EAGAIN:
            return server
        time.sleep(0.01)
    return server
def is_full(server):
    # as the kernel counts: who waits to be accepted, and how many may wait beside one
    if server.family != socket.AF_INET: return False
    waiting, most = struct.unpack_from("=2I", server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)
    return waiting > most
kept = []
family, address = (socket.AF_UNIX, "full") if sys.argv[1] == "unix" else (socket.AF_INET, ("127.0.0.1", 0))
server = full(family, address)
"""


@pytest.mark.parametrize("family", ["unix", "internet"])
async def test_waiting_calls_hold_up_nobody_and_end_with_their_command(bench: Bench, family: str) -> None:
    source = """
def wait():
    socket.socket(family).connect(server.getsockname())
for _ in range(100):
    threading.Thread(target=wait, daemon=True).start()
time.sleep(0.5)
quick = socket.socket(); quick.bind(("127.0.0.1", 0)); quick.listen(); socket.create_connection(quick.getsockname())
print("quick", flush=True); time.sleep(60)
"""
    process = await bench.start(f"{program(WAITING + source)} {family}")
    try:
        async with asyncio.timeout(60):
            async for chunk in process.output():
                assert chunk == b"quick\n"
                break
            other = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s2 = socket.socket()"
            assert (await bench.run(f'{PYTHON} -c "{other}; s2.connect(s.getsockname()); print(1)"')).text == "1\n"
    finally:
        async with asyncio.timeout(30):
            await process.kill()


@pytest.mark.parametrize("family", ["unix", "internet"])
async def test_a_waiting_call_is_connected_when_the_peer_accepts(bench: Bench, family: str) -> None:
    source = """
def accept():
    time.sleep(0.3)
    while True: kept.append(server.accept())
threading.Thread(target=accept, daemon=True).start()
client = socket.socket(family); client.connect(server.getsockname()); client.send(b"x"); print("connected")
"""
    async with asyncio.timeout(60):
        assert (await bench.run(f"{program(WAITING + source)} {family}")).text == "connected\n"


@pytest.mark.parametrize("family", ["unix", "internet"])
async def test_signals_and_time_outs_end_a_wait(bench: Bench, family: str) -> None:
    source = """
def ring(number, frame): raise InterruptedError
signal.signal(signal.SIGALRM, ring); client = socket.socket(family)
try: signal.setitimer(signal.ITIMER_REAL, 0.2); client.connect(server.getsockname())
except InterruptedError: print("signal")
limited = socket.socket(family); limited.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", 0, 200000))
print(errno.errorcode[limited.connect_ex(server.getsockname())])
waiting = socket.socket(family); waiting.settimeout(0.2)
try: waiting.connect(server.getsockname())
except (TimeoutError, BlockingIOError): print("time-out")
"""
    async with asyncio.timeout(60):
        told = (await bench.run(f"{program(WAITING + source)} {family}")).text.split()
    assert told == ["signal", "EAGAIN" if family == "unix" else "EINPROGRESS", "time-out"]


async def test_a_failure_of_ours_stalls_no_command(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    receive, attempt, failures = notices.Listener.receive, broker_module.attempt, ["listening", "looking"]

    def failing_to_listen(listener: notices.Listener) -> notices.Notice | None:
        if "listening" in failures:
            failures.remove("listening")
            raise RuntimeError("a bug")
        return receive(listener)

    def failing_to_look(*given: object) -> int | None:
        if "looking" in failures:
            failures.remove("looking")
            raise RuntimeError("a bug")
        return attempt(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(notices.Listener, "receive", failing_to_listen)
    monkeypatch.setattr(broker_module, "attempt", failing_to_look)
    source = """
import socket
server = socket.socket(socket.AF_UNIX); server.bind("s"); server.listen()
for _ in range(3):
    try: socket.socket(socket.AF_UNIX).connect("s"); print("connected")
    except PermissionError: print("refused")
"""
    async with asyncio.timeout(60):
        told = (await bench.run(program(source))).text.split()
    assert told in (["refused", "connected", "connected"], ["connected"] * 3)  # a shell may look for a service of names before
    assert failures == []


def serving() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "broker"}


async def test_nothing_is_left_behind(bench: Bench) -> None:
    source = """
import socket
server = socket.socket(socket.AF_UNIX); server.bind("s"); server.listen(500)
clients = [socket.socket(socket.AF_UNIX) for _ in range(300)]
[client.connect("s") for client in clients]
"""
    others = serving()
    assert (await bench.run("true")).code == 0
    before = len(os.listdir("/proc/self/fd"))
    assert (await bench.run(program(source))).code == 0
    assert len(os.listdir("/proc/self/fd")) <= before + 2  # a pipe of asyncio's may have come
    assert serving() > others
    await bench.sandbox.close()
    assert serving() == others


async def test_no_thread_serves_before_there_is_a_command(bench: Bench) -> None:
    others = serving()
    process = await bench.sandbox.spawn(linux.CommandSpec(("/bin/true",), "/"), bench.policy("danger-full-access"))
    assert await process.wait() == 0
    assert serving() == others


def test_inside_another_watching_sandbox_there_is_no_broker() -> None:
    told: list[int | None] = []

    def nested() -> None:
        confine_thread()
        outer = Broker.start(scoped=True)
        try:
            Broker.start(scoped=True)
        except OSError as error:
            told.append(error.errno)
        outer.close()

    thread = threading.Thread(target=nested)
    thread.start()
    thread.join(60)
    assert told == [errno.EBUSY]


async def test_without_a_broker_unix_sockets_are_refused_and_the_status_says_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> Broker:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(broker_module.Broker, "start", refuse)
    status = await bench.sandbox.status()
    assert (status.available, status.broker, status.broker_reason) == (True, False, "Linux 5.19 or later is needed")
    assert "PermissionError" in (await bench.run(f'{PYTHON} -c "import socket; socket.socket(socket.AF_UNIX)"')).text
