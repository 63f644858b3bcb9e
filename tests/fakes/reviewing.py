"""Whole agents on real files whose tool writes what it is told, and an editor: for tests of keep and undo."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from treadle.adapters.files import DiskFiles
from treadle.core.history import TurnState
from treadle.core.hunk_ops import KeepHunks, ListHunks, UndoHunks
from treadle.core.items import Text
from treadle.core.ops import StartTurn
from treadle.core.settings import SandboxPolicy
from treadle.runtime.agent import Agent
from treadle.runtime.answers import HunkFile, HunkList
from treadle.runtime.ports import Call, FileState, Scope

from .stores import MemoryStore
from .versions import MemoryVersions
from .world import FakeTool, RecordingClient, ScriptedModel, begin, build, call, end, message


async def write(call: Call, scope: Scope) -> str:
    """A tool that writes files: path -> text, or null to delete."""
    wanted: dict[str, str | None] = json.loads(call.arguments)
    before = [await scope.files.read(path) for path in wanted]
    after = [
        FileState(state.path, None if text is None else text.encode(), None if text is None else state.mode)
        for state, text in zip(before, wanted.values(), strict=True)
    ]
    await scope.files.commit(before, after, SandboxPolicy("danger-full-access"))
    return "ok"


class Typist:
    """An editor with one document."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.now, self.number = str(path), text, 1
        self._told: list[Callable[[str, str, str], None]] = []

    async def fetch(self, paths: Sequence[str]) -> None:
        """It tells of every change by itself."""

    def text(self, path: str) -> str | None:
        return self.now if path == self.path else None

    def version(self, path: str) -> int | None:
        return self.number if path == self.path else None

    def listen(self, told: Callable[[str, str, str], None]) -> None:
        self._told.append(told)

    def type(self, text: str) -> None:
        before, self.now = self.now, text
        self.number += 1
        for told in self._told:
            told(self.path, before, text)

    async def write(self, changes: Sequence[tuple[str, str, str]]) -> None:
        ((_, old, new),) = changes
        assert old == self.now
        self.type(new)


class Stand:
    """An agent whose model does what it is told, on real files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = ScriptedModel()
        self.versions, self.files, self.store = MemoryVersions(), DiskFiles(), MemoryStore()
        self.client = RecordingClient()
        self.agent = self.start()
        self.thread = ""

    def start(self) -> Agent:
        agent, _, _ = build(
            self.model,
            FakeTool("write", run=write),
            store=self.store,
            files=self.files,
            versions=self.versions,
            cwd=str(self.folder),
            sandbox=None,
        )
        return agent

    async def restart(self) -> None:
        """As if in another process: only what is kept is known."""
        await self.agent.close()
        self.store.release(self.thread)
        self.agent = self.start()

    def path(self, name: str, text: str | None = None) -> Path:
        path = self.folder / name
        if text is not None:
            path.write_text(text)
        return path

    async def turn(self, **files: str | None) -> str:
        """One turn of the agent that writes these files; a name with _ for the dot."""
        arguments = json.dumps({str(self.folder / name.replace("_", ".")): text for name, text in files.items()})
        self.model.scripts += [[*call("c", "write", arguments), *end()], [*message("done"), *end()]]
        if not self.thread:
            self.thread, turn_id = await begin(self.agent, self.client)
        else:
            state = await self.agent.submit(StartTurn(self.thread, (Text("go on"),)), self.client)
            turn_id = cast(TurnState, state).id
        assert (await self.client.turn_end(turn_id)).status == "completed"
        return turn_id

    async def list(self, **which: Any) -> list[HunkFile]:
        found = await self.agent.submit(ListHunks(which.pop("thread", self.thread), **which), self.client)
        return cast(HunkList, found).files

    async def hunks(self, **which: Any) -> dict[str, str]:
        """What was put where, by id."""
        return {hunk.id: "".join(hunk.added) or "-" for file in await self.list(**which) for hunk in file.hunks}

    async def keep(self, *ids: str, **which: Any) -> list[HunkFile]:
        op = KeepHunks(which.pop("thread", self.thread), ids or None, **which)
        return cast(HunkList, await self.agent.submit(op, self.client)).files

    async def undo(self, *ids: str, **which: Any) -> list[HunkFile]:
        op = UndoHunks(which.pop("thread", self.thread), ids or None, **which)
        return cast(HunkList, await self.agent.submit(op, self.client)).files

    def told(self, number: int = -1) -> str:
        """What the model was sent, as text."""
        request = self.model.requests[number]
        return (request.head + b",".join(request.fragments)).decode()
