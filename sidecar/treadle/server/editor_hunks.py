"""Code lenses of the documents of an editor: listed when it asks, asked for anew when hunks change, and what their commands do.

Every loaded thread may have hunks in a document. Lenses are of the text that the editor has: when that has moved on meanwhile,
there are none until the editor asks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, cast

from lsprotocol import types

from ..core.errors import TreadleError
from ..core.events import Event, HunksChanged, ThreadClosed
from ..core.hunk_ops import KeepHunks, ListHunks, UndoHunks
from ..core.items import JsonObject
from ..runtime.answers import HunkList
from . import lenses
from .abilities import Abilities
from .connection import Connection
from .documents import Document, lines
from .editor_client import ERROR, EditorClient

_log = logging.getLogger(__name__)
_PATIENCE = 10.0
"Seconds that an editor has to answer to a refresh before it is asked again."


class EditorHunks:
    def __init__(self, connection: Connection, of: Abilities, client: EditorClient) -> None:
        self._connection = connection
        self._refreshes = of.refreshes_lenses and of.lenses
        self._asks = of.asks
        self._client = client
        self._changed = False
        self._refreshing: asyncio.Task[None] | None = None

    async def shown(self, document: Document) -> list[types.CodeLens]:
        """Never raises: an editor asks by itself, so nobody waits for an error."""
        found: list[types.CodeLens] = []
        try:
            agent = await self._connection.agent()
            last = max(0, len(lines(document.text)) - 1)
            for thread_id in agent.loaded_ids():
                listed = cast(HunkList, await agent.submit(ListHunks(thread_id, document.path), self._client))
                for file in listed.files:
                    if file.path == document.path and file.version in (None, document.version):
                        found += lenses.lenses(thread_id, file, document.uri, last, ask=self._asks)
        except TreadleError as error:
            _log.info("no lenses: %s", error.sentence())
        except Exception:
            _log.exception("code lenses")
        return found

    async def settle(self, keep: bool, document: Document | None, argument: JsonObject) -> None:
        """Keep or undo what the argument of a lens names. Whatever is wrong is told in the editor."""
        thread_id, ids = argument.get("threadId"), _ids(argument.get("ids"))
        if document is None or not isinstance(thread_id, str):
            self._client.say(ERROR, "Treadle does not know which change is meant. Open the document and choose again.")
            return
        op = (KeepHunks if keep else UndoHunks)(thread_id, ids, document.path)
        try:
            agent = await self._connection.agent()
            await agent.submit(op, self._client)
        except TreadleError as error:
            self._client.say(ERROR, error.sentence())
        except Exception:
            _log.exception("keep or undo")
            self._client.say(ERROR, "Treadle failed inside; its log has the details.")

    def overhear(self, events: Sequence[Event]) -> None:
        """What is told of any thread."""
        if any(isinstance(event, HunksChanged | ThreadClosed) for event in events):
            self.refresh()

    def refresh(self) -> None:
        """The editor asks for lenses as soon as it can, often before the thread that has them is open."""
        if self._refreshes:
            self._changed = True
            if self._refreshing is None or self._refreshing.done():
                self._refreshing = asyncio.ensure_future(self._refresh())

    def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()

    async def _refresh(self) -> None:
        """One request at a time, and one more when something changed while it was under way."""
        while self._changed:
            self._changed = False
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._connection.request("workspace/codeLens/refresh", None)
            except TimeoutError:
                _log.info("the editor did not answer to a refresh of its lenses")


def _ids(given: Any) -> tuple[str, ...] | None:
    """None: all of the file. A list that is no list of ids names nothing."""
    if given is None:
        return None
    listed = cast("list[Any]", given) if isinstance(given, list) else []
    return tuple(id for id in listed if isinstance(id, str))
