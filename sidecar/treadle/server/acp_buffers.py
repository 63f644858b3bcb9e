"""The port Buffers over an editor's own files (fs/read_text_file, fs/write_text_file): what the user has not saved counts.

The protocol does not tell which documents are open, so the editor is asked for a text when a file is read. An editor that cannot
read is not asked; one that fails, or takes longer than PATIENCE, leaves the file on disk in force. Writes follow a last look at
the text, and are put back when one of several fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from ..core.items import JsonObject
from .acp_hello import Editor

PATIENCE = 5.0
"Seconds that an editor has for one text."
MOST = 64
"Texts that are remembered."


class AcpBuffers:
    """Implements runtime.ports.Buffers. `session_of` names the session that a path belongs to; None: no session does."""

    def __init__(
        self,
        editor: Editor,
        request: Callable[[str, JsonObject], Awaitable[Any]],
        session_of: Callable[[str], str | None],
    ) -> None:
        self._editor = editor
        self._request = request
        self._session_of = session_of
        self._texts: dict[str, str] = {}

    def text(self, path: str) -> str | None:
        return self._texts.get(path)

    def version(self, path: str) -> int | None:
        """The protocol has none."""
        return None

    def listen(self, told: Callable[[str, str, str], None]) -> None:
        """The protocol tells nothing of what is typed."""

    async def fetch(self, paths: Sequence[str]) -> None:
        found = await asyncio.gather(*(self._read(path) for path in paths))
        for path, text in zip(paths, found, strict=True):
            self._texts.pop(path, None)
            if text is not None:
                self._texts[path] = text
        while len(self._texts) > MOST:
            del self._texts[next(iter(self._texts))]

    async def write(self, changes: Sequence[tuple[str, str, str]]) -> None:
        first = changes[0][0]
        if not self._editor.writes:
            words = "has unsaved changes in an editor that takes no edits from us; ask the user to save or discard them first"
            raise OSError(errno.EBUSY, words, first)
        await self.fetch([path for path, _, _ in changes])
        for path, old, _ in changes:
            if self.text(path) != old:
                raise FileExistsError(errno.EEXIST, "the user has edited the file since it was read; read it again", path)
        written: list[tuple[str, str]] = []
        try:
            for path, old, new in changes:
                written.append((path, old))
                await self._write(path, new)
                self._texts[path] = new
        except BaseException:
            for path, old in written:
                with contextlib.suppress(OSError):
                    await self._write(path, old)
                    self._texts[path] = old
            raise

    async def _read(self, path: str) -> str | None:
        session = self._session_of(path)
        if session is None or not self._editor.reads:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._request("fs/read_text_file", {"sessionId": session, "path": path})
        except Exception:  # whatever the editor answers, or that it is gone
            return None
        text = cast("JsonObject", answer).get("content") if isinstance(answer, dict) else None
        return text if isinstance(text, str) else None

    async def _write(self, path: str, text: str) -> None:
        params = {"sessionId": self._session_of(path) or "", "path": path, "content": text}
        try:
            async with asyncio.timeout(PATIENCE):
                await self._request("fs/write_text_file", params)
        except TimeoutError as late:
            words = "the editor, which has unsaved changes in it, did not write it in time"
            raise OSError(errno.EBUSY, words, path) from late
        except Exception as error:
            words = f"the editor, which has unsaved changes in it, did not write it ({str(error)[:200]})"
            raise OSError(errno.EBUSY, words, path) from error
