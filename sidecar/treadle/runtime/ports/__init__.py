"""The world as the runtime sees it. Small protocols; a port too big to fake in 30 lines is too big.

All paths are absolute strings. Everything here may be cancelled at any await, and must then leave nothing running.

A name is loaded with the file that it is in when somebody asks for it: who only starts a command does not wait for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .commands import CommandSpec, Process, Sandbox, SandboxStatus
    from .files import Buffers, Files, FileState, OutputPart, Outputs, Spill
    from .mcp import ForeignTool, ForeignTools, Inquire, McpServers
    from .store import Found, GrantStore, LedgerStore, QueueStore, Store, ThreadIndex, ThreadMeta
    from .tools import Call, Plan, Scope, Tool, ToolResult
    from .versions import FileVersion, HunkBase, Versions
    from .world import Client, Clock, Model, Models

__all__ = [
    "Buffers",
    "Call",
    "Client",
    "Clock",
    "CommandSpec",
    "FileState",
    "FileVersion",
    "Files",
    "ForeignTool",
    "ForeignTools",
    "Found",
    "GrantStore",
    "HunkBase",
    "Inquire",
    "LedgerStore",
    "McpServers",
    "Model",
    "Models",
    "OutputPart",
    "Outputs",
    "Plan",
    "Process",
    "QueueStore",
    "Sandbox",
    "SandboxStatus",
    "Scope",
    "Spill",
    "Store",
    "ThreadIndex",
    "ThreadMeta",
    "Tool",
    "ToolResult",
    "Versions",
]

_FILES = ("commands", "files", "mcp", "store", "tools", "versions", "world")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for file in _FILES:
            found = vars(import_module(f".{file}", __name__)).get(name)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
