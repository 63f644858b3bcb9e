"""Secrets that are known to us, taken out of what commands print before model, store and screen see it. Pure.

Works on a stream: a secret that comes in two pieces is found as well. What may be the beginning of one is held back until more
comes; a beginning of a few characters is let through at once, and then only the rest of the secret is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 8
"A shorter value is too likely to be an ordinary word."
PLACE = "[redacted]"
_FREE = 3
"Characters of a secret's beginning that are not held back: every line ends like the beginning of something."


def known(values: Iterable[str]) -> tuple[str, ...]:
    """What a Redactor is made from: the longest first, so that one inside of another does not leave the other's rest."""
    return tuple(sorted({value for value in values if len(value) >= SHORTEST}, key=lambda value: (-len(value), value)))


class Redactor:
    """Of one stream."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        """`secrets` as `known` gives them."""
        self._secrets = secrets
        self._held = ""
        self._before = ""
        "The last characters that were let through."

    def feed(self, text: str) -> str:
        """What may be shown of everything so far and was not shown before."""
        if not self._secrets:
            return text
        return self._shown(self._held + text, last=False)

    def rest(self) -> str:
        """What was held back, when nothing more comes."""
        return self._shown(self._held, last=True) if self._held else ""

    def _shown(self, text: str, *, last: bool) -> str:
        known, self._held = len(self._before), ""
        whole = self._before + text
        spans = self._spans(whole, known)
        # also with what was let through before: a secret may come character by character
        end = spans[-1][1] if spans else 0
        keep = len(whole) if last else max(known, len(whole) - self._beginning(whole[end:]))
        parts: list[str] = []
        at = known
        for start, stop in spans:
            if start > at:
                parts.append(whole[at:start])
            parts.append(PLACE)
            at = max(at, stop)
        parts.append(whole[at:keep])
        self._held = whole[max(keep, at) :]
        shown = whole[max(end, keep - _FREE) : keep]
        self._before = shown[-_FREE:]
        return "".join(parts)

    def _spans(self, whole: str, known: int) -> list[tuple[int, int]]:
        """Where secrets are, in order, those that touch each other as one; each reaches into what is new."""
        found: list[tuple[int, int]] = []
        for secret in self._secrets:
            at = whole.find(secret)
            while at >= 0:
                if at + len(secret) > known:
                    found.append((at, at + len(secret)))
                at = whole.find(secret, at + 1)
        merged: list[tuple[int, int]] = []
        for start, stop in sorted(found):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
            else:
                merged.append((start, stop))
        return merged

    def _beginning(self, text: str) -> int:
        """The length of the longest end of `text` that is the beginning of a secret; 0 for a short one."""
        longest = 0
        for secret in self._secrets:
            head = secret[: _FREE + 1]
            at = text.find(head, max(0, len(text) - len(secret) + 1))
            while at >= 0:
                if secret.startswith(text[at:]):
                    longest = max(longest, len(text) - at)
                    break
                at = text.find(head, at + 1)
        return longest
