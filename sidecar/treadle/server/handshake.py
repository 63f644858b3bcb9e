"""The protocol's initialize, answered with nothing loaded but json: a client waits for it before it shows anything.

Must stay free of other imports of ours; whatever it pulls in delays every start.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

from .. import __version__


class Handshake(NamedTuple):
    """What a client said of itself."""

    client: str
    silenced: tuple[str, ...] = ()
    experimental: bool = False


class BadParams(Exception):
    """Parameters that are not as the contract says; `path` names the field."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def shake(params: Any) -> tuple[Handshake, dict[str, Any]]:
    """Who the client is, and the answer. Raises BadParams."""
    given = _map(params, "params")
    info = _map(given.get("clientInfo"), "clientInfo")
    name = _text(info.get("name"), "clientInfo.name")
    version = _text(info.get("version"), "clientInfo.version")
    capabilities = _map(given.get("capabilities") or {}, "capabilities")
    silenced: Any = capabilities.get("optOutNotificationMethods") or []
    if not isinstance(silenced, list) or not all(isinstance(method, str) for method in silenced):  # type: ignore[misc]
        raise BadParams("capabilities.optOutNotificationMethods", "expected a list of strings")
    handshake = Handshake(name, tuple(silenced), bool(capabilities.get("experimentalApi")))  # type: ignore[arg-type]
    return handshake, {
        "userAgent": f"{name}/{__version__} ({_system()}) treadle ({name}; {version})",
        "codexHome": home(),
        "platformFamily": "windows" if os.name == "nt" else "unix",
        "platformOs": {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform),
    }


def home() -> str:
    """The folder with the configuration, which Treadle shares with Codex."""
    return os.path.abspath(os.environ.get("CODEX_HOME") or os.path.expanduser("~/.codex"))


def _system() -> str:
    if os.name != "posix":
        return sys.platform
    name = os.uname()
    return f"{name.sysname} {name.release}; {name.machine}"


def _map(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadParams(path, "expected an object")
    return value  # type: ignore[return-value]


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise BadParams(path, "expected a string")
    return value
