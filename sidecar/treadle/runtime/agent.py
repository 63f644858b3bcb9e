"""Threads by id: takes ops, answers them, runs at most one turn per thread.

A thread is loaded when it is started or resumed, and this process is then its only writer. A thread that was left in the middle
of a turn (the process died) is repaired when it is loaded: open calls are answered "aborted" and the turn is marked interrupted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any, Literal

from ..core import history
from ..core.asking import Decision
from ..core.elicitation import McpQuestion
from ..core.errors import RequestRefused
from ..core.events import (
    ErrorInfo,
    ErrorReported,
    PlanUpdated,
    ProgressReported,
    RequestCounted,
    ThreadNamed,
    ThreadStarted,
    ThreadStatusChanged,
    TurnCompleted,
    TurnStarted,
    UsageUpdated,
    WarningReported,
)
from ..core.history import TurnState
from ..core.items import Summary, TurnBegan, TurnEnded, UsageReported, UserMessage
from ..core.mcp import McpStatus
from ..core.models import window_doubt
from ..core.ops import (
    ArchiveThread,
    CallMcpTool,
    CheckRule,
    CompactThread,
    EndCommand,
    Execute,
    InterruptTurn,
    ListMcpServers,
    ListRules,
    ListThreads,
    LoginMcpServer,
    NameThread,
    Op,
    Overrides,
    ReadLedger,
    ReadMcpResource,
    ReadNotes,
    ReadOutput,
    ReadPrompt,
    ReadSummary,
    ReadThread,
    RefreshTools,
    ReloadMcpServers,
    ResizeTerminal,
    ResumeThread,
    StartThread,
    StartTurn,
    SteerTurn,
    WriteInput,
    WriteNotes,
    WriteRules,
    WriteSummary,
)
from ..core.settings import Settings
from ..core.thread import Thread
from . import foreign, mcp_ops, outputs, reading, rules, summaries
from . import overrides as over
from .answers import Answer, ThreadPage, ThreadState
from .assembly import World, assemble
from .audience import Audience
from .commanding import Commands
from .loaded import Loaded, Nowhere
from .ports import Buffers, Client, Store, ThreadMeta
from .repair import repaired
from .runner import INTERNAL, Runner
from .shelf import Shelf

_log = logging.getLogger(__name__)
__all__ = ["Agent", "Answer", "ThreadPage", "ThreadState"]


class Agent:
    """The one object that a server talks to. Built by app.py.

    A client that starts, resumes or starts a turn in a thread is subscribed to its events.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._loaded: dict[str, Loaded] = {}
        self._shelf = Shelf(world, self._loaded)
        self._ending: set[asyncio.Task[None]] = set()
        self._world.grants.notify = rules.told_to(self._loaded)
        self._commands = Commands(world)

    async def submit(self, op: Op, client: Client) -> Answer:
        """StartThread, ResumeThread, ReadThread -> ThreadState; ListThreads -> ThreadPage; StartTurn -> TurnState (inProgress,
        before any event of the turn); SteerTurn -> the turn's id; ReadSummary -> SummaryState; ReadNotes -> list of str;
        ReadLedger -> LedgerPage; ReadPrompt -> Inspection; Execute -> Executed; the rest -> None.

        Raises RequestRefused or TreadleError."""
        match op:
            case StartThread():
                return await self._start_thread(op, client)
            case ResumeThread():
                return await self._resume_thread(op, client)
            case ReadThread():
                return self._shelf.read(op)
            case ListThreads():
                return self._shelf.list(op)
            case NameThread():
                meta = self._shelf.change(op.thread_id, name=op.name)
                self._audience(op.thread_id, client).notify(ThreadNamed(meta.id, meta.name))
            case ArchiveThread():
                self._shelf.change(op.thread_id, archived=op.archived)
                if op.archived and (loaded := self._loaded.get(op.thread_id)):
                    await loaded.stop()
                    self._unload(loaded)
            case StartTurn() | CompactThread():
                return await self._start_turn(op, client)
            case ReadSummary() | WriteSummary() | ReadNotes() | WriteNotes():
                return summaries.answer(self._thread(op.thread_id), op, self._world.clock)
            case ReadOutput():
                return outputs.answer(self._world, self._loaded.get(op.thread_id), op)
            case RefreshTools() | ListMcpServers() | ReloadMcpServers():
                return await foreign.answer(self._world, self._loaded, op)
            case LoginMcpServer() | ReadMcpResource() | CallMcpTool():
                return await mcp_ops.answer(self._world, self._loaded, op, client)
            case Execute() | WriteInput() | ResizeTerminal() | EndCommand():
                return await self._commands.answer(op, client)
            case ListRules() | WriteRules() | CheckRule():
                return await rules.answer(self._world, self._loaded, op)
            case SteerTurn():
                return self._steer(op)
            case InterruptTurn():
                self._running(op.thread_id, op.turn_id).interrupt()
            case ReadLedger() | ReadPrompt():
                return await reading.answer(self._world, op, self._loaded.get(op.thread_id or ""))
        return None

    def unsubscribe(self, thread_id: str, client: Client) -> None:
        """Stop telling `client` about a thread."""
        loaded = self._loaded.get(thread_id)
        if loaded:
            loaded.audience.leave(client)

    def lend(self, buffers: Buffers | None) -> None:
        """Files that an editor has unsaved changes in are read and written there from now on; None: the editor is gone."""
        self._world.files.buffers = buffers

    def drop(self, client: Client) -> None:
        """The client is gone: forget its subscriptions, answer what it was asked with decline."""
        for loaded in self._loaded.values():
            loaded.audience.leave(client)
        self.end_commands(client)

    def end_commands(self, client: Client) -> None:
        """Those that this client had run for itself; it will have no more."""
        self._commands.drop(client)

    def report_progress(self, message: str | None) -> None:
        """Tell every client of every loaded thread, once each, what takes long; None: it is over."""
        clients = {id(client): client for loaded in self._loaded.values() for client in loaded.audience.clients}
        for client in clients.values():
            client.notify([ProgressReported(message)])

    def mcp_changed(self, status: McpStatus) -> None:
        """An MCP server's state, or what it offers, has changed."""
        foreign.tell(self._world, self._loaded.values(), status)

    async def mcp_asked(self, question: McpQuestion) -> Decision:
        """An MCP server asks the user something of its own accord."""
        return await foreign.ask(self._world, self._loaded.values(), question)

    def loaded_ids(self) -> tuple[str, ...]:
        return tuple(self._loaded)

    async def info(self, what: Literal["models", "doctor", "config", "skills"], **args: Any) -> Any:
        """Facts for pickers: models -> list of {id, name, provider, efforts, default}; doctor -> {sandbox, provider, ...};
        skills -> (folder, FoundSkills)."""
        return await self._world.info(what, **args)

    async def close(self) -> None:
        """Interrupt all turns, end all processes, close the store."""
        for loaded in self._loaded.values():
            if loaded.runner is not None:
                loaded.runner.interrupt()
        tasks = [loaded.task for loaded in self._loaded.values() if loaded.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        for loaded in self._loaded.values():
            await loaded.sessions.close()
        await self._commands.close()
        self._loaded.clear()
        await self._world.close()

    async def _start_thread(self, op: StartThread, client: Client) -> ThreadState:
        world = self._world
        settings, problems = over.resolve(op.overrides, world.configure)
        overrides = dataclasses.replace(op.overrides, cwd=settings.cwd)
        now, thread_id = world.clock.now(), world.clock.new_id()
        meta = ThreadMeta(
            thread_id,
            now,
            now,
            settings.cwd,
            settings.model,
            settings.provider.id,
            originator=op.originator,
            ephemeral=op.ephemeral,
            settings=over.to_json(overrides),
        )
        store: Any = world.store
        if op.ephemeral:
            store = Nowhere()
        else:
            world.store.create(meta)
            world.store.claim(thread_id)
        loaded = self._load(Thread(thread_id), meta, overrides, settings, store)
        loaded.audience.join(client)
        state = self._shelf.state(loaded, await self._warnings(loaded, problems))
        client.notify([ThreadStarted(thread_id), *(WarningReported(text, thread_id) for text in state.warnings)])
        return state

    async def _resume_thread(self, op: ResumeThread, client: Client) -> ThreadState:
        loaded = self._loaded.get(op.thread_id)
        problems: tuple[str, ...] = ()
        if loaded is None:
            loaded, problems = self._read_from_disk(op)
        else:
            self._override(loaded, op.overrides)
        loaded.audience.join(client)
        state = self._shelf.state(loaded, await self._warnings(loaded, problems))
        state.turns = history.turns(loaded.items())
        client.notify(
            [*self._usage(loaded), *_plan(loaded), *(WarningReported(text, loaded.thread.id) for text in state.warnings)]
        )
        return state

    def _usage(self, loaded: Loaded) -> tuple[UsageUpdated | RequestCounted, ...]:
        """What a client that did not watch has missed of the tokens."""
        thread, row = loaded.thread, loaded.store.ledger.row(loaded.thread.id)
        counted = (RequestCounted(thread.id, row.turn_id, row),) if row else ()
        reported = next((item for item in reversed(thread.items) if isinstance(item, (UsageReported, Summary))), None)
        if reported is None:
            return counted
        window = self._world.briefing.window(loaded.settings)
        return (*counted, UsageUpdated(thread.id, reported.turn_id, thread.last_usage, thread.usage, window))

    def _read_from_disk(self, op: ResumeThread) -> tuple[Loaded, tuple[str, ...]]:
        world = self._world
        if not world.store.claim(op.thread_id):
            raise RequestRefused(f"thread {op.thread_id} is open in another process: close it there first")
        try:
            meta, items = world.store.load(op.thread_id)
        except KeyError:
            world.store.release(op.thread_id)
            raise RequestRefused(f"no thread with the id {op.thread_id}") from None
        overrides = over.merged(over.from_json(meta.settings), op.overrides)
        settings, problems = over.resolve(overrides, world.configure)
        thread = Thread(op.thread_id, items)
        loaded = self._load(thread, meta, overrides, settings, world.store)
        repairs = repaired(thread, world.clock)
        if repairs:
            world.store.append(thread.id, repairs)
            thread.append(*repairs)
        thread.forget()
        return loaded, problems

    def _load(self, thread: Thread, meta: ThreadMeta, overrides: Overrides, settings: Settings, store: Store) -> Loaded:
        loaded = Loaded(thread, meta, overrides, settings, store, Audience(thread.id), self._world.new_sessions())
        self._loaded[thread.id] = loaded
        if self._world.mcp is not None:
            self._world.mcp.start(settings)
        return loaded

    def _override(self, loaded: Loaded, overrides: Overrides) -> None:
        changed = over.changed(loaded.overrides, overrides, loaded.settings, self._world.configure)
        if changed is None:
            return
        merged, settings, problems = changed
        if settings.model != loaded.settings.model and (doubt := window_doubt(settings)):
            loaded.audience.notify(WarningReported(doubt, loaded.thread.id))
        loaded.overrides, loaded.settings = merged, settings
        loaded.audience.notify(*(WarningReported(text, loaded.thread.id, "config") for text in problems))

    async def _warnings(self, loaded: Loaded, problems: tuple[str, ...]) -> tuple[str, ...]:
        found = [*problems, *self._world.briefing.problems(loaded.settings)]
        if loaded.settings.sandbox.confines:
            status = await self._world.sandbox.status()
            if status.reason:
                found.append(status.reason)
        return tuple(found)

    def _audience(self, thread_id: str, client: Client) -> Audience:
        loaded = self._loaded.get(thread_id)
        if loaded is not None:
            return loaded.audience
        alone = Audience(thread_id)
        alone.join(client)
        return alone

    def _thread(self, thread_id: str) -> Loaded:
        loaded = self._loaded.get(thread_id)
        if loaded is None:
            raise RequestRefused(f"thread not found: {thread_id}; start or resume it first")
        return loaded

    def _running(self, thread_id: str, turn_id: str | None) -> Runner:
        runner = self._thread(thread_id).runner
        if runner is None:
            raise RequestRefused("no turn is running in this thread")
        if turn_id is not None and turn_id != runner.turn_id:
            raise RequestRefused(f"the running turn is {runner.turn_id}, not {turn_id}")
        return runner

    def _steer(self, op: SteerTurn) -> str:
        runner = self._running(op.thread_id, op.expected_turn_id)
        if runner.closed:
            raise summaries.unsteerable(runner)
        clock = self._world.clock
        message = UserMessage(clock.new_id(), clock.now(), runner.turn_id, op.content, op.client_id)
        runner.steers.append(message)
        return runner.turn_id

    async def _start_turn(self, op: StartTurn | CompactThread, client: Client) -> TurnState:
        sandboxed = (await self._world.sandbox.status()).sandboxed
        # no await from here until the runner is in place: two requests must not both find the thread idle
        loaded = self._thread(op.thread_id)
        if loaded.runner is not None:
            raise RequestRefused("a turn is running in this thread: steer or interrupt it")
        clock, turn_id = self._world.clock, self._world.clock.new_id()
        if isinstance(op, CompactThread):
            summaries.check_compactable(loaded.thread)
            settings, content = loaded.settings, ()
            runner = assemble(self._world, loaded, settings, turn_id, sandboxed=sandboxed, only_compacts=True)
        else:
            self._override(loaded, op.overrides)
            loaded.settings = over.with_rules_of_now(loaded.settings, loaded.overrides, self._world.configure)
            settings, content = dataclasses.replace(loaded.settings, output_schema=op.output_schema), op.content
            runner = assemble(self._world, loaded, settings, turn_id, sandboxed=sandboxed)
            runner.steers.append(UserMessage(clock.new_id(), clock.now(), turn_id, content, op.client_id))
        loaded.runner = runner
        loaded.audience.join(client)
        began = TurnBegan(clock.new_id(), clock.now(), turn_id, {"model": settings.model, "cwd": settings.cwd})
        loaded.store.append(loaded.thread.id, (began,))
        loaded.thread.append(began)
        loaded.touch(content, began.at)
        loaded.task = asyncio.create_task(self._run(loaded, runner, began.at), name=f"turn {turn_id}")
        return TurnState(turn_id, started_at=began.at)

    async def _run(self, loaded: Loaded, runner: Runner, began: float) -> None:
        thread, clock = loaded.thread, self._world.clock
        started = (ThreadStatusChanged(thread.id, "active"), TurnStarted(thread.id, runner.turn_id, began))
        loaded.audience.notify(*started)
        try:
            outcome = await runner.run()
            if outcome.status == "interrupted":
                await loaded.sessions.end_turn(runner.turn_id)
            error = dataclasses.asdict(outcome.error) if outcome.error else None
            quiet = runner.only_compacts
            ended = TurnEnded(clock.new_id(), clock.now(), runner.turn_id, outcome.status, error, quiet)
            loaded.store.append(thread.id, (ended,))
            thread.append(ended)
            status, failure = outcome.status, outcome.error
        except Exception as bug:
            _log.exception("turn %s", runner.turn_id)
            status, failure = "failed", ErrorInfo(INTERNAL, "internal", details=repr(bug))
            loaded.audience.notify(ErrorReported(thread.id, runner.turn_id, failure, will_retry=False))
            self._unload(loaded)
        loaded.runner = loaded.task = None
        loaded.audience.notify(
            TurnCompleted(thread.id, runner.turn_id, clock.now(), status, failure, began),
            ThreadStatusChanged(thread.id, "idle"),
        )

    def _unload(self, loaded: Loaded) -> None:
        """What is in memory may not be what is on disk: forget it, so that the next resume reads and repairs it."""
        self._loaded.pop(loaded.thread.id, None)
        self._world.store.release(loaded.thread.id)
        task = asyncio.ensure_future(loaded.sessions.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _plan(loaded: Loaded) -> tuple[PlanUpdated, ...]:
    """The plan as it stands, for a client that did not watch it being made; none once all of it is done."""
    found = history.last_plan(loaded.items())
    if found is None or all(status == "completed" for _, status in found[1]):
        return ()
    return (PlanUpdated(loaded.thread.id, found[0], None, found[1]),)
