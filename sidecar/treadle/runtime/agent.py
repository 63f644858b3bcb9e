"""The agent: takes ops and hands each to the part that answers it (threads.py, turns.py, shelf.py, …). Decides nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from ..core.asking import Decision
from ..core.checkpoint_ops import ListCheckpoints, PreviewCheckpoint, RedoCheckpoint, RestoreCheckpoint
from ..core.command_ops import EndCommand, Execute, ResizeTerminal, WriteInput
from ..core.editor_ops import ReportProblems, StartReview, WriteCommitMessage
from ..core.elicitation import McpQuestion
from ..core.events import ProgressReported
from ..core.hunk_ops import KeepHunks, ListHunks, UndoHunks
from ..core.keeping import DeleteThread, ExportThread, FindInThread, KeepingOp, PruneThreads, SearchThreads
from ..core.looking_ops import LookAtContext, LookAtMcpServers, LookingOp, ReadMcpJournal, RestartMcpServer
from ..core.mcp import McpStatus
from ..core.ops import (
    ArchiveThread,
    CallMcpTool,
    CheckRule,
    CompactThread,
    ContinueTurn,
    InterruptTurn,
    ListMcpServers,
    ListRules,
    ListThreads,
    LoginMcpServer,
    McpOp,
    Op,
    ReadLedger,
    ReadMcpResource,
    ReadNotes,
    ReadOutput,
    ReadPrompt,
    ReadSummary,
    ReadThread,
    RefreshTools,
    ReloadMcpServers,
    ResumeThread,
    StartThread,
    StartTurn,
    SteerTurn,
    ThreadOp,
    WriteNotes,
    WriteRules,
    WriteSummary,
)
from ..core.queue import AddQueued, DeleteQueued, ListQueued, PromoteQueued, ReorderQueued, StartQueued, UpdateQueued
from . import foreign, rules, summaries
from .answers import Answer, ThreadPage, ThreadState
from .assembly import World
from .checkpoints import Checkpoints
from .commanding import Commands
from .editor_ops import EditorOps
from .hunks import Hunks
from .idling import Idling
from .ports import Buffers, Client
from .queue import Queues
from .retention import Tending
from .thread_ops import ThreadOps
from .threads import Threads
from .titles import Titles
from .turns import Turns

__all__ = ["Agent", "Answer", "ThreadPage", "ThreadState"]

About = Literal["models", "doctor", "config", "skills", "wording", "settings", "providers"]
Rare: TypeAlias = KeepingOp | LookingOp | McpOp | ReadLedger | ReadOutput | ReadPrompt
_LONGEST_WRITING = 5.0
"Seconds that the end of the process waits for hunks when another one holds their database."


class Agent:
    """The one object that a server talks to. Built by app.py.

    A client that starts, resumes or starts a turn in a thread is subscribed to its events.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._threads = Threads(world)
        self._turns = Turns(world, self._threads)
        self._loaded = self._threads.loaded
        self._shelf = self._threads.shelf
        self._world.grants.notify = rules.told_to(self._loaded)
        self._commands = Commands(world)
        self._tending = Tending(world)
        self._checkpoints = Checkpoints(world, self._threads)
        self._hunks = Hunks(world, self._loaded)
        self._turns.ended.append(self._checkpoints.ended)
        self._turns.ended.append(lambda loaded, _turn_id, _status: foreign.note_end(world, loaded))
        self._titles = Titles(world, self._threads, self._turns)
        self._queues = Queues(world, self._threads, self._turns)
        self._thread_ops = ThreadOps(world, self._threads, self._turns)
        self._editor = EditorOps(world, self._threads, self._turns)
        self._idling = Idling(world, self._threads)
        self._turns.ended.append(lambda loaded, _turn_id, _status: self._idling.rested(loaded))
        self._thread_ops.by_hand.ended.append(self._idling.rested)

    def warm(self) -> Iterator[None]:
        """Loads what the first turn will need, a part with each step. For another thread than the loop's; may be left out."""
        return iter(()) if self._world.warm is None else self._world.warm()

    async def submit(self, op: Op, client: Client) -> Answer:
        """StartThread, ResumeThread, ReadThread -> ThreadState; ListThreads -> ThreadPage; StartTurn -> TurnState (inProgress,
        before any event of the turn); SteerTurn -> the turn's id; ReadSummary -> SummaryState; ReadNotes -> list of str;
        ReadLedger -> LedgerPage; ReadPrompt -> Inspection; Execute -> Executed; the rest -> None.

        Raises RequestRefused or TreadleError."""
        self._world.asked += 1
        self._idling.met(client)
        try:
            return await self._answer(op, client)
        finally:
            if isinstance(op, (ArchiveThread, DeleteThread, PruneThreads)):
                self._idling.unloaded()

    async def _answer(self, op: Op, client: Client) -> Answer:
        if isinstance(op, ThreadOp):
            return await self._thread_ops.answer(op, client)
        match op:
            case StartThread():
                return await self._threads.start(op, client)
            case ResumeThread():
                try:
                    return await self._threads.resume(op, client)
                finally:
                    self._turns.go_on(op.thread_id)
            case ReadThread():
                return self._shelf.read(op)
            case ListThreads():
                return self._shelf.list(op)
            case StartTurn() | CompactThread() | ContinueTurn() | SteerTurn() | InterruptTurn():
                return await self._turns.answer(op, client)
            case ReadSummary() | WriteSummary() | ReadNotes() | WriteNotes():
                return summaries.answer(self._threads.get(op.thread_id), op, self._world.clock)
            case RefreshTools() | ListMcpServers() | ReloadMcpServers():
                return await foreign.answer(self._world, self._loaded, op)
            case Execute() | WriteInput() | ResizeTerminal() | EndCommand():
                return await self._commands.answer(op, client)
            case ListRules() | WriteRules() | CheckRule():
                return await rules.answer(self._world, self._loaded, op)
            case AddQueued() | ListQueued() | UpdateQueued() | DeleteQueued() | ReorderQueued() | StartQueued() | PromoteQueued():
                return await self._queues.answer(op, client)
            case ListCheckpoints() | PreviewCheckpoint() | RestoreCheckpoint() | RedoCheckpoint():
                return await self._checkpoints.answer(op)
            case ListHunks() | KeepHunks() | UndoHunks():
                return await self._hunks.answer(op)
            case StartReview() | WriteCommitMessage() | ReportProblems():
                return await self._editor.answer(op, client)
            case _:
                return await self._rarely(op, client)

    async def _rarely(self, op: Rare, client: Client) -> Answer:
        """What no turn needs, loaded when it is asked for."""
        match op:
            case ReadOutput():
                from . import outputs  # noqa: PLC0415

                return outputs.answer(self._world, self._loaded.get(op.thread_id), op)
            case LoginMcpServer() | ReadMcpResource() | CallMcpTool():
                from . import mcp_ops  # noqa: PLC0415

                return await mcp_ops.answer(self._world, self._loaded, op, client)
            case LookAtMcpServers() | RestartMcpServer() | ReadMcpJournal():
                from . import mcp_keeping  # noqa: PLC0415

                return await mcp_keeping.answer(self._world, self._loaded, op)
            case SearchThreads() | FindInThread() | ExportThread() | DeleteThread() | PruneThreads():
                from . import keeping  # noqa: PLC0415

                return await keeping.answer(self._world, self._threads, op)
            case ReadLedger() | ReadPrompt() | LookAtContext():
                from . import reading  # noqa: PLC0415

                return await reading.answer(self._world, op, self._loaded.get(op.thread_id or ""))

    def unsubscribe(self, thread_id: str, client: Client) -> Literal["notLoaded", "notSubscribed", "unsubscribed"]:
        """Stop telling `client` about a thread. One that nobody watches is let go of after a while."""
        loaded = self._loaded.get(thread_id)
        if loaded is None:
            return "notLoaded"
        return "unsubscribed" if self._idling.left(loaded, client) else "notSubscribed"

    def lend(self, buffers: Buffers | None) -> None:
        """Files that an editor has unsaved changes in are read and written there from now on; None: the editor is gone."""
        self._world.files.buffers = buffers
        if buffers is not None:
            self._hunks.watch(buffers)

    def drop(self, client: Client) -> None:
        """The client is gone: forget its subscriptions, answer what it was asked with decline."""
        self._idling.gone(client)
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

    def tend(self) -> None:
        """Begin with what is done in the background, for as long as this process lives."""
        self._tending.start()

    def loaded_ids(self) -> tuple[str, ...]:
        return tuple(self._loaded)

    async def info(self, what: About, **args: Any) -> Any:
        """Facts for pickers: models -> list of {id, name, provider, efforts, default}; doctor -> {sandbox, provider, ...};
        skills -> (folder, FoundSkills); wording -> the text of prompts/NAME.md, of the `name`;
        settings -> (Settings, problems of the configuration); providers -> (id of the one in use, Providers)."""
        return await self._world.info(what, **args)

    async def stop(self) -> None:
        """The process is about to end: end all turns, but for those that wait for the user, which another process can go on with.
        To be called before clients are dropped, since their silence is a no."""
        for loaded in self._loaded.values():
            if loaded.runner is not None:
                loaded.runner.end_with_process()
        tasks = [loaded.task for loaded in self._loaded.values() if loaded.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Interrupt all turns, end all processes, close the store."""
        await self._tending.close()
        await self._queues.close()
        await self._idling.close()
        await self._titles.close()
        await self.stop()
        for loaded in tuple(self._loaded.values()):  # a request that is not to be cut short may yet put one away
            await loaded.end_by_hand()
            await loaded.sessions.close()
        self._hunks.close()
        await self._hunks.written(_LONGEST_WRITING)
        await self._commands.close()
        self._loaded.clear()
        self._threads.write_put_away()
        await self._threads.settle()
        await self._world.close()
