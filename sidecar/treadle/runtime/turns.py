"""Turns: starts them, adds the user's words to the one that runs, sees them end. At most one runs per thread."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Sequence

from ..core import history, review
from ..core.errors import RequestRefused, TreadleError
from ..core.events import (
    CardCompleted,
    CardStarted,
    ErrorInfo,
    ErrorReported,
    ThreadStatusChanged,
    TurnCompleted,
    TurnStarted,
)
from ..core.history import TurnState
from ..core.items import Item, TurnBegan, TurnEnded, TurnStatus, UserMessage, Waiting
from ..core.ops import CompactThread, ContinueTurn, InterruptTurn, ResumeThread, StartTurn, SteerTurn
from ..core.settings import McpServer, Sandboxed, SandboxPolicy, Settings
from ..core.thread_ops import RunUserCommand
from . import continuing, summaries, unkept
from . import overrides as over
from .assembly import World, assemble
from .by_hand import HandRun
from .loaded import Loaded
from .meanwhile import Meanwhile
from .ports import Client
from .runner import INTERNAL, Runner
from .threads import Threads

_log = logging.getLogger(__name__)


class Turns:
    def __init__(self, world: World, threads: Threads) -> None:
        self._world = world
        self._threads = threads
        self._meanwhile = Meanwhile(world.warm)
        threads.take_up = self.take_up
        self._reviewing: set[str] = set()
        "Turns that review."
        self.began: list[Callable[[Loaded, str], None]] = []
        "Called with the turn's id when one begins, before its first effect. Must not raise."
        self.ended: list[Callable[[Loaded, str, TurnStatus], None]] = []
        "Called when a turn is over and was told to be; the thread is idle. Must not raise."

    def running(self, thread_id: str, turn_id: str | None) -> Runner:
        runner = self._threads.get(thread_id).runner
        if runner is None:
            raise RequestRefused("no turn is running in this thread")
        if turn_id is not None and turn_id != runner.turn_id:
            raise RequestRefused(f"the running turn is {runner.turn_id}, not {turn_id}")
        return runner

    async def answer(
        self, op: StartTurn | CompactThread | ContinueTurn | SteerTurn | InterruptTurn, client: Client
    ) -> TurnState | str | None:
        match op:
            case SteerTurn():
                return self.steer(op)
            case InterruptTurn():
                return self.running(op.thread_id, op.turn_id).interrupt()
            case _:
                return await self.start(op, client)

    def steer(self, op: SteerTurn) -> str:
        runner = self.running(op.thread_id, op.expected_turn_id)
        if runner.closed:
            raise summaries.unsteerable(runner)
        clock = self._world.clock
        message = UserMessage(clock.new_id(), clock.now(), runner.turn_id, op.content, op.client_id)
        runner.hear(message)
        return runner.turn_id

    async def start(self, op: StartTurn | CompactThread | RunUserCommand | ContinueTurn, client: Client | None) -> TurnState:
        """Without a client the thread's own queue starts it."""
        sandboxed = (await self._meanwhile.waited(self._world.sandbox.status())).sandboxed
        if op.thread_id in self._threads.put_away and client is not None:
            await self._threads.resume(ResumeThread(op.thread_id), client)
        # no await from here until the runner is in place: two requests must not both find the thread idle
        loaded = self._threads.get(op.thread_id)
        if loaded.stopped:
            raise RequestRefused("this thread is being put away: open it again when that is done")
        if loaded.runner is not None:
            raise RequestRefused("a turn is running in this thread: steer or interrupt it")
        if loaded.restoring:
            raise RequestRefused("files are being restored in this thread: try again when that is done")
        clock, turn_id = self._world.clock, self._world.clock.new_id()
        if isinstance(op, CompactThread):
            summaries.check_compactable(loaded.thread)
            settings, content = loaded.settings, ()
            runner = assemble(self._world, loaded, settings, turn_id, sandboxed=sandboxed, only_compacts=True)
        elif isinstance(op, ContinueTurn):
            continuing.check(loaded)
            loaded.settings = over.with_rules_of_now(loaded.settings, loaded.overrides, self._world.configure)
            settings, content = loaded.settings, ()
            runner = assemble(self._world, loaded, settings, turn_id, sandboxed=sandboxed)
        elif isinstance(op, RunUserCommand):
            settings, content = loaded.settings, ()
            runner = assemble(self._world, loaded, settings, turn_id, sandboxed=sandboxed)
            runner.by_hand, runner.closed = HandRun(self._world, loaded, turn_id, op), True
        else:
            self._threads.override(loaded, op.overrides)
            loaded.settings = over.with_rules_of_now(loaded.settings, loaded.overrides, self._world.configure)
            settings, content = dataclasses.replace(loaded.settings, output_schema=op.output_schema), op.content
            if op.review:
                settings = reading_only(settings)
                self._reviewing.add(turn_id)
            runner = assemble(self._world, loaded, settings, turn_id, sandboxed=sandboxed)
        if client is not None:
            loaded.audience.join(client)
        began = TurnBegan(clock.new_id(), clock.now(), turn_id, {"model": settings.model, "cwd": settings.cwd}, marked=True)
        first = (began, continuing.told(clock)) if isinstance(op, ContinueTurn) else (began,)
        said = None
        if isinstance(op, StartTurn):
            said = UserMessage(op.queued or clock.new_id(), clock.now(), turn_id, content, op.client_id, op.review)
        await self._enter(loaded, runner, first, said, kept=isinstance(op, StartTurn) and op.queued is not None)
        loaded.runner = runner  # not before: a disk that is full must not leave a turn that never ends
        for told in self.began:
            told(loaded, turn_id)
        loaded.task = asyncio.create_task(self._run(loaded, runner, began.at), name=f"turn {turn_id}")
        return TurnState(turn_id, started_at=began.at)

    async def _enter(
        self, loaded: Loaded, runner: Runner, first: Sequence[Item], said: UserMessage | None, *, kept: bool
    ) -> None:
        """What a turn begins with is written down. `kept`: what waits in the queue stays there until it is in the thread.
        Suspends only when it fails."""
        entered, clock = False, self._world.clock
        try:
            loaded.store.append(loaded.thread.id, first)
            loaded.thread.append(*first)
            entered = True
            if said is not None:
                runner.hear(said, kept=kept)
            loaded.touch(said.content if said is not None else (), first[0].at)
        except TreadleError as problem:
            if entered:  # what is in memory is more than what is kept
                failure = _failure(runner.turn_id, problem)
                left = unkept.not_begun(loaded.thread, runner.turn_id, failure, clock)
                self._threads.put_away_for_now(loaded, left)
            await runner.calls.end()
            raise

    async def _give_up(self, loaded: Loaded, runner: Runner, failure: ErrorInfo) -> None:
        """The store failed, or we did: all that runs ends, clients are told how, and the thread is put away."""
        runner.closed = True
        await runner.calls.halt()
        await loaded.end_by_hand()
        await runner.calls.end()
        left = None
        try:
            left, untold = unkept.given_up(
                loaded.thread, runner, failure, self._world.clock, self._world.outputs, loaded.audience
            )
            loaded.audience.notify_all(untold)
        except Exception:  # it is mended from what is on disk, then
            _log.exception("turn %s", runner.turn_id)
        self._threads.put_away_for_now(loaded, left)

    def _tell_findings(self, loaded: Loaded, ended: TurnEnded) -> None:
        """A review ends with what it found."""
        if ended.turn_id not in self._reviewing:
            return
        self._reviewing.discard(ended.turn_id)
        turn = next(turn for turn in reversed(history.turns(loaded.items())) if turn.id == ended.turn_id)
        card = turn.cards[-1]
        loaded.audience.notify(
            CardStarted(loaded.thread.id, turn.id, card, ended.at), CardCompleted(loaded.thread.id, turn.id, card, ended.at)
        )

    def take_up(self, loaded: Loaded, said: Sequence[Waiting], sandboxed: Sandboxed) -> None:
        """Put the turn in place that another process left open. It goes on when `go_on` is called."""
        assert loaded.thread.open_turn is not None, "only a turn that is open goes on"
        loaded.settings = over.with_rules_of_now(loaded.settings, loaded.overrides, self._world.configure)
        turn_id, settings = loaded.thread.open_turn, loaded.settings
        # all items: what is in memory may begin after the message that asked for it
        words = (item for item in (*loaded.items(), *said) if isinstance(item, UserMessage) and item.turn_id == turn_id)
        if any(message.review for message in words):
            settings = reading_only(settings)
            self._reviewing.add(turn_id)
        runner = assemble(self._world, loaded, settings, turn_id, sandboxed=sandboxed)
        runner.steers.extend(said)
        loaded.runner = runner

    def go_on(self, thread_id: str) -> None:
        """Let a turn go on that was taken up, if there is one and it does not do so already."""
        loaded = self._threads.loaded.get(thread_id)
        if loaded is None or (runner := loaded.runner) is None or loaded.task is not None:
            return
        began = next((item.at for item in reversed(loaded.items()) if isinstance(item, TurnBegan)), 0.0)
        loaded.task = asyncio.create_task(self._run(loaded, runner, began, anew=False), name=f"turn {runner.turn_id}")

    async def _leave(self, loaded: Loaded, runner: Runner) -> None:
        """For another process: the turn has no end, and clients are told of none."""
        await runner.calls.end()
        runner.recorder.drafts.close()
        loaded.runner = loaded.task = None

    async def _run(self, loaded: Loaded, runner: Runner, began: float, *, anew: bool = True) -> None:
        thread, clock = loaded.thread, self._world.clock
        started = (TurnStarted(thread.id, runner.turn_id, began),) if anew else ()
        loaded.audience.notify(ThreadStatusChanged(thread.id, "active"), *started)
        try:
            outcome = await runner.run()
            if runner.recorder.failure is not None:
                raise runner.recorder.failure
            if runner.left_open:
                await self._leave(loaded, runner)
                return
            if runner.cut_off and outcome.status == "interrupted":
                outcome = dataclasses.replace(
                    outcome, error=ErrorInfo("Treadle was closed while this turn was running.", "internal")
                )
            if outcome.status == "interrupted":
                await loaded.end_by_hand(runner.turn_id)
                await loaded.sessions.end_turn(runner.turn_id)
            await runner.calls.end()
            error = dataclasses.asdict(outcome.error) if outcome.error else None
            # no await from here until the runner is gone: what is said meanwhile would be lost
            runner.take_late()
            quiet = runner.only_compacts or runner.by_hand is not None
            ended = TurnEnded(clock.new_id(), clock.now(), runner.turn_id, outcome.status, error, quiet)
            loaded.store.append(thread.id, (ended,))
            thread.append(ended)
            self._tell_findings(loaded, ended)
            status, failure = outcome.status, outcome.error
        except Exception as problem:
            status, failure = "failed", _failure(runner.turn_id, problem)
            loaded.audience.notify(ErrorReported(thread.id, runner.turn_id, failure, will_retry=False))
            await self._give_up(loaded, runner, failure)
        self._reviewing.discard(runner.turn_id)
        runner.recorder.drafts.close()
        loaded.runner = loaded.task = None
        loaded.audience.notify(
            TurnCompleted(thread.id, runner.turn_id, clock.now(), status, failure, began),
            ThreadStatusChanged(thread.id, "idle"),
        )
        for told in self.ended:
            told(loaded, runner.turn_id, status)


def _failure(turn_id: str, problem: Exception) -> ErrorInfo:
    """What ended a turn that could not even be ended well."""
    if isinstance(problem, TreadleError):  # the store cannot keep it: a disk that is full, most likely
        _log.warning("turn %s: %s", turn_id, problem.sentence())
        return ErrorInfo(problem.sentence(), "other", details=problem.details)
    _log.error("turn %s", turn_id, exc_info=problem)
    return ErrorInfo(INTERNAL, "internal", details=repr(problem))


def reading_only(settings: Settings) -> Settings:
    """A review changes nothing, whatever else its thread may do, and asks for nothing. What the user allows elsewhere, commands
    outside the sandbox and tools of MCP servers that may write, it may not."""
    prefixes = tuple(rule for rule in settings.rules.prefixes if rule.decision != "allow")
    return dataclasses.replace(
        settings,
        sandbox=SandboxPolicy("read-only"),
        approval_policy="never",
        output_schema=review.SCHEMA,
        rules=dataclasses.replace(settings.rules, prefixes=prefixes),
        mcp_servers=tuple(map(_reads, settings.mcp_servers)),
    )


def _reads(server: McpServer) -> McpServer:
    modes = tuple((tool, mode if mode == "prompt" else "writes") for tool, mode in server.approval_modes)
    return dataclasses.replace(
        server,
        default_approval=server.default_approval if server.default_approval == "prompt" else "writes",
        approval_modes=modes,
    )
