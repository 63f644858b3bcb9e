"""What the scripted model says in these runs: words, commands that leave their id in a file, patches that do, plans.

Promises: what it says to the nth request of a thread depends on the seed alone; no two calls of a run are alike, and changing a
byte of one does not make it another. Must never say what harms when a byte of it is changed.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from fakes.replies import Output, Reply, as_reply, call, custom, reasoning, reply, text, wire

RAN = "ran"
SUM_UP = "Sum up for the runs with faults."
PATCHED = "patched"
_WORDS = "Wörter, 漢字 and 🦊 — naïve façade, Ωμέγα; plain words too. "
_STEPS = 4
"Calls are made in at most so many answers of a turn."


def make_workspace(folder: Path) -> None:
    folder.mkdir()
    (folder / "did").write_text(f'#!/bin/sh\necho "$1" >> {RAN}\n')
    (folder / "did").chmod(0o755)
    (folder / PATCHED).write_text("start\nend\n")


def done(folder: Path, file: str) -> list[str]:
    """The ids that commands, or patches, have left."""
    try:
        lines = (folder / file).read_text("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return []
    return [line for line in lines if line not in ("", "start", "end")]


class Speaker:
    """A script of ModelServer. `calm`: from now on it says one thing and calls nothing."""

    def __init__(self, seed: int) -> None:
        self.calm = False
        self._seed = seed
        self._places: dict[str, int] = {}
        self._asked: Counter[str] = Counter()

    def know(self, thread_id: str, number: int) -> None:
        self._places[thread_id] = number

    def __call__(self, request: dict[str, Any], number: int) -> Reply:
        thread = request["prompt_cache_key"]
        self._asked[thread] += 1
        rng = random.Random(f"{self._seed}/{self._places.get(thread, -1)}/{self._asked[thread]}/says")
        if SUM_UP in json.dumps(request["input"][-1]):
            return as_reply(text(f"# Goal\n{_WORDS}", deltas=rng.randrange(1, 9)))
        if self.calm:
            return as_reply(text("Done."))
        said = [item for item in request["input"] if item["type"] == "message" and item["role"] == "user"]
        since = request["input"][request["input"].index(said[-1]) :] if said else []
        steps = sum(item["type"].endswith("_output") for item in since)
        answer = reply(*_outputs(rng, ends=steps >= _STEPS), joined=rng.random() < 0.2)
        return _in_utf8(answer, number) if rng.random() < 0.5 else answer


def _outputs(rng: random.Random, *, ends: bool) -> list[Output]:
    words = text(_WORDS * rng.randrange(1, 5), deltas=rng.randrange(1, 30))
    first = [reasoning(_WORDS, deltas=rng.randrange(1, 6))] if rng.random() < 0.4 else []
    if ends or rng.random() < 0.3:
        return [*first, words]
    calls = [_call(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    return [*first, *([words] if rng.random() < 0.4 else []), *calls]


def _call(rng: random.Random) -> Output:
    id = f"{rng.getrandbits(48):012x}"
    call_id, deltas = f"call_{id}", rng.randrange(1, 8)
    kind = rng.random()
    if kind < 0.4:
        arguments = {"cmd": f"./did {id}", "login": False, "yield_time_ms": 10_000}
        return call("exec_command", arguments, call_id=call_id, deltas=deltas)
    if kind < 0.7:
        update = f"*** Update File: {PATCHED}\n@@\n start\n+{id}\n"
        added = f"*** Add File: {id}.txt\n+{_WORDS}\n"
        return custom("apply_patch", f"*** Begin Patch\n{update}{added}*** End Patch", call_id=call_id, deltas=deltas)
    if kind < 0.95:
        return call("update_plan", {"plan": [{"step": f"Do {id}", "status": "in_progress"}]}, call_id=call_id, deltas=deltas)
    return call("no_such_tool", {"id": id}, call_id=call_id, deltas=deltas)


def _in_utf8(answer: Reply, number: int) -> Reply:
    """The same events, with characters as themselves and not as escapes."""
    events: list[bytes] = []
    for event in wire(answer, number, 100):
        assert isinstance(event, bytes)
        name, mark, data = event.partition(b"data: ")
        events.append(name + mark + json.dumps(json.loads(data), ensure_ascii=False).encode() + b"\n\n")
    return Reply(tuple(events[2:]), end="none", joined=answer.joined)
