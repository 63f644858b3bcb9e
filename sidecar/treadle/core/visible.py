"""Words of others as a person can judge them: what one does not see in a text is written out. Pure.

For questions, titles and lines of a terminal, where what is read must be what is there. Never for what is run, stored or told to
the model: that stays as it was. The panel of VS Code has the same in visible.ts.
"""

from __future__ import annotations

from .pattern import late

_BLANK = late("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]")
"Printable by their class, and nothing is seen of them."


def visible(text: str) -> str:
    """Line feeds and tabs stay; control characters, marks that turn words around and letters of no width are spelled out."""
    return "".join(sign if sign in "\n\t" or _is_seen(sign) else _spelled(sign) for sign in text)


def one_line(text: str) -> str:
    """The same on one line, whatever the text holds: it cannot pose as a further line of ours."""
    return " ".join(visible(text).split())


def quoted_lines(text: str) -> str:
    """The same, and of several lines each is marked as part of it."""
    lines = visible(text).split("\n")
    return "\n".join(f"\u2502 {line}" for line in lines) if len(lines) > 1 else lines[0]


def _is_seen(sign: str) -> bool:
    return sign.isprintable() and not _BLANK.match(sign)


def _spelled(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
