"""One seeded run: some threads work through the proxy, then the sidecar is closed, then another one goes on where it stopped.

Promises: ends within BOUND seconds a turn, whatever the proxy does; leaves no process, task or connection; gives all that was
wrong as complaints. What is random comes from the seed, but for the time that things take.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from fakes.preloaded import Preloaded
from fakes.responses import ModelServer
from treadle.adapters.clock import SystemClock
from treadle.adapters.homes import Homes
from treadle.app import Options, Parts

from . import leftovers, oracles
from .client import Client, Message, ProcessClient
from .disturbing import HEAD, IDLE
from .proxy import Proxy
from .speech import PATCHED, RAN, SUM_UP, Speaker, done, make_workspace

BOUND = 60.0
"Seconds for a turn, on a machine that is busy; most take a fraction of one."
_CONNECT = 0.1


@dataclass
class Report:
    seed: int
    process: bool
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter[str])
    ends: Counter[str] = field(default_factory=Counter[str])
    retries: int = 0
    requests: int = 0
    wrong: list[str] = field(default_factory=list[str])


class HurriedClock(SystemClock):
    """Waits between attempts take a fiftieth of what they should."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 60) / 50)


@dataclass
class Run:
    seed: int
    folder: Path
    program: Preloaded | None
    "None: the agent lives in this process."
    patience: float = leftovers.PATIENCE
    "Seconds that what goes with a sidecar has to go."

    def __post_init__(self) -> None:
        self.report = Report(self.seed, self.program is not None)
        self.rng = random.Random(f"{self.seed}/run")
        self.speaker = Speaker(self.seed)
        self.homes = Homes(self.folder / "codex", self.folder / "treadle")
        self.folds: dict[str, oracles.Fold] = {}
        self.workspaces: dict[str, Path] = {}
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SHELL": "/bin/sh",
            "CODEX_HOME": str(self.homes.codex),
            "TREADLE_HOME": str(self.homes.treadle),
        }

    async def play(self) -> Report:
        began = time.monotonic()
        for made in (self.homes.codex, self.homes.treadle):
            made.mkdir()
        with ModelServer(self.speaker) as model:
            ModelServer.started.remove(model)  # what it was asked is checked here, as the sidecar sent it
            self.proxy = Proxy(self.seed, int(model.base_url.split(":")[2].split("/")[0]))
            await self.proxy.start()
            try:
                with _Bugs(self.report.wrong), leftovers.adopting() if self.program is not None else nullcontext():
                    await self._first_life()
                    await self._second_life()
            finally:
                await self.proxy.close()
        self._check_disk()
        self.report.kinds, self.report.seconds = self.proxy.kinds, time.monotonic() - began
        self.report.requests = sum(map(len, self.proxy.bodies.values()))
        return self.report

    def _configure(self, **limits: int) -> None:
        provider = {"name": "Scripted", "base_url": f"http://127.0.0.1:{self.proxy.port}/v1", **limits}
        values = "\n".join(f"{key} = {value!r}" for key, value in provider.items())
        first = f'model = "gpt-5.5"\nmodel_provider = "scripted"\ncompact_prompt = "{SUM_UP}"\n'
        (self.homes.codex / "config.toml").write_text(f"{first}[model_providers.scripted]\n{values}\n")

    async def _first_life(self) -> None:
        waits = {"connect_timeout_ms": _CONNECT, "header_timeout_ms": HEAD - _CONNECT, "stream_idle_timeout_ms": IDLE}
        limits = {key: int(seconds * 1000) for key, seconds in waits.items()}
        retries = 1 if self.program else self.rng.choice((0, 2, 4))
        self._configure(request_max_retries=retries, stream_max_retries=self.rng.choice((1, 2)) if self.program else 5, **limits)
        async with self._sidecar() as client:
            threads = [asyncio.create_task(self._talk(client, number)) for number in range(self.rng.randrange(1, 5))]
            await asyncio.wait(threads)
            for task in threads:
                if (problem := task.exception()) is not None:
                    self.report.wrong.append(f"{type(problem).__name__}: {problem}")
            for thread_id in self.folds:
                state = await client.result("thread/read", {"threadId": thread_id, "includeTurns": True})
                self.report.wrong += self.folds[thread_id].differs(state["thread"]["turns"])
        for fold in self.folds.values():
            self.report.wrong += fold.finish()
            self.report.ends.update(turn["status"] for turn in fold.turns.values())

    async def _second_life(self) -> None:
        """Without faults every thread goes on."""
        self.proxy.calm = self.speaker.calm = True
        self._configure()
        async with self._sidecar() as client:
            for thread_id, fold in self.folds.items():
                state = await client.result("thread/resume", {"threadId": thread_id})
                self.report.wrong += fold.differs(state["thread"]["turns"])
                turn = await self._turn(client, thread_id, "Go on.")
                if turn["status"] != "completed":
                    self.report.wrong.append(f"thread {thread_id} does not go on: {turn}")

    @asynccontextmanager
    async def _sidecar(self) -> AsyncIterator[Client]:
        before = leftovers.look(str(self.folder))
        if self.program is not None:
            errors = (self.folder / "stderr.txt").open("wb")
            client: Client = ProcessClient(self.program.start(["app-server"], self.environ, self.folder, errors))
            errors.close()
        else:
            parts = Parts(Options(), self.homes, self.environ)
            parts.world.clock = HurriedClock()
            client = Client(parts.agent)
        client.heard.append(self._heard)
        try:
            await client.hello()
            yield client
        finally:
            async with asyncio.timeout(BOUND):
                await client.close()
        self.report.wrong += client.broken
        if left := await self.proxy.left():
            self.report.wrong.append(f"{left} connections to the model are left open")
        if self.program is not None:
            said = (self.folder / "stderr.txt").read_text("utf-8", "replace")
            self.report.wrong += [f"standard error: {said[-4000:]}"] if "Traceback" in said or "ERROR" in said else []
        del client
        adopts = self.program is not None
        self.report.wrong += await leftovers.left(before, str(self.folder), adopts=adopts, patience=self.patience)

    def _heard(self, message: Message) -> None:
        params = message.get("params") or {}
        if "method" in message and (fold := self.folds.get(params.get("threadId", ""))) is not None:
            fold.take(message)
            self.report.retries += message["method"] == "error" and params["willRetry"]

    async def _talk(self, client: Client, number: int) -> None:
        rng = random.Random(f"{self.seed}/{number}/talks")
        workspace = self.folder / f"ws{number}"
        make_workspace(workspace)
        options = {"cwd": str(workspace), "sandbox": "workspace-write", "approvalPolicy": "never"}
        thread_id = (await client.result("thread/start", options))["thread"]["id"]
        self.folds[thread_id], self.workspaces[thread_id] = oracles.Fold(thread_id), workspace
        self.speaker.know(thread_id, number)
        self.proxy.places[thread_id] = number
        for turn in range(rng.choice((1, 1, 2, 3))):
            await self._turn(client, thread_id, f"Do some work, {turn}.", rng if rng.random() < 0.5 else None)
            if rng.random() < 0.2:
                await self._compacted(client, thread_id)

    async def _turn(self, client: Client, thread_id: str, words: str, rng: random.Random | None = None) -> Message:
        """To its end. With `rng` the user meddles."""
        said = [{"type": "text", "text": words, "text_elements": []}]
        turn_id = (await client.result("turn/start", {"threadId": thread_id, "input": said}))["turn"]["id"]
        meddling = asyncio.create_task(self._meddle(client, thread_id, turn_id, rng)) if rng is not None else None
        try:
            async with asyncio.timeout(BOUND):
                return await asyncio.shield(client.end_of(turn_id))
        except TimeoutError:
            raise AssertionError(f"turn {turn_id} of {thread_id} has no end after {BOUND:g} s") from None
        finally:
            if meddling is not None:
                meddling.cancel()
                await asyncio.wait((meddling,))

    async def _compacted(self, client: Client, thread_id: str) -> None:
        began: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def heard(message: Message) -> None:
            if message.get("method") == "turn/started" and message["params"]["threadId"] == thread_id and not began.done():
                began.set_result(message["params"]["turn"]["id"])

        client.heard.append(heard)
        try:
            answer = await client.ask("thread/compact/start", {"threadId": thread_id})
            if "error" not in answer:  # there may be nothing to compact
                async with asyncio.timeout(BOUND):
                    await asyncio.shield(client.end_of(await began))
        finally:
            client.heard.remove(heard)

    async def _meddle(self, client: Client, thread_id: str, turn_id: str, rng: random.Random) -> None:
        """Steer, or stop, at a moment that is counted in messages or in time. A turn that is over refuses both."""
        for _ in range(rng.choice((1, 1, 2, 4))):
            if rng.random() < 0.5:
                await asyncio.sleep(rng.choice((0.0, 0.01, 0.05, 0.2)))
            else:
                await _messages(client, rng.randrange(1, 40))
            if rng.random() < 0.4:
                await client.ask("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
            else:
                words = [{"type": "text", "text": f"Faster, {rng.random()}.", "text_elements": []}]
                await client.ask("turn/steer", {"threadId": thread_id, "expectedTurnId": turn_id, "input": words})

    def _check_disk(self) -> None:
        wrong = self.report.wrong
        wrong += oracles.store(self.homes.treadle, self.folds)
        for thread_id, workspace in self.workspaces.items():
            compactions = [item for item in self.folds[thread_id].items.values() if item["type"] == "contextCompaction"]
            wrong += oracles.prompts(self.proxy.bodies[thread_id], SUM_UP.encode(), len(compactions))
            wrong += oracles.ran_twice([*done(workspace, RAN), *done(workspace, PATCHED)])


async def _messages(client: Client, count: int) -> None:
    """Until so many more have come."""
    enough = asyncio.get_running_loop().create_future()

    def heard(message: Message) -> None:
        nonlocal count
        count -= 1
        if count == 0 and not enough.done():
            enough.set_result(None)

    client.heard.append(heard)
    try:
        await enough
    finally:
        client.heard.remove(heard)


class _Bugs(logging.Handler):
    """What Treadle's own log says of bugs, and the event loop of tasks that nobody awaited."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __enter__(self) -> None:
        logging.getLogger().addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            text = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            self.found.append(f"logged by {record.name}: {record.getMessage()} {text}")
