"""MCP tools as tools of ours: what is asked for, what the model reads, and what a tool that is gone says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from fakes.world import PROVIDER, FakeSandbox, FrozenClock
from treadle.core.asking import ACCEPT, Decision
from treadle.core.elicitation import McpQuestion
from treadle.core.errors import ToolFailure
from treadle.core.items import JsonObject
from treadle.core.mcp import Look, McpStatus, McpTool
from treadle.core.policy import CallMcp
from treadle.core.settings import McpServer, SandboxPolicy, Settings
from treadle.runtime.ports import Call, Inquire, Scope, Tool, ToolResult
from treadle.tools.mcp import McpTools

SERVER = McpServer("docs", command="x", approval_modes=(("wipe", "prompt"),))
SETTINGS = Settings("/w", "m", PROVIDER, mcp_servers=(SERVER,))
TOOLS = (McpTool("docs", "search", "Finds.", read_only=True), McpTool("docs", "wipe", destructive=True))


class FakeServers:
    """Offers TOOLS; a call is answered by `reply`."""

    def __init__(self, reply: JsonObject | ToolFailure | None = None) -> None:
        self.reply = reply
        self.called: list[tuple[str, str, JsonObject]] = []
        self.ask: Inquire | None = None
        self.looks: dict[str, JsonObject | ToolFailure] = {}

    def start(self, settings: Settings) -> None: ...
    async def settle(self, settings: Settings) -> None: ...
    async def let_go(self, wanted: Iterable[Settings]) -> None: ...
    async def reload(self, wanted: Iterable[Settings]) -> None: ...
    async def close(self) -> None: ...
    def statuses(self, settings: Settings) -> tuple[McpStatus, ...]:
        return tuple(McpStatus(name, "ready", tools=TOOLS, resources=True) for name in self.looks)

    async def look(self, server: McpServer, settings: Settings, wanted: Look, ask: Inquire | None = None) -> JsonObject:
        self.called.append((server.name, wanted.what, {"uri": wanted.uri, "cursor": wanted.cursor}))
        answer = self.looks[server.name]
        if isinstance(answer, ToolFailure):
            raise answer
        return answer

    def tools(self, settings: Settings) -> tuple[McpTool, ...]:
        return TOOLS

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
        self.called.append((server.name, tool, arguments))
        self.ask = ask
        say("half way")
        if isinstance(self.reply, ToolFailure):
            raise self.reply
        return self.reply or {"content": [{"type": "text", "text": "found"}]}


def scope(said: list[str] | None = None, settings: Settings = SETTINGS) -> Scope:
    emit = (said if said is not None else []).append
    return Scope(settings, FakeSandbox(), None, FrozenClock(), emit, SandboxPolicy())  # type: ignore[arg-type]


def wanted(arguments: str = "{}", name: str = "mcp__docs__search") -> Call:
    return Call("i", "c", name, arguments, False, "t", "u")


async def ran(tool: Tool, arguments: str = "{}", where: Scope | None = None) -> ToolResult:
    where = where or scope()
    call = wanted(arguments)
    return await tool.run(call, await tool.prepare(call, where), where)


def listed(servers: FakeServers, name: str = "search", settings: Settings = SETTINGS) -> Tool:
    return next(tool for tool in McpTools(servers).listed(settings) if tool.identity[1] == name)


def listed_again(servers: FakeServers, settings: Settings) -> Tool:
    return McpTools(servers).recalled("mcp__docs__search", ("docs", "search"), settings)


async def test_a_call_goes_to_the_server_and_comes_back_as_text() -> None:
    servers, said = FakeServers(), list[str]()
    result = await ran(listed(servers), '{"query": "é"}', scope(said))
    assert servers.called == [("docs", "search", {"query": "é"})]
    assert result.text == "Wall time: 0.0 seconds\nOutput:\nfound"
    assert (result.status, result.view.get("error")) == ("completed", None)
    assert said == ["half way"]
    json.dumps(result.view)


async def test_the_wish_carries_the_hints_and_the_mode_of_the_tool() -> None:
    plan = await listed(FakeServers()).prepare(wanted(), scope())
    assert plan.wish == CallMcp("docs", "search", True, None, None, "auto")
    plan = await listed(FakeServers(), "wipe").prepare(wanted(), scope())
    assert plan.wish == CallMcp("docs", "wipe", None, True, None, "prompt")


def test_only_what_is_known_to_read_bears_company() -> None:
    assert listed(FakeServers()).parallel
    assert not listed(FakeServers(), "wipe").parallel
    opted = replace(SETTINGS, mcp_servers=(replace(SERVER, parallel_calls=True),))
    assert listed(FakeServers(), "wipe", opted).parallel


@pytest.mark.parametrize("arguments", ["", " ", "{}"])
async def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    servers = FakeServers()
    await ran(listed(servers), arguments)
    assert servers.called[0][2] == {}


@pytest.mark.parametrize("arguments", ["{", "[]", "3", '"x"', "[" * 100_000])
async def test_arguments_that_are_no_object_go_back_to_the_model(arguments: str) -> None:
    with pytest.raises(ToolFailure, match="failed to parse function arguments"):
        await listed(FakeServers()).prepare(wanted(arguments), scope())


@pytest.mark.parametrize(
    "reply",
    [{"content": [{"type": "text", "text": "it broke"}], "isError": True}, ToolFailure("it broke")],
)
async def test_an_error_is_told_and_the_call_failed(reply: Any) -> None:
    result = await ran(listed(FakeServers(reply)))
    assert result.text.endswith("Output:\nit broke")
    assert (result.status, result.view.get("error"), result.view.get("result")) == ("failed", "it broke", None)


async def test_a_long_output_is_cut_for_the_model() -> None:
    long = {"content": [{"type": "text", "text": "x" * 1_000_000}]}
    limited = replace(SETTINGS, tool_output_tokens=100)
    result = await ran(listed(FakeServers(long)), where=scope(settings=limited))
    assert len(result.text) < 1_000
    assert "tokens truncated" in result.text
    assert len(json.dumps(result.view)) < 300_000


async def test_a_tool_of_an_epoch_outlives_its_server_and_says_so() -> None:
    servers = FakeServers()
    gone = McpTools(servers).recalled("mcp__old__x", ("old", "x"), SETTINGS)
    with pytest.raises(ToolFailure, match="MCP server old is not connected: it is not among the configured servers any more"):
        await gone.prepare(wanted(), scope())
    off = replace(SETTINGS, mcp_servers=(replace(SERVER, enabled=False),))
    with pytest.raises(ToolFailure, match="MCP server docs is not connected"):
        await listed_again(servers, off).prepare(wanted(), scope(settings=off))
    denied = replace(SETTINGS, mcp_servers=(replace(SERVER, disabled_tools=("search",)),))
    with pytest.raises(ToolFailure, match="turned off in the settings"):
        await (
            McpTools(servers).recalled("mcp__docs__search", ("docs", "search"), denied).prepare(wanted(), scope(settings=denied))
        )


async def test_a_tool_that_its_server_no_longer_lists_is_asked_about_as_if_it_were_dangerous() -> None:
    missing = McpTools(FakeServers()).recalled("mcp__docs__old", ("docs", "old"), SETTINGS)
    plan = await missing.prepare(wanted(), scope())
    assert plan.wish == CallMcp("docs", "old", None, None, None, "auto")


async def test_a_cancelled_call_is_cancelled_in_the_server() -> None:
    class Stuck(FakeServers):
        async def call(self, *_: Any, **__: Any) -> JsonObject:
            try:
                await asyncio.Event().wait()
            finally:
                self.called.append(("docs", "ended", {}))
            return {}

    servers = Stuck()
    running = asyncio.ensure_future(ran(listed(servers)))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert servers.called == [("docs", "ended", {})]


def test_without_servers_nothing_is_asked_of_them() -> None:
    class Untouchable(FakeServers):
        def tools(self, settings: Settings) -> tuple[McpTool, ...]:
            raise AssertionError("asked")

    assert McpTools(Untouchable()).listed(replace(SETTINGS, mcp_servers=())) == ()


RESOURCES = {"resources": [{"uri": "a://b", "name": "b", "icons": [1], "_meta": {"x": 1}}], "nextCursor": "more"}
OTHER = McpServer("notes", command="y")
BOTH = replace(SETTINGS, mcp_servers=(SERVER, OTHER))


def look_tool(servers: FakeServers, name: str) -> Tool:
    return next(tool for tool in McpTools(servers).listed(BOTH) if tool.name == name)


def looking(**answers: Any) -> FakeServers:
    servers = FakeServers()
    servers.looks = answers
    return servers


def test_the_tools_for_resources_are_there_when_a_server_offers_some() -> None:
    names = [tool.name for tool in McpTools(looking(docs={})).listed(BOTH)]
    assert names[:3] == ["list_mcp_resources", "list_mcp_resource_templates", "read_mcp_resource"]
    assert names[3:] == [tool.name for tool in McpTools(FakeServers()).listed(BOTH)]
    assert McpTools(looking(docs={})).recalled("read_mcp_resource", ("", "read_mcp_resource"), SETTINGS).name == names[2]


async def test_resources_of_all_servers_are_listed_and_a_failure_is_named() -> None:
    servers = looking(docs=RESOURCES, notes=ToolFailure("MCP server notes is not connected: gone"))
    result = await ran(look_tool(servers, "list_mcp_resources"), where=scope(settings=BOTH))
    assert json.loads(result.text) == [
        {"server": "docs", "resources": [{"uri": "a://b", "name": "b"}], "nextCursor": "more"},
        {"server": "notes", "error": "MCP server notes is not connected: gone"},
    ]
    assert result.status == "completed"


async def test_one_page_of_one_server_is_listed() -> None:
    servers = looking(docs={"resourceTemplates": [{"uriTemplate": "a://{b}", "name": "b"}]})
    arguments = '{"server": "docs", "cursor": "more"}'
    result = await ran(look_tool(servers, "list_mcp_resource_templates"), arguments, scope(settings=BOTH))
    assert json.loads(result.text) == {"server": "docs", "resourceTemplates": [{"uriTemplate": "a://{b}", "name": "b"}]}
    assert servers.called == [("docs", "templates", {"uri": "", "cursor": "more"})]


async def test_a_resource_is_read_and_a_long_one_cut() -> None:
    servers = looking(docs={"contents": [{"uri": "a://b", "text": "x" * 1_000_000}]})
    tool, limited = look_tool(servers, "read_mcp_resource"), replace(BOTH, tool_output_tokens=100)
    result = await ran(tool, '{"server": "docs", "uri": "a://b"}', scope(settings=limited))
    assert result.text.startswith("xxx")
    assert len(result.text) < 1_000
    assert servers.called == [("docs", "read", {"uri": "a://b", "cursor": None})]
    assert (await tool.prepare(wanted('{"server": "docs", "uri": "a://b"}'), scope(settings=BOTH))).wish == CallMcp(
        "docs", "read_mcp_resource", True, False, None, "auto"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("read_mcp_resource", '{"server": "docs"}', "`server` and `uri` are both needed"),
        ("read_mcp_resource", '{"server": "notes", "uri": "a://b"}', "no MCP server notes offers resources; those that do: docs"),
        ("list_mcp_resources", '{"cursor": "x"}', "`server` is needed with `cursor`"),
    ],
)
async def test_a_look_that_cannot_be_is_refused_in_words(name: str, arguments: str, words: str) -> None:
    with pytest.raises(ToolFailure, match=words):
        await look_tool(looking(docs={}), name).prepare(wanted(arguments), scope(settings=BOTH))


async def test_a_server_that_answers_nothing_fails_the_look() -> None:
    servers = looking(docs=ToolFailure("gone"))
    result = await ran(look_tool(servers, "list_mcp_resources"), where=scope(settings=BOTH))
    assert (result.text, result.status, result.view.get("error")) == ("gone", "failed", "gone")


async def test_pictures_go_to_a_model_that_sees() -> None:
    picture = {"content": [{"type": "image", "mimeType": "image/png", "data": "QUJD"}]}
    blind = await ran(listed(FakeServers(picture)))
    assert (blind.images, "you cannot see it" in blind.text) == ((), True)
    seeing = await ran(listed(FakeServers(picture)), where=scope(settings=replace(SETTINGS, model="gpt-5.5")))
    assert [image.url for image in seeing.images] == ["data:image/png;base64,QUJD"]


async def test_a_server_that_chatters_is_heard_within_bounds() -> None:
    class Chatty(FakeServers):
        async def call(self, *args: Any, **_: Any) -> JsonObject:
            for _ in range(1_000):
                args[4]("x" * 5_000)
            return {"content": []}

    said: list[str] = []
    await ran(listed(Chatty()), where=scope(said))
    assert max(map(len, said)) == 1_000
    assert sum(map(len, said)) <= 64 * 1024


async def test_the_user_is_asked_for_a_server_unless_approvals_are_off() -> None:
    servers, asked = FakeServers(), list[Any]()

    async def ask(question: Any) -> Decision:
        asked.append(question)
        return ACCEPT

    where = replace(scope(), ask=ask)
    await ran(listed(servers), where=where)
    assert servers.ask is not None
    assert await servers.ask(McpQuestion("docs", "Who?")) == ACCEPT
    assert (asked[0].thread_id, asked[0].turn_id, asked[0].server) == ("t", "u", "docs")
    await ran(listed(servers), where=replace(where, settings=replace(SETTINGS, approval_policy="never")))
    assert servers.ask is None
