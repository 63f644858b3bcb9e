"""Attempts to use the machine up, on a sidecar whose commands may use little: each is ended or bounded, and the next one runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena
from attacks.conftest import USERS, uid_of

LIMITS = ["treadle.limits.memory_mb=256", "treadle.limits.processes=150", "treadle.limits.file_mb=64"]
SMALL = {"timeoutMs": 30_000, "outputBytesCap": 4096}


@pytest.fixture(scope="module", params=USERS)
def small(request: pytest.FixtureRequest) -> Iterator[Arena]:
    made = Arena(uid_of(request.param), *LIMITS)
    yield made
    made.close()


def run(arena: Arena, script: str, language: str = "sh", **more: Any) -> dict[str, Any]:
    site = arena.site()
    try:
        policy = site.policy("workspace-write", network=False, tmp=True)
        told = arena.sidecar.answer(site.begin(script, language, policy, **(SMALL | more)))
        assert arena.sidecar.answer(site.begin("echo fine", "sh", policy))["stdout"] == "fine\n"
        assert not site.changed
        return told
    finally:
        site.close()


def memory_of(arena: Arena) -> int:
    """Bytes that the sidecar held at most."""
    told = Path(f"/proc/{arena.sidecar.process.pid}/status").read_text()
    return int(next(line for line in told.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


@pytest.mark.parametrize(
    "script",
    [
        ":(){ :|:& };:; wait",
        "while :; do (sleep 30 &) ; done",
        "while :; do setsid sh -c 'trap \"\" TERM HUP INT; sleep 30' & done",
    ],
    ids=["a bomb of forks", "orphans without end", "sessions without end"],
)
def test_processes_without_end_are_ended(small: Arena, script: str) -> None:
    told = run(small, script)
    assert told["exitCode"] == 0 or "Treadle ended this command" in told["stdout"] + told["stderr"] or "esource" in told["stderr"]


def test_threads_without_end_are_ended(small: Arena) -> None:
    script = "while True:\n  try: threading.Thread(target=time.sleep, args=(30,)).start()\n  except RuntimeError: time.sleep(0.1)"
    assert run(small, script, "py")["exitCode"] != 0


@pytest.mark.parametrize(
    "script",
    [
        "x = []\nfor _ in range(1500): x.append(bytearray(os.urandom(1 << 20)))\ntime.sleep(30)",
        "for n in range(8):\n  if os.fork() == 0:\n    x = [bytearray(b'x' * (60 << 20))]; time.sleep(30)\ntime.sleep(30)",
        "import mmap\nm = mmap.mmap(-1, 1 << 30)\nfor n in range(0, 1 << 30, 4096): m[n] = 1\ntime.sleep(30)",
    ],
    ids=["a heap", "many heaps", "a mapping"],
)
def test_memory_without_end_is_ended(small: Arena, script: str) -> None:
    told = run(small, script, "py")
    assert told["exitCode"] not in (0, 124)


def test_a_disk_in_memory_is_small(small: Arena) -> None:
    told = run(
        small, "n=0; while head -c 50000000 /dev/zero > /dev/shm/$n; do n=$((n+1)); [ $n -gt 80 ] && echo WON && break; done"
    )
    assert "WON" not in told["stdout"]


def test_a_file_has_a_size(small: Arena) -> None:
    told = run(small, "head -c 100000000 /dev/zero > big; stat -c %s big; fallocate -l 1G huge; stat -c %s huge")
    assert int(told["stdout"].split()[0]) <= 64 * 1024 * 1024


def test_descriptors_are_counted(small: Arena) -> None:
    told = run(small, "n = 0\ntry:\n  while True: os.open('/dev/null', 0); n += 1\nexcept OSError: print(n)", "py")
    assert int(told["stdout"]) <= 65536


@pytest.mark.parametrize(
    "command", ["head -c 400000000 /dev/zero", "head -c 400000000 /dev/zero >&2", "yes '' | head -c 400000000"]
)
def test_output_without_end_is_bounded(small: Arena, command: str) -> None:
    before = memory_of(small)
    assert run(small, command)["exitCode"] == 0
    assert memory_of(small) - before < 64 * 1024 * 1024


def test_a_command_that_never_ends_is_ended_in_time(small: Arena) -> None:
    began = time.monotonic()
    assert run(small, "trap '' TERM INT HUP; while :; do :; done", timeoutMs=500)["exitCode"] == 124
    assert time.monotonic() - began < 60, "it hangs"


@pytest.mark.parametrize(
    "script",
    [
        "p='.'; for i in $(seq 200); do p=$p/dddddddddddddddddddd; mkdir $p; cd $p 2>/dev/null; p=.; done",
        '$PY -c \'import os; [(os.makedirs(f"r{n}/.git"), open(f"r{n}/.git/HEAD", "w").close()) for n in range(1500)]\'',
        '$PY -c \'import os; [(os.makedirs(f"l{n}"), os.symlink("../kept.txt", f"l{n}/.git")) for n in range(300)]\'',
        "mkdir a; ln -s . a/.git; ln -s loop loop; mkdir b; ln -s .git b/.git",
        "mkdir c; mkfifo c/.git; head -c 10000000 /dev/zero > .gitmodules; mkdir d; head -c 1000000 /dev/urandom > d/.git",
        "mkdir e; printf 'gitdir: /\\n' > e/.git; mkdir f; printf 'gitdir: ../../../../../../etc\\n' > f/.git; mkdir g; printf 'gitdir: \\0x' > g/.git",
        "for i in $(seq 3000); do printf '[submodule \"%s\"]\\n\\tpath = ../../outside\\n' $i; done > .gitmodules",
    ],
    ids=["deep", "repositories", "links", "loops", "odd files", "odd pointers", "submodules"],
)
def test_what_is_left_in_the_workspace_does_not_stop_or_free_the_next_command(small: Arena, script: str) -> None:
    site = small.site()
    try:
        policy = site.policy("workspace-write", network=False, tmp=False)
        small.sidecar.answer(site.begin(script, "sh", policy))
        began = time.monotonic()
        told = small.sidecar.answer(
            site.begin("echo pwned > $OUT/new; echo pwned >> .git/config; touch made; echo fine", "sh", policy)
        )
        assert told["stdout"] == "fine\n", told
        assert time.monotonic() - began < 60, "it hangs"
        assert not (site.outside / "new").exists()
        assert "pwned" not in (site.workspace / ".git" / "config").read_text()
    finally:
        site.close()


def test_nothing_of_it_is_left_running(small: Arena) -> None:
    uid = small.uid
    own = {small.sidecar.process.pid, os.getpid()}
    left: list[str] = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{entry}/cmdline").read_bytes()
            belongs = os.stat(f"/proc/{entry}").st_uid == uid and int(entry) not in own
        except OSError:
            continue
        if belongs and small.base.name.encode() in words:
            left.append(words.decode(errors="replace"))
    assert left == []
