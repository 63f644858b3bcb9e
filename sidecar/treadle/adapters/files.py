"""Files on disk: read one, or change several as one.

A commit writes everything or nothing: new content is staged beside its target, every file is checked to be still as it was
read, then the staged files are renamed into place; any failure undoes what was done, made folders included. Under a confining
policy a write never leaves the writable roots: the way down from a root is opened folder by folder without following
symlinks, and every later step is relative to the folder so opened, so a symlink swapped in at the last moment leads nowhere.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from ..core.settings import SandboxPolicy
from ..core.writable import refusal, writable_roots
from ..runtime.ports import FileState

MAX_BYTES = 16 * 1024 * 1024

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO or a device must not hang; what is not a regular file is refused right after.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(slots=True)
class _Write:
    """One change under way. `parent` is an open folder; `staged` the name beside the target that holds the new content."""

    wanted: FileState
    before: FileState | None
    parent: int
    name: str
    staged: str | None = None
    done: bool = False


class DiskFiles:
    """The Files port. `tmpdir` is the value of $TMPDIR: a writable root unless the policy excludes it. `own` are real paths of
    folders that a confining policy protects: see core.writable.refusal."""

    def __init__(self, tmpdir: str | None = None, own: tuple[str, ...] = ()) -> None:
        self._tmpdir = tmpdir
        self._own = own
        self._real_roots: dict[str, str] = {}

    async def read(self, path: str) -> FileState:
        return await asyncio.to_thread(_read, path)

    async def commit(self, before: Sequence[FileState], after: Sequence[FileState], policy: SandboxPolicy) -> None:
        roots = self._roots(policy)
        work = asyncio.ensure_future(asyncio.to_thread(_commit, before, after, roots, self._own))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            # Half a patch is worse than a late stop: let it finish or undo itself first.
            with suppress(OSError):
                await work
            raise

    def resolve(self, path: str) -> str:
        return os.path.realpath(path)

    def _roots(self, policy: SandboxPolicy) -> tuple[str, ...] | None:
        roots = writable_roots(policy, self._tmpdir)
        if roots is None:
            return None
        # Resolved once: a root that a command replaces by a symlink later does not take its permission along.
        return tuple(dict.fromkeys(self._real_roots.setdefault(root, os.path.realpath(root)) for root in roots))


def _read(path: str) -> FileState:
    try:
        return _read_open(os.open(path, _READ), path)
    except FileNotFoundError:
        return FileState(path, None)


def _read_open(fd: int, path: str) -> FileState:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a directory", path)
        raise OSError(errno.EINVAL, "is not a regular file", path)
    with open(fd, "rb") as file:
        data = file.read(MAX_BYTES + 1) if found.st_size <= MAX_BYTES else b""
        if found.st_size > MAX_BYTES or len(data) > MAX_BYTES:
            raise OSError(errno.EFBIG, f"is larger than {MAX_BYTES // 1024 // 1024} MiB", path)
        return FileState(path, data, stat.S_IMODE(found.st_mode))


def _commit(before: Sequence[FileState], after: Sequence[FileState], roots: tuple[str, ...] | None, own: tuple[str, ...]) -> None:
    known = {state.path: state for state in before}
    made: list[str] = []
    writes: list[_Write] = []
    with ExitStack() as stack:
        try:
            for wanted in after:
                real = _real(wanted)
                _check(real, wanted, roots, own)
                parent = _open_parent(real, roots, made, create=wanted.data is not None)
                stack.callback(os.close, parent)
                writes.append(_Write(wanted, known.get(wanted.path), parent, os.path.basename(real)))
            for write in writes:
                _stage(write)
            for write in writes:
                now = _now(write)
                if write.before is None:
                    write.before = now
                _check_unchanged(write.before, now)
            for path in known.keys() - {write.wanted.path for write in writes}:
                _check_unchanged(known[path], _read(path))
            for write in writes:
                _put(write)
        except BaseException as error:
            lost = _undo(writes, made)
            if lost and isinstance(error, OSError):
                raise OSError(
                    error.errno, f"{error.strerror}; could not be put back: {', '.join(lost)}", error.filename
                ) from error
            raise


def _real(wanted: FileState) -> str:
    if wanted.data is None:
        # Deleting a symlink removes the link, never what it points to.
        folder, name = os.path.split(wanted.path)
        return os.path.join(os.path.realpath(folder), name)
    return os.path.realpath(wanted.path)


def _check(real: str, wanted: FileState, roots: tuple[str, ...] | None, own: tuple[str, ...]) -> None:
    reason = refusal(real, roots, own)
    if reason:
        raise PermissionError(errno.EACCES, f"not allowed to write this file: {reason}", wanted.path)
    if wanted.data is not None and len(wanted.data) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"new content is larger than {MAX_BYTES // 1024 // 1024} MiB", wanted.path)


def _open_parent(real: str, roots: tuple[str, ...] | None, made: list[str], *, create: bool) -> int:
    """The folder of `real`, opened from its root downwards; missing folders are created and noted in `made`."""
    base = "/"
    if roots is not None:
        base = max((root for root in roots if real.startswith(root.rstrip("/") + "/")), key=len)
    fd = os.open(base, _DIRECTORY)
    done = base
    try:
        for part in os.path.relpath(os.path.dirname(real), base).split("/"):
            if part == ".":
                continue
            done = os.path.join(done, part)
            if create:
                try:
                    os.mkdir(part, dir_fd=fd)
                    made.append(done)
                except FileExistsError:
                    pass
            below = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = below
    except OSError as error:
        os.close(fd)
        raise OSError(error.errno, error.strerror, done) from error
    return fd


def _stage(write: _Write) -> None:
    wanted = write.wanted
    if wanted.data is None:
        return
    mode = wanted.mode
    if mode is None and write.before is not None:
        mode = write.before.mode
    write.staged = _stage_data(write, wanted.data, mode)


def _stage_data(write: _Write, data: bytes, mode: int | None) -> str:
    name = f".{write.name[:80]}.{secrets.token_hex(6)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, 0o666, dir_fd=write.parent)
        try:
            with open(fd, "wb") as file:
                file.write(data)
                if mode is not None:
                    os.fchmod(fd, mode & 0o777)
                file.flush()
                os.fsync(fd)
        except BaseException:
            os.unlink(name, dir_fd=write.parent)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, write.wanted.path) from error
    return name


def _now(write: _Write) -> FileState:
    # A symlink is read through only when the link itself is what goes away.
    flags = _READ if write.wanted.data is None else _READ | os.O_NOFOLLOW
    try:
        return _read_open(os.open(write.name, flags, dir_fd=write.parent), write.wanted.path)
    except FileNotFoundError:
        return FileState(write.wanted.path, None)


def _check_unchanged(before: FileState, now: FileState) -> None:
    if now.data != before.data:
        raise FileExistsError(errno.EEXIST, "the file changed since it was read; read it again", before.path)


def _put(write: _Write) -> None:
    try:
        if write.staged is None:
            os.unlink(write.name, dir_fd=write.parent)
        else:
            os.rename(write.staged, write.name, src_dir_fd=write.parent, dst_dir_fd=write.parent)
            write.staged = None
    except OSError as error:
        raise OSError(error.errno, error.strerror, write.wanted.path) from error
    write.done = True


def _undo(writes: Sequence[_Write], made: Sequence[str]) -> list[str]:
    """Back to how it was; returns the paths where that failed."""
    lost: list[str] = []
    for write in reversed(writes):
        if write.staged is not None:
            with suppress(OSError):
                os.unlink(write.staged, dir_fd=write.parent)
        if not write.done or write.before is None:
            continue
        try:
            if write.before.data is None:
                os.unlink(write.name, dir_fd=write.parent)
            else:
                staged = _stage_data(write, write.before.data, write.before.mode)
                os.rename(staged, write.name, src_dir_fd=write.parent, dst_dir_fd=write.parent)
        except OSError:
            lost.append(write.wanted.path)
    for folder in reversed(made):
        # Only those that are still empty: somebody else's new file stays.
        with suppress(OSError):
            os.rmdir(folder)
    return lost
