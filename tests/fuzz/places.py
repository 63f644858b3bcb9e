"""A whole sidecar behind a door in this process, that lives through all examples of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from fakes.house import House
from fakes.replies import Speech, text
from fakes.responses import ModelServer

from . import ordinary
from .doors import Line, Name, opened

T = TypeVar("T")


class Place:
    """`line`: the client. `run` lets the loop of all this run."""

    def __init__(self, house: House, line: Line, server: ModelServer, runner: asyncio.Runner) -> None:
        self.house, self.line, self.server, self._runner = house, line, server, runner
        self.speeches: list[Speech] = []
        "What the model says next; after that it says that it is done."

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(doing)

    @property
    def cwd(self) -> str:
        return str(self.house.workspace)

    async def thread(self) -> str:
        return (await self.line.result("thread/start", {"cwd": self.cwd}))["thread"]["id"]

    async def said(self) -> dict[str, str]:
        """A thread with a turn in it: the words of `shapes`, and what they stand for."""
        thread_id, turn_id = await ordinary.turn(self.line, self.cwd)
        items = [message["params"]["item"]["id"] for message in self.line.told if message.get("method") == "item/completed"]
        return {"@thread": thread_id, "@turn": turn_id, "@item": items[-1], "@workspace": self.cwd}

    async def settled(self) -> None:
        """Every request is answered, nothing was logged as an error, and an ordinary turn works."""
        await self.line.fence()
        await ordinary.turn(self.line, self.cwd)
        self.line.check()
        self.line.log.check()
        self.line.forget()


@contextmanager
def placed(door: Name, folder: Path) -> Iterator[Place]:
    with asyncio.Runner() as runner, ModelServer(lambda *_: _next(place)) as server:
        # what is sent here moves the prompt in every way that a client may ask for
        ModelServer.started.remove(server)
        house = House(folder, server)
        house.configure(house.configuration + "request_max_retries = 0\nstream_max_retries = 0\n")

        async def open_agent() -> Any:
            return house.agent()

        door_open = opened(door, open_agent)
        line = runner.run(door_open.__aenter__())
        place = Place(house, line, server, runner)
        try:
            runner.run(line.greet())
            yield place
        except BaseException as failure:
            runner.run(_left(door_open, failure))
            raise
        runner.run(door_open.__aexit__(None, None, None))


def _next(place: Place) -> Speech:
    return place.speeches.pop(0) if place.speeches else text("Done.")


async def _left(door_open: Any, failure: BaseException) -> None:
    try:
        await door_open.__aexit__(type(failure), failure, failure.__traceback__)
    except BaseException:
        return
