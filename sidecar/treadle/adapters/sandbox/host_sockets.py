"""The unix sockets of the sidecar's own network namespace that have a name on disk, as the kernel lists them.

Promises to list every socket that listens or may begin to, whatever became of its name, or to raise OSError. Commands without
network are in a namespace of their own, so what is listed here was not made by them. Must never touch a socket that it lists.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

_SOCK_DIAG = 4
_BY_FAMILY, _REQUEST_DUMP = 20, 0x301
_ERROR, _DONE = 2, 3
_SHOW_VFS, _ATTRIBUTE_VFS = 0x02, 1
_IDLE, _LISTENS = 1 << 7, 1 << 10
_HEADER, _MESSAGE, _ATTRIBUTE = 16, 16, 4
_BUFFER = 64 * 1024
_TIMEOUT = 5.0

Place = tuple[int, int]
"(device, the lower half of the inode), the kernel's own"


def listed() -> dict[int, list[Place]]:
    """Socket files by the lower half of their inode -> [(device, number of the socket)]."""
    found: dict[int, list[Place]] = {}
    wanted = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, _IDLE | _LISTENS, 0, _SHOW_VFS, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as asked:
        asked.settimeout(_TIMEOUT)
        asked.sendto(struct.pack("=IHHII", _HEADER + len(wanted), _BY_FAMILY, _REQUEST_DUMP, 1, 0) + wanted, (0, 0))
        while True:
            answer = asked.recv(_BUFFER)
            for kind, body in _messages(answer):
                if kind == _DONE:
                    return found
                if kind == _ERROR:
                    code = -struct.unpack_from("=i", body)[0]
                    raise OSError(code, os.strerror(code))
                number, vfs = struct.unpack_from("=I", body, 4)[0], _vfs(body)
                if vfs is not None:
                    found.setdefault(vfs[0], []).append((vfs[1], number))


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + _HEADER <= len(answer):
        length, kind = struct.unpack_from("=IH", answer, place)
        yield kind, answer[place + _HEADER : place + length]
        place += max(_HEADER, length + 3 & ~3)


def _vfs(body: bytes) -> tuple[int, int] | None:
    """(inode, device)"""
    place = _MESSAGE
    while place + _ATTRIBUTE <= len(body):
        length, kind = struct.unpack_from("=HH", body, place)
        if kind == _ATTRIBUTE_VFS:
            return struct.unpack_from("=II", body, place + _ATTRIBUTE)
        place += max(_ATTRIBUTE, length + 3 & ~3)
    return None
