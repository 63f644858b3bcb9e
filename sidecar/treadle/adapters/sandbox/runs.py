"""The commands that the broker serves, told apart by their process namespace.

Promises that a process is taken for a command's only if it is in the namespace of that command's first process, which is held so
that its number is not given to another. Must never guess: a process of no known command has no rights.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Generator
from dataclasses import field
from typing import Any

from ...core.record import unique
from .kernel import Birth, close_all

_COARSE_CLOCK = 5
"The clock that stamps files."
_MAX_OWN = 1024

Space = tuple[int, int]


class OwnSockets:
    """Socket files that were found to be the command's own; the oldest are forgotten."""

    def __init__(self) -> None:
        self._known: dict[Birth, None] = {}

    def __contains__(self, found: Birth) -> bool:
        return found in self._known

    def add(self, found: Birth) -> None:
        self._known[found] = None
        if len(self._known) > _MAX_OWN:
            with contextlib.suppress(KeyError, StopIteration, RuntimeError):  # several threads add
                del self._known[next(iter(self._known))]


@unique
class Run:
    """One command and what it may reach."""

    network: bool
    bridges: frozenset[int]
    born: int
    child: subprocess.Popen[bytes] | None = None
    space: Space | None = None
    handle: int = -1
    "Holds the namespace."
    own: OwnSockets = field(default_factory=OwnSockets)
    busy: int = 0
    "Calls that threads are serving now; the rest waits."
    waiting: deque[Any] = field(default_factory=deque[Any])

    def holds(self, number: int) -> bool:
        """Whether a process of this command has the socket of that number open."""
        wanted = f"socket:[{number}]"
        for name in os.listdir("/proc"):
            if name.isdigit() and space_of(name) == self.space:
                with contextlib.suppress(OSError):
                    for entry in os.listdir(f"/proc/{name}/fd"):
                        with contextlib.suppress(OSError):
                            if os.readlink(f"/proc/{name}/fd/{entry}") == wanted:
                                return True
        return False


class Runs:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: list[Run] = []
        self._by_space: dict[Space, Run] = {}

    @contextlib.contextmanager
    def born(self, *, network: bool, bridges: tuple[int, ...]) -> Generator[Run]:
        """Known from before its first process; that process is told inside of this context."""
        run = Run(network, frozenset(bridges), time.clock_gettime_ns(_COARSE_CLOCK))
        with self._lock:
            self._runs.append(run)
        try:
            yield run
        except BaseException:
            self._forget(run)
            raise

    def forget(self, child: subprocess.Popen[bytes]) -> None:
        for run in [run for run in self._runs if run.child is child]:
            self._forget(run)

    def _forget(self, run: Run) -> None:
        with self._lock:
            if run in self._runs:
                self._runs.remove(run)
            if run.space is not None and self._by_space.get(run.space) is run:
                del self._by_space[run.space]
            close_all(run.handle)
            run.handle = -1

    def close(self) -> None:
        for run in tuple(self._runs):
            self._forget(run)

    def find(self, thread: int) -> tuple[Run | None, bool]:
        """(the command that a thread belongs to, whether one that is just being born may turn out to be it)."""
        space = space_of(str(thread))
        if space is None:
            return None, False
        with self._lock:
            if (run := self._by_space.get(space)) is not None:
                return run, False
            unknown = [run for run in self._runs if run.space is None]
            for run in unknown:
                if self._learn(run) and run.space == space:
                    return run, False
            return None, bool(unknown)

    def _learn(self, run: Run) -> bool:
        """The first process of the namespace is bubblewrap's only child."""
        if run.child is None or run.child.returncode is not None:
            return False
        pid = run.child.pid
        handle = -1
        try:
            with open(f"/proc/{pid}/task/{pid}/children", "rb") as children:
                first = children.read().split()[0].decode()
            handle = os.open(f"/proc/{first}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
            told = os.fstat(handle)
        except (OSError, IndexError):
            close_all(handle)
            return False
        if run.child.returncode is not None or (told.st_dev, told.st_ino) == _own_space():
            close_all(handle)
            return False
        run.space, run.handle = (told.st_dev, told.st_ino), handle
        self._by_space[run.space] = run
        return True


def space_of(pid: str) -> Space | None:
    try:
        told = os.stat(f"/proc/{pid}/ns/pid")
    except OSError:
        return None
    return told.st_dev, told.st_ino


def _own_space() -> Space | None:
    return space_of("self")
