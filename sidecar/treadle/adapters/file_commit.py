"""Several files changed as one: everything that was wanted, or the disk as it was.

New content is staged beside its target and synced to the disk, every file is checked to be still as it was read, then the staged
files are renamed into place, what goes away going last: a process that is killed at any moment leaves the old or the new content
of every file, and a record by which the next start puts the old one back into all, unless the commit was through. A failure or a
stop half-way puts the very files back, by a hard link kept beside them, so that this needs no space; without hard links a kill
half-way leaves files of both kinds. Data is synced before the rename, or a power cut could leave an empty file where a good one
was; folders are not synced: then the old file is there, which is no loss. Mode, extended attributes and owner are kept. A file
with several names, or whose owner cannot be kept, is written in place, so that it stays the same file under all of them.

Under a confining policy a write never leaves the writable roots: the way down from a root is opened folder by folder without
following symlinks, and every later step is relative to the folder so opened: a link swapped in at the last moment leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..core.record import frozen, mutable
from ..core.writable import refusal
from ..runtime.ports import FileState
from .file_journal import Change, Journal, Overwrite, Record, temporary_name
from .file_read import MAX_BYTES, READ, read, read_open

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OVERWRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@frozen
class Bounds:
    """Where a commit may write: see core.writable.refusal."""

    roots: tuple[str, ...] | None
    own: tuple[str, ...] = ()


@mutable
class _Write:
    """One change under way. `parent` is an open folder; the temporary names are beside the target in it."""

    wanted: FileState
    before: FileState | None
    folder: str
    parent: int
    name: str
    found: os.stat_result | None
    staged: str
    backup: str
    in_place: bool = False
    is_staged: bool = False
    is_backed: bool = False
    done: bool = False


class Commit:
    """`put`, then `finish` or `undo`; `undo` may be called at any time and again. All of it blocks: call it off the loop."""

    def __init__(self, before: Sequence[FileState], after: Sequence[FileState], bounds: Bounds, journal: Journal | None) -> None:
        self._known = {state.path: state for state in before}
        # What goes away goes last: until then its content is somewhere.
        self._after = sorted(after, key=lambda state: state.data is None)
        self._bounds = bounds
        self._journal = journal
        self._record: Record | None = None
        self._made: list[str] = []
        self._writes: list[_Write] = []

    def put(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Change all files, or none and raise OSError. `stopped` is asked before every step: a true answer undoes everything."""
        try:
            for wanted in self._after:
                self._open(wanted)
            self._skip_other_cases()
            if self._journal is not None:
                self._record = self._begin(self._journal)
            self._each(self._stage, stopped)
            self._each(self._check, stopped)
            for path in self._known.keys() - {write.wanted.path for write in self._writes}:
                check_unchanged(self._known[path], read(path))
            self._each(self._put, stopped)
        except BaseException as error:
            lost = self.undo()
            if lost and isinstance(error, OSError):
                words = f"{error.strerror}; could not be put back: {', '.join(lost)}"
                raise OSError(error.errno, words, error.filename) from error
            raise

    def _each(self, step: Callable[[_Write], None], stopped: Callable[[], bool]) -> None:
        for write in self._writes:
            if stopped():
                raise InterruptedError(errno.EINTR, "stopped by the user", write.wanted.path)
            step(write)

    def finish(self) -> None:
        """All is well: drop what would have undone it."""
        if self._record is not None:
            self._record.done()
        for write in self._writes:
            for name in (write.backup if write.is_backed else "", write.staged if write.is_staged else ""):
                if name:
                    with suppress(OSError):
                        os.unlink(name, dir_fd=write.parent)
        self._close()

    def undo(self) -> list[str]:
        """Back to how it was; returns the paths where that failed."""
        lost: list[str] = []
        for write in reversed(self._writes):
            try:
                _undo(write)
            except OSError:
                lost.append(write.wanted.path)
        for folder in reversed(self._made):
            # Only those that are still empty: somebody else's new file stays.
            with suppress(OSError):
                os.rmdir(folder)
        self._close()
        return lost

    def _close(self) -> None:
        for write in self._writes:
            os.close(write.parent)
        self._writes, self._made = [], []
        if self._record is not None:
            self._record.close()
            self._record = None

    def _open(self, wanted: FileState) -> None:
        real = real_target(wanted)
        check(real, wanted, self._bounds)
        parent = _open_parent(real, self._bounds.roots, self._made, create=wanted.data is not None)
        folder, name = os.path.split(real)
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                os.close(parent)
                raise OSError(error.errno, error.strerror, wanted.path) from error
            found = None
        in_place = found is not None and wanted.data is not None and found.st_nlink > 1
        names = temporary_name(name), temporary_name(name)
        self._writes.append(_Write(wanted, self._known.get(wanted.path), folder, parent, name, found, *names, in_place))

    def _skip_other_cases(self) -> None:
        """A file with one name that was found by two has them on a disk that does not tell cases apart: what is renamed so must
        not be deleted under its old name after it was written under its new one."""
        kept = {
            (w.found.st_dev, w.found.st_ino) for w in self._writes if w.found and w.wanted.data is not None and not w.in_place
        }
        for write in [w for w in self._writes if w.wanted.data is None and w.found and w.found.st_nlink == 1]:
            if write.found and (write.found.st_dev, write.found.st_ino) in kept:
                self._writes.remove(write)
                os.close(write.parent)

    def _begin(self, journal: Journal) -> Record | None:
        names = [(w.folder, name) for w in self._writes for name in (w.staged, w.backup)]
        # Owners that cannot be kept are found out later: those files are not mended after a kill.
        overwrites = [
            Overwrite(os.path.join(w.folder, w.name), (w.found.st_dev, w.found.st_ino), w.before.data, w.wanted.data)
            for w in self._writes
            if w.in_place and w.found and w.before and w.before.data is not None and w.wanted.data is not None
        ]
        # Without what was there before, nothing could be compared.
        changes = [
            Change(w.folder, w.name, w.staged, w.backup, w.before.data if w.before else None, w.wanted.data)
            for w in self._writes
            if not w.in_place and (w.before is not None or w.found is None)
        ]
        return journal.begin(names, overwrites, changes, self._made)

    def _stage(self, write: _Write) -> None:
        wanted = write.wanted
        if wanted.data is None or write.in_place:
            return
        try:
            if write.found and _is_read_only(write):
                raise PermissionError(errno.EACCES, "the file is read-only")
            _stage(write, wanted.data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, wanted.path) from error

    def _check(self, write: _Write) -> None:
        # A symlink is read through only when the link itself is what goes away.
        flags = READ if write.wanted.data is None else READ | os.O_NOFOLLOW
        try:
            now = read_open(os.open(write.name, flags, dir_fd=write.parent), write.wanted.path)
        except FileNotFoundError:
            now = FileState(write.wanted.path, None)
        if write.before is None:
            write.before = now
        check_unchanged(write.before, now)

    def _put(self, write: _Write) -> None:
        try:
            if write.wanted.data is None:
                os.rename(write.name, write.backup, src_dir_fd=write.parent, dst_dir_fd=write.parent)
                write.is_backed = write.done = True
            elif write.in_place:
                _overwrite(write, write.wanted.data)
            elif write.before is None or write.before.data is None:
                _create(write)
            else:
                _replace(write)
        except OSError as error:
            raise OSError(error.errno, error.strerror, write.wanted.path) from error


def real_target(wanted: FileState) -> str:
    """Where the content goes. Deleting a symlink removes the link, never what it points to."""
    if wanted.data is None:
        folder, name = os.path.split(wanted.path)
        return os.path.join(os.path.realpath(folder), name)
    return os.path.realpath(wanted.path)


def check(real: str, wanted: FileState, bounds: Bounds) -> None:
    """Raises OSError when this may not be written."""
    reason = refusal(real, bounds.roots, bounds.own)
    if reason:
        raise PermissionError(errno.EACCES, f"not allowed to write this file: {reason}", wanted.path)
    if wanted.data is not None and len(wanted.data) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"new content is larger than {MAX_BYTES // 1024 // 1024} MiB", wanted.path)


def check_unchanged(before: FileState, now: FileState) -> None:
    if now.data != before.data:
        raise FileExistsError(errno.EEXIST, "the file changed since it was read; read it again", before.path)


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


def _stage(write: _Write, data: bytes) -> None:
    """The new content beside its target, with all that belongs to the file besides."""
    fd = os.open(write.staged, _CREATE, 0o666, dir_fd=write.parent)
    write.is_staged = True
    try:
        _write_all(fd, data)
        found, mode = write.found, write.wanted.mode
        if found is not None and stat.S_ISREG(found.st_mode):
            if not _keeps_owner(fd, found):
                write.in_place = True
                return
            mode = found.st_mode if mode is None else mode
        if mode is not None:
            os.fchmod(fd, mode & 0o777)
        if found is not None:
            _copy_attributes(fd, write.name, write.parent)
        elif write.wanted.like is not None:
            _copy_attributes(fd, write.wanted.like, None, owner=True)
        _sync(fd)
    finally:
        os.close(fd)


def _is_read_only(write: _Write) -> bool:
    """A file that may not be written is not to be replaced either. One that is gone meanwhile is no matter of permissions."""
    there, writable = (os.access(write.name, mode, dir_fd=write.parent) for mode in (os.F_OK, os.W_OK))
    return there and not writable


def _keeps_owner(fd: int, found: os.stat_result) -> bool:
    made = os.fstat(fd)
    if (made.st_uid, made.st_gid) == (found.st_uid, found.st_gid):
        return True
    try:
        os.fchown(fd, found.st_uid, found.st_gid)
    except OSError:
        return False
    return True


def _copy_attributes(fd: int, path: str, parent: int | None, *, owner: bool = False) -> None:
    """Extended attributes, access lists among them; what this user may not set stays behind."""
    with suppress(OSError):
        source = os.open(path, READ | os.O_NOFOLLOW, dir_fd=parent)
        try:
            if owner:
                _keeps_owner(fd, os.fstat(source))
            for name in os.listxattr(source) if hasattr(os, "listxattr") else ():
                with suppress(OSError):
                    os.setxattr(fd, name, os.getxattr(source, name))
        finally:
            os.close(source)


def _create(write: _Write) -> None:
    """A link fails where somebody has made such a file meanwhile; a rename would replace it."""
    try:
        os.link(write.staged, write.name, src_dir_fd=write.parent, dst_dir_fd=write.parent, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        os.rename(write.staged, write.name, src_dir_fd=write.parent, dst_dir_fd=write.parent)
        write.is_staged = False
    write.done = True


def _replace(write: _Write) -> None:
    # Without hard links on this file system the old content is put back from memory.
    with suppress(OSError):
        os.link(write.name, write.backup, src_dir_fd=write.parent, dst_dir_fd=write.parent, follow_symlinks=False)
        write.is_backed = True
    os.rename(write.staged, write.name, src_dir_fd=write.parent, dst_dir_fd=write.parent)
    write.is_staged, write.done = False, True


def _overwrite(write: _Write, data: bytes) -> None:
    fd = os.open(write.name, _OVERWRITE, dir_fd=write.parent)
    try:
        now = os.fstat(fd)
        if write.found is None or (now.st_dev, now.st_ino) != (write.found.st_dev, write.found.st_ino):
            raise FileExistsError(errno.EEXIST, "the file changed since it was read; read it again")
        write.done = True
        _write_all(fd, data)
        os.ftruncate(fd, len(data))
        _sync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _undo(write: _Write) -> None:
    old = write.before.data if write.before else None
    at = {"src_dir_fd": write.parent, "dst_dir_fd": write.parent}
    if write.done and old is None:
        os.unlink(write.name, dir_fd=write.parent)
    elif write.done and write.in_place:
        assert old is not None
        _overwrite(write, old)
    elif write.done and write.is_backed:
        os.rename(write.backup, write.name, **at)
        write.is_backed = False
    elif write.done:
        assert old is not None and write.before is not None
        write.wanted = FileState(write.wanted.path, old, write.before.mode)
        _stage(write, old)
        os.rename(write.staged, write.name, **at)
        write.is_staged = False
    write.done = False
    for name in (write.staged if write.is_staged else "", write.backup if write.is_backed else ""):
        if name:
            with suppress(OSError):
                os.unlink(name, dir_fd=write.parent)
