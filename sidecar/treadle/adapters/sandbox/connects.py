"""What becomes of one connect() of a confined command: carried out in its place, or refused.

Promises: the address is copied once and the socket file held by handle, so that nothing can be exchanged between the look and the
act. A socket file is reached only if it is the command's own: made after the command began, by the same user, where the command
can write, and not listened to by a process of the host. A socket that is not in the command's network is never connected
anywhere. Must never wait for more than a moment: what takes longer is tried again later.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import struct

from ...core.record import frozen, mutable, unique
from . import host_sockets, kernel
from .notices import Listener, Notice
from .runs import Run

_NETNS_COOKIE = 71
_LONGEST_ADDRESS = 128
_BRIDGE_SECONDS = 2.0
_MOMENT = struct.pack("=qq", 0, 1)
"A timeval that the kernel rounds up to its shortest wait."
_RESTART = 512
"ERESTARTSYS: as the call itself would end for a signal; the kernel restarts it or turns it into EINTR."
_COPIED_OPTIONS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
)


@frozen
class Rules:
    """What does not change from connect to connect."""

    network: int
    "The kernel's cookie of the sidecar's own network."
    scoped: bool
    "Whether Landlock keeps abstract sockets of the host from the serving threads."


def own_network() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        return network_of(probe)


def network_of(sock: socket.socket) -> int:
    return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, _NETNS_COOKIE, 8), "little")


@mutable
class Target:
    """Where a connect leads, held: nothing of it is read from the command again."""

    sock: socket.socket
    address: bytes
    handle: int = -1
    "An O_PATH handle on the socket file that `address` names."
    birth: kernel.Birth | None = None

    def close(self) -> None:
        kernel.close_all(self.handle)
        self.handle = -1
        self.sock.close()


@unique
class Connect:
    """One call that waits for its answer."""

    notice: Notice
    tries: int = 0
    target: Target | None = None
    until: float | None = None
    "When a wait that the command limited itself (SO_SNDTIMEO) is over."
    pending: bool = False
    "A signal was seen at the last look, and nobody has taken it since."

    def close(self) -> None:
        if self.target is not None:
            self.target.close()
            self.target = None


class Gone(Exception):
    """Nobody waits for the answer any more."""


def attempt(call: Connect, run: Run, rules: Rules, listener: Listener, now: float) -> int | None:
    """0 or an errno to answer with; None when it has to be tried again. Raises OSError (its errno is the answer) and Gone."""
    if call.target is None:
        call.target = _look(call.notice, run, rules, listener)
        if (port := _loopback_port(call.target)) in run.bridges and not run.network:
            return _bridge(call.notice, call.target, port, listener)
    target = call.target
    waiting = not fcntl.fcntl(target.sock, fcntl.F_GETFL) & os.O_NONBLOCK
    given = target.sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16)
    target.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _MOMENT)  # O_NONBLOCK would be seen by the command
    try:
        code = kernel.connect(target.sock.fileno(), target.address)
    finally:
        target.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, given)
    call.tries += 1
    if code == errno.EISCONN and call.tries > 1:
        code = 0
    if code == 0 and target.birth is not None:
        run.own.add(target.birth)
    if not waiting or code not in (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN):
        return code
    seconds, microseconds = struct.unpack("=qq", given)
    if call.until is None and (seconds or microseconds):
        call.until = now + seconds + microseconds / 1e6
    if call.until is not None and now >= call.until:
        return errno.EAGAIN if target.sock.family == socket.AF_UNIX else errno.EINPROGRESS
    return _signalled(call)


def _look(notice: Notice, run: Run, rules: Rules, listener: Listener) -> Target:
    """Raises OSError for what is refused."""
    if not 0 <= notice.length <= _LONGEST_ADDRESS:
        raise OSError(errno.EINVAL, "address length")
    with contextlib.ExitStack() as opened:
        process = kernel.open_process(notice.thread)
        opened.callback(os.close, process)
        taken = kernel.take_descriptor(process, notice.descriptor)
        if not stat.S_ISSOCK(os.fstat(taken).st_mode):
            os.close(taken)
            raise OSError(errno.ENOTSOCK, "not a socket")
        target = Target(socket.socket(fileno=taken), b"")
        discard = opened.enter_context(contextlib.ExitStack())
        discard.callback(target.close)
        target.address = kernel.read_memory(notice.thread, notice.address, notice.length)
        root = os.open(f"/proc/{notice.thread}/root", os.O_PATH | os.O_CLOEXEC)
        opened.callback(os.close, root)
        folder = os.readlink(f"/proc/{notice.thread}/cwd")
        if not listener.waits(notice):
            raise Gone
        _check(target, run, rules)
        path = _path(target)
        if path is not None:
            _hold(target, root, os.path.join(os.fsencode(folder), path), run, notice.thread)
        discard.pop_all()
        return target


def _check(target: Target, run: Run, rules: Rules) -> None:
    sock, address = target.sock, target.address
    if not run.network and network_of(sock) == rules.network:  # a bridged one, which leads where it leads
        raise OSError(errno.EISCONN, "not the command's own network")
    match sock.family:
        case socket.AF_INET | socket.AF_INET6:
            return
        case socket.AF_UNIX:
            if sock.type not in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
                raise OSError(errno.EPERM, "datagrams name their receiver")
            if len(address) < 2 or int.from_bytes(address[:2], "little") != socket.AF_UNIX:
                raise OSError(errno.EINVAL, "not a unix address")
            if address[2:3] == b"\0" and run.network and not rules.scoped:
                raise OSError(errno.EPERM, "abstract sockets of the host cannot be told from others")
        case _:
            raise OSError(errno.EPERM, "nothing that a command connects")


def _path(target: Target) -> bytes | None:
    if target.sock.family != socket.AF_UNIX:
        return None
    return target.address[2:].split(b"\0", 1)[0] or None


def _hold(target: Target, root: int, path: bytes, run: Run, thread: int) -> None:
    """Exchange the name in the address for a handle, if what it leads to is the command's own."""
    target.handle = kernel.open_beneath(root, path)
    found = kernel.birth(target.handle)
    if not stat.S_ISSOCK(found.mode):
        raise OSError(errno.ECONNREFUSED, "not a socket")
    if found not in run.own and not _is_own(found, target.handle, run, thread):
        raise OSError(errno.EACCES, "a socket of the host")
    target.birth = found
    target.address = struct.pack("=H", socket.AF_UNIX) + b"/proc/self/fd/%d\0" % target.handle


def _is_own(found: kernel.Birth, handle: int, run: Run, thread: int) -> bool:
    if found.created is None or found.created <= run.born or found.user != os.geteuid():
        return False
    if os.fstatvfs(handle).f_flag & os.ST_RDONLY:  # as the command sees it: nothing that it made can be there
        return False
    places = host_sockets.listed().get(found.inode & 0xFFFFFFFF, ())
    if places and any(device != found.device for device, _ in places):
        device = _device(handle, thread)  # what stat tells is not the kernel's own on every file system
        places = [place for place in places if place[0] in (device, found.device)]
    if run.network:  # its sockets and the host's are in one list
        return any(run.holds(number) for _, number in places)
    return not places


def _device(handle: int, thread: int) -> int | None:
    with open(f"/proc/self/fdinfo/{handle}", "rb") as about:
        mount = next((line.split()[1] for line in about if line.startswith(b"mnt_id:")), b"")
    with open(f"/proc/{thread}/mountinfo", "rb") as mounts:
        for line in mounts:
            number, _, device, *_ = line.split(maxsplit=3)
            if number == mount:
                major, minor = device.split(b":")
                return int(major) << 20 | int(minor)
    return None


def _loopback_port(target: Target) -> int:
    """0 for what does not lead to 127.0.0.1 or ::1 by TCP."""
    sock, address = target.sock, target.address
    if sock.type != socket.SOCK_STREAM or len(address) < 8:
        return 0
    family, port = int.from_bytes(address[:2], "little"), int.from_bytes(address[2:4], "big")
    if family != sock.family:
        return 0
    if family == socket.AF_INET:
        return port if address[4:8] == b"\x7f\0\0\1" else 0
    inside = address[8:24] in (bytes(15) + b"\1", bytes(10) + b"\xff\xff\x7f\0\0\1")
    return port if family == socket.AF_INET6 and inside else 0


def _bridge(notice: Notice, target: Target, port: int, listener: Listener) -> int:
    """A connection of the host's network in the place of the command's descriptor."""
    theirs = target.sock
    where = socket.inet_ntop(theirs.family, target.address[8:24] if theirs.family == socket.AF_INET6 else target.address[4:8])
    with socket.socket(theirs.family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as ours:
        ours.settimeout(_BRIDGE_SECONDS)
        try:
            ours.connect((where, port))
        except TimeoutError:
            return errno.ETIMEDOUT
        ours.setblocking(not fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK)
        for level, option in _COPIED_OPTIONS:
            with contextlib.suppress(OSError):
                ours.setsockopt(level, option, theirs.getsockopt(level, option))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            ours.setsockopt(socket.SOL_SOCKET, option, theirs.getsockopt(socket.SOL_SOCKET, option, 16))
        listener.replace(notice, ours.fileno(), inherited=not _closes_on_exec(notice))
    return 0


def _closes_on_exec(notice: Notice) -> bool:
    with open(f"/proc/{notice.thread}/fdinfo/{notice.descriptor}", "rb") as about:
        flags = next(line for line in about if line.startswith(b"flags:"))
    return bool(int(flags.split()[1], 8) & os.O_CLOEXEC)


def _signalled(call: Connect) -> int | None:
    """How to end a wait that the kernel itself would have ended, because the command has a signal to deal with."""
    masks: dict[bytes, int] = {}
    threads = 1
    with open(f"/proc/{call.notice.thread}/status", "rb") as status:
        for line in status:
            name, _, value = line.partition(b":")
            if name in (b"SigPnd", b"ShdPnd", b"SigBlk", b"SigCgt"):
                masks[name] = int(value, 16)
            elif name == b"Threads":
                threads = int(value)
    own, shared = masks.get(b"SigPnd", 0), masks.get(b"ShdPnd", 0)
    heard = masks.get(b"SigCgt", 0) & ~masks.get(b"SigBlk", 0)
    if own & heard or (shared & heard and threads == 1):
        return _RESTART
    if shared & heard and call.pending:  # no other thread takes it
        return errno.EINTR
    call.pending = bool(shared & heard)
    return None
