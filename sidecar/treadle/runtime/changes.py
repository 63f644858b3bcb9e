"""Who wants to know of the agent's changes to files, and the patches that they are told of.

A change is told twice: before it happens, so that what is lost by it can be kept (if that fails, the change does not happen), and
after it has. Commands change files by themselves: whoever finds out says so to `done`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import field
from typing import Any

from ..core.changes import Changed
from ..core.record import mutable
from ..core.settings import SandboxPolicy
from .ports import Buffers, Files, FileState


@mutable
class Changes:
    coming: list[Callable[[Sequence[Changed]], Awaitable[None]]] = field(
        default_factory=list[Callable[[Sequence[Changed]], Awaitable[None]]]
    )
    "Called, in order, before files are changed. Raises OSError in words for the model: then nothing is."
    done: list[Callable[[Sequence[Changed]], None]] = field(default_factory=list[Callable[[Sequence[Changed]], None]])
    "Called after they were. Must not raise."
    withdrawn: list[Callable[[Sequence[Changed]], Awaitable[None]]] = field(
        default_factory=list[Callable[[Sequence[Changed]], Awaitable[None]]]
    )
    "Called, last one first, when what was announced, to all or to some, does not happen after all. Must not raise."

    async def announce(self, changed: Sequence[Changed]) -> None:
        await asyncio.sleep(0)  # what clients were told of it is sent before the work begins
        for told in self.coming:
            await told(changed)

    async def withdraw(self, changed: Sequence[Changed]) -> None:
        """To its end, however often it is cancelled."""
        await to_its_end(self._withdraw(changed))

    async def _withdraw(self, changed: Sequence[Changed]) -> None:
        for told in reversed(self.withdrawn):
            await told(changed)

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
            await self._changes.withdraw(changed)
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


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """What another system thread does goes on whether or not it is waited for. Being cancelled counts afterwards."""
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    failed = task.exception()
    if problem := cancelled or failed:
        raise problem
