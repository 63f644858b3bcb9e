"""What an agent did to one file, undone: its steps backwards from the file as it is. Pure.

Where nobody else wrote in between this gives the exact earlier content. What somebody else wrote, between two steps or after the
last, is carried along by three-way merges; where that does not go the file is left alone and the place is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from .merge import Conflict, merge
from .record import frozen


@frozen
class Step:
    """One change: keys of the contents before and after it (None: no file), and the file modes where they are known."""

    before: str | None
    after: str | None
    mode_before: int | None = None
    mode_after: int | None = None


@frozen
class Rewound:
    data: bytes | None
    mode: int | None
    merged: bool = False
    "Somebody else's changes are in it."
    conflicts: tuple[Conflict, ...] = ()
    "Not empty: it cannot be undone; `data` and `mode` are what there is now."


Content: TypeAlias = Callable[[str], bytes]
"The content of a key, which is its SHA-256 in hex. Raises KeyError."


def rewind(steps: Sequence[Step], data: bytes | None, mode: int | None, content: Content) -> Rewound:
    """`steps` oldest first; `data` and `mode` are the file's now. Raises KeyError when a content is missing that is needed."""
    now = Rewound(data, mode)
    key, merged = key_of(data), False
    known: bytes | None = data
    "The content of `key`, as long as `fresh`."
    fresh = True
    for step in reversed(steps):
        mode = _mode(step, mode)
        if key == step.after:
            fresh = fresh and step.before == key
            key = step.before
            continue
        before = _of(step.before, content)
        result = merge(_of(step.after, content), known if fresh else _of(key, content), before)
        if result.conflicts:
            return Rewound(now.data, now.mode, conflicts=result.conflicts)
        known, key, fresh = result.data, key_of(result.data), True
        merged = merged or known != before
    found = known if fresh else _of(key, content)
    return Rewound(found, None if found is None else mode, merged)


def key_of(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _of(key: str | None, content: Content) -> bytes | None:
    return None if key is None else content(key)


def _mode(step: Step, mode: int | None) -> int | None:
    """A mode that somebody else has set since stays."""
    if step.before is None:
        return None
    if mode is None or step.mode_after in (None, mode):
        return mode if step.mode_before is None else step.mode_before
    return mode
