"""The language side of the editor's door, by pygls: document sync now, code actions and lenses where they come.

Loaded late, because pygls takes longer to load than all the rest. The answer to initialize was given before (server/lsp.py), so
pygls's own is kept back; a test holds the two together.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from pygls.lsp.server import LanguageServer

from .. import __version__

_log = logging.getLogger(__name__)


class Editor:
    """Feeds messages to a pygls server and passes on what it says."""

    def __init__(self, put_text: Callable[[str], None]) -> None:
        logging.getLogger("pygls").setLevel(logging.WARNING)
        self.server = LanguageServer("treadle", __version__)
        self.server.protocol.set_writer(self, include_headers=False)
        self._put_text = put_text
        self._initializing = False
        self.own_answer: dict[str, Any] = {}
        "What pygls would have answered to initialize."

    def receive(self, message: dict[str, Any]) -> None:
        """One message of the editor. Never raises: a bad one is logged and passed over."""
        protocol = self.server.protocol
        self._initializing = message.get("method") == "initialize"
        try:
            given = _in_utf16(message) if self._initializing else message
            structured: Any = protocol.structure_message({"params": None, **given, "jsonrpc": "2.0"})
            protocol.handle_message(structured)
        except Exception:
            _log.exception("message of the editor: %s", message.get("method"))

    def write(self, data: bytes) -> None:
        """What pygls says; it is called with ASCII JSON."""
        if self._initializing:
            self._initializing = False
            self.own_answer = json.loads(data)
        else:
            self._put_text(data.decode())

    def close(self) -> None:
        """The stream is the door's to close."""


def _in_utf16(message: dict[str, Any]) -> dict[str, Any]:
    """The editor was told that positions count in UTF-16 units: pygls must not choose anything else."""
    params = dict(message.get("params") or {})
    capabilities = dict(params.get("capabilities") or {})
    capabilities["general"] = {**(capabilities.get("general") or {}), "positionEncodings": ["utf-16"]}
    return {**message, "params": {"processId": None, "rootUri": None, **params, "capabilities": capabilities}}
