"""(text before, text after) -> unified diff of one file, with counts. Pure, and bounded in time on any input.

The diff has no file headers: a FileChange carries the path beside it. A change too large to compare line by line is shown as
one block replaced by another, which is still a correct diff.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT_LINES = 3
COMPARABLE_LINES = 4000
"Above this many changed lines on both sides together the middle is shown as replaced whole: comparing is quadratic."


@dataclass(frozen=True, slots=True)
class Diff:
    text: str
    added: int
    removed: int


def unified(before: str, after: str) -> Diff:
    """The hunks that turn `before` into `after`; empty text when they are equal."""
    old, new = _lines(before), _lines(after)
    opcodes = _opcodes(old, new)
    out: list[str] = []
    added = removed = 0
    for group in _groups(opcodes):
        first, last = group[0], group[-1]
        out.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n")
        for tag, a, b, c, d in group:
            if tag == "equal":
                out += (_shown(" ", line) for line in old[a:b])
                continue
            out += (_shown("-", line) for line in old[a:b])
            out += (_shown("+", line) for line in new[c:d])
            removed += b - a
            added += d - c
    return Diff("".join(out), added, removed)


def printable(data: bytes) -> str:
    """File content as text that any JSON encoder takes; bytes that are not UTF-8 become U+FFFD."""
    return data.decode("utf-8", "replace")


def count_lines(text: str) -> int:
    return len(_lines(text))


_Opcode = tuple[str, int, int, int, int]


def _lines(text: str) -> list[str]:
    # Not splitlines: a form feed or U+2028 inside a line is no line end to any other tool.
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _shown(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _range(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _opcodes(old: list[str], new: list[str]) -> list[_Opcode]:
    head, limit = 0, min(len(old), len(new))
    while head < limit and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    a_end, b_end = len(old) - tail, len(new) - tail
    codes: list[_Opcode] = [("equal", 0, head, 0, head)] if head else []
    if a_end - head + b_end - head > COMPARABLE_LINES or head in (a_end, b_end):
        if a_end > head or b_end > head:
            codes.append(("replace", head, a_end, head, b_end))
    else:
        matcher = SequenceMatcher(None, old[head:a_end], new[head:b_end], autojunk=True)
        codes += ((tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in matcher.get_opcodes())
    if tail:
        codes.append(("equal", a_end, len(old), b_end, len(new)))
    return codes


def _groups(codes: list[_Opcode]) -> list[list[_Opcode]]:
    """Changes with up to three equal lines around them; changes that are close share a hunk."""
    groups: list[list[_Opcode]] = []
    group: list[_Opcode] = []
    for tag, a, b, c, d in codes:
        if tag != "equal":
            group.append((tag, a, b, c, d))
            continue
        keep = CONTEXT_LINES
        if group and b - a > 2 * keep:
            group.append((tag, a, a + keep, c, c + keep))
            groups.append(group)
            group = []
        if not group:
            keep = min(keep, b - a)
            group = [(tag, b - keep, b, d - keep, d)]
        else:
            group.append((tag, a, b, c, d))
    if any(code[0] != "equal" for code in group):
        tag, a, b, c, d = group[-1]
        if tag == "equal":
            keep = min(CONTEXT_LINES, b - a)
            group[-1] = (tag, a, a + keep, c, c + keep)
        groups.append(group)
    return groups
