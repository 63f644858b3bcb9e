"""A workspace, two homes, and whole agents on them, with MCP servers as real children and a scripted model."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from fakes.commands import PatientClock
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.app import Homes, Options, Parts
from treadle.core.events import McpStatusChanged, TurnCompleted
from treadle.core.items import Text
from treadle.core.ops import Overrides, StartThread, StartTurn
from treadle.runtime.agent import Agent
from treadle.runtime.answers import ThreadState

TESTS = Path(__file__).parents[1]


class House:
    """A workspace, two homes, and agents on them; `servers` are the flags of MCP servers by their names."""

    def __init__(self, folder: Path, model: ModelServer) -> None:
        self.folder, self._model = folder, model
        self.homes = Homes(folder / "codex", folder / "treadle")
        self.workspace = folder / "home" / "ws"
        for made in (self.workspace, self.homes.codex, self.homes.treadle):
            made.mkdir(parents=True)
        self._agents: list[Agent] = []

    def configure(self, servers: dict[str, list[str]], top: str = "", keys: str = "") -> None:
        tables = "\n".join(self._table(name, flags, keys) for name, flags in servers.items())
        (self.homes.codex / "config.toml").write_text(
            f'model = "gpt-5.5"\nmodel_provider = "scripted"\n{top}\n[model_providers.scripted]\nname = "Scripted"\n'
            f'base_url = "{self._model.base_url}"\nenv_key = "SCRIPTED_KEY"\n{tables}\n'
        )

    def _table(self, name: str, flags: list[str], keys: str) -> str:
        args = json.dumps(["-m", "fakes.mcp_server", "--folder", str(self.folder), *flags])
        return f"[mcp_servers.{name}]\ncommand = '{sys.executable}'\nargs = {args}\nenv = {{ PYTHONPATH = '{TESTS}' }}\n{keys}\n"

    def agent(self) -> Agent:
        environ = {"SCRIPTED_KEY": "sk-scripted-123456", "PATH": os.environ["PATH"], "HOME": str(self.folder / "home")}
        parts = Parts(Options({"sandbox_mode": "workspace-write"}), self.homes, environ)
        parts.world.clock = PatientClock()  # see fakes.house
        self._agents.append(parts.agent)
        return self._agents[-1]

    async def begin(self, agent: Agent, client: RecordingClient, words: str = "go") -> tuple[str, str]:
        thread_id = await self.open(agent, client)
        turn = await agent.submit(StartTurn(thread_id, (Text(words),)), client)
        return thread_id, turn.id  # type: ignore[union-attr]

    async def open(self, agent: Agent, client: RecordingClient) -> str:
        state = await agent.submit(StartThread(Overrides(cwd=str(self.workspace))), client)
        assert isinstance(state, ThreadState)
        return state.meta.id

    def pids(self) -> list[int]:
        return [int(line) for line in (self.folder / "pids").read_text().split()]

    async def until(self, name: str) -> None:
        """Until a server has made this file."""
        async with asyncio.timeout(60):
            while not (self.folder / name).exists():  # noqa: ASYNC110 - made by another process
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        for agent in self._agents:
            await agent.close()


def names(request: dict[str, Any]) -> list[str]:
    return [tool["name"] for tool in request["tools"]]


def outputs(request: dict[str, Any]) -> list[str]:
    return [entry["output"] for entry in request["input"] if entry["type"].endswith("_output")]


GRACE = "mcp_optional_startup_grace_ms = 60000"


async def ended(client: RecordingClient, turn_id: str) -> TurnCompleted:
    event = await client.until(lambda e: isinstance(e, TurnCompleted) and e.turn_id == turn_id, timeout=60)
    assert isinstance(event, TurnCompleted)
    return event


async def ready(client: RecordingClient, name: str = "fake") -> None:
    await client.until(lambda e: isinstance(e, McpStatusChanged) and (e.name, e.status) == (name, "ready"), timeout=60)
