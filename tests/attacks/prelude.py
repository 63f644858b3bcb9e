"""What attacking scripts have at hand: run by `exec` in front of each of them, with the machine's own Python and nothing else."""

# ruff: noqa: F401, T201 - it is read by scripts, and speaks to them by its output

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

E = os.environ
TOKEN = E.get("TOKEN", "")
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def call(number, *args):
    """A system call: its result, or minus the error."""
    made = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = libc.syscall(ctypes.c_long(number), *made)
    return -ctypes.get_errno() if result < 0 else result


def let_through(result):
    """Says WON for a call that the kernel did not refuse to look at."""
    refusals = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS)
    print("WON" if result >= 0 or -result not in refusals else f"refused {-result}")


def attempt(action):
    """Errors are what we expect."""
    try:
        return action()
    except OSError as error:
        print("refused", error)
        return None


def send(family, kind, address, how="connect"):
    """Try to say the token to a service."""

    def action():
        with socket.socket(family, kind) as made:
            made.settimeout(2)
            if how == "sendto":
                made.sendto(TOKEN.encode(), address)
            elif how == "sendmsg":
                made.sendmsg([TOKEN.encode()], [], 0, address)
            else:
                made.connect(address)
                made.sendall(TOKEN.encode())

    return attempt(action)
