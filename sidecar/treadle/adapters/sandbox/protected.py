"""What stays read-only inside a folder that a command may write: whatever makes the host run code later.

A planted hook or config in .git runs with the user's next `git status`; .vscode, .codex and .agents are read by programs outside
the sandbox. Promises to find these also where they are missing, behind pointer files and in nested repositories, as deep
as repositories.py searches. Must never
write, and must never follow what it reads out of the writable roots.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import field
from itertools import islice
from pathlib import PurePath

from ...core.record import mutable
from . import git_files
from .repositories import nested

ROOT_NAMES = (".git", ".codex", ".agents", ".vscode")
TEMPORARY_NAMES = (".git",)
"Git looks upwards: a planted /tmp/.git would be found from every folder below it."

_MAX_ENTRIES = 5000
_MAX_WORKSPACE_FILES = 20


@mutable
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
        repositories = nested(root)
        for folder in repositories:
            _add(found, folder, ".git", writable)
        for folder in (root, *repositories):
            _add_related(found, folder, root, writable)
        _add_above(found, root, writable)
        for path in _workspace_files(root):
            _add_target(found, path, writable)
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
        target = os.path.realpath(path)
        if not os.path.islink(target):  # a link that leads in a circle leads nowhere
            _add_target(found, target, writable)
    elif _empty_or_missing(path):
        found.missing.add(path)
    else:
        found.existing.add(path)
        if name == ".git":
            for target in git_files.git_folders(folder):
                if target != path:
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


def _add_related(found: Protected, folder: str, root: str, writable: tuple[str, ...]) -> None:
    """What git on the host looks into from here: submodules, also missing ones, and other worktrees; and the files
    in it that it takes hooks and configuration from."""
    own = git_files.git_folders(folder) or (f"{folder}/.git",)
    for other in (*git_files.submodules(folder, own[0]), *git_files.worktrees(own[-1])):
        if below(other, root):
            if os.path.isdir(other):
                _add(found, other, ".git", writable)
            elif other in git_files.in_index(folder, own[0]):
                found.missing.add(_outermost_missing(other))
    for target in git_files.led_to(folder, own[-1]):
        if below(target, folder) and os.path.lexists(target):
            _add_target(found, target, writable)


def _add_above(found: Protected, root: str, writable: tuple[str, ...]) -> None:
    """Where git and agents look upwards from a root that lies inside another writable folder."""
    for folder in map(str, PurePath(root).parents):
        if folder in writable or not any(below(folder, outer) for outer in writable):
            continue
        _add(found, folder, ".git", writable)
        ways = (folder, *map(str, PurePath(folder).parents))
        if not all(_empty_or_missing(f"{way}/.git") for way in ways):  # then the root is part of a project that has more settings
            for name in (".codex", ".agents"):
                _add(found, folder, name, writable)


def _workspace_files(root: str) -> list[str]:
    """Settings and tasks of VS Code."""
    try:
        with os.scandir(root) as entries:
            names = [entry.path for entry in islice(entries, _MAX_ENTRIES) if entry.name.endswith(".code-workspace")]
    except OSError:
        return []
    return [path for path in names[:_MAX_WORKSPACE_FILES] if os.path.isfile(path) and not os.path.islink(path)]
