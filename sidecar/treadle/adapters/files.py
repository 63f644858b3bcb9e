"""Files on disk: read one, or change several as one.

How a commit keeps its promise is adapters/file_commit.py's. A file that is open in an editor with unsaved changes has the text of
the editor for its content: it is read there, and changed there, never behind the editor's back. A commit that is cancelled
changes nothing.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core.encoding import decoded
from ..core.settings import SandboxPolicy
from ..core.writable import refusal, writable_roots
from ..runtime.ports import Buffers, FileState
from . import file_commit
from .file_commit import Bounds, Commit
from .file_journal import Journal
from .file_read import MAX_BYTES, read

__all__ = ["MAX_BYTES", "DiskFiles"]
_log = logging.getLogger(__name__)
_MAX_OVERTAKEN = 1_000


class DiskFiles:
    """The Files port. `tmpdir` is the value of $TMPDIR: a writable root unless the policy excludes it. `own` are real paths of
    folders that a confining policy protects: see core.writable.refusal. `journal` is a folder for records of running commits."""

    def __init__(self, tmpdir: str | None = None, own: tuple[str, ...] = (), journal: Path | None = None) -> None:
        self._tmpdir = tmpdir
        self._own = own
        self._journal = Journal(journal) if journal else None
        self._real_roots: dict[str, str] = {}
        self.buffers: Buffers | None = None
        self._overtaken: dict[str, tuple[int, str]] = {}
        "Files that were written while an editor had them open: the version of its document, and a digest of what it showed."

    def recover(self) -> None:
        """Take back what a killed process left half-way. Blocks, for a moment at most when there is nothing."""
        if self._journal is not None:
            self._journal.recover()

    async def read(self, path: str, *, on_disk: bool = False) -> FileState:
        state = await asyncio.to_thread(self._read, path)
        if on_disk:
            return state
        await self._fetch([state])
        return self._as_edited(state)

    async def commit(self, before: Sequence[FileState], after: Sequence[FileState], policy: SandboxPolicy) -> None:
        bounds = Bounds(self._roots(policy), self._own)
        edited = {state.path: state for state in before if state.unsaved}
        on_disk = [state for state in after if state.path not in edited]
        changes = [(edited[state.path], state) for state in after if state.path in edited]
        for _, state in changes:
            file_commit.check(file_commit.real_target(state), state, bounds)
        await self._fetch(before)
        self._check_buffers(before)
        shown = self._shown([state.path for state in on_disk])
        commit = Commit([state for state in before if not state.unsaved], on_disk, bounds, self._journal)
        stop = threading.Event()
        work = asyncio.ensure_future(asyncio.to_thread(_put, commit, stop.is_set, finish=not changes))
        try:
            await asyncio.shield(work)
            if changes:
                await self._write_buffers(changes)
        except BaseException:
            # A stop that comes late still means nothing: half a patch, or one that the model is not told of, is worse.
            stop.set()
            if not await _uninterrupted(work):
                if lost := await _uninterrupted(asyncio.to_thread(commit.undo)):
                    _log.error("could not be put back: %s", ", ".join(lost))
                raise
        if changes:
            await _uninterrupted(asyncio.to_thread(commit.finish))
        self._overtaken |= shown
        for path in list(self._overtaken)[:-_MAX_OVERTAKEN]:
            del self._overtaken[path]

    def refusal(self, path: str, policy: SandboxPolicy) -> str | None:
        return refusal(path, self._roots(policy), self._own)

    def resolve(self, path: str) -> str:
        return os.path.realpath(path)

    def _read(self, path: str) -> FileState:
        self.recover()
        return read(path)

    async def _fetch(self, states: Sequence[FileState]) -> None:
        """The editor's texts of these files, as far as they are text at all."""
        if self.buffers is not None:
            paths = [state.path for state in states if state.data is not None and decoded(state.data) is not None]
            if paths:
                await self.buffers.fetch(paths)

    def _as_edited(self, state: FileState) -> FileState:
        if self.buffers is None or state.data is None:
            return state
        text = self.buffers.text(state.path)
        if text is None or _same(text, state.data) or self._is_overtaken(state.path, text):
            return state
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise OSError(errno.EILSEQ, "holds invalid Unicode in the editor", state.path) from error
        return FileState(state.path, data, state.mode, state.identity, unsaved=True)

    def _check_buffers(self, before: Sequence[FileState]) -> None:
        """Files that were saved when they were read and are being edited now."""
        if self.buffers is None:
            return
        for state in before:
            text = None if state.unsaved or state.data is None else self.buffers.text(state.path)
            if text is not None and not _same(text, state.data or b"") and not self._is_overtaken(state.path, text):
                raise FileExistsError(errno.EEXIST, "the user is editing the file since it was read; read it again", state.path)

    def _shown(self, paths: Sequence[str]) -> dict[str, tuple[int, str]]:
        """What an editor that follows its documents shows of files that are about to be written."""
        out: dict[str, tuple[int, str]] = {}
        for path in paths:
            version, text = (self.buffers.version(path), self.buffers.text(path)) if self.buffers else (None, None)
            if version is not None and text is not None:
                out[path] = version, _digest(text)
        return out

    def _is_overtaken(self, path: str, text: str) -> bool:
        """The editor still shows what the file held before we wrote it: it has to load it anew, and nothing is unsaved."""
        version = self.buffers.version(path) if self.buffers else None
        return version is not None and self._overtaken.get(path) == (version, _digest(text))

    async def _write_buffers(self, changes: Sequence[tuple[FileState, FileState]]) -> None:
        if self.buffers is None:
            raise OSError(errno.EBUSY, "the editor that has unsaved changes in it is gone; read it again", changes[0][0].path)
        for _, state in changes:
            if state.data is None:
                words = "has unsaved changes in the editor; ask the user to save or discard them first"
                raise OSError(errno.EBUSY, words, state.path)
        texts = [(old.path, (old.data or b"").decode(), (new.data or b"").decode()) for old, new in changes]
        await self.buffers.write(texts)

    def _roots(self, policy: SandboxPolicy) -> tuple[str, ...] | None:
        roots = writable_roots(policy, self._tmpdir)
        if roots is None:
            return None
        # Resolved once: a root that a command replaces by a symlink later does not take its permission along.
        return tuple(dict.fromkeys(self._real_roots.setdefault(root, os.path.realpath(root)) for root in roots))


def _put(commit: Commit, stopped: Callable[[], bool], *, finish: bool) -> bool:
    """Whether the commit is finished, too: then nothing undoes it any more."""
    commit.put(stopped)
    if not finish or stopped():
        return False
    with suppress(Exception):  # what stays then is cleared up at the next start
        commit.finish()
    return True


def _same(text: str, data: bytes) -> bool:
    """Whether an editor that shows `text` has nothing unsaved. It hides the byte order mark and evens out line ends."""
    found = decoded(data)
    return found is not None and _even(text) == _even(found.text)


def _even(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _digest(text: str) -> str:
    return hashlib.blake2b(_even(text).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


async def _uninterrupted(work: Awaitable[Any]) -> Any:
    """Wait for what takes a moment also while being cancelled. Its result; None when it failed."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    return None if task.cancelled() or task.exception() else task.result()
