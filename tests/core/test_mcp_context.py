"""What a model is told of MCP servers and the sandbox: that they are outside of it, and only where there are some."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.world import PROVIDER
from treadle import prompts
from treadle.core.context import Situation, changes, opening_context
from treadle.core.settings import McpServer, SandboxMode, SandboxPolicy, Settings

WITHOUT = Settings("/w", "gpt-5.5", PROVIDER, sandbox=SandboxPolicy("workspace-write"))
WITH = replace(WITHOUT, mcp_servers=(McpServer("docs", command="x"),))
WORDS = "are outside of the sandbox: they run in MCP servers, with the user's rights and the network"


def told(settings: Settings) -> str:
    situation = Situation(settings, prompts.load("permissions"))
    return "\n".join(section.text for _, sections in opening_context(situation) for section in sections)


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
def test_a_model_with_servers_is_told_that_they_are_outside_of_the_sandbox(mode: SandboxMode) -> None:
    assert WORDS in told(replace(WITH, sandbox=SandboxPolicy(mode)))


@pytest.mark.parametrize(
    "settings",
    [
        WITHOUT,
        replace(WITH, mcp_servers=(McpServer("docs", command="x", enabled=False),)),
        replace(WITH, sandbox=SandboxPolicy("danger-full-access")),
        replace(WITH, sandbox=SandboxPolicy("external")),
    ],
)
def test_without_servers_or_without_a_sandbox_nothing_is_said_of_them(settings: Settings) -> None:
    assert "mcp__" not in told(settings)


def test_a_server_that_comes_later_is_told_of_then() -> None:
    before = Situation(WITHOUT, prompts.load("permissions"))
    said = {section.name: section.text for _, sections in opening_context(before) for section in sections}
    ((role, (section,)),) = changes(said, replace(before, settings=WITH))
    assert (role, section.name) == ("developer", "permissions")
    assert WORDS in section.text
