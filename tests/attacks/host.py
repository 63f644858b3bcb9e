"""What the host offers: services on every kind of socket that write down what they hear, and a terminal that somebody sits at."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import socket
import threading
import time
from pathlib import Path

_QUIET = 0.03
"Seconds without a message after which nothing more is on its way over loopback."


class Host:
    """Listens until it is closed. `variables` says where."""

    def __init__(self, base: Path, uid: int) -> None:
        self.folder = base / "host"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self._heard = bytearray()
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._messages = 0
        self.variables: dict[str, str] = {}
        self._unix(base)
        self._internet()
        self._master, slave = os.openpty()
        os.fchmod(slave, 0o666)
        os.chown(os.ttyname(slave), uid, uid)
        self._slave = slave
        self.variables["HOST_PTS"] = os.ttyname(slave)
        os.set_blocking(self._master, False)
        self._selector.register(self._master, selectors.EVENT_READ, self._read_terminal)
        self._shared = _shared_memory()
        self.variables["SHM_KEY"] = str(self._shared[0])
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def listen_at(self, path: Path, kind: int = socket.SOCK_STREAM) -> None:
        """One more service at a path of the caller's."""
        made = socket.socket(socket.AF_UNIX, kind)
        made.bind(str(path))
        os.chmod(path, 0o777)
        self._enter(made, kind)

    def has_heard(self, token: str) -> bool:
        with self._lock:
            return token.encode() in self._heard

    def settle(self) -> None:
        """Whatever is on its way has arrived."""
        seen = -1
        while seen != self._messages:
            seen = self._messages
            time.sleep(_QUIET)

    def close(self) -> None:
        self._woken.send(b"x")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            with contextlib.suppress(OSError):
                os.close(key.fd) if isinstance(key.fileobj, int) else key.fileobj.close()  # type: ignore[union-attr]
        os.close(self._slave)
        ctypes.CDLL(None).shmctl(self._shared[1], 0, None)

    def _unix(self, base: Path) -> None:
        for name, kind in (("STREAM", socket.SOCK_STREAM), ("DGRAM", socket.SOCK_DGRAM), ("SEQPACKET", socket.SOCK_SEQPACKET)):
            path = self.folder / name.lower()
            self.listen_at(path, kind)
            self.variables[f"UNIX_{name}"] = str(path)
            abstract = f"treadle-attacks-{base.name}-{name}"
            made = socket.socket(socket.AF_UNIX, kind)
            made.bind("\0" + abstract)
            self._enter(made, kind)
            self.variables[f"ABSTRACT_{name}"] = abstract

    def _internet(self) -> None:
        for name, family, address in (("4", socket.AF_INET, "127.0.0.1"), ("6", socket.AF_INET6, "::1")):
            for word, kind in (("TCP", socket.SOCK_STREAM), ("UDP", socket.SOCK_DGRAM)):
                with contextlib.suppress(OSError):  # a machine without IPv6
                    made = socket.socket(family, kind)
                    made.bind((address, 0))
                    self._enter(made, kind)
                    self.variables[f"{word}{name}"] = str(made.getsockname()[1])

    def _enter(self, made: socket.socket, kind: int) -> None:
        made.setblocking(False)
        if kind != socket.SOCK_DGRAM:
            made.listen(64)
        self._selector.register(made, selectors.EVENT_READ, self._accept if kind != socket.SOCK_DGRAM else self._receive)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                with contextlib.suppress(OSError):
                    key.data(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        peer, _ = listener.accept()
        peer.setblocking(False)
        self._selector.register(peer, selectors.EVENT_READ, self._receive)

    def _receive(self, peer: socket.socket) -> None:
        data = peer.recv(65536)
        self._note(data)
        if not data and peer.type != socket.SOCK_DGRAM:
            self._selector.unregister(peer)
            peer.close()

    def _read_terminal(self, fd: int) -> None:
        self._note(os.read(fd, 65536))

    def _note(self, data: bytes) -> None:
        with self._lock:
            self._messages += 1
            self._heard += data


def _shared_memory() -> tuple[int, int]:
    """(key, id) of a segment that everybody may attach."""
    key = int.from_bytes(os.urandom(3), "big")
    made = ctypes.CDLL(None).shmget(key, 4096, 0o1666)
    assert made >= 0
    return key, made
