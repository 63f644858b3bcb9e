"""What stays read-only inside a folder that a command may write: whatever makes the host run code later.

A planted hook or config in .git runs with the user's next `git status`; .vscode, .codex and .agents are read by programs outside
the sandbox. Promises to find these also where they are missing, behind pointer files and in nested repositories, as deep
as repositories.py searches. Must never
write, and must never follow what it reads out of the writable roots.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .repositories import nested

ROOT_NAMES = (".git", ".codex", ".agents", ".vscode")
TEMPORARY_NAMES = (".git",)
"Git looks upwards: a planted /tmp/.git would be found from every folder below it."

_MAX_SUBMODULES = 200
_MAX_POINTER = 4096
_MAX_GITMODULES = 256 * 1024


@dataclass(slots=True)
class Protected:
    """Absolute real paths."""

    existing: set[str] = field(default_factory=set[str])
    missing: set[str] = field(default_factory=set[str])
    "Absent or empty: in need of a placeholder."
    frozen: set[str] = field(default_factory=set[str])
    "Folders with a protected name that is a symbolic link. A link cannot be mounted on, so the folder's own entries must stay."


def below(path: str, folder: str) -> bool:
    """Strictly inside."""
    return path.startswith(folder.rstrip("/") + "/")


def within(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or below(path, folder) for folder in folders)


def find(roots: Iterable[str], temporary: Iterable[str], own: Iterable[str]) -> Protected:
    """`own` are paths of the agent itself, protected where they are or lie inside a root, also while they are missing."""
    found = Protected()
    writable = (*roots, *temporary)
    for root in roots:
        for name in ROOT_NAMES:
            _add(found, root, name, writable)
        for folder in (*nested(root), *_submodules(root)):
            _add(found, folder, ".git", writable)
    for folder in temporary:
        for name in TEMPORARY_NAMES:
            _add(found, folder, name, writable)
    for path in own:
        if within(path, writable):
            _add_own(found, path)
    return found


def _add_own(found: Protected, path: str) -> None:
    """A link's target is another of the own paths."""
    if os.path.islink(path):
        found.frozen.add(os.path.dirname(path))
    elif os.path.lexists(path) and not _empty_or_missing(path):
        found.existing.add(path)
    else:
        found.missing.add(_outermost_missing(path))


def _add(found: Protected, folder: str, name: str, writable: tuple[str, ...]) -> None:
    path = f"{folder.rstrip('/')}/{name}"
    if os.path.islink(path):
        found.frozen.add(folder)
        _add_target(found, os.path.realpath(path), writable)
    elif _empty_or_missing(path):
        found.missing.add(path)
    else:
        found.existing.add(path)
        if name == ".git":
            for target in _pointed_to(path, folder):
                _add_target(found, target, writable)


def _add_target(found: Protected, target: str, writable: tuple[str, ...]) -> None:
    if not any(below(target, root) for root in writable):
        return
    if os.path.lexists(target):
        found.existing.add(target)
        return
    found.missing.add(_outermost_missing(target))


def _outermost_missing(path: str) -> str:
    while not os.path.lexists(parent := os.path.dirname(path)):
        path = parent
    return path


def _empty_or_missing(path: str) -> bool:
    """An empty folder may be a placeholder that is about to go, so it counts as missing."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _pointed_to(path: str, folder: str) -> Iterator[str]:
    """Where a .git *file* leads: its gitdir (worktree, submodule) and the repository that it shares."""
    text = _head(path, _MAX_POINTER)
    if not text.startswith("gitdir:"):
        return
    gitdir = os.path.realpath(os.path.join(folder, text[len("gitdir:") :].strip()))
    yield gitdir
    if common := _head(f"{gitdir}/commondir", _MAX_POINTER).strip():
        yield os.path.realpath(os.path.join(gitdir, common))


def _submodules(root: str) -> Iterator[str]:
    """`git status` on the host looks into every submodule that is there."""
    lines = _head(f"{root}/.gitmodules", _MAX_GITMODULES).splitlines()
    paths = (line.partition("=")[2].strip().strip('"') for line in lines if line.strip().startswith("path"))
    for _, path in zip(range(_MAX_SUBMODULES), paths, strict=False):
        folder = os.path.realpath(os.path.join(root, path))
        if path and below(folder, root) and os.path.isdir(folder):
            yield folder


def _head(path: str, size: int) -> str:
    """The beginning of a regular file; empty for anything else. A fifo must not make us wait."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return ""
    try:
        return os.read(fd, size).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
    finally:
        os.close(fd)
