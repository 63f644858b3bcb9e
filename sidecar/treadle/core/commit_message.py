"""A commit message from a diff: what of the diff a model is shown, how it is asked, what of its answer is one. Pure.

What looks like a secret is never shown: whole files by their names, and single lines by what they say. The diff is cut so that
every file has its share. The model is given no tools, and what is in the diff is not addressed to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import tags
from .encoding import without_surrogates
from .items import JsonObject, dumps
from .pattern import late
from .prompt import Request
from .record import frozen

MOST_DIFF = 32_000
"Characters that the model reads."
MOST_MESSAGE = 4_000
MOST_SUBJECTS = 12
_LEAST_SHARE = 400
_SECRET_FILE = late(
    r"""(?ix)(?:^|/)(?: \.env(?:\..*)? | .*\.env | \.envrc | .*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg)
    | id_(?:rsa|dsa|ecdsa|ed25519)[^/]* | \.(?:npmrc|pypirc|netrc|htpasswd|pgpass|git-credentials|dockercfg)
    | (?:.*[-_.])?(?:credentials?|secrets?)(?:[-_.][^/]*)? | auth\.json | .*\.tfvars(?:\.json)? | .*\.tfstate(?:\..*)? )$"""
)
_HARMLESS = late(r"(?i)\.(?:example|sample|template|dist|md|py|ts|tsx|js|jsx|go|rs|java|rb|css|html|c|h|cpp)$")
"Names after which the other rule does not count: code that is about secrets, and examples of them."
_SECRET_LINE = late(
    r"""(?ix) -----BEGIN[A-Z ]*PRIVATE\ KEY----- | \b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)?[-_]?[A-Za-z0-9_-]{20,}
    | \bgh[pousr]_[A-Za-z0-9]{30,} | \bgithub_pat_\w{30,} | \bglpat-[\w-]{18,} | \bxox[abprs]-[\w-]{10,} | \bAKIA[0-9A-Z]{16}\b
    | \bAIza[\w-]{30,} | \beyJ[\w-]{15,}\.[\w-]{15,}\.[\w-]{10,}
    | (?:passw(?:or)?d|secret|token|api[-_]?key|private[-_]?key|access[-_]?key)["']?\s*[:=]\s*["'][^"'\s]{8,}["']
    | (?:passw(?:or)?d|secret|token|api[-_]?key|private[-_]?key|access[-_]?key)\s*[:=]\s*(?=\S*\d)[\w+/=!@\#$%^&*~-]{8,}\s*$"""
)
"The last: without quotes, as in YAML or a shell's file, only what is all of the rest of its line and no plain word."
_KEY_BLOCK = late(r"-----(BEGIN|END)[A-Z ]*PRIVATE KEY-----")
_HIDDEN = "[a line that may hold a secret is left out]"
_FENCE = late(r"^\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*$", re.DOTALL)


@frozen
class CommitMessage:
    text: str
    left_out: tuple[str, ...] = ()
    "Files that the model was not shown."


@frozen
class Shown:
    """What of a diff a model may read."""

    text: str
    left_out: tuple[str, ...]
    "For what they may hold; their names are in the text."
    cut: bool


def shown(diff: str) -> Shown:
    """File by file; a small file leaves its share to the large ones."""
    parts = _files(without_surrogates(diff.replace("\r\n", "\n")))
    hidden = tuple(path for path, _ in parts if is_secret(path))
    texts = [
        f"{path}: changed, its content is not shown\n" if is_secret(path) else _without_secrets(text) for path, text in parts
    ]
    room, cut = MOST_DIFF, False
    sizes = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    for done, at in enumerate(sizes):
        share = max(_LEAST_SHARE, room // (len(sizes) - done))
        if room <= 0:
            texts[at], cut = "", True
        elif len(texts[at]) > share:
            texts[at], cut = texts[at][:share].rpartition("\n")[0] + "\n[cut]\n", True
        room -= len(texts[at])
    return Shown("".join(texts), hidden, cut)


def is_secret(path: str) -> bool:
    return bool(_SECRET_FILE.search(path)) and not _HARMLESS.search(path)


def request(instruction: str, diff: Shown, subjects: Sequence[str], begun: str, tail: JsonObject) -> Request:
    """One request of its own: no tools, no thread."""
    style = "\n".join(_flat(subject) for subject in subjects[:MOST_SUBJECTS])
    parts = [f"<diff>\n{tags.within('diff', diff.text.rstrip())}\n</diff>"]
    if diff.cut:
        parts.append("The diff is longer than shown.")
    if style:
        parts.append(f"<last_commits>\n{tags.within('last_commits', style)}\n</last_commits>")
    if begun.strip():
        parts.append(f"<begun>\n{without_surrogates(begun.strip())[:1_000]}\n</begun>")
    head: JsonObject = {"stream": True, "store": False, "instructions": instruction}
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "\n\n".join(parts)}]}
    opening = f'{dumps(head)[:-1]},"input":['.encode()
    return Request(opening, (dumps(message).encode(),), f"],{dumps(tail)[1:]}".encode(), str(tail["model"]))


def cleaned(answer: str) -> str:
    """The message of an answer; empty when there is none."""
    text = answer.replace("\r\n", "\n").strip()
    if fenced := _FENCE.match(text):
        text = fenced[1].strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`" and "\n" not in text:
        text = text[1:-1].strip()
    lines = [line.rstrip() for line in text.split("\n")]
    return "".join(char for char in "\n".join(lines) if char == "\n" or char.isprintable())[:MOST_MESSAGE].strip()


def _files(diff: str) -> list[tuple[str, str]]:
    """Path -> what the diff says of it."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"(?m)^(?=diff --git )", diff):
        if part.strip():
            found.append((_path(part), part if part.endswith("\n") else part + "\n"))
    return found


def _path(part: str) -> str:
    for mark in ("+++ ", "--- ", "rename to "):
        line = next((line for line in part.split("\n", 12)[:12] if line.startswith(mark)), "")
        name = line.removeprefix(mark).strip().strip('"')
        if name and name != "/dev/null":
            return re.sub(r"^[abiwco]/", "", name) if mark != "rename to " else name
    first = part.split("\n", 1)[0].strip().strip('"')
    return first.rpartition(" b/")[2] or first


def _without_secrets(text: str) -> str:
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        block = _KEY_BLOCK.search(line)
        hide = inside or bool(_SECRET_LINE.search(line[:2_000]))
        if block:
            inside = block[1] == "BEGIN"
        lines.append(f"{line[:1]}{_HIDDEN}" if hide else line[:2_000])
    return "\n".join(lines)


def _flat(text: str) -> str:
    return " ".join(without_surrogates(text).split())[:200]
