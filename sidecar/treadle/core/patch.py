"""The patch envelope: text -> operations. Pure; what the operations do to a text is core/patch_apply.py.

Layout around the patch is forgiven as Codex forgives it; one lenience is ours: `@@` lines may be stacked, outer scope first.
Nothing of the text is ever guessed. Every PatchError is written for the model: it says what was expected and on which line.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from .pattern import late
from .record import frozen

BEGIN, END = "*** Begin Patch", "*** End Patch"
ADD, DELETE, UPDATE, MOVE = "*** Add File: ", "*** Delete File: ", "*** Update File: ", "*** Move to: "
END_OF_FILE, ENVIRONMENT = "*** End of File", "*** Environment ID:"

Sign: TypeAlias = Literal[" ", "-", "+"]
Body: TypeAlias = tuple[tuple[Sign, str], ...]


class PatchError(ValueError):
    """What is wrong with a patch, in words for the model. `bare` says the same without any line of the file."""

    def __init__(self, message: str, bare: str | None = None) -> None:
        super().__init__(message)
        self.bare = message if bare is None else bare


@frozen
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


@frozen
class Add:
    path: str
    content: str


@frozen
class Delete:
    path: str


@frozen
class Update:
    path: str
    chunks: tuple[Chunk, ...]
    move_to: str | None = None


Operation: TypeAlias = Add | Delete | Update


def shown(text: str, limit: int = 200) -> str:
    """A path or a line as one short line: control characters escaped, a long middle left out."""
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[len(text) - limit // 2 :]}"
    return "".join(char if char == "\t" or char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def parse(text: str) -> tuple[Operation, ...]:
    """The operations of a whole patch, at least one. Raises PatchError."""
    if _SURROGATE.search(text):
        raise PatchError("Invalid patch: the text has a character that is not valid Unicode (an unpaired surrogate)")
    if (nul := text.find("\0")) >= 0:
        line = text.count("\n", 0, nul) + 1
        raise PatchError(f"Invalid patch: line {line} holds a NUL character; only text files can be patched")
    lines = _envelope(text)
    operations: list[Operation] = []
    at = _environment(lines)
    while at < len(lines) - 1:
        if not lines[at].strip():
            at += 1
            continue
        operation, at = _operation(lines, at)
        operations.append(operation)
    if not operations:
        raise PatchError("No files were modified.")
    return tuple(operations)


_HEADERS = (ADD, DELETE, UPDATE)
_HEREDOC = late(r"""<<-?\s*(['"]?)(\w+)\1$""")
_SURROGATE = late("[\ud800-\udfff]")
_UNIFIED = late(r"^-\d+(,\d+)? \+\d+(,\d+)? @@")


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


def _environment(lines: list[str]) -> int:
    """The line where the operations begin. An environment may be named before them: there is only one here."""
    header = lines[1].strip()
    if not header.startswith(ENVIRONMENT):
        return 1
    if not header[len(ENVIRONMENT) :].strip():
        raise PatchError("Invalid patch: the environment id cannot be empty; leave the line out")
    return 2


def _operation(lines: list[str], at: int) -> tuple[Operation, int]:
    header = lines[at].strip()
    for prefix in _HEADERS:
        if header.startswith(prefix) and not header[len(prefix) :].strip():
            raise _wrong(at, f"'{shown(header)}' names no file")
    if header.startswith(ADD):
        end = at + 1
        while end < len(lines) - 1 and lines[end].startswith("+"):
            end += 1
        return Add(header[len(ADD) :].strip(), "".join(line[1:] + "\n" for line in lines[at + 1 : end])), end
    if header.startswith(DELETE):
        return Delete(header[len(DELETE) :].strip()), at + 1
    if header.startswith(UPDATE):
        return _update(lines, at, header[len(UPDATE) :].strip())
    valid = f"'{ADD}{{path}}', '{DELETE}{{path}}', '{UPDATE}{{path}}'"
    raise _wrong(at, f"'{shown(header)}' is not a valid hunk header. Valid hunk headers: {valid}")


def _update(lines: list[str], header_at: int, path: str) -> tuple[Update, int]:
    at, last = header_at + 1, len(lines) - 1
    move_to: str | None = None
    if lines[at].strip().startswith(MOVE.rstrip()):
        move_to = lines[at].strip()[len(MOVE) :].strip()
        if not move_to:
            raise _wrong(at, f"'{MOVE.rstrip()}' names no file")
        at += 1
    chunks: list[Chunk] = []
    while at < last:
        # At the start a line of spaces is a blank line of context, between chunks it is layout.
        if not (lines[at].strip() if chunks else lines[at]):
            at += 1
        elif lines[at].startswith("***"):
            break
        else:
            chunk, at = _chunk(lines, at, first=not chunks)
            chunks.append(chunk)
    if not chunks and not move_to:
        raise _wrong(header_at, f"Update file hunk for path '{shown(path)}' is empty")
    return Update(path, tuple(chunks), move_to), at


def _chunk(lines: list[str], at: int, *, first: bool) -> tuple[Chunk, int]:
    last = len(lines) - 1
    contexts: list[str] = []
    marked = at
    while at < last and (lines[at].rstrip() == "@@" or lines[at].startswith("@@ ")):
        context = lines[at][3:].rstrip()
        # The line numbers of a unified diff say nothing that we could rely on.
        if context and not _UNIFIED.match(context):
            contexts.append(context)
        at += 1
    if at == marked and not first:
        raise _wrong(at, f"Expected update hunk to start with a @@ context marker, got: '{shown(lines[at])}'")
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
                    f"Unexpected line found in update hunk: '{shown(line)}'. Every line should start with ' ' (context line), "
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
