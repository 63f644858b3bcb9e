"""Puts the parts of one turn together. Here the runtime's ports meet; nothing is decided and nothing is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..core.items import Item, JsonObject
from ..core.policy import Grants
from ..core.settings import SandboxPolicy, Settings
from ..core.thread import Thread
from .audience import Audience
from .calls import Calls
from .overrides import Configure
from .ports import Clock, Files, Models, Sandbox, Scope, Store, Tool
from .retry import Retry
from .runner import Recorder, Runner
from .sampling import Sampler


class Briefing(Protocol):
    """What a thread's model is told besides the user's words."""

    def tools(self, settings: Settings) -> Sequence[Tool]: ...
    def news(self, thread: Thread, settings: Settings, *, sandboxed: bool) -> Sequence[Item]:
        """Opening and Context items for what this thread's model has not been told yet."""
        ...

    def tail(self, settings: Settings) -> JsonObject: ...
    def sources(self, settings: Settings) -> tuple[str, ...]:
        """Instruction files in force, absolute paths."""
        ...

    def problems(self, settings: Settings) -> tuple[str, ...]: ...
    def window(self, settings: Settings) -> int | None: ...


class Sessions(Protocol):
    """A thread's background commands."""

    async def close(self) -> None: ...


class Environment(Protocol):
    """Variables for child processes."""

    def variables(self, settings: Settings) -> tuple[dict[str, str], bool]:
        """The variables, and whether they are already those of a login shell."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class World:
    """Everything outside, as ports. Built by app.py."""

    models: Models
    sandbox: Sandbox
    files: Files
    store: Store
    clock: Clock
    briefing: Briefing
    configure: Configure
    environment: Environment
    new_sessions: Callable[[], Sessions]
    grants: Callable[[], Grants]
    info: Callable[..., Awaitable[Any]]

    async def close(self) -> None:
        await self.environment.close()
        await self.models.close()
        await self.sandbox.close()
        self.store.close()


class ThreadParts(Protocol):
    """What a turn needs of a loaded thread."""

    thread: Thread
    store: Store
    audience: Audience
    sessions: Sessions
    grants: Grants


def confinement(settings: Settings) -> SandboxPolicy:
    """The thread's sandbox policy with its own folders among the roots."""
    roots = dict.fromkeys((settings.cwd, *settings.roots, *settings.sandbox.writable_roots))
    return dataclasses.replace(settings.sandbox, writable_roots=tuple(roots))


def assemble(world: World, loaded: ThreadParts, settings: Settings, turn_id: str, *, sandboxed: bool) -> Runner:
    """A runner for one turn, ready to run."""
    thread, audience, briefing = loaded.thread, loaded.audience, world.briefing
    recorder = Recorder(loaded.store, thread.id)

    def cancel_turn() -> None:
        runner.interrupt()

    calls = _calls(world, loaded, settings, turn_id, recorder, cancel_turn)
    sampler = Sampler(
        thread.id,
        turn_id,
        world.models.get(settings.provider, settings),
        world.clock,
        lambda: Retry(settings.provider),
        record=recorder.record,
        notify=audience.notify_all,
        start_call=calls.start,
    )
    runner = Runner(
        thread,
        turn_id,
        briefing.tail(settings),
        recorder,
        audience,
        context=lambda: briefing.news(thread, settings, sandboxed=sandboxed),
        context_window=briefing.window(settings),
        sampler=sampler,
        calls=calls,
        instruction_sources=lambda: briefing.sources(settings),
    )
    return runner


def _calls(  # noqa: PLR0917
    world: World, loaded: ThreadParts, settings: Settings, turn_id: str, recorder: Recorder, cancel_turn: Callable[[], None]
) -> Calls:
    def grant(grants: Grants) -> None:
        loaded.grants = grants

    environment, login_done = world.environment.variables(settings)
    scope = Scope(
        settings=settings,
        sandbox=world.sandbox,
        files=world.files,
        clock=world.clock,
        emit=_nothing,
        policy=confinement(settings),
        environment=environment,
        login_done=login_done,
        sessions=loaded.sessions,
    )
    return Calls(
        turn_id,
        {tool.name: tool for tool in world.briefing.tools(settings)},
        scope,
        loaded.audience,
        loaded.thread.id,
        grants=lambda: loaded.grants,
        grant=grant,
        record=recorder.record,
        cancel_turn=cancel_turn,
    )


def _nothing(text: str) -> None:
    pass
