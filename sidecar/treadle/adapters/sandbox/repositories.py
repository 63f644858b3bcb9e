"""The git repositories inside a folder, since a hook planted in any of them runs with the user's next git command there.

The search is bounded and says so: six levels down, the nearest folders first, at most 2,000 of them and 50,000 entries, not below
hidden folders, node_modules, venv and __pycache__, not through links. A repository beyond that is not found, hence not protected,
nor is one after the first 200. What was found once comes first: a command cannot crowd it out with folders of its own making.
Must never make a command's start slow: an answer is kept for fifty times as long as the search took, ten seconds at most.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice

_LEVELS = 6
_FOLDERS = 2000
_ENTRIES = 50_000
_NOT_BELOW = ("node_modules", "venv", "__pycache__")
_KEPT_TIMES = 50
_KEPT_SECONDS = 10.0
_KEPT_ROOTS = 64
_REPOSITORIES = 200
"Each is a mount or more, and bubblewrap takes longer with each."

_kept: dict[str, tuple[float, tuple[str, ...]]] = {}
"root -> (until when, folders with a .git)"


def nested(root: str) -> tuple[str, ...]:
    """Folders strictly inside `root` that hold a .git. What was kept is looked at again: a link may stand there now."""
    began = time.monotonic()
    until, folders = _kept.get(root, (0.0, ()))
    if began < until:
        return tuple(folder for folder in folders if _is_there(folder))
    before = (folder for folder in folders if _is_there(folder))
    folders = tuple(islice(dict.fromkeys((*before, *_search(root))), _REPOSITORIES))
    now = time.monotonic()
    if len(_kept) >= _KEPT_ROOTS:
        _kept.clear()
    _kept[root] = (now + min((now - began) * _KEPT_TIMES, _KEPT_SECONDS), folders)
    return folders


def _is_there(folder: str) -> bool:
    return os.path.realpath(folder) == folder and os.path.lexists(f"{folder}/.git")


def _search(root: str) -> Iterator[str]:
    waiting = deque([(root, 0)])
    opened, left = 0, _ENTRIES
    while waiting and opened < _FOLDERS and left > 0:
        folder, level = waiting.popleft()
        opened += 1
        try:
            with os.scandir(folder) as entries:
                found = list(islice(entries, left))
        except OSError:
            continue
        left -= len(found)
        for entry in found:
            if entry.name == ".git" or not entry.is_dir(follow_symlinks=False):
                continue
            if os.path.lexists(f"{entry.path}/.git"):
                yield entry.path
            if level + 1 < _LEVELS and not entry.name.startswith(".") and entry.name not in _NOT_BELOW:
                waiting.append((entry.path, level + 1))
