"""A port for a server that is started later, as another process."""

from __future__ import annotations

import socket


def reserved_port() -> tuple[socket.socket, int]:
    """Nobody else is given this port until the socket is closed. It does not listen: whoever connects is refused until a server
    asks for the port by its number, with SO_REUSEADDR as asyncio and Node do."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    return place, place.getsockname()[1]
