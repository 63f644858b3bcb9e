"""The head of a request to a proxy: bytes in, what is wanted out, and the head to send on. Pure.

Takes what HTTP/1 clients send and nothing loose: a head that could be read in two ways is refused. What is sent on names the
host that was judged, whatever the client called it. Must never pass on what is meant for the proxy alone.
"""

from __future__ import annotations

import base64
import binascii

from ...core.pattern import late
from ...core.record import frozen

_LINE = late(rb"([A-Z]{1,32}) ([\x21-\x7e]{1,16384}) HTTP/1\.([01])")
_FIELD = late(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_AUTHORITY = late(r"(?:[^@/]*@)?(\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@]+)(?::([0-9]{1,5}))?")
_FOR_THE_PROXY = {b"proxy-authorization", b"proxy-connection", b"connection", b"keep-alive", b"host"}


class BadHead(Exception):
    """One sentence for the client."""


@frozen
class Wanted:
    host: str
    port: int
    tunnel: bool
    token: str | None
    "What tells the command from others."
    head: bytes = b""
    "To send on, when it is no tunnel."


def parse(data: bytes) -> Wanted:
    """`data` ends with the empty line. Raises BadHead."""
    first, *lines = data.removesuffix(b"\r\n\r\n").split(b"\r\n")
    match = _LINE.fullmatch(first)
    if match is None:
        raise BadHead("The request line cannot be read.")
    fields = [_field(line) for line in lines]
    method, target = match[1], match[2].decode("ascii")
    token = _token(fields)
    if method == b"CONNECT":
        host, port = _place(target, None)
        return Wanted(host, port, True, token)
    scheme, slashes, rest = target.partition("://")
    if scheme.lower() != "http" or not slashes:
        raise BadHead("This is a proxy: it takes CONNECT, and requests for http:// addresses.")
    authority, mark, path = _split(rest)
    host, port = _place(authority, 80)
    return Wanted(host, port, False, token, _onward(method, host, port, mark + path, fields))


def _split(rest: str) -> tuple[str, str, str]:
    for place, sign in enumerate(rest):
        if sign in "/?":
            return rest[:place], "" if sign == "/" else "/", rest[place:]
    return rest, "/", ""


def _onward(method: bytes, host: str, port: int, path: str, fields: list[tuple[bytes, bytes]]) -> bytes:
    named = {name.strip().lower() for key, value in fields if key == b"connection" for name in value.split(b",")}
    dropped = (_FOR_THE_PROXY | named) - {b"content-length", b"transfer-encoding"}
    lengths = [key for key, _ in fields if key in (b"content-length", b"transfer-encoding")]
    if len(lengths) > 1:
        raise BadHead("The request says twice how long it is.")
    kept = b"".join(b"%s: %s\r\n" % field for field in fields if field[0] not in dropped)
    place = host if port == 80 else f"{host}:{port}"
    return b"%s %s HTTP/1.1\r\nhost: %s\r\n%sconnection: close\r\n\r\n" % (method, path.encode(), place.encode(), kept)


def _field(line: bytes) -> tuple[bytes, bytes]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise BadHead("A header cannot be read.")
    return match[1].lower(), match[2]


def _place(authority: str, port: int | None) -> tuple[str, int]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None or (match[2] is None and port is None):
        raise BadHead("The host cannot be read.")
    number = int(match[2]) if match[2] is not None else port or 0
    if not 0 < number < 65536:
        raise BadHead("There is no such port.")
    return match[1], number


def _token(fields: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in fields:
        scheme, _, given = value.partition(b" ")
        if name == b"proxy-authorization" and scheme.lower() == b"basic":
            try:
                return base64.b64decode(given.strip(), validate=True).decode("ascii").partition(":")[2]
            except (binascii.Error, ValueError):
                return None
    return None
