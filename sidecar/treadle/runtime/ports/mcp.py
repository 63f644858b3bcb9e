"""MCP servers, and their tools as tools of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from ...core.asking import Decision
from ...core.elicitation import McpQuestion
from ...core.items import JsonObject
from ...core.mcp import LoginWish, Look, McpStatus, McpTool
from ...core.settings import McpServer, Settings
from .tools import Tool

Inquire: TypeAlias = Callable[[McpQuestion], Awaitable[Decision]]
"""Puts a question of a server to the user. Cancelled when the server no longer waits for the answer."""


class ForeignTools(Protocol):
    """Tools of MCP servers, as tools of ours."""

    async def settle(self, settings: Settings) -> None:
        """See McpServers.settle."""
        ...

    def listed(self, settings: Settings) -> Sequence[ForeignTool]:
        """In the order of the prompt; the same whichever server answered first."""
        ...

    def unseen(self, settings: Settings) -> frozenset[str]:
        """Servers that are wanted and of which nothing is known yet."""
        ...

    def recalled(self, name: str, identity: tuple[str, str], settings: Settings) -> Tool:
        """A tool that a model was told of under `name`; it may be gone by now, which its calls then say."""
        ...


class ForeignTool(Tool, Protocol):
    @property
    def identity(self) -> tuple[str, str]:
        """Server and tool, by their raw names."""
        ...


class McpServers(Protocol):
    """Programs outside that offer tools. Connected in the background; a tool list that was seen once is known before that."""

    def start(self, settings: Settings) -> None:
        """Begin to connect to the servers of these settings. Costs nothing when there are none."""
        ...

    async def settle(self, settings: Settings) -> None:
        """Wait as long as a prompt should wait for its tool list. Raises TreadleError when a required server cannot be had."""
        ...

    def tools(self, settings: Settings) -> tuple[McpTool, ...]:
        """What the servers offer as far as it is known now and the settings let it through, in no particular order."""
        ...

    def statuses(self, settings: Settings) -> tuple[McpStatus, ...]: ...
    async def call(
        self,
        server: McpServer,
        settings: Settings,
        tool: str,
        arguments: JsonObject,
        say: Callable[[str], None],
        *,
        ask: Inquire | None = None,
    ) -> JsonObject:
        """The result as the protocol has it: content, structuredContent, isError. `say` hears of progress; `ask` is asked what
        the server wants to know of the user, and the time that takes does not count.

        Connects on demand. Raises ToolFailure with words for the model when the server cannot be had, stops or is late.
        """
        ...

    async def look(self, server: McpServer, settings: Settings, wanted: Look, ask: Inquire | None = None) -> JsonObject:
        """What the server answers: resources, resourceTemplates and nextCursor, or contents. Raises like `call`."""
        ...

    async def login(self, server: McpServer, settings: Settings, wish: LoginWish, finished: Callable[[str | None], None]) -> str:
        """The address that the user is to open. `finished` hears at the end what went wrong, None when nothing did; the server
        is connected then. A login that is begun again takes the place of the one before. Raises TreadleError."""
        ...

    async def let_go(self, wanted: Iterable[Settings]) -> None:
        """End the servers that none of these settings want."""
        ...

    async def reload(self, wanted: Iterable[Settings]) -> None:
        """Let go of servers that no settings want any more; try again those that failed."""
        ...

    async def restart(self, server: McpServer, settings: Settings) -> asyncio.Future[None]:
        """Let go of it, whatever it is doing, and begin to connect again. Done when it is ready or has failed."""
        ...

    def journal(self, server: McpServer, settings: Settings) -> str:
        """What happened to it and what it said on standard error, lately; secrets are struck out."""
        ...

    async def close(self) -> None: ...
