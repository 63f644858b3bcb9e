"""The tool list of an epoch: built-in, hosted, then MCP tools in one order; fixed until the next epoch or a refresh."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fakes.world import FakeTool, FrozenClock
from treadle import prompts
from treadle.core.items import JsonObject, Summary, decode, encode
from treadle.core.mcp import McpTool, named, spec
from treadle.core.settings import McpServer, Provider, Settings
from treadle.core.thread import Thread
from treadle.runtime.briefing import Surroundings, ThreadBriefing
from treadle.runtime.listing import prefix_tokens

PROVIDER = Provider("openai", "OpenAI", "https://example.invalid/v1", web_search=True)
SETTINGS = Settings("/ws", "gpt-5.5", PROVIDER, web_search="cached", mcp_servers=(McpServer("docs", command="x"),))


class Nothing:
    documents = ()
    problems = ()

    def find(self, settings: Settings) -> Nothing:
        return self


class Named(FakeTool):
    """An MCP tool as the model knows it."""

    def __init__(self, name: str, entry: McpTool) -> None:
        super().__init__(name)
        self.entry = entry

    @property
    def identity(self) -> tuple[str, str]:
        return self.entry.identity

    def spec(self, custom_tools: bool) -> JsonObject:
        return spec(self.name, self.entry)


class Arriving:
    """Servers whose tools come as a test says."""

    def __init__(self, *tools: McpTool) -> None:
        self.tools = list(tools)
        self.settled = 0
        self.unknown: set[str] = set()

    async def settle(self, settings: Settings) -> None:
        self.settled += 1

    def listed(self, settings: Settings) -> list[Named]:
        return [Named(name, tool) for name, tool in named(self.tools)]

    def unseen(self, settings: Settings) -> frozenset[str]:
        return frozenset(self.unknown)

    def recalled(self, name: str, identity: tuple[str, str], settings: Settings) -> Named:
        return Named(name, McpTool(*identity))


def briefing(foreign: Arriving) -> ThreadBriefing:
    around = Surroundings(Nothing(), prompts.load, "bash", lambda at: ("2026-01-01", "UTC"))
    return ThreadBriefing(FrozenClock(), around, lambda settings: [FakeTool("exec_command"), FakeTool("more")], foreign)


def step(brief: ThreadBriefing, thread: Thread, settings: Settings = SETTINGS) -> bytes:
    """What goes before the input in the thread's next request."""

    async def run() -> None:
        await brief.ready(thread, settings)
        thread.append(*brief.news(thread, settings, sandboxed=True))

    asyncio.run(run())
    return thread.prompt.request({}).head


def names(thread: Thread) -> list[str]:
    assert thread.opening is not None
    return [tool.get("name", tool["type"]) for tool in json.loads(thread.opening.tools)]


A, B, C = McpTool("docs", "a"), McpTool("docs", "b"), McpTool("web", "a")


def test_mcp_tools_are_the_last_after_the_built_in_and_the_hosted_ones() -> None:
    thread = Thread("t")
    step(briefing(Arriving(C, B, A)), thread)
    assert names(thread) == ["exec_command", "more", "web_search", "mcp__docs__a", "mcp__docs__b", "mcp__web__a"]


@given(st.permutations([A, B, C, McpTool("docs", "a.b"), McpTool("docs", "a-b")]))
def test_the_head_of_the_prompt_does_not_depend_on_who_came_first(tools: list[McpTool]) -> None:
    assert step(briefing(Arriving(*tools)), Thread("t")) == step(briefing(Arriving(*sorted(tools, key=str))), Thread("t"))


def test_a_tool_that_comes_late_waits_for_the_next_epoch() -> None:
    foreign, thread = Arriving(B), Thread("t")
    brief = briefing(foreign)
    before = step(brief, thread)
    foreign.tools += [A]
    assert step(brief, thread) == before
    assert brief.pending(thread, SETTINGS).added == ("mcp__docs__a",)
    thread.append(Summary("s", 0.0, "u", "so far", ('{"type":"message"}',)))
    step(brief, thread)
    assert names(thread)[-2:] == ["mcp__docs__a", "mcp__docs__b"]
    assert not brief.pending(thread, SETTINGS)


def test_a_refresh_changes_the_list_and_nothing_of_the_input() -> None:
    foreign, thread = Arriving(A, B), Thread("t")
    brief = briefing(foreign)
    step(brief, thread)
    before = thread.prompt.request({}).fragments
    foreign.tools = [replace(A, description="Another."), C]
    change = brief.pending(thread, SETTINGS)
    assert (change.added, change.removed, change.changed) == (("mcp__web__a",), ("mcp__docs__b",), ("mcp__docs__a",))
    assert prefix_tokens(thread) > 100
    brief.refresh(thread)
    assert not brief.pending(thread, SETTINGS)
    step(brief, thread)
    assert names(thread)[-2:] == ["mcp__docs__a", "mcp__web__a"]
    assert thread.prompt.request({}).fragments == before


def test_tools_of_a_server_that_was_not_seen_yet_are_not_said_to_be_gone() -> None:
    foreign, thread = Arriving(A, C), Thread("t")
    brief = briefing(foreign)
    step(brief, thread)
    foreign.tools, foreign.unknown = [A], {"web"}
    assert not brief.pending(thread, SETTINGS)
    foreign.unknown = set()
    assert brief.pending(thread, SETTINGS).removed == ("mcp__web__a",)


def test_servers_are_waited_for_only_before_an_opening() -> None:
    foreign, thread = Arriving(A), Thread("t")
    brief = briefing(foreign)
    for _ in range(3):
        step(brief, thread)
    assert foreign.settled == 1


def test_a_thread_may_call_what_it_was_told_of_and_nothing_else() -> None:
    foreign, thread = Arriving(A), Thread("t")
    brief = briefing(foreign)
    tools = brief.tools_of(thread, SETTINGS)
    assert tools.get("exec_command") is not None
    assert tools.get("mcp__docs__a") is None
    step(brief, thread)
    foreign.tools = [B]
    found = tools.get("mcp__docs__a")
    assert found is not None
    assert found.name == "mcp__docs__a"
    assert tools.get("mcp__docs__b") is None
    assert tools.get("mcp__docs__a") is found


def test_what_a_name_means_is_kept_on_disk() -> None:
    thread = Thread("t")
    step(briefing(Arriving(A, McpTool("docs", "a.b"))), thread)
    assert thread.opening is not None
    again = decode(encode(thread.opening))
    assert again == thread.opening
    assert again.mcp == (("mcp__docs__a", "docs", "a"), ("mcp__docs__a_b", "docs", "a.b"))


def test_the_small_model_is_shown_no_foreign_tools() -> None:
    foreign, thread = Arriving(A), Thread("t")
    local = replace(SETTINGS, model="qwen2.5-coder-1.5b", provider=Provider("local", "Local", "", wire="local"))
    step(briefing(foreign), thread, local)
    assert names(thread) == ["exec_command"]
    assert foreign.settled == 0
