"""The load: eight conversations in one process that lives all along, two more in one that comes and goes.

Promises that everything but the time that things take comes from the seed, that the machine is used no more than the pace allows,
and that at the end of a phase every conversation is over: deleted, or archived.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from fakes.slow_model import SUM_UP

from . import deeds
from .client import Client, Message, Refused
from .model import Place, SoakModel, furnish
from .talk import Talk

TESTS = Path(__file__).resolve().parents[1]
RESIDENT, VISITING = 8, 2
LIFE = (8, 40)
"Turns after which a thread makes room for a new one."
LIMIT = 20_000
"Tokens at which a thread is compacted."
FRESH = 0.3
"The share of threads that work in a folder of their own."
KEPT = 24
"Archived threads that the model still remembers, to go on with in the end."


class Load:
    def __init__(self, folder: Path, seed: int, *, fresh: bool) -> None:
        """`fresh`: now and then a thread works in a folder where none has been."""
        self.folder, self.seed, self.fresh = folder, seed, fresh
        self.home = folder / "home"
        for made in ("codex", "treadle", "mcp"):
            (self.home / made).mkdir(parents=True)
        (folder / "ws").mkdir()
        (folder / "tmp").mkdir()
        self.model = SoakModel(random.Random(seed), f"600.{seed % 10000:04}{os.getpid():07}", seed=seed)
        self.model.start()
        self._configure()
        self.env = {
            **os.environ,
            "HOME": str(self.home),
            "CODEX_HOME": str(self.home / "codex"),
            "TREADLE_HOME": str(self.home / "treadle"),
            "TREADLE_TRACEABLE": "1",
            "TMPDIR": str(folder / "tmp"),
        }
        self.counted: Counter[str] = Counter()
        self.kept: list[tuple[str, bool]] = []
        "The latest threads that are not deleted, and whether they are archived."
        self.pause = 0.2
        "Seconds between two deeds, on average; whoever watches the processor changes it."
        self.problems: list[str] = []
        self._numbers = itertools.count(1)
        self._talks: dict[str, Talk] = {}
        self._places: dict[int, Place] = {}
        self._over = asyncio.Event()
        self.visitors: set[int] = set()
        "Process ids."

    def _configure(self) -> None:
        steady = json.dumps(["-m", "fakes.mcp_server", "--folder", str(self.home / "mcp")])
        mortal = json.dumps([str(TESTS / "fakes" / "mcp_rogue.py"), "mortal", str(self.home / "mcp")])
        (self.home / "codex" / "config.toml").write_text(
            f'model = "gpt-5.5"\nmodel_provider = "slow"\ncompact_prompt = "{SUM_UP}"\n'
            f"model_auto_compact_token_limit = {LIMIT}\nmcp_optional_startup_grace_ms = 60000\n"
            f'[model_providers.slow]\nname = "Slow"\nbase_url = "http://127.0.0.1:{self.model.port}/v1"\n'
            f"[mcp_servers.steady]\ncommand = '{sys.executable}'\nargs = {steady}\nenv = {{ PYTHONPATH = '{TESTS}' }}\n"
            f"startup_timeout_sec = 60\ncwd = '{self.home}'\n[mcp_servers.mortal]\ncommand = '{sys.executable}'\n"
            f"args = {mortal}\n"
        )

    async def open(self, door: str, errors: str, inside: Path | None = None) -> Client:
        env = self.env | ({"SOAK_INSIDE": str(inside)} if inside else {})
        return await Client.start(door, env, self.folder / errors, self._heard)

    async def mix(self, client: Client, seconds: float, least: int = 0) -> None:
        """Everything at once, for so long, and until so many turns are done; returns when it is all over."""
        self._over.clear()
        async with asyncio.TaskGroup() as group:
            for place in range(RESIDENT):
                group.create_task(self._work(client, place))
            group.create_task(self._visit())
            await asyncio.sleep(seconds)
            while self.counted["turns"] < least:  # noqa: ASYNC110 - a condition of many events
                await asyncio.sleep(0.5)
            self._over.set()

    async def _work(self, client: Client, place: int) -> None:
        """One place at the table: a thread after the other."""
        rng = random.Random(f"{self.seed}:{place}:{next(self._numbers)}")
        while not self._over.is_set():
            talk = await self.begin(client, place, rng)
            await self.use(talk, rng.randint(*LIFE))
            await self._retire(talk, rng)

    async def use(self, talk: Talk, turns: int) -> None:
        weights = [weight for weight, _ in deeds.DEEDS]
        while talk.turns < turns and not self._over.is_set():
            ((_, deed),) = talk.rng.choices(deeds.DEEDS, weights)
            try:
                await deed(talk, self.model)
            except BaseException as problem:
                problem.add_note(f"in {deed.__name__} of thread {talk.id}")
                raise
            if talk.rng.random() < 0.02:
                talk = await self._fork(talk)
            talk.client.check()
            self.problems += talk.problems
            talk.problems.clear()
            await self.rest(talk.rng)

    async def rest(self, rng: random.Random) -> None:
        """As long as the pace wants it, or until it is all over."""
        try:
            async with asyncio.timeout(rng.uniform(0, 2 * self.pause)):
                await self._over.wait()
        except TimeoutError:
            pass

    async def begin(self, client: Client, place: int, rng: random.Random) -> Talk:
        number = next(self._numbers)
        work = self._place(place, rng)
        options = {
            "cwd": str(work.folder),
            "sandbox": "workspace-write" if place % 2 == 0 else "danger-full-access",
            "approvalPolicy": "untrusted" if place in (1, 2) else "never",
        }
        answer = await client.call("thread/start", **options)
        talk = Talk(work, options, random.Random(rng.random()), self.counted, client, answer["thread"]["id"])
        self._talks[talk.id] = talk
        self.model.learn(talk.id, work, number)
        self.counted["threads"] += 1
        return talk

    def _place(self, place: int, rng: random.Random) -> Place:
        """Mostly the folder that the place had before: what is kept of each has a bound that a short run does not reach."""
        if place not in self._places or (self.fresh and rng.random() < FRESH):
            self._places[place] = furnish(self.folder / "ws" / f"t{next(self._numbers)}")
        return self._places[place]

    async def _fork(self, talk: Talk) -> Talk:
        """The copy goes on in its place; the original is kept for a while, or not."""
        answer = await deeds.may(talk, "thread/fork")
        if answer is None:
            return talk
        self.counted["forks"] += 1
        id, old = answer["thread"]["id"], talk.id
        self.model.learn(id, talk.work, next(self._numbers), of=old)
        if talk.rng.random() < 0.5:
            await talk.call("thread/delete")
            self._dropped(old)
        else:
            await talk.call("thread/archive")
            self._keep(old)
        talk.id = id
        talk.forget()
        self._talks[id] = talk
        return talk

    async def _retire(self, talk: Talk, rng: random.Random) -> None:
        await deeds.settle(talk)
        if rng.random() < 0.5:
            await talk.call("thread/delete")
            self.counted["deleted"] += 1
            self._dropped(talk.id)
        else:
            await talk.call("thread/archive")
            self.counted["archived"] += 1
            self._keep(talk.id)
        self.problems += talk.problems

    def _keep(self, thread_id: str) -> None:
        """The model remembers the latest."""
        self._talks.pop(thread_id)
        self.kept.append((thread_id, True))
        while len(self.kept) > KEPT:
            gone, _ = self.kept.pop(0)
            self._forget(gone)

    def _dropped(self, thread_id: str) -> None:
        self._talks.pop(thread_id)
        self._forget(thread_id)

    def _forget(self, thread_id: str) -> None:
        known = self.model.threads.get(thread_id)
        self.model.forget(thread_id)
        used = [*self._places.values(), *(other.work for other in self.model.threads.values())]
        if known is not None and not any(work is known.work for work in used):
            shutil.rmtree(known.work.folder, ignore_errors=True)

    async def _visit(self) -> None:
        """A client that comes, goes on with its threads, and goes away, perhaps in the middle of a turn."""
        rng = random.Random(f"{self.seed}:visitor:{next(self._numbers)}")
        talks: list[Talk] = []
        while not self._over.is_set():
            client = await self.open(rng.choice(("app-server", "serve")), "visitor.txt")
            self.visitors.add(client.pid)
            try:
                await self._visited(client, talks, rng)
            finally:
                await client.close()
                self.visitors.discard(client.pid)
            self.counted["reconnects"] += 1

    async def _visited(self, client: Client, talks: list[Talk], rng: random.Random) -> None:
        for talk in talks:
            talk.client = client
            talk.forget()
            await deeds.resume(talk)
            await deeds.settle(talk)
        while len(talks) < VISITING:
            talks.append(await self.begin(client, RESIDENT + len(talks), rng))
        await asyncio.gather(*(self.use(talk, talk.turns + rng.randint(1, 4)) for talk in talks))
        if self._over.is_set() or rng.random() < 0.2:
            for talk in talks:
                await self._retire(talk, rng)
            talks.clear()
        elif rng.random() < 0.5:
            for talk in talks:
                await deeds.begin(talk)
            await asyncio.sleep(rng.uniform(0, 0.5))
        for talk in talks:
            talk.watched = False
        status = await client.hang_up()
        for talk in talks:
            talk.watched = True
        assert status == 0, f"the process of a visitor ended with {status}"

    def _heard(self, client: Client, message: Message) -> None:
        params: dict[str, Any] = message.get("params") or {}
        talk = self._talks.get(params.get("threadId") or "")
        if talk is None or talk.client is not client:
            return
        if "id" in message:
            talk.answer(message)
        else:
            talk.heard(message)

    async def go_on(self, client: Client) -> int:
        """Every thread that is still known is taken up again, and does one turn; how many."""
        self.model.calm = True
        for thread_id, archived in self.kept:
            known = self.model.threads[thread_id]
            talk = Talk(known.work, {}, random.Random(0), self.counted, client, thread_id)
            self._talks[thread_id] = talk
            if archived:
                await talk.call("thread/unarchive")
            await deeds.resume(talk)
            before = self.counted["turns completed"]
            await deeds.begin(talk)
            await talk.until_idle(60)
            if self.counted["turns completed"] != before + 1 or talk.problems:
                self.problems.append(f"thread {thread_id} does not go on: {talk.problems}")
        return len(self.kept)

    def close(self) -> None:
        self.model.stop()


__all__ = ["Load", "Refused"]
