"""What the soak's model remembers of the prompts of one thread: digests, and no words.

A prompt extends the one before it, byte for byte. After a summary it may begin anew. When turns were taken back or given back, it
begins as one of the earlier prompts did, up to the end of an entry, and what follows was never sent: whatever was sent before
stood behind exactly the same bytes, since turns are only ever taken from the end, so that a prompt which has it anywhere else has
lost or changed something on the way.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fakes.prefix import split_body

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[,\s]*")
_WORDS = re.compile(r", \d+\.$")
"How the words of the soak's user end: each has a number of its own. Others are told again and again."


@dataclass
class History:
    last: tuple[int, bytes] | None = None
    "Length and digest of the last prompt."
    begun: set[bytes] = field(default_factory=set[bytes])
    "Digests of every prompt up to the end of each of its entries."
    said: set[bytes] = field(default_factory=set[bytes])
    "Digests of the words of the user."
    made: set[bytes] = field(default_factory=set[bytes])
    "Of what the model has made, and of what came of it."

    def copy(self) -> History:
        return History(self.last, self.begun.copy(), self.said.copy(), self.made.copy())

    def add(self, body: bytes) -> None:
        """This prompt was sent."""
        prompt, _ = split_body(body)
        self.last = len(prompt), _digest(prompt)
        for so_far, entry in _entries(body):
            self.begun.add(so_far)
            if (kind := _kind(entry)) is not None:
                (self.said if kind == "said" else self.made).add(_digest_of(entry))

    def wrong(self, body: bytes, *, moved: bool, marks: Iterable[bytes]) -> str | None:
        """What is wrong with this prompt as the next one. `marks`: of summaries that it may begin anew with."""
        if self.last is None or self._extends(body):
            return None
        anew = any(mark in body for mark in marks)
        if not moved and not anew:
            return f"does not extend the one before it ({self.last[0]})"
        entries = _entries(body)
        shared = next((at for at in range(len(entries), 0, -1) if entries[at - 1][0] in self.begun), 0)
        if not shared and not anew:
            return "begins as none before it did"
        for _, entry in entries[shared:]:
            kind, digest = _kind(entry), _digest_of(entry)
            # a summary leaves the words of the user, and nothing else of what was before it
            if (kind == "made" and digest in self.made) or (kind == "said" and digest in self.said and not anew):
                return f"has after its first {shared} entries what was sent before, in another place: {str(entry)[:200]}"
        return None

    def _extends(self, body: bytes) -> bool:
        assert self.last is not None
        length, digest = self.last
        return body[length : length + 1] in (b",", b"]") and _digest(body[:length]) == digest


def _entries(body: bytes) -> list[tuple[bytes, Any]]:
    """The entries of the input, each with a digest of all bytes up to its end."""
    prompt, opening = split_body(body)
    text = prompt[opening + 1 :].decode()
    so_far = hashlib.blake2b(prompt[: opening + 1], digest_size=12)
    found: list[tuple[bytes, Any]] = []
    at = 0
    while at < len(text):
        start = _BETWEEN.match(text, at)
        assert start is not None
        entry, end = _DECODER.raw_decode(text, start.end())
        so_far.update(text[at:end].encode())
        found.append((so_far.digest(), entry))
        at = end
    return found


def _kind(entry: Any) -> str | None:
    """Whether the user has said it, or the model has made it; None for what Treadle tells."""
    if entry["type"] != "message" or entry["role"] == "assistant":
        return "made"
    texts = [part.get("text", "") for part in entry["content"]]
    return "said" if entry["role"] == "user" and any(_WORDS.search(text) for text in texts) else None


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=12).digest()


def _digest_of(entry: Any) -> bytes:
    return _digest(json.dumps(entry, sort_keys=True).encode())
