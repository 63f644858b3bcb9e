"""Attempts that win a race: against the start of a command, against another command, against what is left of a killed sidecar."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena, Site
from fakes.sidecar import Refused, Sidecar

ROUNDS = 25


@pytest.fixture
def site(arena: Arena) -> Iterator[Site]:
    made = arena.site()
    yield made
    made.close()


def policy(site: Site, *roots: Path, tmp: bool = False) -> dict[str, Any]:
    return site.policy("workspace-write", network=False, tmp=tmp) | {"writableRoots": [str(root) for root in roots]}


def ended(site: Site, process_id: str, running: int) -> None:
    site.arena.sidecar.call("command/exec/terminate", processId=process_id)
    site.arena.sidecar.answer(running)


def answers(site: Site, asked: list[int]) -> int:
    """How many of these commands were run; one whose folder was being exchanged may be refused."""
    ran = 0
    for id in asked:
        try:
            site.arena.sidecar.answer(id)
            ran += 1
        except Refused:
            pass
    return ran


def test_a_root_that_is_exchanged_for_a_link_while_commands_start(site: Site) -> None:
    inner = site.workspace / "inner"
    inner.mkdir()
    site.settle()
    swap = "os.symlink(E['OUT'], 'link')\nwhile True:\n  call(316, -100, b'inner', -100, b'link', 2)"
    swapping = site.begin(swap, "py", policy(site, site.workspace), processId=site.token, disableTimeout=True)
    script = "echo pwned > $WS/inner/new.txt; echo pwned > $WS/link/new.txt; echo pwned > $OUT/new.txt"
    asked = [site.begin(script, "sh", policy(site, site.workspace, inner)) for _ in range(ROUNDS)]
    answers(site, asked)
    ended(site, site.token, swapping)
    assert not site.changed


def test_a_nested_repository_that_is_exchanged_while_commands_start(site: Site) -> None:
    site.make_repository(site.workspace / "a" / "b")
    (site.workspace / "spare").mkdir()
    site.settle()
    swap = "while True:\n  call(316, -100, b'a', -100, b'spare', 2)"
    swapping = site.begin(swap, "py", policy(site, site.workspace), processId=site.token, disableTimeout=True)
    script = "for d in a spare; do echo pwned > $d/b/.git/config; echo pwned > $d/b/.git/hooks/pre-commit; done"
    answers(site, [site.begin(script, "sh", policy(site, site.workspace)) for _ in range(ROUNDS)])
    ended(site, site.token, swapping)
    for found in site.workspace.glob("*/b/.git"):
        assert "pwned" not in (found / "config").read_text()
        assert not (found / "hooks" / "pre-commit").exists()


def test_missing_folders_of_many_commands_at_once(site: Site) -> None:
    """A placeholder goes with its last user, and whoever waits for that must not win."""
    long = "for i in $(seq 60); do mkdir .codex .vscode .agents; echo pwned > .codex/config.toml; echo pwned > .vscode/x; sleep 0.02; done"
    asked = [site.begin(long, "sh", policy(site, site.workspace)) for _ in range(3)]
    for _ in range(ROUNDS):
        asked += [
            site.begin("mkdir .codex; echo pwned > .codex/config.toml; true", "sh", policy(site, site.workspace))
            for _ in range(2)
        ]
    assert answers(site, asked) == len(asked)
    assert not site.changed
    left = [name for name in (".codex", ".vscode", ".agents") if (site.workspace / name).exists()]
    assert left == []


def test_two_sidecars_share_their_placeholders(arena: Arena, site: Site) -> None:
    other = Sidecar(arena.environment(), uid=arena.uid, cwd=str(arena.base))
    try:
        script = "for i in $(seq 40); do mkdir .codex; echo pwned > .codex/config.toml; sleep 0.02; done; true"
        running = site.begin(script, "sh", policy(site, site.workspace))
        for _ in range(ROUNDS):
            argv = site.argv("mkdir .codex; echo pwned > .codex/config.toml; true", "sh")
            given = {"cwd": str(site.workspace), "sandboxPolicy": policy(site, site.workspace)}
            assert other.run(*argv, **given)["exitCode"] == 0
        arena.sidecar.answer(running)
        assert not site.changed
        assert not (site.workspace / ".codex").exists()
    finally:
        other.close()


def test_a_killed_sidecar_leaves_nothing_that_the_next_does_not_sweep(arena: Arena, site: Site) -> None:
    environment = arena.environment() | {"TREADLE_HOME": str(site.base / "home" / ".." / "own")}
    first = Sidecar(environment, uid=arena.uid, cwd=str(arena.base))
    given: dict[str, Any] = {"cwd": str(site.workspace), "sandboxPolicy": policy(site, site.workspace)}
    argv = site.argv("echo up; sleep 60", "sh")
    first.send("command/exec", command=argv, processId="a", streamStdoutStderr=True, **given)
    first.printed("a", b"up")
    assert (site.workspace / ".codex").is_dir()
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = Sidecar(environment, uid=arena.uid, cwd=str(arena.base))
    try:
        second.run("true", **given)
        deadline = time.monotonic() + 60
        while (site.workspace / ".codex").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not (site.workspace / ".codex").exists()
    finally:
        second.close()
        shutil.rmtree(site.base / "own", ignore_errors=True)
