"""MCP servers: programs that offer tools. Nothing of the `mcp` package is imported before the first server is connected."""

from __future__ import annotations

from .cache import ToolCache
from .servers import ServerPool
from .tokens import TokenFile

__all__ = ["ServerPool", "TokenFile", "ToolCache"]
