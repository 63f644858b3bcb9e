"""Which files are not looked at: what git ignores, caches and dependencies by their names, and what the user's rules say.

The rules of a folder are those of its own .gitignore and of all above it, as git reads them; files below an ignored folder are
ignored whatever other lines say. A .gitignore that changes counts when it is read again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pathspec import GitIgnoreSpec

from ..file_journal import STRAY

_NAMES = """
.git .hg .svn .jj .DS_Store .cache .eggs
node_modules bower_components .yarn .pnpm-store .next .nuxt .svelte-kit .parcel-cache .turbo
.venv venv __pycache__ .mypy_cache .pytest_cache .ruff_cache .hypothesis .tox .nox .ipynb_checkpoints
target .gradle .terraform
"""
NAMES = frozenset(_NAMES.split())
"Folders and files that are nobody's work."
GITIGNORE = ".gitignore"
_LONGEST = 1024 * 1024


class Ignores:
    """Paths are relative to the root, with slashes."""

    def __init__(self, root: str, own: Sequence[str]) -> None:
        self._own = _spec(own)
        self._base = _spec(_lines(os.path.join(root, ".git", "info", "exclude")))
        self._specs: dict[str, Any] = {}

    def enter(self, folder: str, fd: int) -> None:
        """Read the rules of a folder; those above it were read before."""
        spec = _spec(_lines(GITIGNORE, fd))
        if spec is not None:
            self._specs[folder] = spec
        else:
            self._specs.pop(folder, None)

    def by_name(self, name: str) -> bool:
        # our own files beside those that are about to be written: nobody made them
        return name in NAMES or STRAY.fullmatch(name) is not None

    def by_rule(self, folder: str, name: str, *, is_folder: bool) -> bool:
        """Of what is in a folder that is not ignored itself."""
        end = "/" if is_folder else ""
        path = f"{folder}/{name}{end}" if folder else name + end
        if self._own is not None and self._own.check_file(path).include:
            return True
        if not self._specs and self._base is None:
            return False
        at = folder
        while True:
            spec = self._specs.get(at)
            if spec is not None:
                said = spec.check_file(path[len(at) + 1 :] if at else path).include
                if said is not None:
                    return said
            if not at:
                break
            at = at.rpartition("/")[0]
        return self._base is not None and bool(self._base.check_file(path).include)

    def ignored(self, folder: str, name: str, *, is_folder: bool) -> bool:
        """Of any place below the root: because of itself, or of a folder above it."""
        above = ""
        for part in folder.split("/") if folder else ():
            if self.by_name(part) or self.by_rule(above, part, is_folder=True):
                return True
            above = f"{above}/{part}" if above else part
        return self.by_name(name) or self.by_rule(folder, name, is_folder=is_folder)


def _spec(lines: Iterable[str]) -> Any:
    """None when there is no rule."""
    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    if not kept:
        return None
    try:
        return GitIgnoreSpec.from_lines(kept)
    except (ValueError, re.error):
        return GitIgnoreSpec.from_lines([line for line in kept if _is_rule(line)])


def _is_rule(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):  # such as [z-a]: git takes it for a rule that fits nothing
        return False
    return True


def _lines(path: str, folder: int | None = None) -> list[str]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return []
    try:
        with open(fd, "rb") as file:
            return file.read(_LONGEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
