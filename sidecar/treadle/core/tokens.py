"""How many tokens a text takes, estimated: bytes of UTF-8 over four, rounded up. The same text always gives the same number.

Must never need a vocabulary: estimates steer truncation and compaction, the provider's own count corrects them after each reply.
"""

from __future__ import annotations

BYTES_PER_TOKEN = 4


def estimate(text: str) -> int:
    return of_bytes(size(text))


def of_bytes(count: int) -> int:
    return -(-count // BYTES_PER_TOKEN)


def size(text: str) -> int:
    """Bytes of `text` as UTF-8; a lone surrogate counts as the three bytes it would take."""
    return len(text.encode("utf-8", "surrogatepass"))
