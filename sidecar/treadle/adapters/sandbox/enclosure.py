"""A bound on the number of processes of all commands together, where the kernel keeps one for root too: a control group of pids.

RLIMIT_NPROC holds for ordinary users and never for root, so a fork bomb of root grows until somebody looks; here it stops by
itself. Needs the controller as root can use it thread by thread (version 1); everywhere else nothing is done and nothing is lost
but this bound. Must never move anything but the calling thread, and what is born of it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from ...core.pattern import late
from ...core.record import mutable

_MOUNTED = "/sys/fs/cgroup/pids"
_TRIES, _PAUSE = 400, 0.005
"Seconds, for a machine that is so busy that what was killed has no time to end."
_BESIDES = 64
"What runs there besides commands, and what lets the watchdog see that a command is past its bound."
_NAME = late(r"treadle-(\d+)-\d+")


@mutable
class Enclosure:
    """Of one thread."""

    folder: Path
    each: int = 0

    def make_room(self, processes: int, others: int) -> None:
        """For a command that may have so many, beside others: a bomb may take what is theirs as well, and no more."""
        self.each = max(self.each, processes)
        with contextlib.suppress(OSError):
            _write(self.folder / "pids.max", self.each * (others + 1) + _BESIDES)

    def leave(self) -> None:
        """In the thread. A group that is still in use is swept by the next sidecar."""
        with contextlib.suppress(OSError):
            _write(self.folder.parent / "tasks", threading.get_native_id())
        for _ in range(_TRIES):
            try:
                self.folder.rmdir()
                return
            except OSError:
                time.sleep(_PAUSE)  # what was killed a moment ago counts until it is quite gone


def enter(mounted: str = _MOUNTED) -> Enclosure | None:
    """Put the calling thread into a group of its own. None where that is not possible."""
    try:
        if os.geteuid() != 0 or not os.path.isdir(mounted):
            return None
        parent = Path(mounted + _own_path())
        _sweep(parent)
        folder = parent / f"treadle-{os.getpid()}-{threading.get_native_id()}"
        folder.mkdir()
    except OSError:
        return None
    enclosure = Enclosure(folder)
    try:
        _write(folder / "tasks", threading.get_native_id())
    except OSError:
        enclosure.leave()
        return None
    return enclosure


def _own_path() -> str:
    for line in Path("/proc/thread-self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if "pids" in controllers.split(","):
            return path
    raise FileNotFoundError("no controller of pids")


def _sweep(parent: Path) -> None:
    for entry in os.scandir(parent):
        found = _NAME.fullmatch(entry.name)
        if found is not None and not os.path.exists(f"/proc/{found[1]}"):
            with contextlib.suppress(OSError):
                os.rmdir(entry.path)


def _write(path: Path, number: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(number).encode())
    finally:
        os.close(fd)
