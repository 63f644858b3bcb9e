"""The Agent Client Protocol's initialize, answered with nothing loaded but json: an editor waits for it before it shows anything.

Says of us only what is there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import __version__
from .early import Early, answer_by
from .handshake import BadParams

VERSION = 1
"Of the protocol: the only one that we speak."
API_KEY = "api-key"


class Editor(NamedTuple):
    """What the client said of itself."""

    name: str = "unknown"
    reads: bool = False
    "It serves fs/read_text_file."
    writes: bool = False
    terminals: bool = False
    "It draws the output of our own commands as a terminal, by the `_meta` that Zed has for it."
    forms: bool = False
    "It puts forms before the user (elicitation/create)."
    urls: bool = False


def hello(params: Any) -> tuple[Editor, dict[str, Any]]:
    """Who the client is, and the answer. Raises BadParams."""
    given = _map(params)
    version = given.get("protocolVersion")
    if not isinstance(version, int) or isinstance(version, bool):
        raise BadParams("protocolVersion", "expected a number")
    capabilities = _map(given.get("clientCapabilities"))
    files, forms = _map(capabilities.get("fs")), _map(capabilities.get("elicitation"))
    editor = Editor(
        name=str(_map(given.get("clientInfo")).get("name") or "unknown")[:100],
        reads=files.get("readTextFile") is True,
        writes=files.get("writeTextFile") is True,
        terminals=_map(capabilities.get("_meta")).get("terminal_output") is True,
        forms=isinstance(forms.get("form"), dict),
        urls=isinstance(forms.get("url"), dict),
    )
    return editor, {
        # whoever speaks another version reads ours here, and goes
        "protocolVersion": VERSION,
        "agentInfo": {"name": "treadle", "title": "Treadle", "version": __version__},
        "agentCapabilities": {
            "loadSession": True,
            "promptCapabilities": {"image": True, "audio": False, "embeddedContext": True},
            "mcpCapabilities": {"http": True, "sse": False},
            "sessionCapabilities": {
                **{"list": {}, "resume": {}, "close": {}, "delete": {}, "additionalDirectories": {}},
                # not yet in the stable protocol
                "fork": {},
            },
        },
        "authMethods": [
            {
                "id": API_KEY,
                "name": "API key",
                "description": "Treadle takes the key of the model's provider from the environment of the editor "
                "(OPENAI_API_KEY, or what env_key in config.toml names) or from the login in auth.json. "
                "The embedded model needs none.",
            }
        ],
    }


def answer(stdin_fd: int, stdout_fd: int) -> Early[Editor]:
    """Wait for the first line and answer it if it is a good initialize."""
    return answer_by(hello, stdin_fd, stdout_fd, {"jsonrpc": "2.0"})


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}  # type: ignore[return-value]
