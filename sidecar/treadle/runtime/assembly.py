"""Puts the parts of one turn together. Here the runtime's ports meet; nothing is decided and nothing is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import field
from typing import Any, Protocol

from ..core.compaction import Room
from ..core.context import Document
from ..core.events import Event, WarningReported
from ..core.git_info import GitInfo
from ..core.items import Context, Item, JsonObject, Section
from ..core.known_files import KnownFiles
from ..core.record import mutable
from ..core.settings import Sandboxed, SandboxPolicy, Settings
from ..core.thread import Thread
from ..core.thread_ops import Background
from .accounting import Books, CountedModel, utc_day
from .audience import Audience
from .calls import Calls
from .changes import Changes, TurnFiles
from .compacting import Compactor
from .drafts import Drafts
from .grants import GrantBook, ThreadGrants, told_prefixes
from .hooks import Hooks
from .listing import ListingChange, ToolsByName
from .overrides import Configure
from .permission import Permission
from .ports import Clock, Files, McpServers, Model, Models, Outputs, Sandbox, Scope, Store, Tool, Versions
from .ports.network import Proxy
from .ports.tools import NetworkAccess
from .ports.watch import Watch
from .previews import Previews
from .retry import Retry
from .runner import Recorder, Runner
from .sampling import Sampler
from .skills import Invocations
from .watching import TurnWatch, Watching


class Briefing(Protocol):
    """What a thread's model is told besides the user's words."""

    def tools(self, settings: Settings) -> Sequence[Tool]: ...
    def news(self, thread: Thread, settings: Settings, *, sandboxed: Sandboxed, granted: tuple[str, ...] = ()) -> Sequence[Item]:
        """Opening and Context items for what this thread's model has not been told yet. `granted`: see core.context.Situation."""
        ...

    async def ready(self, thread: Thread, settings: Settings) -> None:
        """Wait for what the next Opening needs, when one is due. Raises TreadleError when it cannot be had."""
        ...

    def tools_of(self, thread: Thread, settings: Settings) -> ToolsByName:
        """What the thread's model may call: what its Opening lists."""
        ...

    def pending(self, thread: Thread, settings: Settings) -> ListingChange:
        """How the tools of now differ from those that the thread's model was told of."""
        ...

    def refresh(self, thread: Thread) -> None:
        """Begin a new epoch with the tools of now before the thread's next request."""
        ...

    def tail(self, settings: Settings) -> JsonObject: ...
    def sources(self, settings: Settings) -> tuple[str, ...]:
        """Instruction files in force, absolute paths."""
        ...

    def documents(self, settings: Settings) -> Sequence[Document]:
        """The same files with what they say."""
        ...

    def problems(self, settings: Settings) -> tuple[str, ...]: ...
    def noticed(self, thread: Thread) -> Sequence[Event]:
        """What clients should hear of since the last time this was asked."""
        ...

    def invocations(self, settings: Settings, warn: Callable[[str], None]) -> Invocations:
        """The skills of one turn."""
        ...

    def window(self, settings: Settings) -> int | None: ...
    def room(self, settings: Settings) -> Room:
        """How long a thread may get under these settings."""
        ...

    def summary_instruction(self, settings: Settings) -> str:
        """The words by which a summary is asked for."""
        ...


class Sessions(Protocol):
    """A thread's background commands."""

    def running(self) -> list[Background]: ...
    async def end_one(self, process_id: str) -> bool:
        """False when there is none of this id that runs."""
        ...

    async def end_turn(self, turn_id: str) -> None:
        """End those that were started in this turn."""
        ...

    async def close(self) -> None: ...


class Environment(Protocol):
    """Variables for child processes."""

    def variables(self, settings: Settings) -> tuple[dict[str, str], bool]:
        """The variables, and whether they are already those of a login shell."""
        ...

    def secrets(self, settings: Settings) -> tuple[str, ...]:
        """What is taken out of the output of commands, as core.redaction.known gives it."""
        ...

    async def asked(self) -> None:
        """Returns when the login shell has answered, or was given up."""
        ...

    async def close(self) -> None: ...


@mutable
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
    info: Callable[..., Awaitable[Any]]
    mcp: McpServers | None = None
    day: Callable[[float], str] = utc_day
    "Seconds since the epoch -> YYYY-MM-DD, where the user is."
    proxy: Proxy | None = None
    "The way of commands without network to hosts on the user's allow-list."
    warned: set[str] = field(default_factory=set[str])
    "What is said once in the life of the process, and was."
    books: Books = field(init=False)
    grants: GrantBook = field(init=False)
    outputs: Outputs | None = None
    own: tuple[str, ...] = ()
    "Real paths of the folders from which the agent itself starts: see core.policy.decide."
    changes: Changes = field(default_factory=Changes)
    "What the agent does to files is told here."
    versions: Versions | None = None
    "What files held; None: nothing is kept."
    watch: Watch | None = None
    "Sees what commands do to files."
    watching: Watching | None = field(init=False, default=None)
    asides: list[Callable[[str], Sequence[Section]]] = field(default_factory=list[Callable[[str], Sequence[Section]]])
    "What the model of this thread is told once, with its next request: asked before each, and told if it gives anything."
    forgetting: list[Callable[[str], Awaitable[None]]] = field(default_factory=list[Callable[[str], Awaitable[None]]])
    "Called before all of this thread is deleted: when they return, nothing is written of it any more. Must not raise."
    git: Callable[[str], GitInfo | None] | None = None
    "Where a folder stands in git. Reads files: not for the event loop."
    asked: int = 0
    "Ops so far."
    warm: Callable[[], Iterator[None]] | None = None
    "Loads what a first turn needs, so that it does not wait for it, a part with each step. Not for the event loop."
    trim: Callable[[], None] | None = None
    "Gives memory that is free back to the system. Not for the event loop."
    without_compaction: set[str] = field(default_factory=set[str])
    "Addresses of providers that turned out to have no endpoint for compaction."

    def __post_init__(self) -> None:
        self.books = Books(self.clock, self.day, self.store)
        self.grants = GrantBook(self.store.grants, self.clock)
        if self.watch is not None and self.versions is not None:
            self.watching = Watching(self.watch, self.versions, self.changes, self.clock)

    async def close(self) -> None:
        if self.mcp is not None:
            await self.mcp.close()
        await self.environment.close()
        await self.models.close()
        await self.sandbox.close()
        if self.proxy is not None:
            await self.proxy.close()
        if self.watch is not None:
            await self.watch.close()
        if self.versions is not None:
            self.versions.close()
        self.store.close()


class ThreadParts(Protocol):
    """What a turn needs of a loaded thread."""

    thread: Thread
    store: Store
    audience: Audience
    runner: Runner | None
    "Of the turn that runs."
    sessions: Sessions
    known: KnownFiles
    greeted: bool
    "Its SessionStart hooks have run in this process."

    @property
    def durable(self) -> bool:
        """Whether the store keeps all items."""
        ...


def confinement(settings: Settings) -> SandboxPolicy:
    """The thread's sandbox policy with its own folders among the roots."""
    roots = dict.fromkeys((settings.cwd, *settings.roots, *settings.sandbox.writable_roots))
    return dataclasses.replace(settings.sandbox, writable_roots=tuple(roots))


def assemble(
    world: World, loaded: ThreadParts, settings: Settings, turn_id: str, *, sandboxed: Sandboxed, only_compacts: bool = False
) -> Runner:
    """A runner for one turn, ready to run."""
    thread, audience, briefing = loaded.thread, loaded.audience, world.briefing
    recorder = Recorder(loaded.store, thread.id, Drafts(loaded.store, thread.id))

    async def context() -> Sequence[Item]:
        await briefing.ready(thread, settings)
        news = briefing.news(thread, settings, sandboxed=sandboxed, granted=told_prefixes(world.grants, thread.id, settings))
        audience.notify(*briefing.noticed(thread))
        asides = tuple(section for told in world.asides for section in told(thread.id))
        once = [Context(world.clock.new_id(), world.clock.now(), "developer", asides)] if asides else []
        return [*news, *await hooks.greeting(loaded, news), *invocations.again(thread.told), *once]

    def warn(text: str) -> None:
        audience.notify(WarningReported(text, thread.id))

    invocations = briefing.invocations(settings, warn)

    def cancel_turn() -> None:
        runner.interrupt()

    hooks = Hooks(settings, world.sandbox, world.clock, world.environment.variables(settings)[0], audience, thread.id, turn_id)
    calls = _calls(world, loaded, settings, recorder, cancel_turn, hooks)
    runner = Runner(
        thread,
        turn_id,
        briefing.tail(settings),
        recorder,
        audience,
        context=context,
        context_window=briefing.window(settings),
        sampler=_sampler(world, loaded, settings, recorder, calls),
        calls=calls,
        compactor=_compactor(world, loaded, settings, turn_id, recorder),
        hooks=hooks,
        only_compacts=only_compacts,
        closed=only_compacts,
        forgets=loaded.durable,
        instruction_sources=lambda: briefing.sources(settings),
        follow=invocations.follow,
    )
    return runner


def _sampler(world: World, loaded: ThreadParts, settings: Settings, recorder: Recorder, calls: Calls) -> Sampler:
    return Sampler(
        loaded.thread.id,
        calls.turn_id,
        _model(world, loaded, settings, calls.turn_id),
        world.clock,
        lambda: Retry(settings.provider),
        record=recorder.record,
        draft=recorder.drafts.changed,
        notify=loaded.audience.notify_all,
        start_call=calls.start,
        previews=calls.previews,
    )


def _compactor(world: World, loaded: ThreadParts, settings: Settings, turn_id: str, recorder: Recorder) -> Compactor:
    briefing, provider = world.briefing, settings.provider
    return Compactor(
        loaded.thread,
        turn_id,
        provider,
        _model(world, loaded, settings, turn_id),
        world.clock,
        briefing.room(settings),
        briefing.summary_instruction(settings),
        briefing.tail(settings),
        loaded.audience,
        new_retry=lambda: Retry(provider),
        absent=world.without_compaction,
        record=recorder.record,
    )


def _model(world: World, loaded: ThreadParts, settings: Settings, turn_id: str) -> Model:
    """The model of these settings; every request to it gets its row in the ledger."""
    model = world.models.get(settings.provider, settings)
    return CountedModel(model, world.books, loaded.store, loaded.audience, loaded.thread, turn_id, settings)


def _calls(  # noqa: PLR0917
    world: World, loaded: ThreadParts, settings: Settings, recorder: Recorder, cancel_turn: Callable[[], None], hooks: Hooks
) -> Calls:
    environment, login_done = world.environment.variables(settings)
    grants = ThreadGrants(world.grants, loaded.thread.id, settings, loaded.durable)
    scope = Scope(
        settings=settings,
        sandbox=world.sandbox,
        files=TurnFiles(world.files, world.changes, loaded.thread.id, hooks.turn_id),
        clock=world.clock,
        emit=_nothing,
        policy=confinement(settings),
        environment=environment,
        login_done=login_done,
        sessions=loaded.sessions,
        known=loaded.known,
        outputs=world.outputs if loaded.durable else None,
    )
    permission = Permission(loaded.thread.id, hooks.turn_id, loaded.audience, grants, world.own)
    scope.network = _network(world, loaded, settings, permission, cancel_turn)
    return Calls(
        hooks.turn_id,
        world.briefing.tools_of(loaded.thread, settings),
        scope,
        loaded.audience,
        loaded.thread.id,
        permission=permission,
        hooks=hooks,
        record=recorder.record,
        draft=recorder.drafts.changed,
        keep=recorder.keep,
        cancel_turn=cancel_turn,
        variables=lambda: world.environment.variables(settings),
        secrets=lambda: world.environment.secrets(settings),
        previews=Previews(loaded.thread.id, hooks.turn_id, settings.cwd, world.clock),
        watch=_watch(world, loaded, settings, hooks),
    )


def _watch(world: World, loaded: ThreadParts, settings: Settings, hooks: Hooks) -> TurnWatch | None:
    if world.watching is None or not loaded.durable or not settings.checkpoints.enabled:
        return None
    roots = [world.files.resolve(root) for root in confinement(settings).writable_roots]
    hooked = hooks.any("PreToolUse") or hooks.any("PostToolUse")
    owner = (loaded.thread.id, hooks.turn_id)
    return world.watching.turn(owner, roots, settings.checkpoints, loaded.audience.notify, hooked=hooked)


def _network(
    world: World, loaded: ThreadParts, settings: Settings, permission: Permission, cancel_turn: Callable[[], None]
) -> NetworkAccess | None:
    if settings.network is None or world.proxy is None:
        return None
    from .network import TurnNetwork  # noqa: PLC0415

    return TurnNetwork(
        settings,
        settings.network,
        world.proxy,
        world.sandbox,
        world.clock,
        permission,
        cancel_turn=cancel_turn,
        resting=lambda: loaded.runner is None,
        warned=world.warned,
    )


def _nothing(text: str) -> None:
    pass
