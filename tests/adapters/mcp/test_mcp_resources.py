"""Resources of real servers: listed, read, and refused in words."""

from __future__ import annotations

import pytest

from fakes.mcp_stand import Stand
from treadle.core.errors import ToolFailure
from treadle.core.mcp import Look


async def test_resources_and_their_templates_are_listed_and_read(stand: Stand) -> None:
    server = stand.server()
    settings = stand.settings(server)
    await stand.pool.settle(settings)
    assert stand.pool.statuses(settings)[0].resources
    assert stand.new_pool().statuses(settings)[0].resources, "kept for the next process"
    listed = await stand.pool.look(server, settings, Look("resources"))
    assert [entry["uri"] for entry in listed["resources"]] == ["notes://today", "notes://picture"]
    assert "nextCursor" not in listed
    templates = await stand.pool.look(server, settings, Look("templates"))
    assert templates["resourceTemplates"][0]["uriTemplate"] == "notes://of/{day}"
    read = await stand.pool.look(server, settings, Look("read", uri="notes://of/monday"))
    assert read["contents"][0]["text"] == "Nothing on monday."
    picture = await stand.pool.look(server, settings, Look("read", uri="notes://picture"))
    assert picture["contents"][0]["mimeType"] == "image/png"


async def test_a_resource_that_is_not_there_is_named(stand: Stand) -> None:
    server = stand.server()
    with pytest.raises(ToolFailure, match="Reading notes://none of the MCP server fake failed"):
        await stand.pool.look(server, stand.settings(server), Look("read", uri="notes://none"))


async def test_a_server_without_resources_says_so(stand: Stand) -> None:
    server = stand.rogue("plain")
    with pytest.raises(ToolFailure, match="it offers no resources"):
        await stand.pool.look(server, stand.settings(server), Look("resources"))
    assert not stand.pool.statuses(stand.settings(server))[0].resources
