"""What MCP servers offer, on disk, so that a prompt has them before a slow server is connected.

One small file a server, named by a hash of what decides about its tools: how it is started or reached, and our version. Holds no
secret: values of variables and headers go into the hash only. A file that cannot be read or written is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, cast

from ... import __version__
from ...core.items import dumps
from ...core.mcp import McpTool
from ...core.record import frozen
from ...core.settings import McpServer

MAX_BYTES = 4 * 1024 * 1024
MAX_FILES = 200


@frozen
class Offer:
    """What a server offers."""

    tools: tuple[McpTool, ...]
    resources: bool = False


class ToolCache:
    """`folder` is made when something is first kept."""

    def __init__(self, folder: Path, version: str = __version__) -> None:
        self._folder = folder
        self._version = version

    def read(self, server: McpServer) -> Offer | None:
        """None when this server, configured like this, was never seen by this version."""
        try:
            with self._path(server).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            found: Any = json.loads(data) if len(data) <= MAX_BYTES else {}
            tools = tuple(McpTool(**entry) for entry in cast("list[dict[str, Any]]", found["tools"]))
            return Offer(tools, found.get("resources") is True)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def write(self, server: McpServer, offer: Offer) -> None:
        """Replaces what was kept, at once or not at all."""
        entries = [{name: getattr(tool, name) for name in McpTool.__match_args__} for tool in offer.tools]
        data = dumps({"server": server.name, "resources": offer.resources, "tools": entries}).encode()
        if len(data) > MAX_BYTES:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(name, self._path(server))
            self._prune()
        except OSError:
            return

    def _path(self, server: McpServer) -> Path:
        known = (
            *(self._version, server.name, server.command, server.args, server.env, server.env_vars, server.cwd, server.url),
            *(server.bearer_token_env_var, server.http_headers, server.env_http_headers, server.schema_max_bytes),
        )
        return self._folder / f"{hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]}.json"

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in files[: max(len(files) - MAX_FILES, 0)]:
            old.unlink(missing_ok=True)
