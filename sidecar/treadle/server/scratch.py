"""Documents that we write to be read in the editor: in a private temporary folder, gone with the connection.

The folder is held open and files are made new in it, following no link: what commands of the agent may do there, where they may
write to temporary folders, cannot lead our writing elsewhere. At most MAX_FILES are kept.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile

MAX_FILES = 50
MAX_CHARS = 1_000_000


class Scratch:
    def __init__(self) -> None:
        self._folder: str | None = None
        self._descriptor: int | None = None
        self._names: list[str] = []
        self._count = 0

    def write(self, stem: str, text: str) -> str:
        """The path of a new Markdown file with this text. Raises OSError."""
        folder = self._open()
        self._count += 1
        name = f"{stem}-{self._count}.md"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        where = name if self._descriptor is not None else os.path.join(folder, name)
        with os.fdopen(os.open(where, flags, 0o600, dir_fd=self._descriptor), "w", encoding="utf-8", errors="replace") as file:
            file.write(text[:MAX_CHARS])
        self._names.append(name)
        if len(self._names) > MAX_FILES:
            old = self._names.pop(0)
            with contextlib.suppress(OSError):
                os.unlink(old if self._descriptor is not None else os.path.join(folder, old), dir_fd=self._descriptor)
        return os.path.join(folder, name)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = self._descriptor = None

    def _open(self) -> str:
        if self._folder is None:
            self._folder = os.path.realpath(tempfile.mkdtemp(prefix="treadle-"))
            if os.open in os.supports_dir_fd:
                self._descriptor = os.open(self._folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        return self._folder
