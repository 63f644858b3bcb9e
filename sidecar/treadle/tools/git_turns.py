"""Commands that change a git repository take turns: git's own locks make the second one fail, not wait.

One command at a time for each repository, over all calls, threads and background sessions of this process; the turn is given
back when the command has ended. Promises that no call waits longer than a bound, and that a command which waits for two
repositories can not block one that waits for the same two. Never looks at what a command does; only at what its line says.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable
from dataclasses import field

from ..core.git_folders import git_folders
from ..core.record import frozen, mutable

LONGEST_WAIT = 30.0
"Seconds."
_POINTER_BYTES = 4096


@mutable
class _Place:
    """A repository that somebody changes."""

    script: str
    free: asyncio.Event = field(default_factory=asyncio.Event)


_taken: dict[str, _Place] = {}
"Real path of the repository -> who has the turn. Of this process, since a repository is one whoever works in it."


@frozen
class GitTurn:
    """May be empty: most commands do not change a repository."""

    repositories: tuple[str, ...] = ()

    def give_back(self) -> None:
        for repository in self.repositories:
            _taken.pop(repository).free.set()


class Busy(Exception):
    """The wait was too long; says which command has the turn."""


async def take(script: str, cwd: str) -> GitTurn:
    """Raises Busy."""
    wanted = _repositories(git_folders(script, cwd))
    if not wanted:
        return GitTurn()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_WAIT):
            while (held := next((_taken[name] for name in wanted if name in _taken), None)) is not None:
                await held.free.wait()
    holder = next((_taken[name] for name in wanted if name in _taken), None)
    if holder is not None:
        raise Busy(holder.script)
    _taken.update((name, _Place(script)) for name in wanted)
    return GitTurn(wanted)


def _repositories(folders: Iterable[str]) -> tuple[str, ...]:
    found = (_repository(os.path.realpath(folder)) for folder in folders)
    return tuple(sorted({repository for repository in found if repository is not None}))


def _repository(folder: str) -> str | None:
    """The folder that holds the history: worktrees of one repository share it."""
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isdir(git):
            return os.path.realpath(git)
        if os.path.isfile(git):
            gitdir = os.path.join(folder, _text(git).removeprefix("gitdir:").strip())
            return os.path.realpath(os.path.join(gitdir, _text(os.path.join(gitdir, "commondir")).strip()))
        if os.path.isfile(os.path.join(folder, "HEAD")) and os.path.isdir(os.path.join(folder, "objects")):
            return folder  # a bare one, or the inside of one
        if os.path.dirname(folder) == folder:
            return None
        folder = os.path.dirname(folder)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_POINTER_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
