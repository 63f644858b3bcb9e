"""What happened to one MCP server and what it said on standard error: the end of it, in memory, for the user to read.

It outlives the server's process and is the same through restarts. What is entered must have no secrets in it any more.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

KEPT = 64 * 1024
"Characters, of all lines together."
MAX_LINE = 1_000


class Journal:
    """Lines, each with the time of day at which it came."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lines: deque[str] = deque()
        self._size = 0
        self._lost = False

    def said(self, text: str) -> None:
        """A line of the server's."""
        self._enter(text)

    def noted(self, text: str) -> None:
        """A line of ours."""
        self._enter(f"[{text}]")

    def text(self) -> str:
        first = ["[what came before is not kept]"] if self._lost else []
        return "\n".join([*first, *self._lines])

    def _enter(self, text: str) -> None:
        plain = "".join(c if c.isprintable() or c == "\t" else " " for c in text[:MAX_LINE])
        line = f"{time.strftime('%H:%M:%S', time.localtime(self._now()))} {plain}"
        self._lines.append(line)
        self._size += len(line) + 1
        while self._size > KEPT:
            self._size -= len(self._lines.popleft()) + 1
            self._lost = True
