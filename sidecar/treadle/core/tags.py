"""Words of others inside tags of ours, in what the model reads: they cannot end the section that they stand in. Pure.

A guard of the frame only: the model may still believe what stands inside. What holds then are the sandbox and the questions.
"""

from __future__ import annotations

import re


def within(tag: str, text: str) -> str:
    """`text` as it may stand between <tag> and </tag>. The usual text, which has no such end, stays as it is."""
    return re.sub(rf"<(?=\s*/\s*{re.escape(tag)})", r"<\\", text, flags=re.IGNORECASE)


def named(path: str) -> str:
    """A path in a line of ours: of what it is made, and on that line, whatever its name holds."""
    if path.isprintable():
        return path
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode() for sign in path)
