"""MCP servers from the threads' side: their state and their tools told to who watches, and the ops about them.

Nothing here changes a tool list under way: a refresh is asked for by the user, who is told what it costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core import mcp
from ..core.asking import DECLINE, Decision
from ..core.elicitation import McpQuestion
from ..core.errors import RequestRefused
from ..core.events import McpStatusChanged, ThreadStatusChanged, ToolsChanged, WarningReported
from ..core.mcp import McpStatus
from ..core.ops import ListMcpServers, RefreshTools, ReloadMcpServers
from . import overrides as over
from .answers import ToolsRefresh
from .assembly import World
from .listing import ListingChange, prefix_tokens
from .loaded import Loaded


async def answer(
    world: World, threads: Mapping[str, Loaded], op: RefreshTools | ListMcpServers | ReloadMcpServers
) -> ToolsRefresh | list[McpStatus] | None:
    match op:
        case RefreshTools():
            return _refresh(world, _loaded(threads, op.thread_id), dry_run=op.dry_run)
        case ListMcpServers():
            return _statuses(world, threads, op)
        case ReloadMcpServers():
            reread(world, tuple(threads.values()))
            await connect(world, tuple(threads.values()))
            return None


def tell(world: World, threads: Iterable[Loaded], status: McpStatus) -> None:
    """A server's state, or its list of tools, has changed."""
    for loaded in threads:
        if not any(server.enabled and server.name == status.name for server in loaded.settings.mcp_servers):
            continue
        thread_id = loaded.thread.id
        if status.state != "idle":
            loaded.audience.notify(McpStatusChanged(thread_id, status.name, status.state, status.error))
        # of several failures in a row the first and the last are said
        if status.state == "failed" and (status.attempt <= 1 or status.retry_in is None):
            said = f"The MCP server {status.name} is not connected: {status.error}. {_when(status)}"
            loaded.audience.notify(WarningReported(said, thread_id, "mcp"))
        if status.state == "ready":
            note(world, loaded)
            _note_room(world, loaded)


def _when(status: McpStatus) -> str:
    if status.retry_in is not None:
        return f"It is started again in {status.retry_in:g} s."
    return "It is tried again when one of its tools is called."


async def ask(world: World, threads: Iterable[Loaded], question: McpQuestion) -> Decision:
    """What a server asks while no call of it is under way: of the thread that used it last and has somebody watching."""
    using = [
        loaded
        for loaded in threads
        if loaded.audience.clients and any(s.enabled and s.name == question.server for s in loaded.settings.mcp_servers)
    ]
    if not using:
        return DECLINE
    loaded = max(using, key=lambda loaded: (loaded.runner is not None, loaded.meta.updated_at))
    if loaded.settings.approval_policy == "never":
        return DECLINE
    turn_id = loaded.runner.turn_id if loaded.runner is not None else None
    clock = world.clock
    try:
        return await loaded.audience.ask(question.asked(clock.new_id(), loaded.thread.id, turn_id, clock.now()))
    finally:  # also when nobody waits for the answer any more: the server has died, or its call was cancelled
        if loaded.runner is None and not loaded.audience.waiting:
            loaded.audience.notify(ThreadStatusChanged(loaded.thread.id, "idle"))


def _note_room(world: World, loaded: Loaded) -> None:
    """Say which servers offer more tools than a prompt has room for."""
    if world.mcp is None:
        return
    left_out = mcp.fitting(mcp.named(world.mcp.tools(loaded.settings)))[1]
    if left_out and left_out != loaded.left_out:
        which = ", ".join(f"{count} of {server}" for server, count in sorted(left_out.items()))
        said = f"MCP servers offer more tools than a prompt has room for. Left out: {which}. Choose with enabled_tools."
        loaded.audience.notify(WarningReported(said, loaded.thread.id, "mcp"))
    loaded.left_out = left_out


def note(world: World, loaded: Loaded) -> None:
    """Say once what differs between the tools that the model was told of and those of now; and when nothing does any more."""
    change, noted = world.briefing.pending(loaded.thread, loaded.settings), loaded.noted
    if change == noted:
        return
    loaded.noted = change
    if change or noted:
        cost = prefix_tokens(loaded.thread) if change else 0
        said = _sentence(change, cost) if change else ""
        loaded.audience.notify(ToolsChanged(loaded.thread.id, said, change.added, change.removed, change.changed, cost))


def note_end(world: World, loaded: Loaded) -> None:
    """Say when nothing differs any more, as after a compaction."""
    if loaded.noted and not world.briefing.pending(loaded.thread, loaded.settings):
        note(world, loaded)


def _sentence(change: ListingChange, cost: int) -> str:
    parts = (("new", change.added), ("gone", change.removed), ("changed", change.changed))
    said = ", ".join(f"{len(names)} {word} ({_few(names)})" for word, names in parts if names)
    return (
        f"Tools of MCP servers: {said}. The model goes on with the list that it was given until its context is compacted. "
        f"A refresh gives it the new list now; the provider then reads about {cost} tokens again."
    )


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _loaded(threads: Mapping[str, Loaded], thread_id: str) -> Loaded:
    loaded = threads.get(thread_id)
    if loaded is None:
        raise RequestRefused(f"thread not found: {thread_id}; start or resume it first")
    return loaded


def _refresh(world: World, loaded: Loaded, *, dry_run: bool) -> ToolsRefresh:
    change = world.briefing.pending(loaded.thread, loaded.settings)
    if not change:
        return ToolsRefresh(0, change)
    if not dry_run:
        world.briefing.refresh(loaded.thread)
        note(world, loaded)
    return ToolsRefresh(prefix_tokens(loaded.thread), change)


def _statuses(world: World, threads: Mapping[str, Loaded], op: ListMcpServers) -> list[McpStatus]:
    if world.mcp is None:
        return []
    settings = _loaded(threads, op.thread_id).settings if op.thread_id else world.configure(None, {})[0]
    return list(world.mcp.statuses(settings))


def reread(world: World, threads: tuple[Loaded, ...]) -> None:
    """Puts in force what the configuration says now."""
    for loaded in threads:
        settings, problems = over.resolve(loaded.overrides, world.configure)
        loaded.settings = settings
        loaded.audience.notify(*(WarningReported(text, loaded.thread.id, "config") for text in problems))


async def connect(world: World, threads: tuple[Loaded, ...]) -> None:
    """Connects to the servers that are wanted now, and lets go of the rest."""
    if world.mcp is None:
        return
    await world.mcp.reload([loaded.settings for loaded in threads])
    for loaded in threads:
        world.mcp.start(loaded.settings)
        note(world, loaded)
