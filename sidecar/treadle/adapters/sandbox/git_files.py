"""What a repository's own files say about other places: its submodules, its linked worktrees, and where its configuration leads.

Read without git, which would act on what it reads. Promises to open nothing but regular files, since a command may have put a
link to a device there, and to read so much of each and no more. Must never write, and never decide what is to be protected.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice

_POINTER = 4096
_MODULES = _CONFIG = 256 * 1024
_INDEX = 64 * 1024 * 1024
_MOST = 200
"Submodules, and worktrees, of one repository."
_INCLUDES = 3
"So deep are configurations followed that include others."
_KEPT_INDEXES = 256

_FIRST_ENTRY, _MODE_AT, _ALIGNED = 12, 24, 8
_GITLINK = b"\0\0\xe0\0"
"The mode of a submodule, in the index of versions 2 and 3."
_LENGTH, _EXTENDED = 0xFFF, 0x4000

_kept: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {}
"index -> (what it was like, paths of the submodules in it)"


def git_folders(folder: str) -> tuple[str, ...]:
    """The repository that `folder` is the top of: its own git folder, then the one that it shares, if it does."""
    own = f"{folder.rstrip('/')}/.git"
    text = head(own, _POINTER)
    if text.startswith("gitdir:"):
        own = os.path.realpath(os.path.join(folder, text[len("gitdir:") :].strip()))
    elif not os.path.isdir(own):
        return ()
    common = head(f"{own}/commondir", _POINTER).strip()
    return (own, os.path.realpath(os.path.join(own, common))) if common else (own,)


def submodules(folder: str, own: str) -> Iterator[str]:
    """Where they are or belong. By the index, which no command can change, and by .gitmodules, for an index that is not read."""
    lines = head(f"{folder}/.gitmodules", _MODULES).splitlines()
    told = (line.partition("=")[2].strip().strip('"') for line in lines if line.strip().startswith("path"))
    real = {path for path in (*islice(told, _MOST), *_gitlinks(f"{own}/index")) if path}
    yield from (os.path.realpath(os.path.join(folder, path)) for path in sorted(real))


def in_index(folder: str, own: str) -> tuple[str, ...]:
    """Submodules that git looks into whatever .gitmodules says."""
    return tuple(os.path.realpath(os.path.join(folder, path)) for path in _gitlinks(f"{own}/index"))


def worktrees(common: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(f"{common}/worktrees"))[:_MOST]
    except OSError:
        return
    for name in names:
        pointer = head(f"{common}/worktrees/{name}/gitdir", _POINTER).strip()
        if pointer:
            yield os.path.dirname(os.path.realpath(os.path.join(f"{common}/worktrees/{name}", pointer)))


def led_to(folder: str, common: str) -> Iterator[str]:
    """Files and folders that the repository's configuration names as hooks, or as more configuration."""
    for name in ("config", "config.worktree"):
        yield from _led_to(f"{common}/{name}", folder, _INCLUDES)


def _led_to(config: str, folder: str, depth: int) -> Iterator[str]:
    section = ""
    for line in head(config, _CONFIG).splitlines():
        text = line.strip()
        if text.startswith("["):
            name, _, text = text[1:].partition("]")
            section = (name.split() or [""])[0].lower()
        key, _, value = text.partition("=")
        value = os.path.expanduser(value.strip().strip('"'))
        match section, key.strip().lower():
            case (("include" | "includeif"), "path") if value:
                included = os.path.realpath(os.path.join(os.path.dirname(config), value))
                yield included
                if depth:
                    yield from _led_to(included, folder, depth - 1)
            case "core", "hookspath" if value:
                hooks = os.path.realpath(os.path.join(folder, value))
                yield os.path.dirname(hooks) if os.path.basename(hooks) == "_" else hooks  # husky's calls those beside it
            case "core", "fsmonitor" if "/" in value:
                yield os.path.realpath(os.path.join(folder, value.split()[0]))
            case _:
                pass


def _gitlinks(index: str) -> tuple[str, ...]:
    try:
        state = os.stat(index)
    except OSError:
        return ()
    like = (state.st_ino, state.st_size, state.st_mtime_ns)
    if (kept := _kept.get(index)) is not None and kept[0] == like:
        return kept[1]
    if len(_kept) >= _KEPT_INDEXES:
        _kept.clear()
    found = tuple(islice(_links_in(_bytes(index, _INDEX)), _MOST))
    _kept[index] = (like, found)
    return found


def _links_in(index: bytes) -> Iterator[str]:
    """Found by their mode; an entry that is one has a name as long as it says."""
    place = index.find(_GITLINK)
    while place >= 0:
        start = place - _MODE_AT
        if start >= _FIRST_ENTRY and (start - _FIRST_ENTRY) % _ALIGNED == 0:
            for flags_at in (start + 60, start + 72):  # by the hash in between, SHA-1 or SHA-256
                flags = int.from_bytes(index[flags_at : flags_at + 2], "big")
                name_at = flags_at + (4 if flags & _EXTENDED else 2)
                end = index.find(b"\0", name_at, name_at + _POINTER)
                if end > name_at and min(end - name_at, _LENGTH) == flags & _LENGTH:
                    yield os.fsdecode(index[name_at:end])
                    break
        place = index.find(_GITLINK, place + 1)


def head(path: str, size: int) -> str:
    """The beginning of a regular file of text; empty for anything else."""
    text = _bytes(path, size).decode("utf-8", "surrogateescape")
    return "" if "\0" in text else text


def _bytes(path: str, size: int) -> bytes:
    """A fifo must not make us wait, nor opening a device set it off."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError):
        return b""
    try:
        parts: list[bytes] = []
        while size > 0 and (part := os.read(fd, min(size, 1 << 20))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(fd)
