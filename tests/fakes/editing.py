"""An agent whose model changes real files, with patches and with commands; and the user with whatever she likes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from treadle.adapters.files import DiskFiles
from treadle.adapters.versions import SqliteVersions
from treadle.adapters.watch import DiskWatch
from treadle.core.checkpoint_ops import ListCheckpoints, OnConflict, PreviewCheckpoint, RedoCheckpoint, RestoreCheckpoint, What
from treadle.core.checkpoints import Checkpoint, CheckpointList, CheckpointPlan, RestoreDone
from treadle.core.ops import ResumeThread
from treadle.core.policy import RunCommand
from treadle.core.settings import SandboxPolicy
from treadle.runtime.agent import Agent
from treadle.runtime.ports import Call, FileState, Scope

from .stores import MemoryStore
from .world import FakeTool, RecordingClient, ScriptedModel, begin, build, call, end, message, more

ANYWHERE = SandboxPolicy("danger-full-access")
Action = Callable[[Scope], Awaitable[None]]


class Desk:
    """A workspace, a thread, and the means to work in both."""

    def __init__(self, folder: Path, *, watched: bool = False) -> None:
        self._watched = watched
        self.folder = folder / "ws"
        self.folder.mkdir()
        self.home = folder / "home"
        self.store = MemoryStore()
        self.client = RecordingClient()
        self.thread_id = ""
        self._commands: list[Action] = []
        self._actions: list[tuple[str, Action]] = []
        self.open()

    def open(self) -> None:
        """A sidecar; after `close` another one."""
        self.model = ScriptedModel()
        self.versions = SqliteVersions(self.home)
        self.files = DiskFiles()
        wish = RunCommand("work", str(self.folder))
        tools = [FakeTool("work", run=self._run, parallel=False), FakeTool("shell", run=self._run, parallel=False, wish=wish)]
        self.agent: Agent
        self.agent, self.clock, _ = build(
            self.model,
            *tools,
            policy=ANYWHERE,
            watch=DiskWatch(self.home) if self._watched else None,
            store=self.store,
            files=self.files,
            versions=self.versions,
            cwd=str(self.folder),
        )

    async def close(self) -> None:
        await self.agent.close()

    async def restart(self) -> None:
        await self.close()
        self.store.release(self.thread_id)  # as a store does that is closed
        time = self.clock.time
        self.open()
        self.clock.time = time
        # ids go on where they were
        while int(self.clock.new_id()[3:]) < 10_000 * (self.restarts + 1):
            pass
        self.restarts += 1
        await self.agent.submit(ResumeThread(self.thread_id), self.client)

    restarts = 0

    async def _run(self, call: Call, scope: Scope) -> str:
        await self._actions.pop(0)[1](scope)
        return "ok"

    async def turn(self, *actions: Action, words: str = "go") -> str:
        """The model does this, one call after the other; the turn's id when it is over."""
        self._actions = [("shell" if action in self._commands else "work", action) for action in actions]
        for tool, _ in self._actions:
            self.model.scripts.append([*call(f"call-{self.clock.new_id()}", tool), *end()])
        self.model.scripts.append([*message("done"), *end()])
        if self.thread_id:
            turn_id = await more(self.agent, self.client, self.thread_id, words)
        else:
            self.thread_id, turn_id = await begin(self.agent, self.client, words)
        assert (await self.client.turn_end(turn_id)).status == "completed"
        return turn_id

    async def patches(self, **files: bytes | None) -> str:
        """A turn with one patch of all these files."""
        return await self.turn(self.patch(**files))

    def patch(self, **files: bytes | None) -> Action:
        async def run(scope: Scope) -> None:
            before = [await scope.files.read(self.path(name)) for name in files]
            after = [FileState(self.path(name), data) for name, data in files.items()]
            await scope.files.commit(before, after, ANYWHERE)

        return run

    def command(self, do: Callable[[], None]) -> Action:
        """A command that does this, of which nobody says anything."""

        async def run(scope: Scope) -> None:
            do()

        self._commands.append(run)
        return run

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self, name: str, data: bytes) -> None:
        (self.folder / name).write_bytes(data)

    def read(self, name: str) -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    async def list(self) -> list[Checkpoint]:
        found = await self.agent.submit(ListCheckpoints(self.thread_id), self.client)
        assert isinstance(found, CheckpointList)
        return list(found.checkpoints)

    async def preview(self, turn_id: str | None = None, *, restore_id: str | None = None, what: What = "files") -> CheckpointPlan:
        found = await self.agent.submit(PreviewCheckpoint(self.thread_id, turn_id, restore_id, what), self.client)
        assert isinstance(found, CheckpointPlan)
        return found

    async def restore(self, turn_id: str, what: What = "files", on_conflict: OnConflict = "abort") -> RestoreDone:
        done = await self.agent.submit(RestoreCheckpoint(self.thread_id, turn_id, what, on_conflict), self.client)
        assert isinstance(done, RestoreDone)
        return done

    async def redo(self, restore_id: str | None, on_conflict: OnConflict = "abort") -> RestoreDone:
        assert restore_id is not None
        done = await self.agent.submit(RedoCheckpoint(self.thread_id, restore_id, on_conflict), self.client)
        assert isinstance(done, RestoreDone)
        return done


def kinds(found: CheckpointPlan | RestoreDone) -> dict[str, str]:
    """Name -> what becomes of the file."""
    return {plan.path.rpartition("/")[2]: plan.kind for plan in found.files}
