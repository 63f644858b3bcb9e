"""Whole outputs of calls on disk: TREADLE_HOME/outputs/THREAD/NAME.txt, for outputs that the model was shown in part.

Promises: only the user can read them; at most so much per call and per thread, the oldest of a thread make room for the newest;
threads that have not written for a month lose theirs. Never raises while a command runs: what cannot be written is left out, and
then nothing points to it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import BinaryIO

from ..core.ages import witnessed
from ..core.pattern import late
from ..core.record import mutable
from ..runtime.ports import OutputPart

CALL_BYTES = 64 * 1024 * 1024
THREAD_BYTES = 512 * 1024 * 1024
KEPT_SECONDS = 30 * 24 * 3600.0
PART_BYTES = 1024 * 1024
"The most that is read at once."
_NAME = late(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"Of threads and files: ours, but a client may ask for any."


@mutable
class DiskSpill:
    """See runtime.ports.Spill."""

    target: Path
    limit: int
    file: BinaryIO | None
    written: int = 0
    "Bytes; what came after `limit` is not among them."
    whole: bool = True

    @property
    def path(self) -> str | None:
        return None if self.file is None else str(self.target)

    @property
    def name(self) -> str:
        return self.target.name

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        room = self.limit - self.written
        if len(data) > room:
            self.whole = False
            data = data[:room]
        if self.file is None or not data:
            return
        try:
            self.file.write(data)
            self.written += len(data)
        except OSError:
            self._give_up()

    def close(self) -> None:
        if self.file is None:
            return
        try:
            self.file.close()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """Half a file without a word about it would be taken for the whole."""
        file, self.file = self.file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
        with contextlib.suppress(OSError):
            self.target.unlink()


@mutable
class DiskOutputs:
    """See runtime.ports.Outputs."""

    folder: Path
    call_bytes: int = CALL_BYTES
    thread_bytes: int = THREAD_BYTES
    kept_seconds: float = KEPT_SECONDS
    _swept: bool = field(default=False)

    def open(self, thread_id: str, name: str) -> DiskSpill:
        if not self._swept:
            self._swept = True
            self._sweep()
        target = self._path(thread_id, f"{name}.txt")
        if target is None:
            return DiskSpill(self.folder, 0, None)
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_room(target.parent)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            return DiskSpill(target, 0, None)
        return DiskSpill(target, self.call_bytes, os.fdopen(descriptor, "wb", buffering=0))

    def kept(self, thread_id: str, name: str) -> str | None:
        path = self._path(thread_id, f"{name}.txt")
        return str(path) if path is not None and path.is_file() else None

    def read(self, thread_id: str, name: str, offset: int, limit: int) -> OutputPart | None:
        path = self._path(thread_id, name)
        if path is None:
            return None
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(min(max(offset, 0), size))
                start = file.tell()
                data = file.read(max(1, min(limit, PART_BYTES)))
        except OSError:
            return None
        return part(data, start, size)

    def share(self, thread_id: str, other: str, names: Sequence[str]) -> None:
        for name in names:
            source, target = self._path(thread_id, name), self._path(other, name)
            if source is None or target is None:
                continue
            with contextlib.suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.link(source, target, follow_symlinks=False)

    def forget(self, thread_id: str) -> None:
        """Remove all outputs of a thread."""
        path = self._path(thread_id, "x")
        if path is not None:
            shutil.rmtree(path.parent, ignore_errors=True)

    def _path(self, thread_id: str, name: str) -> Path | None:
        if _NAME.fullmatch(thread_id) is None or _NAME.fullmatch(name) is None:
            return None
        return self.folder / thread_id / name

    def _make_room(self, folder: Path) -> None:
        files = sorted(
            (
                (entry.stat(follow_symlinks=False).st_mtime, entry.stat(follow_symlinks=False).st_size, entry.path)
                for entry in os.scandir(folder)
            ),
        )
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total + self.call_bytes <= self.thread_bytes:
                break
            os.unlink(path)
            total -= size

    def _sweep(self) -> None:
        """Once a process, before the first output: by folder, so that it costs little."""
        with contextlib.suppress(OSError):
            folders = [entry for entry in os.scandir(self.folder) if entry.is_dir(follow_symlinks=False)]
            used = {entry.path: entry.stat(follow_symlinks=False).st_mtime for entry in folders}
            oldest = witnessed(time.time(), used.values()) - self.kept_seconds
            for path, at in used.items():
                if at < oldest:
                    shutil.rmtree(path, ignore_errors=True)


def part(data: bytes, start: int, size: int) -> OutputPart:
    """A piece of an output that begins at byte `start` of `size`, cut between characters."""
    end = start + len(data)
    if end < size:
        cut = len(data)
        while cut > 0 and len(data) - cut < 4 and data[cut - 1] & 0xC0 == 0x80:
            cut -= 1
        if cut > 1 and data[cut - 1] >= 0xC0 and len(data) - cut + 1 < _length(data[cut - 1]):
            end -= len(data) - cut + 1
            data = data[: cut - 1]
    return OutputPart(data.decode("utf-8", "replace"), start, end, size)


def _length(first: int) -> int:
    return 2 if first < 0xE0 else 3 if first < 0xF0 else 4
