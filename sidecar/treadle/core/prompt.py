"""Thread -> the exact bytes of the next request. Append-only: every item is encoded once and never again.

The body is `head + b",".join(fragments) + tail`. Within an epoch `head` is constant and `fragments` only grow, so request n
without its tail is a byte-exact prefix of request n+1. What may change from turn to turn without touching the provider's cache
(reasoning effort, text format) is in the tail, after the input.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


def dumps(value: Any) -> str:
    """The one JSON spelling used in prompts: compact, UTF-8, key order as given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, ready to send."""

    head: bytes
    fragments: Sequence[bytes]
    tail: bytes
    model: str
    thread_id: str = ""

    def body(self) -> bytes:
        return b"".join((self.head, b",".join(self.fragments), self.tail))

    def parsed(self) -> dict[str, Any]:
        """The body as JSON data, for adapters that must translate it."""
        return json.loads(self.body())
