"""Cuts what the model reads to size: the head and the tail are kept, the middle goes, and a marker says how much.

Cuts fall between characters, never inside one. The same input always gives the same bytes, so a cut output can be replayed.
"""

from __future__ import annotations

from collections import deque

from . import tokens
from .record import frozen

DEFAULT_OUTPUT_TOKENS = 10_000


@frozen
class Kept:
    """What is left of a long text. `omitted` bytes are missing between `head` and `tail`; with none missing, all is in `head`."""

    head: str
    tail: str = ""
    omitted: int = 0
    lines: int = 0
    "Lines of the whole text, the omitted ones among them."

    @property
    def bytes(self) -> int:
        """Size of the whole text before anything was left out."""
        return tokens.size(self.head) + tokens.size(self.tail) + self.omitted

    def text(self) -> str:
        """For the screen."""
        if not self.omitted:
            return self.head + self.tail
        return f"{self.head}\n…{self.omitted} bytes omitted…\n{self.tail}"


class HeadTail:
    """A text that may grow without end, in bounded memory: keeps the first and the last half of `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._total = 0
        self._newlines = 0
        self._ended_line = True

    def append(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        if not data:
            return
        self._total += len(data)
        self._newlines += data.count(b"\n")
        self._ended_line = data.endswith(b"\n")
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            data = data[-self._half :]
            self._tail.append(data)
            self._tail_size += len(data)
        while self._tail and self._tail_size - len(self._tail[0]) >= self._half:
            self._tail_size -= len(self._tail.popleft())

    def __len__(self) -> int:
        """Bytes appended so far, kept or not."""
        return self._total

    def kept(self) -> Kept:
        lines = self._newlines + (not self._ended_line)
        tail = b"".join(self._tail)[-self._half :]
        if self._total <= len(self._head) + len(tail):
            return Kept((bytes(self._head) + tail).decode("utf-8", "replace"), lines=lines)
        # Only a cut can have split a character: dropping the split ends is all that "ignore" does here.
        head_text = self._head.decode("utf-8", "ignore")
        tail_text = tail.decode("utf-8", "ignore")
        omitted = self._total - tokens.size(head_text) - tokens.size(tail_text)
        return Kept(head_text, tail_text, omitted, lines)


def middle(text: str, max_tokens: int) -> str:
    """`text` itself when it fits into `max_tokens`, else its head and tail around a marker."""
    return _cut(Kept(text), max_tokens)


def command_output(kept: Kept, max_tokens: int) -> str:
    """The same for the output of a command, with two lines in front that say that, and how much, was cut."""
    if not kept.omitted and kept.bytes <= max_tokens * tokens.BYTES_PER_TOKEN:
        return kept.head + kept.tail
    count = tokens.of_bytes(kept.bytes)
    head = f"Warning: truncated output (original token count: {count})\nTotal output lines: {kept.lines}\n\n"
    return head + _cut(kept, max_tokens)


def clip(text: str, max_bytes: int) -> str:
    """The head of `text` in at most `max_bytes`, an ellipsis included when something was cut."""
    data = text.encode("utf-8", "replace")
    if len(data) <= max_bytes:
        return text
    return data[: max(max_bytes - 3, 0)].decode("utf-8", "ignore") + "…"


def pieces(text: str, max_bytes: int) -> list[str]:
    """`text` in order, in pieces of at most `max_bytes` (of at least 4) that never split a character."""
    if len(text) * 4 <= max_bytes:
        return [text] if text else []
    data = text.encode("utf-8", "replace")
    found: list[str] = []
    start = 0
    while start < len(data):
        end = min(start + max_bytes, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        found.append(data[start:end].decode("utf-8"))
        start = end
    return found


def _cut(kept: Kept, max_tokens: int) -> str:
    budget = max(max_tokens, 0) * tokens.BYTES_PER_TOKEN
    total = kept.bytes
    if total <= budget and not kept.omitted:
        return kept.head + kept.tail
    first = kept.head.encode("utf-8", "replace")
    last = kept.tail.encode("utf-8", "replace") if kept.omitted else first
    half = budget // 2
    head = first[:half].decode("utf-8", "ignore")
    tail = last[-(budget - half) :].decode("utf-8", "ignore") if budget else ""
    removed = total - tokens.size(head) - tokens.size(tail)
    return f"{head}…{tokens.of_bytes(removed)} tokens truncated…{tail}"
