"""Linux system calls that Python has no name for: what the broker needs to act in a command's place.

Promises that each function does one call and raises OSError with the kernel's errno. Must never hold state, decide anything, or
be imported on another system.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from typing import Any

from ...core.record import frozen

_X86 = os.uname().machine == "x86_64"
_SECCOMP, _STATX, _CAPSET = (317, 332, 126) if _X86 else (277, 291, 91)
_PIDFD_GETFD, _PIDFD_OPEN, _OPENAT2 = 438, 434, 437
_PIDFD_THREAD = os.O_EXCL
_SET_MODE_FILTER = 1
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5
_NO_MAGIC_LINKS, _IN_ROOT = 0x02, 0x10
_AT_EMPTY_PATH, _STATX_BASIC, _STATX_BTIME = 0x1000, 0x7FF, 0x800
_CAPABILITY_VERSION = 0x20080522

_libc: Any = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.process_vm_readv.restype = ctypes.c_ssize_t


@frozen
class Birth:
    """What says which file this is, and since when."""

    device: int
    "As the kernel numbers it: major << 20 | minor."
    inode: int
    created: int | None
    "Nanoseconds of the real-time clock; None where the file system does not remember."
    mode: int
    user: int


def _call(number: int, *arguments: Any) -> int:
    given = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    while (result := int(_libc.syscall(ctypes.c_long(number), *given))) < 0:
        code = ctypes.get_errno()
        if code != 4:  # EINTR
            raise OSError(code, os.strerror(code))
    return result


def install_notifying_filter(program: bytes) -> int:
    """Put a filter on the calling thread; the answer is the descriptor where its USER_NOTIF verdicts are told."""
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(instructions))
    return _call(_SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, header)


def drop_capabilities() -> None:
    """Of the calling thread, and of the threads that it starts."""
    _call(_CAPSET, struct.pack("=II", _CAPABILITY_VERSION, 0), bytes(24))


def open_process(thread: int) -> int:
    """A pidfd. Where the kernel knows none for threads, that of the thread's process."""
    try:
        return _call(_PIDFD_OPEN, thread, _PIDFD_THREAD)
    except OSError:
        with open(f"/proc/{thread}/status", "rb") as status:
            leader = next(line for line in status if line.startswith(b"Tgid:"))
        return _call(_PIDFD_OPEN, int(leader.split()[1]), 0)


def take_descriptor(pidfd: int, number: int) -> int:
    """A duplicate of the descriptor that a process knows by `number`. It is not inherited."""
    return _call(_PIDFD_GETFD, pidfd, number, 0)


def read_memory(thread: int, address: int, length: int) -> bytes:
    if length == 0:
        return b""
    buffer = ctypes.create_string_buffer(length)
    ours = struct.pack("=QQ", ctypes.addressof(buffer), length)
    theirs = struct.pack("=QQ", address, length)
    got = int(_libc.process_vm_readv(thread, ours, ctypes.c_ulong(1), theirs, ctypes.c_ulong(1), ctypes.c_ulong(0)))
    if got != length:
        code = ctypes.get_errno() if got < 0 else 14  # EFAULT
        raise OSError(code, os.strerror(code))
    return buffer.raw


def open_beneath(root: int, path: bytes) -> int:
    """An O_PATH handle on what `path` names when `root` is the root: links are followed, those of /proc are not."""
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _IN_ROOT | _NO_MAGIC_LINKS)
    return _call(_OPENAT2, root, path, how, len(how))


def birth(handle: int) -> Birth:
    buffer = ctypes.create_string_buffer(256)
    _call(_STATX, handle, b"", _AT_EMPTY_PATH, _STATX_BASIC | _STATX_BTIME, buffer)
    raw = buffer.raw
    (mask,) = struct.unpack_from("=I", raw, 0)
    (user,) = struct.unpack_from("=I", raw, 20)
    (mode,) = struct.unpack_from("=H", raw, 28)
    (inode,) = struct.unpack_from("=Q", raw, 32)
    seconds, nanoseconds = struct.unpack_from("=qI", raw, 80)
    major, minor = struct.unpack_from("=II", raw, 136)
    created = seconds * 1_000_000_000 + nanoseconds if mask & _STATX_BTIME else None
    return Birth(major << 20 | minor, inode, created, mode, user)


def connect(descriptor: int, address: bytes) -> int:
    """0 or the errno. The address is passed on as it is."""
    if _libc.connect(descriptor, address, len(address)) == 0:
        return 0
    return ctypes.get_errno()


def close_all(*descriptors: int) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)
