"""What a client may ask to see of a thread's surroundings: what is in its context, how its MCP servers stand and what they said;
and to begin anew with one of those. Part of core/ops.py.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, TypeAlias

from .record import frozen


@frozen
class LookAtContext:
    """What the next request would hold. Without a thread: that of one that is started in `cwd` with these keys. Answered with a
    ContextState."""

    thread_id: str | None = None
    cwd: str | None = None
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    "Dotted keys over config.toml."


@frozen
class LookAtMcpServers:
    """All that are configured, those that are turned off as well. Without a thread: those of the process's own folder. Answered
    with a list of McpServerState."""

    thread_id: str | None = None


@frozen
class RestartMcpServer:
    """Read the configuration again, let go of the server whatever it is doing, and connect again. Answered when that has ended
    one way or the other, or a little later."""

    name: str
    thread_id: str | None = None


@frozen
class ReadMcpJournal:
    """What happened to it and what it said on standard error, lately. Answered with text."""

    name: str
    thread_id: str | None = None


McpKeepingOp: TypeAlias = LookAtMcpServers | RestartMcpServer | ReadMcpJournal
LookingOp: TypeAlias = LookAtContext | McpKeepingOp
