"""The check that prompts only grow: each request's bytes up to the end of its input are where the next request begins."""

from __future__ import annotations

import json
import re

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class PrefixMoved(AssertionError):
    """A request did not extend the one before it."""


def split_body(raw: bytes) -> tuple[bytes, int]:
    """(the body up to and without the bracket that closes `input`, offset of the bracket that opens it)"""
    whole = raw.decode()
    at = whole.index("{") + 1
    while True:
        at = _SPACE.match(whole, at).end()  # type: ignore[union-attr]
        key, at = _DECODER.raw_decode(whole, at)
        at = _SPACE.match(whole, at).end()  # type: ignore[union-attr]
        if whole[at] != ":":
            raise ValueError(f"no colon at offset {at}")
        start = _SPACE.match(whole, at + 1).end()  # type: ignore[union-attr]
        _, end = _DECODER.raw_decode(whole, start)
        if key == "input":
            if whole[start] != "[":
                raise ValueError("input is not a list")
            return whole[: end - 1].encode(), len(whole[:start].encode())
        at = _SPACE.match(whole, end).end()  # type: ignore[union-attr]
        if whole[at] != ",":
            raise ValueError("a request without input")
        at += 1


def compare(before: bytes, after: bytes) -> str | None:
    """What is wrong with `after` as the request that follows `before`; None when it extends it."""
    prefix, opening = split_body(before)
    following = after[len(prefix) : len(prefix) + 1]
    empty = len(prefix) == opening + 1
    if after.startswith(prefix) and (empty or following in (b",", b"]")):
        return None
    at = first_difference(prefix, after)
    where = "before the input" if at <= opening else "in the input"
    low = max(at - 40, 0)
    return (
        f"the prompt's prefix moved at byte {at} ({where}; {len(prefix)} bytes should have stayed)\n"
        f"  before: …{before[low : at + 40]!r}\n"
        f"  after:  …{after[low : at + 40]!r}"
    )


def first_difference(one: bytes, two: bytes) -> int:
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == two[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
