"""Starts a program on a machine that forbids user namespaces, as Docker's default profile does: `forbidding.py PROGRAM...`."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

CLONE, UNSHARE, CLONE3 = 56, 272, 435
NEW_USER = 0x10000000
LOAD, EQUAL, ANY, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000


def forbid() -> None:
    """x86_64 only. Whoever is started from here on cannot make a user namespace either, root included."""
    no, absent = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS
    code = [
        (LOAD, 0, 0, 0),
        (EQUAL, 0, 1, CLONE3),
        (RETURN, 0, 0, absent),
        (EQUAL, 1, 0, CLONE),
        (EQUAL, 0, 3, UNSHARE),
        (LOAD, 0, 0, 16),
        (ANY, 0, 1, NEW_USER),
        (RETURN, 0, 0, no),
        (RETURN, 0, 0, ALLOW),
    ]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(packed))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.create_string_buffer(program)) == 0, os.strerror(ctypes.get_errno())


if __name__ == "__main__":
    forbid()
    os.execvp(sys.argv[1], sys.argv[1:])
