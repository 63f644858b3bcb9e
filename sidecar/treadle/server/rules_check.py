"""Why a shell line would run, ask or be refused, as lines for a terminal. Pure; signs that a terminal obeys are escaped."""

from __future__ import annotations

import shlex

from ..core.explanation import Explanation
from ..core.judging import Part

_SAID = {"allow": "allow", "prompt": "ask", "forbidden": "forbid", None: "-"}


def text(found: Explanation) -> str:
    lines = [_safe(found.sentence), ""]
    lines += [f"{_SAID[part.decision]:<7} {_safe(shlex.join(part.words))}\n        {_safe(_why(part))}" for part in found.parts]
    return "\n".join(lines).rstrip()


def _why(part: Part) -> str:
    place = part.rule.place if part.rule else ""
    return f"{part.reason} ({place})" if place else part.reason


def _safe(words: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode() for sign in words)
