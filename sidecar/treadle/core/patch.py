"""The patch envelope: text -> operations -> new file contents. Pure; knows neither paths on disk nor the sandbox.

A chunk has no line numbers: its old lines are looked for from where the chunk before it ended, first exactly, then more and
more leniently, and the first place wins, as in Codex. Lines that the patch does not change are never rewritten, whatever
leniency found them; new lines take the file's own line ending. Two leniences are ours: `@@` lines may be stacked (outer scope
first), and lines inserted under a named `@@` context go below it instead of to the end of the file.
Every PatchError is written for the model: it says what was expected and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

BEGIN, END = "*** Begin Patch", "*** End Patch"
ADD, DELETE, UPDATE, MOVE = "*** Add File: ", "*** Delete File: ", "*** Update File: ", "*** Move to: "
END_OF_FILE = "*** End of File"

Sign: TypeAlias = Literal[" ", "-", "+"]
Body: TypeAlias = tuple[tuple[Sign, str], ...]


class PatchError(ValueError):
    """What is wrong with a patch, in words for the model."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One contiguous change."""

    contexts: tuple[str, ...]
    "Lines to find first, outermost first; the old lines are below the last one."
    lines: Body
    at_end: bool = False
    "The old lines are the last ones of the file."

    @property
    def old(self) -> list[str]:
        return [text for sign, text in self.lines if sign != "+"]


@dataclass(frozen=True, slots=True)
class Add:
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Delete:
    path: str


@dataclass(frozen=True, slots=True)
class Update:
    path: str
    chunks: tuple[Chunk, ...]
    move_to: str | None = None


Operation: TypeAlias = Add | Delete | Update


@dataclass(frozen=True, slots=True)
class Seen:
    """What an unfinished patch has shown so far of one file."""

    path: str
    kind: Literal["add", "delete", "update"]
    added: int = 0
    removed: int = 0
    move_to: str | None = None


def parse(text: str) -> tuple[Operation, ...]:
    """The operations of a whole patch, at least one. Raises PatchError."""
    if _SURROGATE.search(text):
        raise PatchError("Invalid patch: the text has a character that is not valid Unicode (an unpaired surrogate)")
    lines = _envelope(text)
    operations: list[Operation] = []
    at = 1
    while at < len(lines) - 1:
        if not lines[at].strip():
            at += 1
            continue
        operation, at = _operation(lines, at)
        operations.append(operation)
    if not operations:
        raise PatchError("No files were modified.")
    return tuple(operations)


def preview(text: str) -> tuple[Seen, ...]:
    """The files seen so far in a patch that may still be arriving. Never raises; an unfinished last line may be missing."""
    found: list[Seen] = []
    for raw in text.split("\n")[: None if text.endswith("\n") else -1]:
        line = raw.removesuffix("\r")
        marker = line.strip()
        last = found[-1] if found else None
        for prefix, kind in _KINDS.items():
            if marker.startswith(prefix):
                found.append(Seen(marker[len(prefix) :].strip(), kind))
                break
        else:
            if last is None or last.kind == "delete":
                continue
            if marker.startswith(MOVE) and last.kind == "update":
                found[-1] = Seen(last.path, last.kind, last.added, last.removed, marker[len(MOVE) :].strip())
            elif line.startswith("+"):
                found[-1] = Seen(last.path, last.kind, last.added + 1, last.removed, last.move_to)
            elif line.startswith("-"):
                found[-1] = Seen(last.path, last.kind, last.added, last.removed + 1, last.move_to)
    return tuple(found)


_KINDS: dict[str, Literal["add", "delete", "update"]] = {ADD: "add", DELETE: "delete", UPDATE: "update"}
_HEREDOC = re.compile(r"""<<-?\s*(['"]?)(\w+)\1$""")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNIFIED = re.compile(r"^-\d+(,\d+)? \+\d+(,\d+)? @@")


def _envelope(text: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in text.strip().split("\n")]
    opened = _HEREDOC.match(lines[0].strip())
    if opened and len(lines) >= 4 and lines[-1].strip() == opened[2]:
        lines = "\n".join(lines[1:-1]).strip().split("\n")
    if lines[0].strip() != BEGIN:
        raise PatchError(f"Invalid patch: The first line of the patch must be '{BEGIN}'")
    if len(lines) < 2 or lines[-1].strip() != END:
        raise PatchError(f"Invalid patch: The last line of the patch must be '{END}'")
    return lines


def _operation(lines: list[str], at: int) -> tuple[Operation, int]:
    header = lines[at].strip()
    for prefix in _KINDS:
        if header.startswith(prefix) and not header[len(prefix) :].strip():
            raise _wrong(at, f"'{header}' names no file")
    if header.startswith(ADD):
        end = at + 1
        while end < len(lines) - 1 and lines[end].startswith("+"):
            end += 1
        return Add(header[len(ADD) :].strip(), "".join(line[1:] + "\n" for line in lines[at + 1 : end])), end
    if header.startswith(DELETE):
        return Delete(header[len(DELETE) :].strip()), at + 1
    if header.startswith(UPDATE):
        return _update(lines, at, header[len(UPDATE) :].strip())
    raise _wrong(
        at, f"'{header}' is not a valid hunk header. Valid hunk headers: '{ADD}{{path}}', '{DELETE}{{path}}', '{UPDATE}{{path}}'"
    )


def _update(lines: list[str], header_at: int, path: str) -> tuple[Update, int]:
    at, last = header_at + 1, len(lines) - 1
    move_to: str | None = None
    if lines[at].strip().startswith(MOVE):
        move_to = lines[at].strip()[len(MOVE) :].strip()
        at += 1
    chunks: list[Chunk] = []
    while at < last:
        if not lines[at]:
            at += 1
        elif lines[at].lstrip().startswith("***"):
            break
        else:
            chunk, at = _chunk(lines, at, first=not chunks)
            chunks.append(chunk)
    if not chunks and not move_to:
        raise _wrong(header_at, f"Update file hunk for path '{path}' is empty")
    return Update(path, tuple(chunks), move_to), at


def _chunk(lines: list[str], at: int, *, first: bool) -> tuple[Chunk, int]:
    last = len(lines) - 1
    contexts: list[str] = []
    marked = at
    while at < last and (lines[at].rstrip() == "@@" or lines[at].startswith("@@ ")):
        context = lines[at][3:]
        # The line numbers of a unified diff say nothing that we could rely on.
        if context.strip() and not _UNIFIED.match(context):
            contexts.append(context)
        at += 1
    if at == marked and not first:
        raise _wrong(at, f"Expected update hunk to start with a @@ context marker, got: '{lines[at]}'")
    body: list[tuple[Sign, str]] = []
    while at < last:
        line = lines[at]
        match line[:1]:
            case "":
                body.append((" ", ""))
            case " " | "-" | "+" as sign:
                body.append((sign, line[1:]))
            case _ if line.strip() == END_OF_FILE and body:
                return Chunk(tuple(contexts), tuple(body), at_end=True), at + 1
            case _ if body:
                break
            case _ if line.startswith("***"):
                raise _wrong(at, "Update hunk does not contain any lines")
            case _:
                raise _wrong(
                    at,
                    f"Unexpected line found in update hunk: '{line}'. Every line should start with ' ' (context line), "
                    "'+' (added line), or '-' (removed line)",
                )
        at += 1
    if not body:
        raise _wrong(at, "Update hunk does not contain any lines")
    end = at
    while len(body) > 1 and not lines[end - 1] and all(sign == "+" or not text for sign, text in body):
        # Layout before the next marker: nothing else in this chunk would have to be found.
        body.pop()
        end -= 1
    return Chunk(tuple(contexts), tuple(body)), at


def _wrong(index: int, message: str) -> PatchError:
    return PatchError(f"Invalid patch hunk on line {index + 1}: {message}")


def apply(content: str, chunks: Sequence[Chunk], path: str) -> str:
    """`content` with every chunk applied. Raises PatchError naming `path` when one does not match."""
    mark = "\ufeff" if content.startswith("\ufeff") else ""
    ending = "\r\n" if content.count("\r\n") * 2 > content.count("\n") else "\n"
    raw = content[len(mark) :].split("\n")
    ends_in_newline = raw[-1] == ""
    if ends_in_newline:
        raw.pop()
    lines = [line.removesuffix("\r") for line in raw]
    if not ends_in_newline and ending == "\r\n":
        raw[-1] += "\r"
    out: list[str] = []
    done, newest = 0, -1
    for start, body in sorted(_edits(lines, chunks, path), key=lambda edit: edit[0]):
        out += (line + "\n" for line in raw[done:start])
        done = start
        for sign, text in body:
            newest = done if sign == " " else -1
            if sign == "+":
                out.append(text + ending)
                continue
            if sign == " ":
                out.append(raw[done] + "\n")
            done += 1
    out += (line + "\n" for line in raw[done:])
    if done < len(raw):
        newest = len(raw) - 1
    # Only a last line that the patch left alone stays without its newline.
    if not ends_in_newline and newest == len(raw) - 1:
        out[-1] = out[-1].removesuffix(ending)
    return mark + "".join(out)


def _edits(lines: list[str], chunks: Sequence[Chunk], path: str) -> Iterator[tuple[int, Body]]:
    cursor = 0
    for chunk in chunks:
        for context in chunk.contexts:
            at = _seek(lines, [context], cursor, at_end=False)
            if at is None:
                raise PatchError(f"Failed to find context '{context}' in {path}{_elsewhere(lines, [context], cursor)}")
            cursor = at + 1
        body, old = chunk.lines, chunk.old
        if not old:
            yield (cursor if chunk.contexts and not chunk.at_end else len(lines)), body
            continue
        at = _seek(lines, old, cursor, at_end=chunk.at_end)
        stripped = False
        while at is None and old and not old[-1] and (not stripped or body[-1:] == ((" ", ""),)):
            # A blank line before the next marker was probably layout, not content.
            stripped = True
            body, old = _without_last_blank(body), old[:-1]
            if old:
                at = _seek(lines, old, cursor, at_end=chunk.at_end)
            elif cursor == len(lines):
                at = cursor
        if at is None:
            where = _elsewhere(lines, chunk.old, cursor)
            raise PatchError(f"Failed to find expected lines in {path}:\n" + "\n".join(chunk.old) + where)
        yield at, body
        cursor = at + len(old)


def _without_last_blank(body: Body) -> Body:
    last = max(index for index, (sign, _) in enumerate(body) if sign != "+")
    instead: Body = (("+", ""),) if body[last][0] == " " and last < len(body) - 1 else ()
    return body[:last] + instead + body[last + 1 :]


_ASCII = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
)
_PASSES: tuple[Callable[[str], str], ...] = (str, str.rstrip, str.strip, lambda line: line.strip().translate(_ASCII))


def _seek(lines: list[str], wanted: list[str], start: int, *, at_end: bool) -> int | None:
    """First index from `start` where `wanted` is found, by the strictest pass that finds it."""
    last = len(lines) - len(wanted)
    if last < 0:
        return None
    first = max(last, start) if at_end else start
    for normal in _PASSES:
        head, pattern = normal(wanted[0]), [normal(line) for line in wanted]
        for at in range(first, last + 1):
            if normal(lines[at]) == head and [normal(line) for line in lines[at : at + len(wanted)]] == pattern:
                return at
    return None


def _elsewhere(lines: list[str], wanted: list[str], cursor: int) -> str:
    """A hint for a failed search: the same lines above the cursor, else nothing."""
    at = _seek(lines, wanted, 0, at_end=False)
    if at is None or cursor == 0:
        return ""
    return f"\n(They are at line {at + 1}, above line {cursor + 1} where the search began: chunks must follow the file's order.)"
