"""What a client may send that is no good message, and by how many errors without an id it is to be answered."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

from .doors import Raw, text

DEPTHS = (5, 90, 110, *range(300, 340, 7), *range(900, 1010, 9), 5_000, 100_000)
_STRINGS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "\0", "\ud800", "a\udfffb", "\u2028", "é" * 20, "x" * 9_000, "../" * 30, "'\"\\\n\r\t", "{}%s$(x)`", "-1"]
    ),
)
_NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30, Raw("1e999"), Raw("-1e999"), Raw("-0"), Raw("0.1e-999")]
    ),
)
scalars: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), _NUMBERS, _STRINGS)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_STRINGS, inner, max_size=3)), max_leaves=6
)
"Anything that JSON can say."


class Sent(NamedTuple):
    """A body, the least and the most of nameless errors that answer it, and the id by which it is answered, if it is."""

    body: bytes
    least: int
    most: int
    id: str | int | None = None


def told(body: bytes) -> Sent:
    """What is to be expected of a body, found without the code under test."""
    if not body.strip():
        return Sent(body, 0, 1)
    try:
        message = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Sent(body, 1, 1)
    return _expected(body, message)


def _expected(body: bytes, message: Any) -> Sent:
    if not isinstance(message, dict) or not isinstance(message.get("method", ""), str):
        return Sent(body, 1, 1)
    if "method" not in message:
        return Sent(body, 0, 0) if {"result", "error"} & set(message) else Sent(body, 1, 1)
    id = message.get("id")
    if id is None:
        return Sent(body, 0, int("id" in message))
    if isinstance(id, bool) or not isinstance(id, (str, int)):
        return Sent(body, 1, 1)
    return Sent(body, 0, 0, id)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _nested(kind: str, depth: int, closed: bool) -> bytes:
    open_, close = {"list": ("[", "]"), "map": ('{"a":', "}"), "mixed": ('[{"a":', "}]")}[kind]
    inner = open_ * depth + "1" + (close * depth if closed else "")
    return inner.encode()


_nests = st.builds(_nested, st.sampled_from(["list", "map", "mixed"]), st.sampled_from(DEPTHS), st.booleans())
_broken = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda said: said.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [
            *(
                b"{",
                b"}",
                b"[]",
                b"[[",
                b"null",
                b"nul",
                b"true",
                b'"',
                b'"\\',
                b"0",
                b"-",
                b"01",
                b"1e",
                b".5",
                b"NaN",
                b"Infinity",
            ),
            *(
                b"\0",
                b"\0\0{}",
                b"\xef\xbb\xbf",
                b"\xef\xbb\xbf{}",
                b"\xff\xfe{\0}\0",
                b"{}{}",
                b"{},",
                b"// x",
                b"{'id':1}",
                b"\xed\xa0\x80",
            ),
            *(
                b"9" * 4_400,
                b"-" + b"9" * 5_000,
                b'{"id":' + b"9" * 5_000 + b"}",
                b'"' + b"\\u0000" * 50 + b'"',
                b"[1,]",
                b'{"a":1,}',
            ),
        ]
    ),
    _nests,
)


def _json(parts: dict[str, Any], twice: bool) -> bytes:
    """With `twice` one key is said again, and the last one counts."""
    said = text(parts)
    if twice and parts:
        key = next(iter(parts))
        said = text({key: parts[key]})[:-1] + "," + said[1:]
    return said.encode("utf-8", "surrogatepass")


_METHODS = st.one_of(
    st.sampled_from(
        ["thread/list", "initialize", "initialized", "treadle/no/such", "thread/read", "session/list", "turn/interrupt", "a/b"]
    ),
    scalars.filter(lambda said: said not in ("exit", "shutdown")),
)
_IDS = st.one_of(st.integers(1, 10**6), st.uuids().map(str), values)
_messages = st.builds(
    _json,
    st.fixed_dictionaries(
        {},
        optional={"jsonrpc": st.sampled_from(["2.0", "1.0", 2, None]), "id": _IDS, "method": _METHODS, "params": values}
        | {"result": values, "error": values, "extra": values},
    ),
    st.booleans(),
)
_deep_messages = st.builds(
    lambda nest, place: b'{"jsonrpc":"2.0","%b":%b}' % (place, nest),
    st.builds(_nested, st.sampled_from(["list", "map"]), st.sampled_from(DEPTHS), st.just(True)),
    st.sampled_from(
        [
            b'id":7,"method":"thread/list","params',
            b'method":"thread/list","id',
            b"method",
            b'id":8,"result',
            b'method":"a","params',
        ]
    ),
)
_batches = st.lists(_messages, max_size=3).map(lambda parts: b"[" + b",".join(parts) + b"]")
_cut = st.builds(lambda body, at: body[: at % (len(body) + 1)], _messages, st.integers(0, 500))
bodies: st.SearchStrategy[bytes] = st.one_of(_messages, _messages, _broken, _deep_messages, _batches, _cut)
