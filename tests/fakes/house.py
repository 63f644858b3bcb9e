"""A workspace, two homes, and whole agents on them, for tests in one process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from treadle.app import Homes, Options, Parts
from treadle.core.items import Text
from treadle.core.ops import Overrides, StartThread, StartTurn
from treadle.runtime.agent import Agent, ThreadState

from .commands import PatientClock
from .responses import ModelServer
from .world import RecordingClient

PATCH = "*** Begin Patch\n*** Update File: hello.py\n@@\n-print('helo')\n+print('hello')\n*** End Patch"


class House:
    """A workspace, two homes, and agents on them."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.homes = Homes(folder / "codex", folder / "treadle")
        self.workspace = folder / "home" / "ws"
        self.workspace.mkdir(parents=True)
        self.homes.codex.mkdir()
        self.homes.treadle.mkdir()
        (self.workspace / "hello.py").write_text("print('helo')\n")
        (self.workspace / "AGENTS.md").write_text("Use spaces.")
        subprocess.run(["git", "init", "-q", str(self.workspace)], check=True)
        self.configuration = f"""
            model = "gpt-5.5"
            model_provider = "scripted"
            [model_providers.scripted]
            name = "Scripted"
            base_url = "{server.base_url}"
            env_key = "SCRIPTED_KEY"
        """
        self.configure(self.configuration)
        self.environ = {"SCRIPTED_KEY": "sk-scripted-123456", "PATH": os.environ["PATH"], "HOME": str(folder / "home")}

    def configure(self, text: str) -> None:
        (self.homes.codex / "config.toml").write_text(text)

    def agent(self) -> Agent:
        overrides = {"sandbox_mode": "workspace-write", "sandbox_workspace_write.exclude_slash_tmp": True}
        parts = Parts(Options(overrides), self.homes, self.environ)
        parts.world.clock = PatientClock()  # a command that is not given a time may need more than ten seconds to end
        return parts.agent

    async def begin(self, agent: Agent, client: RecordingClient, words: str = "go", **more: object) -> tuple[str, str]:
        state = await agent.submit(StartThread(Overrides(cwd=str(self.workspace), **more)), client)  # type: ignore[arg-type]
        assert isinstance(state, ThreadState)
        turn = await agent.submit(StartTurn(state.meta.id, (Text(words),)), client)
        return state.meta.id, turn.id  # type: ignore[union-attr]


def outputs(request: dict[str, object]) -> list[str]:
    found: list[dict[str, str]] = request["input"]  # type: ignore[assignment]
    return [entry["output"] for entry in found if entry["type"].endswith("_output")]
