"""(text before, text after) -> unified diff of one file, with counts. Pure, and bounded in time on any input.

The diff has no file headers: a FileChange carries the path beside it. A change too large to compare line by line is shown as
one block replaced by another, which is still a correct diff.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from .record import frozen

CONTEXT_LINES = 3
COMPARABLE_LINES = 4000
"Above this many changed lines on both sides together the middle is shown as replaced whole: comparing is quadratic."


@frozen
class Diff:
    text: str
    added: int
    removed: int


Range: TypeAlias = tuple[int, int, int, int]
"Lines [from, to) before that became lines [from, to) after."


def unified(before: str, after: str, ranges: Sequence[Range] | None = None) -> Diff:
    """The hunks that turn `before` into `after`; empty text when they are equal. `ranges`, when known, saves looking for them."""
    old, new = _lines(before), _lines(after)
    opcodes = opcodes_between(old, new) if ranges is None else _known(old, new, ranges)
    out: list[str] = []
    added = removed = 0
    for group in _groups(opcodes):
        first, last = group[0], group[-1]
        out.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n")
        for tag, a, b, c, d in group:
            if tag == "equal":
                _show(out, " ", old[a:b])
                continue
            _show(out, "-", old[a:b])
            _show(out, "+", new[c:d])
            removed += b - a
            added += d - c
    return Diff("".join(out), added, removed)


def count_lines(text: str) -> int:
    return len(_lines(text))


_Opcode = tuple[str, int, int, int, int]


def _lines(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    if len(lines) == text.count("\n") + (text[-1:] not in ("", "\n")):
        return lines
    # A form feed or U+2028 inside a line is no line end to any other tool.
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _show(out: list[str], sign: str, lines: list[str]) -> None:
    out += [sign + line for line in lines]
    if lines and not lines[-1].endswith("\n"):  # no other line of a file can be without
        out.append("\n\\ No newline at end of file\n")


def _range(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def opcodes_between(old: Sequence[str], new: Sequence[str]) -> list[_Opcode]:
    """As difflib has them: equal and changed runs of lines in turn."""
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


def _known(old: list[str], new: list[str], ranges: Sequence[Range]) -> list[_Opcode]:
    codes: list[_Opcode] = []
    a_done = b_done = 0
    for given in _with_last_line(old, new, ranges):
        a, b, c, d = given
        while a < b and c < d and old[a] == new[c]:
            a, c = a + 1, c + 1
        while a < b and c < d and old[b - 1] == new[d - 1]:
            b, d = b - 1, d - 1
        if a > a_done:
            codes.append(("equal", a_done, a, b_done, c))
        if a < b or c < d:
            codes.append(("replace", a, b, c, d))
        a_done, b_done = b, d
    if a_done < len(old):
        codes.append(("equal", a_done, len(old), b_done, len(new)))
    return codes


def _with_last_line(old: list[str], new: list[str], ranges: Sequence[Range]) -> list[Range]:
    """`ranges`, and among them the last line of `old` when none names it though it lost or got its newline."""
    last, before = len(old) - 1, [r for r in ranges if r[0] < len(old) and r[1] < len(old)]
    at = last + (before[-1][3] - before[-1][1] if before else 0)
    if last < 0 or any(a <= last < b for a, b, _, _ in ranges) or old[last] == new[at]:
        return list(ranges)
    return [*before, (last, last + 1, at, at + 1), *ranges[len(before) :]]


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
