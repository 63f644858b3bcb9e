"""One headless turn: the prompt in, the answer on standard output, progress on standard error; or events as JSON lines.

Nobody is there to be asked, so every question is declined. The exit status: 0 done, 1 failed, 2 cannot be done as asked,
128 + n stopped by signal n. Files that cannot be read or written are named before anything is asked of a model; whoever reads the
output may go away at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..core import events as e
from ..core.asking import DECLINE, Approval, Asked, Decision
from ..core.errors import RequestRefused, TreadleError
from ..core.items import Image, Text
from ..core.ops import InterruptTurn, ListThreads, Overrides, ResumeThread, StartThread, StartTurn
from ..core.record import frozen
from ..core.settings import SandboxPolicy
from ..core.views import MessageCard
from ..core.visible import one_line
from .exec_items import Lines
from .handshake import BadParams
from .progress import Progress, calm, hurry, write

if TYPE_CHECKING:
    from ..runtime.agent import Agent
    from ..runtime.answers import ThreadPage, ThreadState
    from ..runtime.ports import Client

LAST = "last"
"As ExecRequest.resume: the newest thread of the folder."


@frozen
class ExecRequest:
    """What the command line asks for."""

    prompt: str
    cwd: str
    json: bool = False
    images: tuple[str, ...] = ()
    add_dirs: tuple[str, ...] = ()
    "Folders besides `cwd` that may be written."
    output_last_message: str | None = None
    output_schema: str | None = None
    "Path of a JSON schema."
    overrides: dict[str, Any] = field(default_factory=dict[str, Any])
    "Dotted keys over config.toml."
    resume: str | None = None
    "Id of a thread to go on with, or LAST."
    model: str | None = None
    sandbox: str | None = None
    ephemeral: bool = False
    color: bool = False


async def run(open_agent: Callable[[], Awaitable[Agent]], request: ExecRequest) -> int:
    """Run the turn. Never raises for a failure of the world: it is one sentence on standard error."""
    interrupts = Interrupts()
    with interrupts.caught():
        try:
            return await _run(open_agent, request, interrupts)
        except asyncio.CancelledError:
            if interrupts.number is None:
                raise
            write(sys.stderr, "treadle: interrupted\n")
            return 128 + interrupts.number


async def _run(open_agent: Callable[[], Awaitable[Agent]], request: ExecRequest, interrupts: Interrupts) -> int:
    try:
        op_parts = await asyncio.to_thread(_read_files, request)
        agent = await open_agent()
    except (TreadleError, BadParams, OSError, ValueError) as error:
        return _refused(request, error)
    try:
        return await Exec(agent, request, interrupts).run(*op_parts)
    except (TreadleError, BadParams) as error:
        return _refused(request, error)
    finally:
        await agent.close()


def _read_files(request: ExecRequest) -> tuple[tuple[Text | Image, ...], dict[str, Any] | None]:
    images: list[Image] = []
    if request.images:
        from .inputs import read_image  # noqa: PLC0415 - pydantic

        images = [read_image(os.path.join(request.cwd, path), None, "--image") for path in request.images]
    schema = None if request.output_schema is None else _schema(Path(request.cwd, request.output_schema))
    if request.output_last_message is not None:
        _check_writable(Path(request.cwd, request.output_last_message))
    return (*images, Text(request.prompt)), schema


def _schema(path: Path) -> dict[str, Any]:
    try:
        schema = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"--output-schema: cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"--output-schema: {path} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise ValueError(f"--output-schema: {path} is not a JSON schema: expected an object")
    return cast("dict[str, Any]", schema)


def _check_writable(path: Path) -> None:
    """Raises ValueError where the last message could not be written; creates nothing."""
    folder = path.parent
    if path.is_dir():
        problem = "it is a folder"
    elif not folder.is_dir():
        problem = f"there is no folder {folder}"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        problem = "it may not be written"
    else:
        return
    raise ValueError(f"--output-last-message: cannot write {path}: {problem}")


def _refused(request: ExecRequest, error: Exception) -> int:
    sentence = error.sentence() if isinstance(error, TreadleError) else str(error)
    if request.json:
        with contextlib.suppress(OSError):
            write(sys.stdout, json.dumps({"type": "error", "message": sentence}) + "\n")
    write(sys.stderr, f"treadle: {sentence}\n")
    return 2 if isinstance(error, (BadParams, OSError, ValueError)) else 1


class Interrupts:
    """Signals that end the program, while one order is carried out: the first stops the turn, a second one everything."""

    def __init__(self) -> None:
        self.number: int | None = None
        "Of the first signal."
        self.stop: Callable[[], None] | None = None
        "Stops what runs now; None: the first signal ends all."

    @contextlib.contextmanager
    def caught(self) -> Generator[None]:
        loop, main = asyncio.get_running_loop(), asyncio.current_task()

        def stop(number: int) -> None:
            again, self.number = self.number is not None, self.number or number
            if self.stop is None or again:
                assert main is not None
                main.cancel()
            else:
                self.stop()

        caught: list[signal.Signals] = []
        for number in signal.Signals:
            if number.name in ("SIGINT", "SIGTERM", "SIGHUP"):
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(number, stop, int(number))
                    # at once, also in the middle of a write that waits; the loop comes to its own when it runs again
                    signal.signal(number, lambda _number, _frame: hurry())
                    caught.append(number)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
            calm()


class Exec:
    """Implements runtime.ports.Client for one turn."""

    def __init__(self, agent: Agent, request: ExecRequest, interrupts: Interrupts) -> None:
        self._agent = agent
        self._request = request
        self._interrupts = interrupts
        self._lines = Lines()
        self._print = self._print_json if request.json else Progress(request.color).event
        self._thread_id = ""
        self._ended: asyncio.Future[e.TurnCompleted] = asyncio.get_running_loop().create_future()
        self._last_message = ""
        self._reader_gone = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, content: tuple[Text | Image, ...], schema: dict[str, Any] | None) -> int:
        self._thread_id = await self._open()
        if self._request.json:
            self._show(self._emit, {"type": "thread.started", "thread_id": self._thread_id})
        if self._reader_gone:
            return 1
        self._interrupts.stop = self._stop
        await self._agent.submit(StartTurn(self._thread_id, content, output_schema=schema), self._client)
        if self._interrupts.number is not None or self._reader_gone:
            self._stop()  # while the turn was being started there was none to be interrupted
        ended = await self._ended
        return self._finish(ended)

    def notify(self, events: Sequence[e.Event]) -> None:
        for event in events:
            if isinstance(event, e.CardCompleted) and isinstance(event.card, MessageCard) and event.card.text:
                self._last_message = event.card.text
            self._show(self._print, event)
            if isinstance(event, e.TurnCompleted) and not self._ended.done():
                self._ended.set_result(event)

    async def ask(self, asked: Asked) -> Decision:
        about = asked.reason if isinstance(asked, Approval) else "a question to the user"
        write(sys.stderr, f"declined, since nobody is there to ask: {one_line(about)}\n")
        return DECLINE

    def _show(self, show: Callable[[Any], None], what: Any) -> None:
        """Say it, while somebody reads; who is gone wants no more of the turn."""
        if self._reader_gone:
            return
        try:
            show(what)
        except OSError as error:
            self._reader_gone = True
            if not isinstance(error, BrokenPipeError):
                write(sys.stderr, f"treadle: cannot write to standard output: {error.strerror or error}\n")
            self._stop()

    @property
    def _client(self) -> Client:
        return self

    async def _open(self) -> str:
        request = self._request
        if request.resume is None:
            state = await self._agent.submit(StartThread(self._overrides(), request.ephemeral, "treadle_exec"), self._client)
        else:
            thread_id = await self._newest() if request.resume == LAST else request.resume
            state = await self._agent.submit(ResumeThread(thread_id, self._overrides()), self._client)
        return cast("ThreadState", state).meta.id

    async def _newest(self) -> str:
        folder = os.path.realpath(self._request.cwd)  # noqa: ASYNC240 - once, before anything runs
        op = ListThreads(limit=1, cwds=(folder,), by_update=True)
        page = cast("ThreadPage", await self._agent.submit(op, self._client))
        if not page.threads:
            raise RequestRefused(f"no thread to resume in {self._request.cwd}")
        return page.threads[0].meta.id

    def _overrides(self) -> Overrides:
        request = self._request
        config = dict(request.overrides)
        sandbox = None
        if request.sandbox is not None and request.resume is None:
            config["sandbox_mode"] = request.sandbox
        elif request.sandbox is not None:
            sandbox = SandboxPolicy(cast("Any", request.sandbox))
        asks = "approval_policy" in config
        return Overrides(
            cwd=request.cwd if request.resume is None else None,
            model=request.model,
            approval_policy=None if asks else "never",
            sandbox=sandbox,
            roots=request.add_dirs or None,
            config=config,
        )

    def _print_json(self, event: e.Event) -> None:
        for line in self._lines.of(event):
            self._emit(line)

    def _emit(self, line: dict[str, Any]) -> None:
        write(sys.stdout, json.dumps(line, separators=(",", ":")) + "\n")

    def _finish(self, ended: e.TurnCompleted) -> int:
        path = self._request.output_last_message
        if path is not None:
            try:
                Path(self._request.cwd, path).write_text(self._last_message, "utf-8")
            except OSError as error:
                write(sys.stderr, f"treadle: cannot write {path}: {error.strerror or error}\n")
                return 1
        if self._interrupts.number is not None:
            write(sys.stderr, "treadle: interrupted\n")
            return 128 + self._interrupts.number
        return 0 if ended.status == "completed" and not self._reader_gone else 1

    def _stop(self) -> None:
        if self._ended.done() or not self._thread_id:
            return
        task = asyncio.ensure_future(self._interrupt())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _interrupt(self) -> None:
        # a turn that has just ended cannot be interrupted, and need not be
        with contextlib.suppress(RequestRefused):
            await self._agent.submit(InterruptTurn(self._thread_id), self._client)
