"""What is protected inside a writable folder, where the sandbox cannot hold a command back: looked at before, put right after.

Promises: whatever would make the host run code later (hooks and configuration of git, settings of editors and agents) is as it
was when the command has ended; what the command had put there is moved to a folder of Treadle's own, never deleted; and the
command's output says so. Bounded: so many files and bytes for each command, the outermost first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path

from ...core.record import frozen, mutable
from . import mounts
from .protected import ROOT_NAMES, TEMPORARY_NAMES, below

_ENTRIES = 5000
_FILE_BYTES, _ALL_BYTES = 1024 * 1024, 32 * 1024 * 1024
_NAMED = 10
_HELD = 256
_GIT_PARTS = ("config", "config.worktree", "hooks", "info", "commondir", "gitdir", "modules", "worktrees")
"Of a git folder: what names programs, and what leads to another place. The rest is git's daily work."
_GIT_HEAD, _GIT_ALTERNATES = "HEAD", "objects/info"


@frozen
class Entry:
    """One file, folder or link as it was. `content` is a link's target for a link, empty for a folder."""

    mode: int
    mark: tuple[int, ...]
    "Cannot stay the same when the entry is written."
    content: bytes | None
    "None: too large to keep."
    owner: tuple[int, int]
    modified: int
    "Nanoseconds."


@mutable
class Watched:
    """Of one command."""

    tops: tuple[str, ...]
    "Protected paths, those that were missing among them."
    before: dict[str, Entry]
    gits: tuple[str, ...]
    "Folders of git with a history in them."
    held: list[tuple[str, int]]
    "Protected folders, and those that they lie in, by descriptor: the outermost first."

    def close(self) -> None:
        for _, fd in self.held:
            os.close(fd)
        self.held.clear()


@mutable
class Guard:
    """`own`: see protected.find. `aside`: where to put what commands left in protected places."""

    own: tuple[str, ...]
    aside: Path
    _moved: int = field(default=0)

    def begin(self, places: mounts.Writable) -> Watched:
        """Blocks; in a thread."""
        found = mounts.look(places, self.own)
        links = {path for folder in found.frozen for path in _protected_links(folder)}
        tops = tuple(sorted(found.existing | found.missing | links))
        scan = _Scan()
        for top in tops:
            scan.add(top, content=True)
        return Watched(tops, scan.entries, tuple(scan.gits), _hold(tops, (*places.roots, *places.temporary)))

    def end(self, watched: Watched) -> str | None:
        """Put everything back; the words for the command's output when there was something to put back. Blocks."""
        folder = self.aside / f"{time.time_ns()}"
        moved = self._move_back(watched, folder)
        wrong = list(moved)
        scan = _Scan()
        for top in watched.tops:
            scan.add(top, content=False)
        for path in sorted(scan.entries.keys() - watched.before.keys()):
            if not any(path.startswith(f"{other}/") for other in wrong) and os.path.lexists(path):
                wrong.append(path)
                self._set_aside(path, folder)
        for path, entry in sorted(watched.before.items()):
            now = scan.entries.get(path)
            if now is None or (now.mark != entry.mark and not _same(path, entry)):
                wrong.append(path)
                self._restore(path, entry, folder)
        still = [path for path in moved if not _is_folder(path)]
        still += [path for path in wrong if path not in moved and not _as_it_was(path, watched.before.get(path))]
        return _words(wrong, folder, [*still, *(path for path in watched.gits if not os.path.lexists(f"{path}/{_GIT_HEAD}"))])

    def _move_back(self, watched: Watched, folder: Path) -> list[str]:
        """Folders that were renamed, their old names perhaps given to others."""
        moved: list[str] = []
        for path, fd in watched.held:
            with contextlib.suppress(OSError):
                now = os.readlink(f"/proc/self/fd/{fd}")
                if now == path or not os.path.samestat(os.fstat(fd), os.lstat(now)):
                    continue
                moved.append(path)
                if os.path.lexists(path):
                    self._set_aside(path, folder)
                os.rename(now, path)
        watched.close()
        return moved

    def _set_aside(self, path: str, folder: Path) -> None:
        self._moved += 1
        with contextlib.suppress(OSError, shutil.Error):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(path, folder / f"{self._moved}-{os.path.basename(path)}")

    def _restore(self, path: str, entry: Entry, folder: Path) -> None:
        parent = os.path.dirname(path)
        if entry.content is None or os.path.realpath(parent) != parent:
            return
        if os.path.lexists(path) and not (stat.S_ISDIR(entry.mode) and _is_folder(path)):
            self._set_aside(path, folder)
        with contextlib.suppress(OSError):
            if stat.S_ISLNK(entry.mode):
                os.symlink(os.fsdecode(entry.content), path)
                return
            if stat.S_ISDIR(entry.mode):
                os.makedirs(path, exist_ok=True)
            else:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                with os.fdopen(fd, "wb") as file:
                    file.write(entry.content)
                os.utime(path, ns=(entry.modified, entry.modified))
            if os.geteuid() == 0:
                os.chown(path, *entry.owner)
            os.chmod(path, stat.S_IMODE(entry.mode))


@mutable
class _Scan:
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    left: int = _ENTRIES
    bytes_left: int = _ALL_BYTES
    gits: list[str] = field(default_factory=list[str])

    def add(self, top: str, *, content: bool) -> None:
        waiting = [top]
        while waiting and self.left > 0:
            path = waiting.pop()
            if path in self.entries:
                continue
            try:
                state = os.lstat(path)
                kept = self._content(path, state) if content else b""
                inside = self._inside(path) if stat.S_ISDIR(state.st_mode) else []
            except OSError:
                continue
            self.left -= 1
            self.entries[path] = Entry(state.st_mode, _mark(state), kept, (state.st_uid, state.st_gid), state.st_mtime_ns)
            waiting += inside

    def _inside(self, folder: str) -> list[str]:
        """Of a git folder only what can do harm; a submodule's is one as well."""
        names = os.listdir(folder)
        if _GIT_HEAD in names and ("objects" in names or "commondir" in names):
            self.gits.append(folder)
            names = [*(name for name in names if name in _GIT_PARTS), _GIT_ALTERNATES]
        return [f"{folder}/{name}" for name in names]

    def _content(self, path: str, state: os.stat_result) -> bytes | None:
        if stat.S_ISLNK(state.st_mode):
            return os.fsencode(os.readlink(path))
        if not stat.S_ISREG(state.st_mode):
            return b""
        if state.st_size > min(_FILE_BYTES, self.bytes_left):
            return None
        self.bytes_left -= state.st_size
        return _read(path)


def _hold(tops: Iterable[str], roots: tuple[str, ...]) -> list[tuple[str, int]]:
    paths = {top for top in tops if _is_folder(top)}
    for top in tops:
        parent = os.path.dirname(top)
        while any(below(parent, root) for root in roots):
            paths.add(parent)
            parent = os.path.dirname(parent)
    held: list[tuple[str, int]] = []
    for path in sorted(paths, key=lambda path: (path.count("/"), path))[:_HELD]:
        with contextlib.suppress(OSError):
            held.append((path, os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)))
    return held


def _mark(state: os.stat_result) -> tuple[int, ...]:
    """A folder's times change with every file in it, and those are looked at themselves."""
    if stat.S_ISDIR(state.st_mode):
        return (state.st_mode,)
    return (state.st_mode, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _same(path: str, entry: Entry) -> bool:
    """It was written, but with what was there before."""
    try:
        if os.lstat(path).st_mode != entry.mode or entry.content is None:
            return False
        return _as_it_was(path, entry)
    except OSError:
        return False


def _as_it_was(path: str, entry: Entry | None) -> bool:
    if entry is None:
        return not os.path.lexists(path)
    try:
        state = os.lstat(path)
        if stat.S_IFMT(state.st_mode) != stat.S_IFMT(entry.mode):
            return False
        if stat.S_ISLNK(entry.mode):
            return os.fsencode(os.readlink(path)) == entry.content
        return not stat.S_ISREG(entry.mode) or (state.st_size <= _FILE_BYTES and _read(path) == entry.content)
    except OSError:
        return False


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return file.read(_FILE_BYTES + 1)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _protected_links(folder: str) -> Iterator[str]:
    for name in (*ROOT_NAMES, *TEMPORARY_NAMES):
        if os.path.islink(path := f"{folder.rstrip('/')}/{name}"):
            yield path


def _words(wrong: list[str], folder: Path, still: list[str]) -> str | None:
    if not wrong:
        return None
    named = ", ".join(dict.fromkeys(wrong[:_NAMED])) + (f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else "")
    said = f"Treadle: this command changed what commands may not change: {named}. It was put back as it was"
    said += f"; what the command had left there is in {folder}." if folder.is_dir() else "."
    if still:
        said += f" NOT put back, look at it before you use git or an editor here: {', '.join(still[:_NAMED])}."
    return said
