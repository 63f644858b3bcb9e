"""The Model of the provider `local`: finds the weights, keeps the server running, sends a request and passes its reply on.

Nothing is started before the first request or `warm`. One attempt per call, never a retry; a server that died is started
again by the next call. Leaving the stream early closes the connection, and with it the computation.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ...core.items import JsonObject, dumps
from ...core.prompt import Request
from ...core.replies import Compacted, ReplyEvent
from ...core.settings import LocalModel, Settings
from . import dialogue
from .parts import same_interpreter
from .reply import Reply, as_object, refusal
from .server import LlamaServer, no_engine
from .weights import Found, Search

if TYPE_CHECKING:
    import httpx

READ_SECONDS = 600.0
"The longest silence: a cold prompt of the full context on a slow machine, or a queue behind another thread's request."
WORTH_SAYING = 400
"Prompt tokens to read from which on the user is told how far it is."
ERROR_BYTES = 64 * 1024


class EmbeddedModel:
    """`progress` is handed one line for people at each step of a start or a long read, and an empty one when it is over."""

    def __init__(
        self,
        settings: LocalModel,
        *,
        home: Path,
        python: str = sys.executable,
        progress: Callable[[str], None] = lambda _: None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.settings = settings
        self.home = home
        self.found: Found | None = None
        self.server = LlamaServer(python)
        self._progress = progress
        self._shown = ""
        self._environ = environ
        self._starting: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None

    async def warm(self) -> None:
        """Have the server ready. Raises ModelError. A caller that goes away does not stop a start: others may wait for it."""
        if self._starting is None or (self._starting.done() and not self.server.alive):
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def problem(self) -> str | None:
        """What is missing here, in one sentence. A look: nothing is started or downloaded."""
        if same_interpreter(self.server.python) and find_spec("xllamacpp") is None:
            return no_engine().sentence()
        return await Search(self.settings, self.home, self.server.python, lambda _: None, self._environ).problem()

    async def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
        import httpx  # noqa: PLC0415 - start-up time

        body = dumps(dialogue.body(request.parsed())).encode()
        await self.warm()
        process, reply = self.server.pid, Reply()
        try:
            async with self._http().stream(
                "POST",
                f"{self.server.address}/v1/responses",
                content=body,
                headers={"authorization": f"Bearer {self.server.key}", "content-type": "application/json"},
            ) as response:
                if response.status_code != 200:
                    raise refusal(response.status_code, await _error_body(response))
                async for line in response.aiter_lines():
                    events = self._read(reply, line)
                    if events:
                        yield events
                    if reply.completed:
                        return
        except httpx.TransportError as error:
            # Dead or as good as dead; its end may not have been noticed yet, and the next call must not ask it again.
            if self.server.pid == process:
                await self.server.close()
            raise self._cut(str(error) or type(error).__name__) from error
        finally:
            self._say("")
        raise self._cut("the stream ended early")

    async def compact(self, request: Request) -> Compacted:
        """There is no such thing here: a summary is asked for like any other answer."""
        raise ModelError("The embedded model has no compaction endpoint.", status=501)

    async def close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, ModelError):
                await self._starting
            self._starting = None
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        await self.server.close()

    async def _start(self) -> None:
        say = _in_loop(self._say)
        try:
            if self.found is None or not self.found.path.exists():
                search = Search(self.settings, self.home, self.server.python, say, self._environ)
                self.found = await search.find()
            say(f"Loading {self.found.name} …")
            await self.server.start(self.found.path, context=self.settings.context, threads=self.settings.threads)
        finally:
            say("")

    def _read(self, reply: Reply, line: str) -> list[ReplyEvent]:
        if not line.startswith("data:"):
            return []
        try:
            event: JsonObject | None = as_object(json.loads(line[5:]))
        except ValueError:
            reply.skipped += 1
            return []
        if event is None:
            return []
        self._tell_progress(as_object(event.get("prompt_progress")))
        return reply.feed(event)

    def _tell_progress(self, read: JsonObject | None) -> None:
        if not read:
            return
        new = read["total"] - read["cache"]
        done = read["processed"] - read["cache"]
        if new >= WORTH_SAYING:
            self._say("" if done >= new else f"Reading {new} tokens … {max(0, done) * 100 // new} %")

    def _say(self, line: str) -> None:
        if line != self._shown:
            self._shown = line
            self._progress(line)

    def _cut(self, why: str) -> ModelError:
        return ModelError(
            "The embedded model's server stopped while it answered.",
            kind="stream_cut",
            retryable=True,
            details=f"{why}\n{self.server.log}",
        )

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx  # noqa: PLC0415

            # trust_env off: a proxy has no business with loopback.
            self._client = httpx.AsyncClient(timeout=httpx.Timeout(READ_SECONDS, connect=5.0), trust_env=False)
        return self._client


def open_local(
    settings: Settings, progress: Callable[[str], None] = lambda _: None, environ: Mapping[str, str] = os.environ
) -> EmbeddedModel:
    """The embedded model as these settings want it; nothing is started."""
    own = as_object(settings.extra.get("local")) or {}
    python = environ.get("TREADLE_LOCAL_PYTHON") or own.get("python") or sys.executable
    return EmbeddedModel(settings.local, home=home(environ), python=str(python), progress=progress, environ=environ)


def home(environ: Mapping[str, str]) -> Path:
    """Treadle's own folder."""
    if environ.get("TREADLE_HOME"):
        return Path(environ["TREADLE_HOME"]).expanduser()
    import platformdirs  # noqa: PLC0415

    return Path(platformdirs.user_data_dir("treadle", appauthor=False))


def _in_loop(progress: Callable[[str], None]) -> Callable[[str], None]:
    """Lines may come from a thread; the callback is called in the loop, in order."""
    loop = asyncio.get_running_loop()

    def say(line: str) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(progress, line)

    return say


async def _error_body(response: httpx.Response) -> JsonObject:
    raw = b""
    async for chunk in response.aiter_bytes():
        raw += chunk
        if len(raw) > ERROR_BYTES:
            break
    try:
        return as_object(json.loads(raw)) or {}
    except ValueError:
        return {"message": raw.decode("utf-8", "replace")[:200]}
