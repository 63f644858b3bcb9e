"""Real programs in a real sandbox without network, whose only way out is the proxy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.network import Judge, Network
from treadle.adapters.sandbox.linux import LinuxSandbox
from treadle.core.network import HostRules
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import CommandSpec
from treadle.runtime.ports.network import Way

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
RULES = HostRules(allow=("good.com",))


@dataclass(frozen=True, slots=True)
class Bench:
    sandbox: LinuxSandbox
    network: Network
    folder: Path

    async def run(self, script: str, way: Way | None) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **(way.environment if way else {})}
        spec = CommandSpec(("/bin/bash", "-c", script), str(self.folder), environment, bridges=(way.port,) if way else ())
        process = await self.sandbox.spawn(spec, SandboxPolicy("workspace-write", (str(self.folder),)))
        try:
            return b"".join([chunk async for chunk in process.output()]).decode()
        finally:
            await process.kill()


@pytest.fixture
async def bench(tmp_path: Path, network: Network) -> AsyncIterator[Bench]:
    (tmp_path / "workspace").mkdir()
    sandbox = LinuxSandbox(tmp_path / "state", hidden=(), own=())
    yield Bench(sandbox, network, tmp_path / "workspace")
    await sandbox.close()


def clients(port: int) -> dict[str, str]:
    """Name -> a shell line that asks HOST for something."""
    url = f"http://HOST:{port}"
    python = f"{PYTHON} -c \"import urllib.request as r; print(r.urlopen('{url}/python', timeout=60).read().decode())\""
    return {
        "curl": f"curl -sS -i --max-time 60 {url}/curl",
        "curl in a tunnel": f"curl -sS -p -i --max-time 60 {url}/tunnel",
        "python": python,
        "pip": f"{sys.executable} -m pip download --timeout 60 --retries 0 --no-deps --disable-pip-version-check "
        f"--trusted-host HOST --index-url {url}/simple some-package",
        "git": f"git ls-remote {url}/repository",
        "npm": f"npm view --fetch-retries=0 --registry={url}/ some-package",
    }


@pytest.mark.parametrize("client", clients(0))
async def test_a_client_reaches_the_allowed_host_and_no_other(bench: Bench, client: str) -> None:
    if shutil.which(client.split(maxsplit=1)[0]) is None and client not in ("python", "pip"):
        pytest.skip(f"there is no {client} here")
    internet = bench.network.internet
    script = clients(internet.port)[client]
    way = await bench.network.proxy.open(judge := Judge(RULES))
    told = await bench.run(script.replace("HOST", "bad.com"), way)
    assert internet.seen == internet.looked_up == [], told
    assert {host for host, _ in judge.asked} == {"bad.com"}, told
    told = await bench.run(script.replace("HOST", "good.com"), way)
    assert internet.seen, told
    assert all(f"good.com:{internet.port}" in head for head in internet.seen)


async def test_a_refusal_is_read_by_whoever_reads_the_output(bench: Bench) -> None:
    way = await bench.network.proxy.open(Judge(RULES))
    port = bench.network.internet.port
    sentence = "bad.com is not on the allow-list of the network settings."
    told = await bench.run(f"curl -sS -i http://bad.com:{port}/", way)
    assert "x-proxy-error: blocked-by-allowlist" in told
    assert sentence in told
    tunnel = f"import urllib.request as r; r.urlopen('https://bad.com:{port}/', timeout=60)"
    assert sentence in await bench.run(f'{PYTHON} -c "{tunnel}"', way)


async def test_there_is_no_way_round_the_proxy(bench: Bench) -> None:
    """Neither to the hosts themselves, nor to the proxy for a command that was not given the way."""
    way = await bench.network.proxy.open(Judge(RULES))
    port = bench.network.internet.port
    for script in (
        f"curl -sS --noproxy '*' http://127.0.0.1:{port}/",
        f"curl -sS --noproxy '*' http://good.com:{port}/",
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo REACHED",
        f"{PYTHON} -c \"import socket; socket.create_connection(('1.1.1.1', 53), 2); print('REACHED')\"",
    ):
        told = await bench.run(script, way)
        assert "REACHED" not in told
    proxy = way.environment["HTTP_PROXY"]
    await bench.run(f"curl -sS -x {proxy} http://good.com:{port}/", None)
    assert bench.network.internet.seen == []
    await bench.run(f"curl -sS -x {proxy} http://good.com:{port}/", way)
    assert len(bench.network.internet.seen) == 1


async def test_the_commands_own_servers_are_not_asked_through_the_proxy(bench: Bench) -> None:
    way = await bench.network.proxy.open(judge := Judge(RULES))
    source = """
import http.server, threading, urllib.request
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen(f"http://localhost:{server.server_port}/").status)
"""
    assert "200" in await bench.run(f"{PYTHON} - <<'END'\n{source}\nEND", way)
    assert judge.asked == []
