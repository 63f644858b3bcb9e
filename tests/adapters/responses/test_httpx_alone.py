"""httpx is loaded whole, but for a command line that nobody asked for."""

from __future__ import annotations

import subprocess
import sys

_LOOK = """
import sys
from treadle.adapters.responses import httpx_alone
httpx_alone.load()
httpx_alone.load()
import httpx
httpx.AsyncClient
print(*sorted(sys.modules))
"""


def test_httpx_comes_without_the_libraries_of_its_command_line() -> None:
    done = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "httpx" in loaded
    assert not loaded & {"click", "rich", "pygments", "httpx._main"}


_AT_ONCE = """
import sys, threading
from treadle.adapters.responses import httpx_alone

failed = []

def load():
    try:
        httpx_alone.load()
    except BaseException as error:
        failed.append(repr(error))

class Modules(dict):
    # whoever looks whether httpx is there waits until the other has looked, too
    both = threading.Barrier(2, timeout=50)
    def __contains__(self, name):
        found = dict.__contains__(self, name)
        if name == "httpx" and threading.current_thread() in threads:
            self.both.wait()
        return found

class Sys:
    modules = Modules(sys.modules)

httpx_alone.sys = Sys
threads = [threading.Thread(target=load) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*failed)
"""


def test_two_threads_may_load_it_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


def test_what_was_loaded_ahead_is_not_loaded_again_with_the_first_connection() -> None:
    look = """
import asyncio, sys, threading
from treadle.adapters import responses
ahead = threading.Thread(target=lambda: list(responses.load()))
ahead.start()
ahead.join()
before = set(sys.modules)

async def first():
    import httpx
    from treadle.adapters.responses.transport import JoiningTransport
    async def answer(reader, writer):
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok")
        await writer.drain()
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    limits = httpx.Limits()
    async with httpx.AsyncClient(transport=JoiningTransport(None, limits), trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")).text == "ok"
    server.close()

asyncio.run(first())
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.split(".")[0] in ("anyio", "httpx", "httpcore", "h11", "sniffio")]
