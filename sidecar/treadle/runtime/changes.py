"""Who wants to know of the agent's changes to files, and the patches that they are told of.

A change is told twice: before it happens, so that what is lost by it can be kept (if that fails, the change does not happen), and
after it has. Commands change files by themselves: whoever finds out says so to `done`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ..core.changes import Changed
from ..core.settings import SandboxPolicy
from .ports import Buffers, Files, FileState


@dataclass(slots=True)
class Changes:
    coming: list[Callable[[Sequence[Changed]], Awaitable[None]]] = field(
        default_factory=list[Callable[[Sequence[Changed]], Awaitable[None]]]
    )
    "Called, in order, before files are changed. Raises OSError in words for the model: then nothing is."
    done: list[Callable[[Sequence[Changed]], None]] = field(default_factory=list[Callable[[Sequence[Changed]], None]])
    "Called after they were. Must not raise."
    withdrawn: list[Callable[[Sequence[Changed]], None]] = field(default_factory=list[Callable[[Sequence[Changed]], None]])
    "Called when what was announced, to all or to some, does not happen after all. Must not raise."

    async def announce(self, changed: Sequence[Changed]) -> None:
        for told in self.coming:
            await told(changed)

    def withdraw(self, changed: Sequence[Changed]) -> None:
        for told in self.withdrawn:
            told(changed)

    def tell(self, changed: Sequence[Changed]) -> None:
        for told in self.done:
            told(changed)


class TurnFiles:
    """The files as the tools of one turn use them: every commit is told."""

    def __init__(self, files: Files, changes: Changes, thread_id: str, turn_id: str) -> None:
        self._files = files
        self.buffers: Buffers | None = None
        "An editor lends its own to the files underneath."
        self._changes = changes
        self._thread_id = thread_id
        self._turn_id = turn_id

    async def read(self, path: str, *, on_disk: bool = False) -> FileState:
        return await self._files.read(path, on_disk=on_disk)

    async def commit(self, before: Sequence[FileState], after: Sequence[FileState], policy: SandboxPolicy) -> None:
        found = {state.path: state for state in before}
        moves = {state.like: state.path for state in after if state.like is not None}
        changed = [self._changed(found.get(state.path), state, state.like or moves.get(state.path)) for state in after]
        try:
            await self._changes.announce(changed)
            await self._files.commit(before, after, policy)
        except BaseException:
            self._changes.withdraw(changed)
            raise
        self._changes.tell(changed)

    def refusal(self, path: str, policy: SandboxPolicy) -> str | None:
        return self._files.refusal(path, policy)

    def resolve(self, path: str) -> str:
        return self._files.resolve(path)

    def _changed(self, old: FileState | None, new: FileState, moved: str | None) -> Changed:
        return Changed(
            self._thread_id,
            self._turn_id,
            new.path,
            old.data if old else None,
            new.data,
            "patch",
            mode_before=old.mode if old else None,
            mode_after=new.mode,
            unsaved=bool(old and old.unsaved),
            moved=moved,
        )
