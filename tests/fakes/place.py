"""A workspace and two homes for a whole sidecar in one process, and its prompts as texts that are the same on every machine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from treadle.app import Homes, Options, Parts
from treadle.core.items import Text
from treadle.core.ops import Overrides, StartThread, StartTurn
from treadle.runtime.agent import Agent, ThreadState

from .responses import ModelServer
from .snapshots import readable
from .world import RecordingClient


class Place:
    """`top` and `provider` are lines of config.toml, at its top and in the table of the scripted provider."""

    def __init__(self, folder: Path, server: ModelServer, *, provider: str = "", top: str = "", git: bool = True) -> None:
        self.homes = Homes(folder / "codex", folder / "treadle")
        self.workspace = folder / "home" / "ws"
        for path in (self.workspace, self.homes.codex, self.homes.treadle):
            path.mkdir(parents=True)
        if git:
            subprocess.run(["git", "init", "-q", str(self.workspace)], check=True)
        table = f'[model_providers.scripted]\nname = "Scripted"\nbase_url = "{server.base_url}"\n{provider}'
        (self.homes.codex / "config.toml").write_text(f'model = "gpt-5.5"\nmodel_provider = "scripted"\n{top}\n{table}\n')
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "SHELL": "/bin/bash"}

    def agent(self, **overrides: Any) -> Agent:
        base = {"sandbox_mode": "workspace-write", "sandbox_workspace_write.exclude_slash_tmp": True}
        return Parts(Options({**base, **overrides}), self.homes, self.environ).agent

    async def open(self, agent: Agent, client: RecordingClient, cwd: Path | None = None) -> str:
        state = await agent.submit(StartThread(Overrides(cwd=str(cwd or self.workspace))), client)
        assert isinstance(state, ThreadState)
        return state.meta.id

    async def say(self, agent: Agent, thread_id: str, words: str, **overrides: Any) -> str:
        """One turn to its end; its status."""
        client = RecordingClient()
        turn = await agent.submit(StartTurn(thread_id, (Text(words),), Overrides(**overrides)), client)
        return (await client.turn_end(turn.id)).status  # type: ignore[union-attr]

    def readable(self, request: dict[str, Any]) -> str:
        """See snapshots.readable; folders, ids, date and place are replaced by words."""
        replace = {
            str(self.workspace): "WORKSPACE",
            str(self.homes.codex): "CODEX_HOME",
            str(self.homes.treadle): "TREADLE_HOME",
            request["prompt_cache_key"]: "THREAD",
        }
        shown = readable(request, replace=replace)
        shown = re.sub(r"<current_date>[\d-]+<", "<current_date>DATE<", shown)
        return re.sub(r"<timezone>[^<]*<", "<timezone>ZONE<", shown)
