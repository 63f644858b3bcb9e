"""Long texts that cases share with the scripted model. Standard library only, and the same bytes every time."""

from __future__ import annotations

import random


def file_and_patch(count: int, hunks: int, *, loose: bool = False, name: str = "f.py") -> tuple[str, str]:
    """A file of lines that often repeat, and a patch with three lines of context around each change."""
    rng = random.Random(1)
    lines = [f"    value_{n} = compute({rng.randrange(9)})" if n % 3 else "    return None" for n in range(count)]
    patch = ["*** Begin Patch", f"*** Update File: {name}"]
    end = " \t" if loose else ""
    for at in range(10, count - 10, (count - 20) // hunks)[:hunks]:
        patch.append("@@")
        patch += [f" {line}{end}" for line in lines[at - 3 : at]]
        patch += [f"-{lines[at]}{end}", "+    changed = True", "+    more = 1"]
        patch += [f" {line}{end}" for line in lines[at + 1 : at + 4]]
    return "\n".join(lines) + "\n", "\n".join([*patch, "*** End Patch"])
