"""The commands of a thread that are still running: started by exec_command, written to and polled by write_stdin.

Promises that a command outlives its turn but never its thread, that its output is held in bounded memory, and that at most
64 run at once. Never decides whether a command may run; never touches a process but through the Sandbox's Process.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import random
import secrets
import signal
from collections.abc import Callable, Generator

from ..core import tokens
from ..core.errors import ToolFailure
from ..core.models import facts_for
from ..core.record import frozen
from ..core.redaction import Redactor
from ..core.settings import SandboxPolicy, Settings
from ..core.thread_ops import Background
from ..core.truncate import DEFAULT_OUTPUT_TOKENS, HeadTail, Kept, command_output, pieces
from ..core.views import CommandAction, CommandView
from ..runtime.ports import Clock, CommandSpec, Plan, Process, Sandbox, Spill, ToolResult
from .spilling import is_cut, notice

LIMIT = 64
PROTECTED = 8
"The most recently used sessions are never evicted."
BUFFER_BYTES = 1024 * 1024
LIVE_PIECE_BYTES = 8192
LIVE_BYTES = 1024 * 1024
"Live output of one call; what comes after it is in the output, not on the way."


@frozen
class Report:
    """What one call saw of a session: the output since the report before."""

    kept: Kept
    seconds: float
    exit_code: int | None
    "None while the command runs."
    session_id: int
    spill: Spill | None = None
    "The whole output, when `max_tokens` of report() do not hold it."
    note: str = ""
    "A line more for the model, with its end."

    def text(self, max_tokens: int) -> str:
        """The model's reading."""
        if self.exit_code is None:
            state = f"Process running with session ID {self.session_id}"
        else:
            state = f"Process exited with code {self.exit_code}"
        return (
            f"Chunk ID: {secrets.token_hex(3)}\n"
            f"Wall time: {self.seconds:.4f} seconds\n"
            f"{state}\n"
            f"Original token count: {tokens.of_bytes(self.kept.bytes)}\n"
            f"{_signal(self.exit_code)}{self.note}{notice(self.spill)}"
            f"Output:\n{command_output(self.kept, max_tokens)}"
        )


def _signal(exit_code: int | None) -> str:
    """What a code above 128 stands for, by the convention of shells."""
    number = (exit_code or 0) - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        if not signal.SIGRTMIN < number < signal.SIGRTMAX:
            return ""
        name = f"SIGRTMIN+{number - signal.SIGRTMIN}"
    return f"Exit code {exit_code} stands for signal {name}\n"


class Session:
    """One command. Its output is read from start to end, whether or not somebody asks for it."""

    def __init__(  # noqa: PLR0917
        self,
        session_id: int,
        script: str,
        spec: CommandSpec,
        process: Process,
        confined: bool,
        open_spill: Callable[[int], Spill] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.id = session_id
        self.script = script
        self.cwd = spec.cwd
        self.tty = spec.tty
        self.confined = confined
        self.process = process
        self.exit_code: int | None = None
        self.ended = asyncio.Event()
        self.turn = asyncio.Lock()
        "Held by the one call that reads."
        self.used = 0
        self.turn_id = ""
        "The turn in which it was started."
        self.item_id = ""
        "The call by which it was started."
        self._pending = HeadTail(BUFFER_BYTES)
        self._open_spill = open_spill
        self._redactor = Redactor(secrets)
        self._spill: Spill | None = None
        "Of what is pending, once it is more than memory keeps."
        self._spills = 0
        self._emit: Callable[[str], None] | None = None
        self._live_left = 0
        self._when_ended: list[Callable[[], None]] = []
        self._reader = asyncio.create_task(self._read(), name=f"session {session_id}")

    async def settle(self, clock: Clock, seconds: float) -> None:
        """Until the command has ended, or for so long."""
        waits = [asyncio.ensure_future(self.ended.wait()), asyncio.ensure_future(clock.sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def report(self, seconds: float, max_tokens: int, note: str = "") -> Report:
        """The output since the last report, which is then forgotten here; what `max_tokens` do not hold is kept on disk."""
        pending, self._pending = self._pending, HeadTail(BUFFER_BYTES)
        kept = pending.kept()
        spill, self._spill = self._spill, None
        if spill is None and is_cut(kept, max_tokens):
            spill = self._new_spill(kept.text())
        if spill is not None:
            spill.close()
        return Report(kept, seconds, self.exit_code, self.id, spill, note)

    def _new_spill(self, text: str) -> Spill | None:
        if self._open_spill is None:
            return None
        spill = self._open_spill(self._spills)
        self._spills += 1
        spill.write(text)
        return spill

    @contextlib.contextmanager
    def shown(self, emit: Callable[[str], None]) -> Generator[None]:
        """Output goes to `emit` as it comes, first what nobody has seen yet."""
        self._emit, self._live_left = emit, LIVE_BYTES
        try:
            self._show(self._pending.kept().text())
            yield
        finally:
            self._emit = None

    def when_ended(self, call: Callable[[], None]) -> None:
        """`call` once the command and what it started are gone."""
        if self.ended.is_set():
            call()
        else:
            self._when_ended.append(call)

    async def end(self) -> None:
        """Kill the command and all that it started; returns when they are gone and the last output is read."""
        await self.process.kill()
        await self._reader
        if self._spill is not None:
            self._spill.close()

    async def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        code: int | None = None
        try:
            async for data in self.process.output():
                self._take(decoder.decode(data))
            self._take(decoder.decode(b"", final=True))
            self._take("", last=True)
            code = await self.process.wait()
        finally:
            # A command may leave children behind: they end with it, confined or not.
            await self.process.kill()
            # not told earlier: a session whose end was told is forgotten, and nobody would wait for those children
            self.exit_code = code if code is not None else await self.process.wait()
            self.ended.set()
            for call in self._when_ended:
                call()

    def _take(self, text: str, *, last: bool = False) -> None:
        """Where output enters: what is secret goes no further."""
        text = self._redactor.rest() if last else self._redactor.feed(text)
        if self._spill is not None:
            self._spill.write(text)
        elif len(self._pending) + tokens.size(text) > BUFFER_BYTES:
            self._spill = self._new_spill(self._pending.kept().text() + text)
        self._pending.append(text)
        self._show(text)

    def _show(self, text: str) -> None:
        if self._emit is None or self._live_left <= 0:
            return
        for piece in pieces(text, LIVE_PIECE_BYTES):
            self._live_left -= tokens.size(piece)
            if self._live_left < 0:
                self._emit("\n…more output follows when the command pauses or ends…\n")
                return
            self._emit(piece)


class Sessions:
    """The sessions of one thread."""

    def __init__(self, limit: int = LIMIT, protected: int = PROTECTED) -> None:
        self._limit = limit
        self._protected = protected
        self._sessions: dict[int, Session] = {}
        self._starting = 0
        self._uses = 0
        self._closed = False
        self._ending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    async def start(
        self,
        script: str,
        spec: CommandSpec,
        sandbox: Sandbox,
        policy: SandboxPolicy,
        open_spill: Callable[[int], Spill] | None = None,
        *,
        secrets: tuple[str, ...] = (),
        turn_id: str = "",
        item_id: str = "",
    ) -> Session:
        """Raises what Sandbox.spawn raises."""
        while len(self._sessions) + self._starting >= self._limit and (old := self._evictable()) is not None:
            await self.end(old)
        self._starting += 1
        try:
            process = await sandbox.spawn(spec, policy)
        finally:
            self._starting -= 1
        if self._closed:
            await process.kill()
            raise ToolFailure("The thread has ended, no command can be started in it.")
        session = Session(self._new_id(), script, spec, process, policy.confines, open_spill, secrets)
        session.turn_id, session.item_id = turn_id, item_id
        self._sessions[session.id] = session
        self.touch(session)
        return session

    def get(self, session_id: int) -> Session | None:
        return self._sessions.get(session_id)

    def of_script(self, script: str) -> Session | None:
        """A running command with this line."""
        return next((s for s in self._sessions.values() if s.script == script and not s.ended.is_set()), None)

    def touch(self, session: Session) -> None:
        """It was used just now: it is the last to be evicted."""
        self._uses += 1
        session.used = self._uses

    def forget(self, session: Session) -> None:
        """Its command has ended and the model was told."""
        self._sessions.pop(session.id, None)

    async def end(self, session: Session) -> None:
        """Kill it and forget it. Goes on to the end even when the caller is cancelled."""
        self.forget(session)
        task = asyncio.create_task(session.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        await asyncio.shield(task)

    def running(self) -> list[Background]:
        alive = (session for session in self._sessions.values() if not session.ended.is_set())
        return [Background(s.item_id, str(s.id), s.script, s.cwd, s.process.pid) for s in alive]

    async def end_one(self, process_id: str) -> bool:
        session = next((s for s in self._sessions.values() if str(s.id) == process_id and not s.ended.is_set()), None)
        if session is not None:
            # not forgotten: the model may ask how it ended
            await asyncio.shield(session.end())
        return session is not None

    async def end_turn(self, turn_id: str) -> None:
        """End the commands that were started in a turn; returns when they are gone. Those of earlier turns were left running by
        an agent whose turn was not stopped, and go on."""
        begun = [session for session in self._sessions.values() if session.turn_id == turn_id]
        await asyncio.gather(*(self.end(session) for session in begun))

    async def close(self) -> None:
        """End every command; returns when all are gone."""
        self._closed = True
        for session in tuple(self._sessions.values()):
            self.forget(session)
            self._ending.add(asyncio.create_task(session.end()))
        if self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)

    def _evictable(self) -> Session | None:
        """The least recently used that nobody reads, one that has ended before one that runs."""
        by_age = sorted(self._sessions.values(), key=lambda s: s.used)
        old = [s for s in by_age[: len(by_age) - self._protected] if not s.turn.locked()]
        return next((s for s in old if s.ended.is_set()), old[0] if old else None)

    def _new_id(self) -> int:
        while True:
            session_id = random.randrange(1_000, 100_000)
            if session_id not in self._sessions:
                return session_id


def output_budget(requested: int | None, settings: Settings) -> int:
    """Tokens of output that the model gets: what it asked for, within the thread's limit."""
    limit = facts_for(settings).tool_output_tokens
    return min(DEFAULT_OUTPUT_TOKENS if requested is None else max(requested, 0), limit)


def view(script: str, cwd: str, actions: list[CommandAction]) -> CommandView:
    """A command that has not begun."""
    return {
        "view": "command",
        "command": script,
        "cwd": cwd,
        "actions": actions,
        "output": None,
        "exit_code": None,
        "duration_ms": None,
        "process_id": None,
    }


def result(plan: Plan, report: Report, max_tokens: int) -> ToolResult:
    """What a call of exec_command or write_stdin answers."""
    drawn: CommandView = {**plan.view, "output": report.kept.text()}  # type: ignore[typeddict-item, misc]
    if report.exit_code is None:
        drawn["process_id"] = str(report.session_id)
    else:
        drawn["exit_code"] = report.exit_code
        drawn["duration_ms"] = round(report.seconds * 1000)
    if report.spill is not None and report.spill.path is not None:
        drawn["spill"] = report.spill.name
    return ToolResult(report.text(max_tokens), drawn, "failed" if report.exit_code else "completed")


def session_of(sessions: Sessions, session_id: int) -> Session:
    session = sessions.get(session_id)
    if session is None:
        raise ToolFailure(f"write_stdin failed: there is no session {session_id}; it has ended or never was")
    return session
