"""The kernel's notices of system calls that wait for an answer: the filter that asks, and the descriptor where it is asked.

Promises that every answer is for exactly the call that was told (the kernel numbers them) and that a call whose process died is
an answer to nobody. The filter names one call, connect, and lets everything else pass: refusing is another filter's work.
Must never answer "continue": the caller could exchange what was looked at.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct

from ...core.record import frozen
from . import kernel
from .bpf import ARCH, NR, Jump, Label, Load, Return, assemble
from .seccomp import MACHINES

_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_CONNECT = (42, 203)
_RECEIVE, _ANSWER, _VALID, _ADD = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
_NOTICE = struct.Struct("=QIIiIQ6Q")
_SET_FD = 1


@frozen
class Notice:
    """A thread that waits in connect(descriptor, address, length)."""

    number: int
    thread: int
    descriptor: int
    address: int
    length: int


def program(machine: str) -> bytes:
    column, arch = MACHINES[machine]
    native = [Load(NR), Jump("==", _CONNECT[column], None, "other"), Return(_NOTIFY)]
    return assemble([Load(ARCH), Jump("==", arch, None, "other"), *native, Label("other"), Return(_ALLOW)])


class Listener:
    """Where notices arrive. One thread at a time may receive, after the descriptor became readable."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def install(cls, machine: str) -> Listener:
        """On the calling thread. Raises OSError: EINVAL before Linux 5.19, EBUSY inside another sandbox of this kind."""
        return cls(kernel.install_notifying_filter(program(machine)))

    def fileno(self) -> int:
        return self._descriptor

    def receive(self) -> Notice | None:
        buffer = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(self._descriptor, _RECEIVE, buffer, True)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):  # killed meanwhile
                return None
            raise
        number, thread, _, _, _, _, descriptor, address, length, *_ = _NOTICE.unpack(buffer)
        return Notice(number, thread, _int(descriptor), address, _int(length))

    def waits(self, notice: Notice) -> bool:
        """Whether the thread is alive and still waits, so that what was read of it since was its own."""
        try:
            fcntl.ioctl(self._descriptor, _VALID, struct.pack("=Q", notice.number))
        except OSError:
            return False
        return True

    def answer(self, notice: Notice, code: int) -> None:
        """0 or the errno that the call fails with."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._descriptor, _ANSWER, bytearray(struct.pack("=QqiI", notice.number, 0, -code, 0)), True)

    def replace(self, notice: Notice, ours: int, *, inherited: bool) -> None:
        """Put a duplicate of our descriptor into the place of the one that the call named."""
        flags = 0 if inherited else os.O_CLOEXEC
        fcntl.ioctl(self._descriptor, _ADD, struct.pack("=QIIII", notice.number, _SET_FD, ours, notice.descriptor, flags))

    def close(self) -> None:
        os.close(self._descriptor)


def _int(argument: int) -> int:
    """As the kernel reads an int argument: the lower half, signed."""
    return (argument & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
