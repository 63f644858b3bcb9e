"""What a thread's calls may use: the tools that its Opening lists, for as long as the epoch lasts, whatever has changed since.

A tool that came, went or changed after the Opening is noted to the user and waits for the next epoch, or for an explicit refresh.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from ..core import tokens
from ..core.items import Opening
from ..core.record import frozen
from ..core.settings import Settings
from ..core.thread import Thread
from .ports import ForeignTools, Tool


@frozen
class ListingChange:
    """How the tools of now differ from those that the model was told of; names as the model knows them."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class ToolsByName(Protocol):
    def get(self, name: str, /) -> Tool | None: ...


class ThreadTools:
    """The tools of one thread by the names that its model was given. `own` are the built-in ones."""

    def __init__(
        self, thread: Thread, settings: Settings, own: Callable[[Settings], Sequence[Tool]], foreign: ForeignTools | None
    ) -> None:
        self._thread = thread
        self._settings = settings
        self._own = {tool.name: tool for tool in own(settings)}
        self._foreign = foreign
        self._recalled: dict[tuple[str, ...], Tool] = {}

    def get(self, name: str, /) -> Tool | None:
        if name in self._own or self._foreign is None or self._thread.opening is None:
            return self._own.get(name)
        origin = next((entry for entry in self._thread.opening.mcp if entry[0] == name), None)
        if origin is None:
            return None
        if origin not in self._recalled:
            self._recalled[origin] = self._foreign.recalled(name, origin[1:], self._settings)
        return self._recalled[origin]


def compare(opening: Opening, current: Sequence[Tool], custom_tools: bool, unseen: Collection[str] = ()) -> ListingChange:
    """MCP tools only: the built-in ones change with our version, and nothing is gained by telling.

    A tool of a server in `unseen` is not gone: nothing is known of it yet.
    """
    told: list[dict[str, Any]] = json.loads(opening.tools)
    names = {name for name, server, _ in opening.mcp if server not in unseen}
    before = {entry["name"]: entry for entry in told if entry.get("name") in names}
    now = {tool.name: tool.spec(custom_tools) for tool in current}
    return ListingChange(
        tuple(name for name in now if name not in before),
        tuple(name for name in before if name not in now),
        tuple(name for name, spec in now.items() if name in before and before[name] != spec),
    )


def prefix_tokens(thread: Thread) -> int:
    """About how much the provider must read again when the tool list changes: all of the prompt."""
    if thread.opening is None:
        return 0
    request = thread.prompt.request({})
    return tokens.of_bytes(len(request.head) + sum(len(fragment) + 1 for fragment in request.fragments))
