"""The server's process: it ends with its parent, however that ended, and a start that fails says why and leaves nothing."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from treadle.adapters.local import EmbeddedModel, open_local
from treadle.adapters.local.server import LlamaServer
from treadle.core.errors import ModelError
from treadle.core.settings import LocalModel, Provider, Settings

ENGINE_THAT_NEVER_LOADS = """
import ctypes, os
from types import SimpleNamespace as Any
CommonParams = lambda: Any(model=Any(), cpuparams=Any(), cpuparams_batch=Any())

def Server(parameters):
    os.write(os.open(parameters.model.path, os.O_WRONLY), b"loading")
    ctypes.PyDLL(None).pause()  # keeps the interpreter's lock, as the real one does
"""
PARENT = """
import asyncio, sys
from pathlib import Path
from treadle.adapters.local.server import LlamaServer

async def main():
    server = LlamaServer(sys.executable)
    starting = asyncio.create_task(server.start(Path(sys.argv[1]), context=512, threads=1))
    while server.pid is None:
        await asyncio.sleep(0.01)
    if sys.argv[2] == "ready":
        await starting
    print(server.pid, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.mark.local_model
@pytest.mark.parametrize("when", ["ready", "loading"])
def test_the_server_ends_when_its_parent_is_killed(weights_home: Path, when: str) -> None:
    (weights,) = (weights_home / "models").glob("*.gguf")
    with subprocess.Popen([sys.executable, "-c", PARENT, str(weights), when], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            assert select.select([child], [], [], 0)[0] == []
            parent.send_signal(signal.SIGKILL)
            ended, _, _ = select.select([child], [], [], 60)
            assert ended
        finally:
            os.close(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it ends when the loading is done")
def test_an_engine_that_never_loads_ends_when_its_parent_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xllamacpp.py").write_text(ENGINE_THAT_NEVER_LOADS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    os.mkfifo(tmp_path / "model")
    begun = os.open(tmp_path / "model", os.O_RDONLY | os.O_NONBLOCK)
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "model"), "loading"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            assert select.select([begun], [], [], 60)[0]
            parent.send_signal(signal.SIGKILL)
            assert select.select([child], [], [], 60)[0]
        finally:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child, signal.SIGKILL)
            os.close(child)
            os.close(begun)


CHILD_THAT_OUTLIVES_ITS_INPUT = """#!/bin/sh
read line; echo '{"address": "nowhere"}'; exec sleep 300
"""


@pytest.mark.skipif(os.name == "nt", reason="a program of the shell")
async def test_a_start_that_waits_for_the_end_of_another_child_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "python").write_text(CHILD_THAT_OUTLIVES_ITS_INPUT)
    (tmp_path / "python").chmod(0o755)
    server = LlamaServer(str(tmp_path / "python"))
    await server.start(tmp_path / "any.gguf", context=512, threads=1)
    closing = asyncio.create_task(server.close())
    starting = asyncio.create_task(server.start(tmp_path / "any.gguf", context=512, threads=1))
    while server.pid is not None:  # noqa: ASYNC110 - the next step is to wait for the child's end
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await closing
    assert server.pid is None
    assert not server.alive


async def test_a_file_that_is_no_model_is_said_to_be_unusable(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    model = EmbeddedModel(LocalModel(model_path=str(broken)), home=tmp_path)
    with pytest.raises(ModelError, match="could not be loaded") as raised:
        await model.warm()
    assert not raised.value.retryable
    assert model.server.pid is None
    await model.close()


async def test_an_interpreter_without_the_engine_names_the_way_out(tmp_path: Path) -> None:
    await asyncio.to_thread(subprocess.run, [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    server = LlamaServer(str(tmp_path / "env" / "bin" / "python"))
    with pytest.raises(ModelError, match="not installed") as raised:
        await server.start(tmp_path / "any.gguf", context=512, threads=1)
    assert "TREADLE_LOCAL_PYTHON" in raised.value.sentence()


async def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="/no/such/python"):
        await LlamaServer("/no/such/python").start(tmp_path / "any.gguf", context=512, threads=1)


def test_the_interpreter_and_the_folder_follow_the_environment_then_the_settings() -> None:
    settings = Settings(cwd="/", model="local", provider=Provider("local", "Local", "", wire="local"))
    configured = Settings(cwd="/", model="local", provider=settings.provider, extra={"local": {"python": "/configured"}})
    assert open_local(settings, environ={}).server.python == sys.executable
    assert open_local(configured, environ={}).server.python == "/configured"
    chosen = open_local(configured, environ={"TREADLE_LOCAL_PYTHON": "/chosen", "TREADLE_HOME": "/home/of/treadle"})
    assert (chosen.server.python, chosen.home) == ("/chosen", Path("/home/of/treadle"))
