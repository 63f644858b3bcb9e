"""Pipes, devices, loops and the files of others where a file of the configuration should be; and how long a large file takes."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fakes.config_home import ConfigHome
from fuzz.growth import grows_evenly
from fuzz.homes import home, judged, judged_of
from treadle.adapters.config import Loaded


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def loop(path: Path) -> None:
    path.symlink_to(path)


def nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def of_no_size(path: Path) -> None:
    """A regular file to stat, and without an end or a beginning to a reader."""
    path.symlink_to("/proc/self/mem")


ODD: list[Callable[[Path], None]] = [fifo, folder, endless, terminal, loop, nowhere, of_no_size]
PLACES = {
    "the user's file": lambda m: m.home / "config.toml",
    "the machine's file": lambda m: m.system,
    "the folder's own file": lambda m: m.root / ".codex" / "config.toml",
    "the user's hooks": lambda m: m.home / "hooks.json",
    "the folder's hooks": lambda m: m.root / ".codex" / "hooks.json",
    "the sign-in": lambda m: m.home / "auth.json",
    "the repository's pointer": lambda m: m.root / ".git",
    "the instructions": lambda m: m.home / "instructions.md",
    "rules": lambda m: m.home / "rules" / "a.rules",
    "the folder of rules": lambda m: m.root / ".codex" / "rules",
}
SILENT = {"the sign-in", "the repository's pointer"}
"A sign-in that cannot be read is none, and a pointer that is none belongs to no worktree."


def soon(work: Callable[[], Loaded]) -> Loaded:
    """Fails when it waits for something that nobody will ever write."""
    found: list[Loaded] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(30)
    assert found, "it waits, or it raised"
    return found[0]


@pytest.mark.parametrize("put", ODD, ids=lambda put: put.__name__)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_is_named_and_not_waited_for(place: str, put: Callable[[Path], None], tmp_path: Path) -> None:
    machine = ConfigHome(tmp_path)
    machine.system.write_text(machine.trust())
    path = PLACES[place](machine)
    path.parent.mkdir(exist_ok=True)
    if place == "the instructions":
        machine.user('model_instructions_file = "instructions.md"')
    if place == "the machine's file":
        machine.system.unlink()
    if place == "the repository's pointer":
        path.rmdir()
    put(path)
    loaded = soon(lambda: machine.load({}))
    judged(loaded)
    absent = put is folder and place == "the folder of rules"
    if place not in SILENT and not absent and not (put is nowhere and place != "the user's file"):
        assert any(str(path) in problem.sentence() for problem in loaded.warnings), [p.sentence() for p in loaded.warnings]


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may read everything, so the one who asks must be another."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("place", PLACES)
def test_what_may_not_be_read_is_named(place: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        machine = ConfigHome(Path(top))
        path = PLACES[place](machine)
        path.parent.mkdir(exist_ok=True)
        if place == "the instructions":
            machine.user('model_instructions_file = "instructions.md"')
        if place == "the folder of rules":
            path.mkdir()
        elif place != "the repository's pointer":
            path.write_text("x")
        machine.system.touch()
        os.chmod(path, 0)
        with as_somebody_else():
            judged(machine.load({}))
        os.chmod(path, 0o755)
        os.chmod(path.parent, 0)
        with as_somebody_else():
            judged(machine.load({}))
        os.chmod(path.parent, 0o755)


GROWING: dict[str, Callable[[int], str]] = {
    "parts of a key": lambda n: ".".join(["a"] * n * 60) + " = 1",
    "parts of a quoted key": lambda n: '."b"' * n * 30 + " = 1",
    "tables within tables": lambda n: "[" + ".".join(["a"] * n * 60) + "]",
    "inline tables": lambda n: "x = " + "{a = " * n * 60,
    "lists in lists": lambda n: "x = " + "[" * n * 60,
    "wrong values": lambda n: "".join(f'[mcp_servers.s{i}]\ncommand = "c"\nargs = 3\n' for i in range(n * 3)),
    "tables of one list": lambda n: "[[skills.config]]\n" * n * 30,
    "a mistake at the end": lambda n: "".join(f"k{i} = {i}\n" for i in range(n * 30)) + "?",
    "quotes": lambda n: 'x = "' + '\\"' * n * 150,
    "dots": lambda n: "x" + "." * n * 300,
    "hooks": lambda n: "[[hooks.Stop]]\nmatcher = 3\n" * n * 10,
}


@pytest.mark.parametrize("shape", GROWING)
def test_time_grows_as_the_file_does(shape: str) -> None:
    with ExitStack() as homes:

        def made(size: int) -> ConfigHome:
            machine = homes.enter_context(home())
            machine.user(GROWING[shape](size))
            return machine

        assert grows_evenly(judged_of, made, 20)
