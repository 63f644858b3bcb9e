"""What the soak's client makes of messages that come close together."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from soak.client import Message, Refused
from soak.model import Place
from soak.talk import Talk


def message(method: str, **params: Any) -> Message:
    return {"method": method, "params": params}


def status(type: str) -> Message:
    return message("thread/status/changed", status={"type": type})


def began(id: str) -> list[Message]:
    return [status("active"), message("turn/started", turn={"id": id})]


def ended(id: str) -> list[Message]:
    return [message("turn/completed", turn={"id": id, "status": "interrupted", "error": None}), status("idle")]


class Quick:
    """The first turn ends as it is interrupted, and the next message of the queue begins in the same moment."""

    def __init__(self) -> None:
        self.process = SimpleNamespace(returncode=None)
        self.stopped: list[str] = []
        self.talk: Talk

    async def call(self, method: str, **params: Any) -> Message:
        self.stopped.append(params["turnId"])
        for told in [*ended("one"), *began("two")] if params["turnId"] == "one" else ended("two"):
            self.talk.heard(told)
        if params["turnId"] == "one":
            raise Refused(method, {"code": -32600, "message": "no turn is running in this thread"})
        return {}


async def test_also_the_turn_of_the_queue_that_begins_meanwhile_is_interrupted(tmp_path: Path) -> None:
    client = Quick()
    talk = client.talk = Talk(Place(tmp_path), {}, random.Random(0), Counter(), client)  # type: ignore[arg-type]
    for told in began("one"):
        talk.heard(told)
    await talk.until_idle(0)
    assert client.stopped == ["one", "two"]
    assert talk.counted["interrupts"] == 2
