"""A workspace, two homes, and whole agents on them that ask a scripted provider: all is real but the model's words."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from treadle.app import Homes, Options, Parts
from treadle.core.items import Text
from treadle.core.ops import Overrides, StartThread, StartTurn, WriteNotes
from treadle.runtime.agent import Agent, ThreadState

from .responses import ModelServer
from .snapshots import readable
from .world import RecordingClient


class Place:
    """A workspace with an AGENTS.md, two homes, and agents on them."""

    def __init__(self, folder: Path, server: ModelServer, provider: str = "", top: str = "model_context_window = 20000") -> None:
        self.homes = Homes(folder / "codex", folder / "treadle")
        self.workspace = folder / "home" / "ws"
        for path in (self.workspace, self.homes.codex, self.homes.treadle):
            path.mkdir(parents=True)
        (self.workspace / "hello.py").write_text("print('helo')\n")
        (self.workspace / "AGENTS.md").write_text("Use spaces.")
        subprocess.run(["git", "init", "-q", str(self.workspace)], check=True)
        table = (
            f'[model_providers.scripted]\nname = "Scripted"\nbase_url = "{server.base_url}"\nrequest_max_retries = 0\n{provider}'
        )
        (self.homes.codex / "config.toml").write_text(f'model = "gpt-5.5"\nmodel_provider = "scripted"\n{top}\n{table}\n')
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder / "home")}

    def agent(self) -> Agent:
        overrides = {"sandbox_mode": "workspace-write", "sandbox_workspace_write.exclude_slash_tmp": True}
        return Parts(Options(overrides), self.homes, self.environ).agent

    async def begin(self, agent: Agent, client: RecordingClient, words: str, notes: tuple[str, ...] = ()) -> tuple[str, str]:
        state = await agent.submit(StartThread(Overrides(cwd=str(self.workspace))), client)
        assert isinstance(state, ThreadState)
        if notes:
            await agent.submit(WriteNotes(state.meta.id, notes), client)
        turn = await agent.submit(StartTurn(state.meta.id, (Text(words),)), client)
        return state.meta.id, turn.id  # type: ignore[union-attr]

    def readable(self, request: dict[str, Any]) -> str:
        shown = readable(request, replace={str(self.workspace): "WORKSPACE", request["prompt_cache_key"]: "THREAD"})
        shown = re.sub(r"<current_date>.*?<", "<current_date>DATE<", shown)
        return re.sub(r"<timezone>.*?<", "<timezone>ZONE<", re.sub(r"<shell>.*?<", "<shell>SHELL<", shown))
