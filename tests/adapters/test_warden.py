"""The warden: ends what a killed process leaves behind, and nothing while that process lives or when it has ended well."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.sidecar import ROOT

WATCHED = """
import subprocess, sys
from treadle.adapters.warden import Warden
warden = Warden()
warden.start()
marked = subprocess.Popen(["/bin/sh", "-c", "sleep 600", warden.mark], start_new_session=True)
env = {"PATH": "/usr/bin:/bin"}
server = subprocess.Popen(["/bin/sh", "-c", "sleep 600 & wait"], start_new_session=True, env={**env, warden.mark: "1"})
stranger = subprocess.Popen(["/bin/sh", "-c", "sleep 600"], start_new_session=True, env=env)
print(marked.pid, server.pid, stranger.pid, flush=True)
if sys.stdin.readline() == "close\\n":
    warden.close()
    print("closed", flush=True)
    sys.stdin.readline()
"""


class Watched:
    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT / "sidecar")}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", WATCHED], stdin=pipe, stdout=pipe, text=True, env=env)
        assert self.process.stdout is not None
        pids = [int(word) for word in self.process.stdout.readline().split()]
        self.marked, self.server, self.stranger = pids
        self.handles = dict(zip(pids, map(os.pidfd_open, pids), strict=True))

    def lives(self, pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pid, handle in self.handles.items():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.close(handle)


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.close()


def ends(handle: int) -> bool:
    return bool(select.select([handle], [], [], 60)[0])


def test_what_a_killed_process_left_is_ended(watched: Watched) -> None:
    assert all(watched.lives(pid) for pid in watched.handles)
    watched.process.kill()
    watched.process.wait()
    assert ends(watched.handles[watched.marked])
    assert ends(watched.handles[watched.server])
    assert watched.lives(watched.stranger)


def test_a_process_that_ends_well_has_nothing_ended_for_it(watched: Watched) -> None:
    assert watched.process.stdin is not None and watched.process.stdout is not None
    watched.process.stdin.write("close\n")
    watched.process.stdin.flush()
    assert watched.process.stdout.readline() == "closed\n"
    watched.process.kill()
    watched.process.wait()
    assert all(watched.lives(pid) for pid in watched.handles)
