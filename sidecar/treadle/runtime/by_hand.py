"""The user's own commands in a thread: outside of the sandbox, with the thread's folder and shell; the model reads of them.

One that is run while a turn runs is shown in it, and the model reads of it with its next step; otherwise it is a turn of its own.
Promises that a command ends with its thread, that its output is bounded, and that known secrets are in no text of it. Nothing but
the user's own request may lead here.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import field

from ..core import command as shell
from ..core.errors import RequestRefused, TreadleError
from ..core.events import CardCompleted, CardDelta, CardStarted, WarningReported
from ..core.history import user_card
from ..core.items import OutputStatus, UserCommand
from ..core.models import facts_for
from ..core.policy import NOT_TRUSTED
from ..core.record import mutable
from ..core.redaction import Redactor
from ..core.settings import SandboxPolicy
from ..core.thread_ops import RunUserCommand
from ..core.truncate import HeadTail, pieces
from ..core.user_command import told
from ..core.views import CallCard, CommandView
from .assembly import World
from .loaded import Loaded
from .ports import CommandSpec, Process

TIMED_OUT = 124
MOST_AT_ONCE = 8
"Beside the turn of one thread."
LONGEST_LINE = 100_000
"Characters of a command."
_KEPT_BYTES, _PIECE_BYTES, _LIVE_BYTES = 1024 * 1024, 8192, 1024 * 1024
_SHELLS = ("bash", "zsh", "sh")
_FREE = SandboxPolicy("danger-full-access", network=True)


@mutable
class HandRun:
    """One command, from its start to its item."""

    world: World
    loaded: Loaded
    turn_id: str
    op: RunUserCommand
    item: UserCommand | None = None
    "What came of it; also when it was cancelled."
    id: str = ""
    _printed: HeadTail = field(default_factory=lambda: HeadTail(_KEPT_BYTES))
    _live_left: int = _LIVE_BYTES

    def __post_init__(self) -> None:
        self.id = self.world.clock.new_id()

    async def run(self) -> UserCommand:
        """Never raises but for cancellation, and then `item` is there as well."""
        began, clock = self.world.clock.monotonic(), self.world.clock
        begun = CallCard(self.id, "user_shell", self.id, self._view(), "inProgress")
        self.loaded.audience.notify(CardStarted(self.loaded.thread.id, self.turn_id, begun, clock.now()))
        code: int | None = None
        status: OutputStatus = "aborted"
        ending = "aborted by the user"
        try:
            code, late = await self._run()
            status = "failed" if late or code else "completed"
            ending = f"timed out after {self.op.timeout:g} seconds" if late else f"Exit code: {code}"
        except (TreadleError, OSError) as error:
            why = error.sentence() if isinstance(error, TreadleError) else f"it could not be started: {error.strerror or error}"
            status, ending = "failed", f"failed: {why}"
            self._show(why)
        finally:
            seconds = clock.monotonic() - began
            printed = self._printed.kept()
            text = told(self.op.command, printed, ending, seconds, facts_for(self.loaded.settings).tool_output_tokens)
            view = self._view() | {"output": printed.text(), "exit_code": code, "duration_ms": round(seconds * 1000)}
            self.item = UserCommand(self.id, clock.now(), self.turn_id, text, status, dict(view))
        return self.item

    def _view(self) -> CommandView:
        line, cwd = self.op.command, self.loaded.settings.cwd
        return {"view": "command", "command": line, "cwd": cwd, "actions": shell.actions(line, cwd), "source": "userShell"}

    async def _run(self) -> tuple[int, bool]:
        """Its exit code, and whether its time was over."""
        if self.loaded.settings.restricted:
            raise TreadleError("No command is run here.", hint=NOT_TRUSTED)
        environment = self.world.environment
        await environment.asked()
        variables, login_done = environment.variables(self.loaded.settings)
        login = self.loaded.settings.allow_login_shell and not login_done
        argv = (_shell(variables), "-lc" if login else "-c", self.op.command)
        spec = CommandSpec(argv, self.loaded.settings.cwd, variables, limits=self.loaded.settings.limits)
        process = await self.world.sandbox.spawn(spec, _FREE)
        reading = asyncio.ensure_future(self._read(process))
        timing = asyncio.ensure_future(self.world.clock.sleep(self.op.timeout))
        try:
            await asyncio.wait((reading, timing), return_when=asyncio.FIRST_COMPLETED)
            late = not reading.done()
        finally:
            timing.cancel()
            # also what it left behind: nothing outlives the command
            await asyncio.shield(asyncio.ensure_future(process.kill()))
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        return TIMED_OUT if late else await process.wait(), late

    async def _read(self, process: Process) -> None:
        redactor = Redactor(self.world.environment.secrets(self.loaded.settings))
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        async for data in process.output():
            self._show(redactor.feed(decoder.decode(data)))
        self._show(redactor.feed(decoder.decode(b"", final=True)) + redactor.rest())

    def _show(self, text: str) -> None:
        self._printed.append(text)
        for piece in pieces(text, _PIECE_BYTES):
            if self._live_left <= 0:
                return
            self._live_left -= len(piece)
            self.loaded.audience.notify(CardDelta(self.loaded.thread.id, self.turn_id, self.id, "output", piece))


class HandRuns:
    """Commands beside the turns of all threads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.ended: list[Callable[[Loaded], None]] = []
        "Called when a command beside a turn is over and told. Must not raise."

    def check(self, op: RunUserCommand) -> None:
        """Raises RequestRefused for what is no command."""
        if not op.command.strip() or "\0" in op.command:
            raise RequestRefused("the command must be a shell line", code=-32602)
        if len(op.command) > LONGEST_LINE:
            raise RequestRefused(f"the command is longer than {LONGEST_LINE} characters: put it into a file", code=-32602)

    def beside(self, loaded: Loaded, op: RunUserCommand) -> None:
        """Run it while the thread's turn runs."""
        runner = loaded.runner
        assert runner is not None, "without a turn it is a turn of its own"
        if len(loaded.by_hand) >= MOST_AT_ONCE:
            raise RequestRefused(f"{MOST_AT_ONCE} commands are running in this thread already: wait for one to end")
        run = HandRun(self._world, loaded, runner.turn_id, op)
        task = asyncio.create_task(self._finish(loaded, run), name=f"by hand {run.id}")
        loaded.by_hand[task] = run.turn_id
        task.add_done_callback(lambda done: self._over(loaded, done))

    def _over(self, loaded: Loaded, task: asyncio.Task[None]) -> None:
        loaded.by_hand.pop(task, None)
        for told_of in self.ended:
            told_of(loaded)

    async def _finish(self, loaded: Loaded, run: HandRun) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await run.run()
        item = run.item
        assert item is not None, "a run always has an item"
        if loaded.runner is not None:
            loaded.runner.hear(item)
            return
        try:
            loaded.store.append(loaded.thread.id, (item,))
            loaded.thread.append(item)
        except TreadleError as problem:  # nobody waits for it; the model is not told what the thread does not have
            text = f"What came of a command of yours is not kept: {problem.sentence()}"
            loaded.audience.notify(WarningReported(text, loaded.thread.id))
        loaded.audience.notify(CardCompleted(loaded.thread.id, item.turn_id, user_card(item), item.at))


def _shell(environment: Mapping[str, str]) -> str:
    """The user's own where we know how to speak to it."""
    own = environment.get("SHELL", "")
    if os.path.basename(own) in _SHELLS and os.path.isabs(own) and os.access(own, os.X_OK):
        return own
    return "/bin/bash" if os.access("/bin/bash", os.X_OK) else "/bin/sh"
