"""The port Buffers over the editor's door: what is open there is read from our copy, and changed by asking the editor.

Edits carry the version of the document that they were made for, so that an editor whose user has typed on declines them; they are
small, so that cursor, folds and undo stay where they are. Nothing is saved and nothing is shown.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from ..core.items import JsonObject
from .documents import Documents, edits, lines

PATIENCE = 20.0
"Seconds an editor has to apply an edit."


class EditorBuffers:
    """Implements runtime.ports.Buffers. `request` sends a request to the editor and gives its result, None when it has none."""

    def __init__(self, documents: Documents, request: Callable[[str, JsonObject], Awaitable[Any]], *, applies: bool) -> None:
        self._documents = documents
        self._request = request
        self._applies = applies
        "Whether the editor says that it serves workspace/applyEdit."

    async def fetch(self, paths: Sequence[str]) -> None:
        """The editor tells of every change by itself."""

    def text(self, path: str) -> str | None:
        document = self._documents.find(path)
        return None if document is None else document.text

    def version(self, path: str) -> int | None:
        document = self._documents.find(path)
        return None if document is None else document.version

    def listen(self, told: Callable[[str, str, str], None]) -> None:
        self._documents.told.append(told)

    async def write(self, changes: Sequence[tuple[str, str, str]]) -> None:
        first = changes[0][0]
        if not self._applies:
            words = "has unsaved changes in an editor that takes no edits from us; ask the user to save or discard them first"
            raise OSError(errno.EBUSY, words, first)
        edit = {"documentChanges": [self._edit(*change) for change in changes]}
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._request("workspace/applyEdit", {"label": "Treadle", "edit": edit})
        except TimeoutError as late:
            raise OSError(
                errno.EBUSY, "the editor, which has unsaved changes in it, did not apply the edit in time", first
            ) from late
        given = cast("JsonObject", answer) if isinstance(answer, dict) else {}
        if given.get("applied") is not True:
            why = f" ({str(given['failureReason'])[:200]})" if given.get("failureReason") else ""
            words = f"the editor, which has unsaved changes in it, declined the edit{why}; read the file again and retry"
            raise OSError(errno.EBUSY, words, first)

    def _edit(self, path: str, old: str, new: str) -> JsonObject:
        document = self._documents.find(path)
        if document is None or document.text != old:
            raise FileExistsError(errno.EEXIST, "the user has edited the file since it was read; read it again", path)
        from ..core import diff  # noqa: PLC0415 - not needed before the first edit

        before, after = lines(old), lines(new)
        ranges = [(a, b, c, d) for tag, a, b, c, d in diff.opcodes_between(before, after) if tag != "equal"]
        identifier = {"uri": document.uri, "version": document.version}
        return {"textDocument": identifier, "edits": edits(old, new, ranges)}
