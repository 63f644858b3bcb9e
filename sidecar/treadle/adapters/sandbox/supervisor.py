"""A process of its own between the sidecar and one unconfined command. Runs with the standard library only, no site packages.

Promises: whatever the command starts stays below this process (it adopts orphans where the system can), is ended when the
sidecar asks or dies, and is reaped. Exits when nothing is left. Must never print: its output is the command's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS, _PAUSE = 200, 0.02
"A command that may not be signalled (sudo) is given up after this many tries, seconds apart."


def main(control: int, terminal: bool, argv: list[str]) -> int:
    os.set_inheritable(control, False)
    _adopt_orphans()
    _no_core_dumps()
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _note)
    command = os.fork()
    if command == 0:
        _become(argv, terminal)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    return _watch(control, wake, command)


def _watch(control: int, wake: int, command: int) -> int:
    code = 255
    while True:
        alive, ended = _reap(command)
        if ended is not None:
            code = ended
            with contextlib.suppress(OSError):
                os.write(control, b"%d\n" % code)
        if not alive:
            return code
        ready, _, _ = select.select([control, wake], [], [])
        if wake in ready and signal.SIGTERM in _drain(wake):
            return _end_all(command, code)
        if control in ready:
            match _drain(control):
                case b"i":
                    with contextlib.suppress(OSError):
                        os.killpg(command, signal.SIGINT)
                case _:
                    return _end_all(command, code)


def _end_all(command: int, code: int) -> int:
    for _ in range(_ROUNDS):
        if sys.platform != "linux":  # orphans are not adopted there, but most stay in the command's group
            with contextlib.suppress(OSError):
                os.killpg(command, signal.SIGKILL)
        for pid in _descendants():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        alive, ended = _reap(command)
        code = ended if ended is not None else code
        if not alive:
            break
        select.select([], [], [], _PAUSE)
    return code


def _reap(command: int) -> tuple[bool, int | None]:
    """(whether children are left, the command's exit code if it has just ended)."""
    ended: int | None = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False, ended
        if pid == 0:
            return True, ended
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            ended = 128 - code if code < 0 else code


def _descendants() -> list[int]:
    parents = _parents()
    below = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        below |= more
        grown = bool(more)
    return sorted(below - {os.getpid()})


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    if sys.platform == "linux":
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                    found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    else:
        import subprocess  # noqa: PLC0415

        listing = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=False).stdout
        for line in listing.splitlines():
            pid, parent = line.split()
            found[int(pid)] = int(parent)
    return found


def _become(argv: list[str], terminal: bool) -> None:
    try:
        os.setsid()
        if terminal:
            import fcntl  # noqa: PLC0415
            import termios  # noqa: PLC0415

            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.set_wakeup_fd(-1)
        for number in range(1, signal.NSIG):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        os._exit(127 if error.errno == errno.ENOENT else 126)
    finally:
        os._exit(126)


def _note(number: int, frame: object) -> None:
    """The wake-up pipe has told already."""


def _drain(fd: int) -> bytes:
    try:
        return os.read(fd, 64)
    except OSError:
        return b""


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _no_core_dumps() -> None:
    import resource  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    if sys.argv[3] == "drop":
        os.environ.pop("LC_CTYPE", None)
    os._exit(main(int(sys.argv[1]), sys.argv[2] == "tty", sys.argv[4:]))
