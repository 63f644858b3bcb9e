"""A thread's title, made from the user's first words by rule, or by a model. Pure, and in any language.

The first sentence that says something: what was pasted (code, paths, traces) is passed over, a mention of a file is its bare
name, and nothing that could hide or turn text is let through. A title is one line of at most WIDTH columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from . import tags
from .items import Image, JsonObject, Text, dumps
from .pattern import late
from .prompt import Request

WIDTH = 60
"Columns; a wide character takes two."
_READ, _LINE = 4_000, 400
"Characters of a message, and of one line of it, that are looked at."
_ASKED = 2_000
"Characters of each side of the exchange that a model reads for a title."
_COLOUR = late(r"\x1b\[[\d;?]{0,20}[A-Za-z]")
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_FENCE = late(r"(?ms)^[ \t]*(```|~~~).*?(?:^[ \t]*\1[^\n]*$|\Z)")
_TAGGED = late(r"(?s)<([a-zA-Z][\w-]{1,40})(?:\s[^<>]{0,200})?>.*?</\1>")
_LINK = late(r"!?\[([^\]\n]{0,200})\]\([^()\s]{1,500}\)")
_ADDRESS = late(r"\bhttps?://([^\s/<>()\"']{1,200})[^\s<>()\"']*")
_PATH = late(r"(?<![\w/])@?(?:[A-Za-z]:[\\/]|~?\.{0,2}[\\/])?(?:[\w.+-]+[\\/])+([\w.+-]+)(?::\d+(?:[:-]\d+)?)?[\\/]?")
_AT = late(r"(?<![\w.])@(?=[\w])")
_LEAD = late(r"^(?:[#>*+\-\u2022\u00b7]+|\d{1,3}[.)])\s+")
_PASTED = late(
    r"""^(?:[$%\u276f]\s | Traceback\s\( | File\s" | at\s\S+\s?\( | (?:error|warning|info|debug)\b\s?[:\[]
    | diff\s--git | @@\s | [+-]{3}\s
    | [{}\[\]();<>|=\\/]+$ | \d{4}-\d\d-\d\d[T\s]\d\d:\d\d | \s*[|+][-=|+\s]+$ )""",
    re.VERBOSE | re.IGNORECASE,
)
_END = late(r"[.!?\u061f\u06d4\u0964\u2026]+[\"')\]\u201d\u00bb]*(?=\s|$)|[\u3002\uff01\uff1f\uff0e]+[\u300d\u300f\u201d]*")
_SHORT = late(
    r"(?:^|\s|\()(?:e\.g|i\.e|etc|vs|cf|al|approx|mr|mrs|ms|dr|prof|st|no|z\.\s?b|d\.\s?h|u\.\s?a|bzw|usw|ca|nr|p\.\s?ex|sr|sra|\w)\.$",
    re.IGNORECASE,
)
_GREETING = 14
"A first sentence of fewer columns is a greeting when more follows."
_EDGE = " \t.,;:-\u2013\u2014*_#>|\u3001\u3002\uff0c\uff1b\uff1a"
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\u300c\u300d"


def made(content: Iterable[Text | Image]) -> str | None:
    """From the user's words; None when they are no words."""
    parts = [part for part in content if isinstance(part, Text)]
    said = "\n".join(part.text for part in parts if part.skill is None)
    text = said[:_READ]
    # most words hold nothing of all this, and then what looks for it need not even be made
    text = _FENCE.sub("\n", text) if "```" in text or "~~~" in text else text
    text = _TAGGED.sub("\n", text) if "</" in text else text
    raw = [line.strip()[:_LINE] for line in text.splitlines()]
    said_in = [_plain(line) for line in raw if not _PASTED.match(line) and _paths_as("", line).strip(_EDGE)]
    lines = [line for line in said_in or [_plain(line) for line in raw] if line]
    for line in sorted(lines, key=lambda line: not _is_sentence(line)):
        if title := _fitted(_first_sentence(line)):
            return title
    return _fitted(" ".join(part.text for part in parts if part.skill is not None))


def cleaned(answer: str) -> str | None:
    """What a model answered when it was asked for a title; None when that is of no use."""
    for line in answer[:_READ].splitlines():
        words = _plain(line[:_LINE]).strip(_EDGE + _QUOTES).removeprefix("Title:")
        if title := _fitted(words.strip(_EDGE + _QUOTES)):
            return title
    return None


def request(instruction: str, said: Iterable[Text | Image], answer: str, tail: JsonObject) -> Request:
    """What a model is asked for a title: a request of its own, which shares no byte with the thread's prompt."""
    words = "\n".join(part.text for part in said if isinstance(part, Text))[:_ASKED]
    asked, answered = tags.within("user", words), tags.within("assistant", answer[:_ASKED])
    text = f"<user>\n{asked}\n</user>\n<assistant>\n{answered}\n</assistant>"
    head: JsonObject = {"stream": True, "store": False, "instructions": instruction}
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    opening = f'{dumps(head)[:-1]},"input":['.encode()
    return Request(opening, (dumps(message).encode(),), f"],{dumps(tail)[1:]}".encode(), str(tail["model"]))


def _plain(line: str) -> str:
    """One line without marks of Markdown, and with bare names for files and addresses."""
    line = _COLOUR.sub("", line) if "\x1b" in line else line
    line = "".join(" " if char.isspace() else char for char in line if _shown(char))
    line = line.strip()
    line = _LINK.sub(lambda found: found[1].removeprefix("@"), line) if "](" in line else line
    line = _ADDRESS.sub(lambda found: found[1], line) if "://" in line else line
    line = _paths_as(_name, line)
    line = _LEAD.sub("", _AT.sub("", line) if "@" in line else line)
    return " ".join(line.replace("**", "").replace("__", "").replace("`", "").split())


def _paths_as(name: str | Callable[[re.Match[str]], str], line: str) -> str:
    return _PATH.sub(name, line) if "/" in line or "\\" in line else line


def _name(found: re.Match[str]) -> str:
    """A path is its last part; two words with a slash between them are none."""
    whole = found[0]
    is_path = whole.startswith(("@", "/", "~", ".", "\\")) or ":" in whole or "." in found[1] or whole.count("/") > 1
    return found[1] if is_path or "\\" in whole else whole


def _is_sentence(line: str) -> bool:
    """Three words; or a few characters of a script that writes none apart."""
    return line.count(" ") > 1 or width(line) - len(line) > 3


def _shown(char: str) -> bool:
    """Not what steers a terminal, hides, or turns the direction of text; the joiners of scripts and emoji are let through."""
    return char.isspace() or char in "\u200c\u200d" or unicodedata.category(char) not in _HIDDEN


def _first_sentence(line: str) -> str:
    start = 0
    for found in _END.finditer(line):
        sentence = line[start : found.end()]
        if found[0].startswith(".") and _SHORT.search(line[start : found.start() + 1]):
            continue
        if width(sentence) < _GREETING <= width(line[found.end() :].strip()):
            start = found.end()
            continue
        return sentence
    return line[start:] if line[start:].strip() else line


def _fitted(text: str) -> str | None:
    """On one line, within the width, cut between words where it can be; None without a letter or a digit."""
    text = " ".join(text.split()).strip(_EDGE)
    if not any(char.isalnum() for char in text):
        return None
    if width(text) <= WIDTH:
        return text
    size, end = 0, 0
    for end, char in enumerate(text):  # noqa: B007
        size += width(char)
        if size >= WIDTH:
            break
    while end and (unicodedata.combining(text[end]) or text[end] in "\u200c\u200d\ufe0f" or text[end - 1] == "\u200d"):
        end -= 1
    cut = text[:end]
    space = cut.rfind(" ")
    if space > len(cut) // 2:
        cut = cut[:space]
    return cut.rstrip(_EDGE) + "\u2026"


def width(text: str) -> int:
    """Columns."""
    shown = [char for char in text if not unicodedata.combining(char) and char not in "\u200c\u200d\ufe0f"]
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in shown)
