"""The resources of MCP servers: three tools to list them, to list their templates, and to read one. They change nothing.

Offered when a server offers resources. A list over all servers names those that did not answer; what is long is cut, with the
whole kept in a file.
"""

from __future__ import annotations

import asyncio
import json
from typing import Literal

from ..core import mcp_result, truncate
from ..core.asking import Decision
from ..core.elicitation import McpQuestion
from ..core.errors import ToolFailure
from ..core.items import JsonObject
from ..core.mcp import Look
from ..core.policy import CallMcp, Harmless
from ..core.record import frozen
from ..core.settings import McpServer, Settings
from ..core.views import McpView
from ..runtime.ports import Call, Inquire, McpServers, Plan, Scope, ToolResult
from . import spilling
from .arguments import parsed, text

NO_SERVER = ""
"In the place of a server's name, for tools that are ours and look at all servers."
_FIELDS = ("uri", "uriTemplate", "name", "title", "description", "mimeType", "size")
_SERVER: JsonObject = {"type": "string", "description": "Name of an MCP server; without it, all of them."}
_CURSOR: JsonObject = {"type": "string", "description": "nextCursor of the page before; give the same server with it."}
_SPECS: dict[str, tuple[str, JsonObject, list[str]]] = {
    "list_mcp_resources": (
        "Lists resources that MCP servers offer: files, database schemas and other things to read. "
        "Prefer a resource to a search of the web.",
        {"server": _SERVER, "cursor": _CURSOR},
        [],
    ),
    "list_mcp_resource_templates": (
        "Lists templates by which resources of MCP servers are named: fill in the URI of one, then read it.",
        {"server": _SERVER, "cursor": _CURSOR},
        [],
    ),
    "read_mcp_resource": (
        "Reads a resource of an MCP server.",
        {
            "server": {"type": "string", "description": "Name of the MCP server, as it was listed."},
            "uri": {"type": "string", "description": "URI of the resource, as it was listed or made from a template."},
        },
        ["server", "uri"],
    ),
}
_WHAT: dict[str, Literal["resources", "templates", "read"]] = {
    "list_mcp_resources": "resources",
    "list_mcp_resource_templates": "templates",
    "read_mcp_resource": "read",
}


@frozen
class LookTool:
    name: str
    servers: McpServers

    @property
    def parallel(self) -> bool:
        return True

    @property
    def identity(self) -> tuple[str, str]:
        return NO_SERVER, self.name

    def spec(self, custom_tools: bool) -> JsonObject:
        description, properties, required = _SPECS[self.name]
        parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        return {"type": "function", "name": self.name, "description": description, "strict": False, "parameters": parameters}

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        arguments = parsed(call.arguments) if call.arguments.strip() else {}
        name, uri, cursor = text(arguments, "server"), text(arguments, "uri"), text(arguments, "cursor")
        able = [status.name for status in self.servers.statuses(scope.settings) if status.resources]
        found = [server for server in scope.settings.mcp_servers if server.enabled and server.name in able]
        if name:
            found = [server for server in found if server.name == name]
        if not found:
            words = ", ".join(able) or "none"
            raise ToolFailure(
                f"{f'no MCP server {name} offers' if name else 'no MCP server offers'} resources; those that do: {words}"
            )
        wanted = Look(_WHAT[self.name], uri or "", cursor or None)
        if wanted.what == "read" and not (name and uri):
            raise ToolFailure("`server` and `uri` are both needed")
        if wanted.cursor and not name:
            raise ToolFailure("`server` is needed with `cursor`")
        shown = view(name or "all servers", self.name, arguments, True)
        if wanted.what != "read":
            return Plan(shown, Harmless(), (found, wanted))
        return Plan(shown, CallMcp(found[0].name, self.name, True, False, None, found[0].default_approval), (found, wanted))

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        found: list[McpServer]
        wanted: Look
        found, wanted = plan.data
        began = scope.clock.monotonic()
        ask = asker(call, scope)
        answers = await asyncio.gather(*(self._look(server, scope.settings, wanted, ask) for server in found))
        failed = all(error is not None for _, error in answers)
        if wanted.what == "read" and not failed:
            said = mcp_result.resource_text(answers[0][0])
        else:
            told = [_entry(server.name, wanted, *answer) for server, answer in zip(found, answers, strict=True)]
            said = json.dumps(told[0] if len(told) == 1 else told, ensure_ascii=False)
        result: McpView = {**plan.view, "duration_ms": round((scope.clock.monotonic() - began) * 1000)}  # type: ignore[typeddict-item, misc]
        if failed:
            said = "\n".join(error or "" for _, error in answers)
            result["error"] = truncate.clip(said, mcp_result.MAX_SHOWN)
        else:
            result["result"] = mcp_result.shown({"content": [{"type": "text", "text": said}]})
        limit = scope.settings.tool_output_tokens or truncate.DEFAULT_OUTPUT_TOKENS
        told, result["spill"] = spilling.whole(said, limit, scope.outputs, call)
        return ToolResult(told, result, "failed" if failed else "completed")

    async def _look(
        self, server: McpServer, settings: Settings, wanted: Look, ask: Inquire | None
    ) -> tuple[JsonObject, str | None]:
        try:
            return await self.servers.look(server, settings, wanted, ask), None
        except ToolFailure as error:
            return {}, error.sentence()


def looks(servers: McpServers) -> tuple[LookTool, ...]:
    """In the order of the prompt."""
    return tuple(LookTool(name, servers) for name in _SPECS)


def view(server: str, tool: str, arguments: JsonObject, read_only: bool | None) -> McpView:
    """A call that has not run yet, for the screen."""
    return {
        "view": "mcp",
        "server": server,
        "tool": tool,
        "arguments": arguments,
        "read_only": read_only,
        "result": None,
        "error": None,
        "duration_ms": None,
    }


def asker(call: Call, scope: Scope) -> Inquire | None:
    """Puts what a server asks during this call to the user; None where nobody may be asked."""
    ask = scope.ask
    if ask is None or scope.settings.approval_policy == "never":
        return None

    async def inquire(question: McpQuestion) -> Decision:
        return await ask(question.asked(scope.clock.new_id(), call.thread_id, call.turn_id, scope.clock.now()))

    return inquire


def _entry(server: str, wanted: Look, answer: JsonObject, error: str | None) -> JsonObject:
    """What one server answered to a list, without what the model has no use for."""
    if error is not None:
        return {"server": server, "error": error}
    key = "resources" if wanted.what == "resources" else "resourceTemplates"
    entries = [{name: entry[name] for name in _FIELDS if name in entry} for entry in answer.get(key, ())]
    return {"server": server, key: entries} | ({"nextCursor": answer["nextCursor"]} if answer.get("nextCursor") else {})
