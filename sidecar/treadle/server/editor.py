"""The language side of the editor's door, by pygls: code actions and code lenses, and the commands that they stand for.

Loaded late, because pygls takes longer to load than all the rest. The answer to initialize was given before (abilities.py), so
pygls's own is kept back; a test holds the two together. Documents are our own copy (documents.py), never pygls's.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInternalError
from pygls.lsp.server import LanguageServer

from .. import __version__
from . import actions
from .abilities import ACTION_COMMANDS, ACTION_KINDS, LENS_COMMANDS, Abilities, plain
from .action_turns import ActionTurns, wish
from .connection import MAX_IN_FLIGHT, OVERLOADED, Connection
from .documents import Documents, file_path
from .editor_client import ERROR
from .editor_hunks import EditorHunks
from .unusable import short

_log = logging.getLogger(__name__)
INVALID_PARAMS = -32602
FORGOTTEN = 600.0
"Seconds after which a request that was not answered is no more thought to be served."
JSON_RPC = "pygls.protocol.json_rpc"
_BAD_MESSAGE = ("Unable to deserialize message", "Failed to handle")
"How pygls begins to say that a message is not as its protocol wants it."


class _Server(LanguageServer):
    def report_server_error(self, error: Exception, source: Any) -> None:
        """pygls would show it to the user, in words that help nobody."""
        theirs = isinstance(error, JsonRpcException) and not isinstance(error, JsonRpcInternalError)
        _log.log(logging.DEBUG if theirs else logging.ERROR, "language side: %s", error)


def _is_ours(record: logging.LogRecord) -> bool:
    """What pygls says at length of a bad message is the editor's error and no fault of ours."""
    error = record.exc_info[1] if record.exc_info else None
    theirs = isinstance(error, JsonRpcException) and not isinstance(error, JsonRpcInternalError)
    return not theirs and not record.getMessage().startswith(_BAD_MESSAGE)


class Editor:
    """Feeds messages to a pygls server and passes on what it says."""

    def __init__(self, connection: Connection, documents: Documents, of: Abilities) -> None:
        logging.getLogger("pygls").setLevel(logging.WARNING)
        logging.getLogger(JSON_RPC).addFilter(_is_ours)
        self.server: LanguageServer = _Server("treadle", __version__)
        self.server.protocol.set_writer(self, include_headers=False)
        self._connection = connection
        self._documents = documents
        self._abilities = of
        self._turns = ActionTurns(connection, of, self._folders)
        self._hunks = EditorHunks(connection, of, self._turns.client)
        connection.overhear = self._turns.client.overhear = self._hunks.overhear
        connection.resumed = self._hunks.refresh
        if connection.unheard:  # while this was loaded
            self._hunks.refresh()
        self._initializing = False
        self._open: dict[str | int, float] = {}
        "Requests that pygls has not answered, and when they came."
        self.own_answer: dict[str, Any] = {}
        "What pygls would have answered to initialize."
        if of.actions:
            self._offer_actions()
        if of.lenses:
            self._offer_lenses()

    def receive(self, message: dict[str, Any]) -> None:
        """One message of the editor. Never raises: a bad one is logged and, where an answer is awaited, refused."""
        if message.get("method") == "window/workDoneProgress/cancel":
            self._turns.cancel(plain(message.get("params")).get("token"))
            return
        if "method" in message and isinstance(id := message.get("id"), (str, int)) and not self._admit(id):
            return
        protocol = self.server.protocol
        self._initializing = message.get("method") == "initialize"
        try:
            given = _in_utf16(message) if self._initializing else message
            structured: Any = protocol.structure_message({"params": None, **given, "jsonrpc": "2.0"})
        except Exception:
            _log.warning("the editor sent a bad message: %s", short(str(message.get("method"))))
            if "id" in message and "method" in message:
                self._open.pop(message["id"], None)
                self._connection.refuse(message["id"], f"Invalid params of {message['method']}", INVALID_PARAMS)
            return
        try:
            protocol.handle_message(structured)
        except Exception:
            _log.exception("message of the editor: %s", message.get("method"))

    def _admit(self, id: str | int) -> bool:
        """Whether there is room for one more request; else it is refused."""
        now = time.monotonic()
        if len(self._open) >= MAX_IN_FLIGHT:  # one that it forgets must not count for ever
            self._open = {id: came for id, came in self._open.items() if now - came < FORGOTTEN}
        if id in self._open:
            self._connection.refuse(id, f"Invalid request: the id {short(id)} is in use")
            return False
        if len(self._open) >= MAX_IN_FLIGHT:
            self._connection.refuse(id, "Server overloaded; retry later.", OVERLOADED)
            return False
        self._open[id] = now
        return True

    def write(self, data: bytes) -> None:
        """What pygls says; it is called with ASCII JSON."""
        if self._open and "method" not in (said := json.loads(data)):
            self._open.pop(said.get("id"), None)
        if self._initializing:
            self._initializing = False
            self.own_answer = json.loads(data)
        else:
            self._connection.put_text(_without_traceback(data).decode())

    def close(self) -> None:
        """The stream is the door's to close."""

    def end(self) -> None:
        """The editor is gone."""
        self._connection.overhear = self._connection.resumed = None
        self._hunks.close()
        self._turns.close()

    def _offer_actions(self) -> None:
        options = types.CodeActionOptions(code_action_kinds=list(ACTION_KINDS), resolve_provider=False)

        @self.server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
        def offered(params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
            document = self._documents.get(params.text_document.uri)
            return [] if document is None else actions.offered(document, params, self._abilities)

        for name in ACTION_COMMANDS:
            self._enter(name)

    def _offer_lenses(self) -> None:
        @self.server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=False))
        async def shown(params: types.CodeLensParams) -> list[types.CodeLens]:
            document = self._documents.get(params.text_document.uri)
            return [] if document is None else await self._hunks.shown(document)

        keep, undo = LENS_COMMANDS

        @self.server.command(keep)
        async def kept(*arguments: Any) -> None:
            await self._settle(True, plain(arguments[0] if arguments else None))

        @self.server.command(undo)
        async def undone(*arguments: Any) -> None:
            await self._settle(False, plain(arguments[0] if arguments else None))

    async def _settle(self, keep: bool, argument: dict[str, Any]) -> None:
        await self._hunks.settle(keep, self._documents.get(str(argument.get("uri"))), argument)

    def _enter(self, name: str) -> None:
        @self.server.command(name)
        def run(*arguments: Any) -> None:
            self._act(name, plain(arguments[0] if arguments else None))

    def _act(self, name: str, argument: dict[str, Any]) -> None:
        """The command of a code action. Whatever is wrong with it is told in the editor."""
        document = self._documents.get(str(argument.get("uri")))
        if document is None:
            self._turns.client.say(ERROR, "Treadle does not have this document open any more. Open it and choose again.")
            return
        try:
            where = plain(argument["range"])
            given = types.Range(types.Position(**where["start"]), types.Position(**where["end"]))
            chosen = wish(name, document, argument, actions.symbol(document.text, given) if given.start == given.end else "")
        except (LookupError, TypeError, ValueError):
            self._turns.client.say(ERROR, f"{name} was called with a range that makes no sense.")
            return
        self._turns.start(chosen)

    def _folders(self) -> list[str]:
        workspace = self.server.workspace
        uris = [*workspace.folders] or [workspace.root_uri]
        return [path for path in (file_path(uri) for uri in uris if uri) if path]


def _without_traceback(data: bytes) -> bytes:
    """An error that pygls answers with names our code line by line, which is for the log and not for an editor."""
    if b'"traceback"' not in data:
        return data
    message: dict[str, Any] = json.loads(data)
    plain(message.get("error")).pop("data", None)
    return json.dumps(message).encode()


def _in_utf16(message: dict[str, Any]) -> dict[str, Any]:
    """The editor was told that positions count in UTF-16 units: pygls must not choose anything else."""
    params = dict(message.get("params") or {})
    capabilities = dict(params.get("capabilities") or {})
    capabilities["general"] = {**(capabilities.get("general") or {}), "positionEncodings": ["utf-16"]}
    return {**message, "params": {"processId": None, "rootUri": None, **params, "capabilities": capabilities}}
