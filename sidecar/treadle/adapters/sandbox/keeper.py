"""A small process of its own beside the sidecar, in which unconfined commands are born. Standard library only, no site packages.

It stays for the sidecar's life and forks a supervisor for each command, which costs a millisecond where a new Python costs
twenty. Promises: whatever a command starts stays below its supervisor (which adopts orphans where the system can), is ended when
the sidecar asks or dies, and is reaped; a supervisor that was killed leaves its orphans to the keeper, which ends them. Must
never print, and never trust what a command can reach: it hears the sidecar on its own socket only.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import marshal
import os
import resource
import select
import signal
import socket
import struct
import sys
import termios
from typing import Any

_PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 38, 36
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_CAPBSET_DROP = 22, 2, 24
_LANDLOCK_RESTRICT_SELF = 446
_CAPABILITY_VERSION, _CAPABILITIES = 0x20080522, 64
_MOST_DESCRIPTORS = 8
_ROUNDS, _PAUSE = 400, 0.02
"A process that may not be signalled (sudo) is given up after this many tries, seconds apart."
_EASY_TO_GIVE_UP = b"500"
"With no memory left the kernel ends a command before it ends the sidecar or the editor."


def serve(link: socket.socket) -> None:
    """One request after the other: a command, and the descriptors it is to have; the answer is its supervisor's pid."""
    _subreaper()
    wake = _wakeful()
    supervisors: set[int] = set()
    while True:
        ready, _, _ = select.select([link, wake], [], [])
        if wake in ready:
            _drain(wake)
            _reap_supervisors(supervisors)
        if link not in ready:
            continue
        request = _receive(link)
        if request is None:
            break
        body, fds = request
        try:
            pid = os.fork()
        except OSError as error:
            pid = -(error.errno or errno.EAGAIN)
        if pid == 0:
            link.close()
            os.close(wake)
            _supervise(marshal.loads(body), fds)
        for fd in fds:
            os.close(fd)
        if pid > 0:
            supervisors.add(pid)
        link.sendall(struct.pack("=i", pid))


def _receive(link: socket.socket) -> tuple[bytes, list[int]] | None:
    head, fds, _, _ = socket.recv_fds(link, 8, _MOST_DESCRIPTORS)
    for fd in fds:
        os.set_inheritable(fd, False)
    while head and len(head) < 8:
        head += link.recv(8 - len(head))
    if not head:
        return None
    left = struct.unpack("=Q", head)[0]
    parts: list[bytes] = []
    while left:
        part = link.recv(min(left, 1 << 20))
        if not part:
            return None
        parts.append(part)
        left -= len(part)
    return b"".join(parts), fds


def _reap_supervisors(supervisors: set[int]) -> None:
    orphaned = False
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            orphaned = orphaned or os.WIFSIGNALED(status) or pid not in supervisors
            supervisors.discard(pid)
    if orphaned:
        for stray in set(_children(os.getpid())) - supervisors:
            _signal(stray, signal.SIGKILL)
            for pid in _below([stray]):
                _signal(pid, signal.SIGKILL)


# What follows runs in the supervisor of one command.


def _supervise(asked: dict[str, Any], fds: list[int]) -> None:
    """`fds`: the command's own, named by `asked`, the way to the sidecar, and the Landlock ruleset if there is one."""
    code = 255
    try:
        os.setsid()
        _subreaper()
        wake = _wakeful()
        places: list[int] = asked["places"]
        control = fds[len(places)]
        command = os.fork()
        if command == 0:
            _become(asked, dict(zip(places, fds, strict=False)), fds[len(places) + 1 :])
        for fd in fds[: len(places)] + fds[len(places) + 1 :]:
            os.close(fd)
        code = _watch(control, wake, command, alone=asked["alone"])
    finally:
        os._exit(code)


def _watch(control: int, wake: int, command: int, *, alone: bool) -> int:
    """`alone`: what the command started ends with it."""
    code = 255
    while True:
        alive, ended = _reap(command)
        if ended is not None:
            code = ended
            if alone and alive:
                code, alive = _end_all(command, code), False
            with contextlib.suppress(OSError):
                os.write(control, b"%d\n" % code)
        if not alive:
            return code
        ready, _, _ = select.select([control, wake], [], [])
        asked_to_end = wake in ready and signal.SIGTERM in _drain(wake)
        if control in ready:
            words = _drain(control)
            if set(words) == {ord("i")}:  # several, where they were said faster than heard
                with contextlib.suppress(OSError):
                    os.killpg(command, signal.SIGINT)
            else:
                asked_to_end = True
        if asked_to_end:
            code = _end_all(command, code)
            with contextlib.suppress(OSError):
                os.write(control, b"%d\n" % code)
            return code


def _end_all(command: int, code: int) -> int:
    """Again and again, since what lives may fork meanwhile; with a pause only when nothing new has come. Groups first: nothing in
    one can fork away from a signal to all of it. (Where orphans are not adopted, most still are in the command's group.)"""
    seen: set[int] = set()
    for _ in range(_ROUNDS):
        _signal(-command, signal.SIGKILL)
        below = _below([os.getpid()])
        for group in _groups(below):
            _signal(-group, signal.SIGKILL)
        for pid in below:
            _signal(pid, signal.SIGKILL)
        alive, ended = _reap(command)
        code = ended if ended is not None else code
        if not alive:
            break
        if seen.issuperset(below):
            select.select([], [], [], _PAUSE)
        seen.update(below)
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


def _below(roots: list[int]) -> list[int]:
    """All descendants, parents first."""
    found: list[int] = []
    listed = {} if sys.platform == "linux" else _listed()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        more = _children(pid) if sys.platform == "linux" else listed.get(pid, [])
        found += more
        waiting += more
    return found


def _groups(pids: list[int]) -> set[int]:
    """Process groups; the command began a session of its own, so nobody else can be in them."""
    found: set[int] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found.add(os.getpgid(pid))
    return found - {os.getpgid(0), 0, 1}


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                found += map(int, file.read().split())
    return found


def _listed() -> dict[int, list[int]]:
    import subprocess  # noqa: PLC0415

    found: dict[int, list[int]] = {}
    listing = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=False).stdout
    for line in listing.splitlines():
        pid, parent = line.split()
        found.setdefault(int(parent), []).append(int(pid))
    return found


# What follows runs in the command itself, before it is one.


def _become(asked: dict[str, Any], places: dict[int, int], ruleset: list[int]) -> None:
    argv, errors = asked["argv"], places[2]
    try:
        os.setsid()
        os.chdir(asked["cwd"])
        spare = {place: os.dup2(fd, 64 + place, inheritable=False) for place, fd in places.items()}
        for place in (0, 1, 2):
            os.dup2(spare[place] if place in spare else os.open(os.devnull, os.O_RDWR), place)
        errors = 2
        if asked["terminal"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.set_wakeup_fd(-1)
        for number in range(1, signal.NSIG):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        _set_limits(asked["limits"])
        if ruleset:
            _confine(ruleset[0], asked["filters"])
        os.execvpe(argv[0], argv, asked["env"])
    except OSError as error:
        os.write(errors, f"{argv[0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        os._exit(127 if error.errno == errno.ENOENT else 126)
    except Exception as error:
        os.write(errors, f"{argv[0]}: {error}\n".encode("utf-8", "surrogateescape"))
    finally:
        os._exit(126)


def _set_limits(limits: dict[str, tuple[int, int]]) -> None:
    for name, wanted in limits.items():
        which = getattr(resource, name)
        most = resource.getrlimit(which)[1]
        soft, hard = (n if most == resource.RLIM_INFINITY else min(n, most) for n in wanted)
        resource.setrlimit(which, (soft, hard))
    if sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(_EASY_TO_GIVE_UP)


def _confine(ruleset: int, programs: list[bytes]) -> None:
    """Landlock, then seccomp, and no capability is left. Raises OSError: then nothing is run."""
    libc = _libc()
    for number in range(_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # what the kernel does not know, or we do not have, fails
    none = struct.pack("=6I", 0, 0, 0, 0, 0, 0)
    _must(libc.capset(struct.pack("=Ii", _CAPABILITY_VERSION, 0), none))
    _must(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _must(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    for program in programs:
        code = ctypes.create_string_buffer(program, len(program))
        filled = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(code))
        _must(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_char_p(filled), 0, 0))


def _must(answer: int) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _subreaper() -> None:
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wakeful() -> int:
    """A descriptor that can be read when a child has ended or we are asked to end; its bytes are the signals' numbers."""
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _note)
    return wake


def _note(number: int, frame: object) -> None:
    """The wake-up pipe has told already."""


def _drain(fd: int) -> bytes:
    try:
        return os.read(fd, 64)
    except OSError:
        return b""


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)
