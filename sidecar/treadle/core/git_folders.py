"""Where a shell line changes git repositories, so that two commands do not change one at the same time. Pure.

A best guess, as good as the words of the line: what a script or a build does inside is not seen, and a folder that is only known
when the line runs counts as the one it is run from.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from .command import mutating_git, simple_commands
from .wrappers import name_of, started

_DEEPEST = 4
_MOST = 2_000
"Commands that are looked at in one line."
_FOLDERS = ("-C", "--git-dir", "--work-tree")


def git_folders(script: str, cwd: str) -> tuple[str, ...]:
    """The folders in which git commands of this line run that do more than read."""
    return tuple(dict.fromkeys(_folders(script, cwd, 0, set())))


def _folders(script: str, here: str, depth: int, seen: set[tuple[Sequence[str], str]]) -> Iterator[str]:
    for words in simple_commands(script):
        if words[0] in ("cd", "pushd") and len(words) == 2:
            here = _join(here, words[1])
        else:
            yield from _of(words, here, depth, seen)


def _of(words: Sequence[str], here: str, depth: int, seen: set[tuple[Sequence[str], str]]) -> Iterator[str]:
    if (words, here) in seen or len(seen) > _MOST:
        return
    seen.add((words, here))
    if name_of(words[0]) == "git":
        if mutating_git(words):
            yield _named(words, here)
        return
    if depth < _DEEPEST:
        for inner in started(words):
            if inner.script is not None:
                yield from _folders(inner.script, here, depth + 1, seen)
            elif inner.words:
                yield from _of(inner.words, here, depth + 1, seen)


def _named(words: Sequence[str], here: str) -> str:
    """What git's own options say."""
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in _FOLDERS:
            here = _join(here, value if equals else rest.pop(0) if rest else "")
        elif word in ("-c", "--namespace", "--exec-path", "--config-env"):
            rest[:1] = []
    return here


def _join(here: str, folder: str) -> str:
    if any(sign in folder for sign in "$`*?") or folder.startswith(("~", "-")):
        return here
    return posixpath.normpath(posixpath.join(here, folder))
