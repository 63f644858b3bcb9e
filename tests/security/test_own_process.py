"""The sidecar's own process: what runs outside the sandbox as the same user reads no key out of it, and cannot take it over."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.sidecar import NOBODY, Sidecar, interpreter

KEY = f"sk-of-the-process-{os.getpid()}-4711"
"Another worker of these tests has another one: one of them starts a sidecar that is not closed, where the key is found."
USER = NOBODY if os.geteuid() == 0 else os.geteuid()
TAKE_OVER = """
import ctypes, glob, os, sys
seen = []
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        seen.append(open(path, "rb").read())
    except OSError:
        pass
print(len(seen), "environments,", sum(sys.argv[1].encode() in one for one in seen), "with the key")
pid = int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
# PTRACE_SEIZE: what is traced is not stopped
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
print("traced" if libc.ptrace(0x4206, pid, None, None) == 0 else os.strerror(ctypes.get_errno()))
try:
    os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
    print("memory is open")
except OSError as error:
    print(error.strerror)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="treadle-own-", dir="/var/tmp"))
    for folder in (made, made / "codex", made / "ws"):
        folder.mkdir(exist_ok=True)
        os.chown(folder, USER, -1)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def said(home: Path, script: str, policy: dict[str, Any], **environment: str) -> str:
    """By a command of a sidecar of that user. PID in the script is the sidecar's."""
    python = interpreter(USER)
    assert python is not None
    own = {"HOME": str(home), "CODEX_HOME": str(home / "codex"), "TREADLE_HOME": str(home / "own"), "OPENAI_API_KEY": KEY}
    sidecar = Sidecar(own | environment, uid=USER, cwd=str(home))
    try:
        script = script.replace("PID", str(sidecar.process.pid))
        told = sidecar.run(python, "-I", "-c", script, cwd=str(home / "ws"), sandboxPolicy=policy)
        assert told["exitCode"] == 0, told
        return told["stdout"]
    finally:
        sidecar.close()


def unconfined(home: Path, **environment: str) -> str:
    """What a command says that the user let out of the sandbox."""
    # written backwards: the key as an argument would be found by its own search
    script = f"import sys; sys.argv = ['', {KEY[::-1]!r}[::-1], 'PID']\n{TAKE_OVER}"
    return said(home, script, {"type": "dangerFullAccess"}, **environment)


def test_a_command_outside_the_sandbox_neither_reads_the_keys_of_the_sidecar_nor_takes_it_over(home: Path) -> None:
    environments, traced, memory = unconfined(home).splitlines()
    assert environments.endswith(", 0 with the key")
    assert int(environments.split()[0]) >= 1, "it could read its own"
    assert (traced, memory) == ("Operation not permitted", "Permission denied")


def test_it_would_if_the_process_were_not_closed(home: Path) -> None:
    environments, _, _ = unconfined(home, TREADLE_TRACEABLE="1").splitlines()
    assert not environments.endswith(", 0 with the key")


def test_the_sandbox_of_a_closed_process_works_as_before(home: Path) -> None:
    """It looks into the commands, and opens descriptors of its own by their names."""
    work = """
import os, pathlib, socket
pathlib.Path("written").write_text("x")
server = socket.socket(socket.AF_UNIX)
server.bind("own.sock")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("own.sock")
client.sendall(b"heard")
print(server.accept()[0].recv(9).decode())
try:
    pathlib.Path("/var/tmp/treadle-outside").write_text("x")
except OSError as error:
    print(error.strerror)
"""
    policy = {"type": "workspaceWrite", "writableRoots": [str(home / "ws")], "networkAccess": False, "excludeSlashTmp": True}
    assert said(home, work, policy) == "heard\nRead-only file system\n"
    assert (home / "ws" / "written").exists()
