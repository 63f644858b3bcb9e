"""Tools of MCP servers, each as a tool of ours. What one may do is decided by policy from the hints of its server.

A tool that a thread was told of stays callable for the epoch: when its server is gone or has changed, the call ends in an output
that says so. Arguments go to the server as the model wrote them; it checks them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..core import mcp, mcp_result, truncate
from ..core.errors import ToolFailure
from ..core.items import JsonObject
from ..core.models import facts_for
from ..core.policy import CallMcp
from ..core.record import frozen
from ..core.settings import McpServer, Settings
from ..core.views import McpView
from ..runtime.ports import Call, ForeignTool, McpServers, Plan, Scope, ToolResult
from . import mcp_resources, spilling
from .arguments import parsed
from .mcp_resources import asker

MAX_PROGRESS = 1_000
"Characters of one message of progress."
MAX_SAID = 64 * 1024
"Characters of all progress of one call."


@frozen
class McpCall:
    """One tool. `server` and `entry` are None when the settings, or the server, do not have it any more."""

    name: str
    identity: tuple[str, str]
    server: McpServer | None
    entry: mcp.McpTool | None
    servers: McpServers

    @property
    def parallel(self) -> bool:
        return mcp.parallel(self.server, self.entry)

    def spec(self, custom_tools: bool) -> JsonObject:
        return mcp.spec(self.name, self.entry or mcp.McpTool(*self.identity))

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        server, tool = self.identity
        if self.server is None or not self.server.enabled:
            raise ToolFailure(f"MCP server {server} is not connected: it is not among the configured servers any more")
        if not mcp.offered(self.server, [mcp.McpTool(server, tool)]):
            raise ToolFailure(f"{tool} of the MCP server {server} is turned off in the settings")
        arguments = parsed(call.arguments) if call.arguments.strip() else {}
        hints = self.entry or mcp.McpTool(server, tool)
        view = mcp_resources.view(server, tool, arguments, hints.read_only)
        mode = mcp.approval_mode(self.server, tool)
        return Plan(view, CallMcp(server, tool, hints.read_only, hints.destructive, hints.open_world, mode), arguments)

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        assert self.server is not None, "prepare refuses a call without a server"
        began = scope.clock.monotonic()
        failure, result = None, None
        try:
            result = await self.servers.call(
                self.server, scope.settings, self.identity[1], plan.data, _progress(scope), ask=asker(call, scope)
            )
        except ToolFailure as error:
            failure = error.sentence()
        seconds = scope.clock.monotonic() - began
        sees = facts_for(scope.settings).images
        text = mcp_result.text(result, sees=sees) if result is not None else failure or ""
        view: McpView = {**plan.view, "duration_ms": round(seconds * 1000)}  # type: ignore[typeddict-item, misc]
        if result is None or result.get("isError"):
            view["error"] = truncate.clip(text or "The call failed.", mcp_result.MAX_SHOWN)
        else:
            view["result"] = mcp_result.shown(result)
        limit = scope.settings.tool_output_tokens or truncate.DEFAULT_OUTPUT_TOKENS
        told, view["spill"] = spilling.whole(text, limit, scope.outputs, call)
        told = f"Wall time: {seconds:.1f} seconds\nOutput:\n{told}"
        status = "failed" if "result" not in view or view["result"] is None else "completed"
        return ToolResult(told, view, status, mcp_result.pictures(result) if sees and result else ())


def _progress(scope: Scope) -> Callable[[str], None]:
    room = MAX_SAID

    def say(said: str) -> None:
        nonlocal room
        if room > 0:
            said = said[: min(MAX_PROGRESS, room)]
            room -= len(said) + 1
            scope.emit(said)

    return say


class McpTools:
    """Implements runtime.ports.ForeignTools."""

    def __init__(self, servers: McpServers) -> None:
        self._servers = servers

    async def settle(self, settings: Settings) -> None:
        if settings.mcp_servers:
            await self._servers.settle(settings)

    def listed(self, settings: Settings) -> tuple[ForeignTool, ...]:
        if not settings.mcp_servers:
            return ()
        named, _ = mcp.fitting(mcp.named(self._servers.tools(settings)))
        looks = any(status.resources for status in self._servers.statuses(settings))
        return (*(mcp_resources.looks(self._servers) if looks else ()), *self._made(named, settings))

    def left_out(self, settings: Settings) -> dict[str, int]:
        """Server -> how many of its tools have no room in the prompt."""
        return mcp.fitting(mcp.named(self._servers.tools(settings)))[1] if settings.mcp_servers else {}

    def unseen(self, settings: Settings) -> frozenset[str]:
        if not settings.mcp_servers:
            return frozenset()
        unseen = frozenset(status.name for status in self._servers.statuses(settings) if status.tools is None)
        # one of these may be why there are tools for resources
        return unseen | {mcp_resources.NO_SERVER} if unseen else unseen

    def recalled(self, name: str, identity: tuple[str, str], settings: Settings) -> ForeignTool:
        if identity[0] == mcp_resources.NO_SERVER:
            return next(tool for tool in mcp_resources.looks(self._servers) if tool.name == name)
        entries = self._servers.tools(settings) if settings.mcp_servers else ()
        entry = next((tool for tool in entries if tool.identity == identity), None)
        return McpCall(name, identity, _server(identity[0], settings), entry, self._servers)

    def _made(self, named: Iterable[tuple[str, mcp.McpTool]], settings: Settings) -> tuple[McpCall, ...]:
        return tuple(McpCall(name, tool.identity, _server(tool.server, settings), tool, self._servers) for name, tool in named)


def _server(name: str, settings: Settings) -> McpServer | None:
    return next((server for server in settings.mcp_servers if server.name == name), None)
