"""The editor's door: Content-Length framing, the Language Server Protocol and our protocol on one stream.

The editor's initialize is answered at once from a table (lsp_hello.py), and pygls, which is slow to load, takes over the language
side when the agent is up: what the editor said until then is replayed to it in order. Methods of our protocol never pass through
pygls. Over this door the editor's initialize is the only handshake; `initializationOptions` may carry our
`optOutNotificationMethods`, and what abilities.py reads of them.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from . import early, lsp_hello, unusable
from .abilities import Abilities, abilities, plain
from .connection import LONGEST_ID, MAX_IN_FLIGHT, OVERLOADED, Connection
from .framing import Headers
from .handshake import Handshake
from .stream import serve_stream

if TYPE_CHECKING:
    from ..runtime.agent import Agent
    from .documents import Documents
    from .editor import Editor

_log = logging.getLogger(__name__)
MAX_BACKLOG = 10_000
NOT_INITIALIZED = -32002
"Of the Language Server Protocol."
OURS = (
    *(
        "thread/",
        "turn/",
        "model/",
        "modelProvider/",
        "config/",
        "configRequirements/",
        "account/",
        "command/",
        "skills/",
        "review/",
    ),
    *("hooks/", "mcpServer/", "mcpServerStatus/", "permissionProfile/", "experimentalFeature/", "collaborationMode/", "treadle/"),
)
"How the names of our methods begin; those of the Language Server Protocol begin otherwise."


async def run(
    open_agent: Callable[[], Awaitable[Agent]], *, stdin_fd: int, stdout_fd: int, first: lsp_hello.Early | None = None
) -> int:
    """Serve over these descriptors. The exit status: 1 when the editor left without shutdown, as the protocol asks."""
    side = EditorSide(answered=first is not None and first.answered)
    unread: early.Early[Handshake] | None = early.Early(None, first.unread) if first is not None else None
    try:
        await serve_stream(Headers(), open_agent, stdin_fd=stdin_fd, stdout_fd=stdout_fd, first=unread, receive=side.receive)
    finally:
        side.close()
    return side.exit_status


class EditorSide:
    """What is the editor's, and not our protocol's, in one conversation. `answered`: its initialize was, before it came here."""

    def __init__(self, *, answered: bool = False) -> None:
        self._answered = answered
        self._connection: Connection | None = None
        self._documents: Documents | None = None
        self._abilities = Abilities()
        self._backlog: list[dict[str, Any]] = []
        self._waiting = 0
        "Requests in the backlog."
        self._editor: Editor | None = None
        self._loading: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[Any] | None = None
        self._shut_down = False
        self.exit_status = 0

    def receive(self, connection: Connection, message: Any) -> bool:
        """Take the message if it is the editor's."""
        if unusable.message(message) is not None:
            return False
        given: dict[str, Any] = message
        if given.get("id") is None:
            # no id is no request, however it is said
            given = {key: value for key, value in given.items() if key != "id"}
        method = given.get("method")
        if method == "exit":
            self._exit()
        elif method == "initialize":
            self._initialize(connection, given)
        elif self._connection is None:
            # notifications are dropped
            if method is not None and "id" in given:
                connection.refuse(given["id"], "Not initialized", NOT_INITIALIZED)
        elif method == "shutdown":
            self._shut_down = True
            connection.answer(given.get("id"), None)
        elif self._shut_down and method is not None and "id" in given:
            connection.refuse(given["id"], "the server was shut down")
        elif self._is_ours(connection, method, given):
            return False
        else:
            if self._documents is not None:
                self._documents.take(method, given.get("params"))
            self._to_editor(given)
        return True

    def close(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
        if self._editor is not None:
            self._editor.end()

    def _is_ours(self, connection: Connection, method: Any, message: dict[str, Any]) -> bool:
        if method is None:
            return connection.has_asked(message.get("id"))
        if method == "$/cancelRequest":
            params = message.get("params")
            return isinstance(params, dict) and connection.serves(params.get("id"))  # type: ignore[union-attr]
        return method.startswith(OURS) or len(method) > LONGEST_ID

    def _initialize(self, connection: Connection, message: dict[str, Any]) -> None:
        if self._connection is not None:
            connection.refuse(message.get("id"), "Already initialized")
            return
        self._connection = connection
        self._reading = asyncio.current_task()
        self._abilities = abilities(message.get("params"))
        if not self._answered:
            connection.answer(message.get("id"), lsp_hello.hello(message.get("params")))
        self._lend_documents(connection)
        connection.greet(_handshake(message.get("params")))
        self._to_editor(message)
        self._loading = asyncio.ensure_future(self._load(connection))

    def _lend_documents(self, connection: Connection) -> None:
        from .buffers import EditorBuffers  # noqa: PLC0415 - not before initialize is answered
        from .documents import Documents  # noqa: PLC0415

        self._documents = Documents()
        connection.buffers = EditorBuffers(self._documents, connection.request, applies=self._abilities.applies_edits)

    def _to_editor(self, message: dict[str, Any]) -> None:
        if self._editor is not None:
            self._editor.receive(message)
            return
        asks = "id" in message and "method" in message
        if len(self._backlog) < MAX_BACKLOG and (not asks or self._waiting < MAX_IN_FLIGHT):
            self._backlog.append(message)
            self._waiting += asks
        elif asks and self._connection is not None:
            self._connection.refuse(message["id"], "Server overloaded; retry later.", OVERLOADED)

    async def _load(self, connection: Connection) -> None:
        """After the agent, which a user waits for, comes what serves the editor's documents."""
        await connection.settled()
        try:
            module = await asyncio.to_thread(importlib.import_module, f"{__package__}.editor")
            editor: Editor = module.Editor(connection, self._documents, self._abilities)
            backlog, self._backlog = self._backlog, []
            for message in backlog:
                editor.receive(message)
            self._editor = editor
        except Exception:
            _log.exception("the language side could not be loaded")

    def _exit(self) -> None:
        self.exit_status = 0 if self._shut_down else 1
        if self._reading is not None:
            self._reading.cancel()


def _handshake(params: Any) -> Handshake:
    """Who the editor is. Nothing that an editor says of itself may make us refuse it."""
    given = plain(params)
    options = plain(given.get("initializationOptions"))
    silenced: Any = options.get("optOutNotificationMethods")
    methods: list[Any] = silenced if isinstance(silenced, list) else []  # type: ignore[assignment]
    name = options.get("clientName") or plain(given.get("clientInfo")).get("name") or "editor"
    return Handshake(str(name), tuple(method for method in methods if isinstance(method, str)))
