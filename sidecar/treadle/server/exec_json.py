"""One headless turn: the prompt in, the answer on standard output, progress on standard error; or events as JSON lines.

Nobody is there to be asked, so every question is declined. The exit status: 0 done, 1 failed, 2 cannot be done as asked,
130 interrupted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..core import events as e
from ..core.asking import DECLINE, Approval, Asked, Decision
from ..core.errors import RequestRefused, TreadleError
from ..core.items import Image, Text
from ..core.ops import InterruptTurn, ListThreads, Overrides, ResumeThread, StartThread, StartTurn
from ..core.settings import SandboxPolicy
from ..core.views import MessageCard
from .exec_items import Lines
from .handshake import BadParams
from .progress import Progress, write

if TYPE_CHECKING:
    from ..runtime.agent import Agent
    from ..runtime.answers import ThreadPage, ThreadState
    from ..runtime.ports import Client

LAST = "last"
"As ExecRequest.resume: the newest thread of the folder."


@dataclass(frozen=True, slots=True)
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
    try:
        op_parts = await asyncio.to_thread(_read_files, request)
        agent = await open_agent()
    except (TreadleError, BadParams, OSError, ValueError) as error:
        return _refused(request, error)
    try:
        return await Exec(agent, request).run(*op_parts)
    except (TreadleError, BadParams) as error:
        return _refused(request, error)
    finally:
        await agent.close()


def _read_files(request: ExecRequest) -> tuple[tuple[Text | Image, ...], dict[str, Any] | None]:
    images: list[Image] = []
    if request.images:
        from .inputs import read_image  # noqa: PLC0415 - pydantic

        images = [read_image(os.path.join(request.cwd, path), None, "--image") for path in request.images]
    schema = None
    if request.output_schema is not None:
        schema = json.loads(Path(request.cwd, request.output_schema).read_text("utf-8"))
        if not isinstance(schema, dict):
            raise ValueError(f"{request.output_schema} is not a JSON schema: expected an object")
    return (*images, Text(request.prompt)), schema  # type: ignore[return-value]


def _refused(request: ExecRequest, error: Exception) -> int:
    sentence = error.sentence() if isinstance(error, TreadleError) else str(error)
    if request.json:
        write(sys.stdout, json.dumps({"type": "error", "message": sentence}) + "\n")
    write(sys.stderr, f"treadle: {sentence}\n")
    return 2 if isinstance(error, (BadParams, OSError, ValueError)) else 1


class Exec:
    """Implements runtime.ports.Client for one turn."""

    def __init__(self, agent: Agent, request: ExecRequest) -> None:
        self._agent = agent
        self._request = request
        self._lines = Lines()
        self._print = self._print_json if request.json else Progress(request.color).event
        self._thread_id = ""
        self._ended: asyncio.Future[e.TurnCompleted] = asyncio.get_running_loop().create_future()
        self._last_message = ""
        self._interrupts = 0
        self._reader_gone = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, content: tuple[Text | Image, ...], schema: dict[str, Any] | None) -> int:
        with self._interruptible():
            self._thread_id = await self._open()
            if self._request.json:
                self._emit({"type": "thread.started", "thread_id": self._thread_id})
            await self._agent.submit(StartTurn(self._thread_id, content, output_schema=schema), self._client)
            ended = await self._ended
        return self._finish(ended)

    def notify(self, events: Sequence[e.Event]) -> None:
        for event in events:
            if isinstance(event, e.CardCompleted) and isinstance(event.card, MessageCard) and event.card.text:
                self._last_message = event.card.text
            if not self._reader_gone:
                try:
                    self._print(event)
                except BrokenPipeError:
                    self._reader_gone = True
                    self._stop()
            if isinstance(event, e.TurnCompleted) and not self._ended.done():
                self._ended.set_result(event)

    async def ask(self, asked: Asked) -> Decision:
        about = asked.reason if isinstance(asked, Approval) else "a question to the user"
        write(sys.stderr, f"declined, since nobody is there to ask: {about}\n")
        return DECLINE

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
        if self._interrupts:
            write(sys.stderr, "treadle: interrupted\n")
            return 130
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

    @contextlib.contextmanager
    def _interruptible(self):
        """Ctrl-C stops the turn; a second one stops at once."""
        loop, main = asyncio.get_running_loop(), asyncio.current_task()

        def stop() -> None:
            self._interrupts += 1
            if self._interrupts > 1 or not self._thread_id:
                assert main is not None
                main.cancel()
            self._stop()

        caught: list[signal.Signals] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, stop)
                caught.append(number)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
