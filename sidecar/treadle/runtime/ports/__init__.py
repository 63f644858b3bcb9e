"""The world as the runtime sees it. Small protocols; a port too big to fake in 30 lines is too big.

All paths are absolute strings. Everything here may be cancelled at any await, and must then leave nothing running.
"""

from .commands import CommandSpec, Process, Sandbox, SandboxStatus
from .files import Buffers, Files, FileState, OutputPart, Outputs, Spill
from .mcp import ForeignTool, ForeignTools, Inquire, McpServers
from .store import GrantStore, LedgerStore, Store, ThreadMeta
from .tools import Call, Plan, Scope, Tool, ToolResult
from .world import Client, Clock, Model, Models

__all__ = [
    "Buffers",
    "Call",
    "Client",
    "Clock",
    "CommandSpec",
    "FileState",
    "Files",
    "ForeignTool",
    "ForeignTools",
    "GrantStore",
    "Inquire",
    "LedgerStore",
    "McpServers",
    "Model",
    "Models",
    "OutputPart",
    "Outputs",
    "Plan",
    "Process",
    "Sandbox",
    "SandboxStatus",
    "Scope",
    "Spill",
    "Store",
    "ThreadMeta",
    "Tool",
    "ToolResult",
]
