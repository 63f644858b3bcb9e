"""MCP tools in a prompt: names, order and schemas are the same bytes whoever answered first, and what is not trusted is cut."""

from __future__ import annotations

import hashlib
import json
import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import mcp
from treadle.core.mcp import McpTool
from treadle.core.settings import McpServer

RAW = st.text(st.sampled_from(string.ascii_letters + "._-/ é"), min_size=1, max_size=150)
TOOLS = st.lists(st.builds(McpTool, RAW, RAW), max_size=8, unique_by=lambda tool: tool.identity)


def listing(tools: list[McpTool]) -> str:
    return json.dumps([mcp.spec(name, tool) for name, tool in mcp.named(tools)])


@given(st.data())
def test_the_list_is_the_same_whatever_order_the_servers_come_in(data: st.DataObject) -> None:
    tools = data.draw(TOOLS)
    assert listing(tools) == listing(data.draw(st.permutations(tools)))


@given(TOOLS)
def test_names_are_unique_short_and_clean_and_none_is_lost(tools: list[McpTool]) -> None:
    named = mcp.named(tools)
    assert sorted(tool.identity for _, tool in named) == sorted(tool.identity for tool in tools)
    assert len({name for name, _ in named}) == len(tools)
    assert [tool.identity for _, tool in named] == sorted(tool.identity for tool in tools)
    for name, _ in named:
        assert re.fullmatch(r"mcp__[A-Za-z0-9_]+", name)
        assert len(name) <= mcp.MAX_NAME


def test_a_name_that_two_tools_would_share_is_told_apart_by_its_raw_identity() -> None:
    one, two = McpTool("docs", "a.b"), McpTool("docs", "a-b")
    digests = [hashlib.sha1(f"docs\0{raw}".encode()).hexdigest()[:12] for raw in ("a-b", "a.b")]
    assert [name for name, _ in mcp.named([one, two])] == [f"mcp__docs__a_b_{digest}" for digest in digests]
    assert mcp.named([one])[0][0] == "mcp__docs__a_b"


def test_a_name_that_is_too_long_is_cut_and_told_apart() -> None:
    (name, _), (other, _) = mcp.named([McpTool("s", "x" * 200), McpTool("s", "x" * 201)])
    assert len(name) == len(other) == mcp.MAX_NAME
    assert name != other


KEYS = st.sampled_from(["type", "properties", "items", "anyOf", "enum", "const", "required", "$defs", "x-odd"])
SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "anyOf", "enum", "const", "required", "$defs", "x-odd"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(SCHEMAS)
def test_any_schema_becomes_one_of_an_object(schema: Any) -> None:
    cleaned = json.loads(mcp.schema_text(schema))
    assert cleaned["type"] == "object"
    assert isinstance(cleaned["properties"], dict)
    assert mcp.schema_text(cleaned) == mcp.schema_text(schema)


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        (True, {}),
        ({"const": "x"}, {"enum": ["x"], "type": "string"}),
        ({"enum": [1, 2]}, {"enum": [1, 2], "type": "number"}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "type": "object"}),
        ({"type": "array"}, {"items": {}, "type": "array"}),
        ({"type": "string", "x-vendor": 1, "title": "T"}, {"type": "string"}),
        ({"anyOf": [{"const": 1}, False]}, {"anyOf": [{"enum": [1], "type": "number"}, {}]}),
    ],
)
def test_a_part_of_a_schema_is_reduced_to_what_every_provider_takes(given: Any, cleaned: Any) -> None:
    whole = {"type": "object", "properties": {"part": given}}
    assert json.loads(mcp.schema_text(whole))["properties"]["part"] == cleaned


def test_the_order_of_keys_in_a_schema_does_not_move_the_prompt() -> None:
    one = {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["b", "a"]}
    two = {"required": ["a", "b"], "properties": {"b": {}, "a": {"type": "string"}}, "type": "object"}
    assert mcp.schema_text(one) == mcp.schema_text(two)


def test_a_schema_without_end_and_a_huge_one_are_cut() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"type": "object", "properties": {"a": deep}}
    assert len(mcp.schema_text(deep)) < mcp.MAX_SCHEMA
    wide = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(5000)}}
    assert "too large" in mcp.schema_text(wide)


def test_a_description_is_cut() -> None:
    tool = mcp.from_wire("s", {"name": "t", "description": "é" * 10_000, "inputSchema": {}})
    assert tool is not None
    assert len(tool.description.encode()) <= mcp.MAX_DESCRIPTION
    assert mcp.from_wire("s", {"description": "nameless"}) is None


def test_hints_that_are_no_booleans_count_as_missing() -> None:
    hints = {"readOnlyHint": "yes", "destructiveHint": False}
    tool = mcp.from_wire("s", {"name": "t", "annotations": hints})
    assert tool is not None
    assert (tool.read_only, tool.destructive, tool.open_world) == (None, False, None)


def test_the_allow_list_comes_first_and_then_the_deny_list() -> None:
    tools = [McpTool("s", name) for name in "abc"]
    server = McpServer("s", enabled_tools=("a", "b"), disabled_tools=("b",))
    assert [tool.name for tool in mcp.offered(server, tools)] == ["a"]
    assert len(mcp.offered(McpServer("s"), tools)) == 3


def tool(server: str, name: str, size: int) -> tuple[str, McpTool]:
    return f"mcp__{server}__{name}", McpTool(server, name, "x" * size)


def test_all_tools_that_fit_are_listed() -> None:
    entries = tuple(tool("s", f"t{number}", 100) for number in range(100))
    assert mcp.fitting(entries) == (entries, {})


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 200_000)), max_size=40, unique=True))
def test_too_many_tools_are_left_out_evenly_counted_and_in_order(sizes: list[tuple[str, int]]) -> None:
    entries = [tool(server, f"t{number:02}", size) for number, (server, size) in enumerate(sizes)]
    kept, dropped = mcp.fitting(entries)
    assert list(kept) == [entry for entry in entries if entry in kept]
    assert len(kept) + sum(dropped.values()) == len(entries)
    assert sum(len(json.dumps(mcp.spec(*entry))) for entry in kept) < mcp.MAX_LISTED * 1.2
    for server in "abc":
        own = [entry for entry in entries if entry[1].server == server]
        if sum(len(entry[1].description) + 200 for entry in own) <= mcp.MAX_LISTED // 3:
            assert server not in dropped


def test_a_small_server_loses_nothing_to_one_that_offers_too_much() -> None:
    large = [tool("large", f"t{number}", 8_000) for number in range(2_000)]
    kept, dropped = mcp.fitting([*large, tool("small", "one", 100)])
    assert dropped.keys() == {"large"}
    assert kept[-1][0] == "mcp__small__one"


def test_a_schema_may_be_as_large_as_the_settings_say() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string", "description": "y" * 1_000}}}
    assert "too large" in mcp.schema_text(schema, 500)
    assert "too large" not in mcp.schema_text(schema, 5_000)
