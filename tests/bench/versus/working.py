"""Cases of a turn at work: many steps, a long answer, patches, a long thread taken up again, and many threads at once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ..texts import file_and_patch
from .place import Place, gaps, middle
from .starting import Values

BUCKET = 50
"Steps of which the growth curve takes one median."


def steps(place: Place) -> Values:
    """Calls of a tool that nobody has: the loop and nothing else. Then another process takes up that thread."""
    count = place.sizes.steps
    thread, values = _steps(place, "noop", "noop", count, "danger-full-access")
    return values | resumed(place, thread)


def commands(place: Place, mode: str) -> Values:
    """`true` in one sandbox; as often as the curve wants in the first rounds, and less often in the others."""
    count = place.sizes.steps if place.round < place.sizes.curve_rounds else place.sizes.commands
    return _steps(place, mode, "exec_command", count, mode)[1]


def _steps(place: Place, name: str, tool: str, count: int, mode: str) -> tuple[str, Values]:
    """The thread, and what a step costs late in the first hundred and at the end: from a reply's end to the next request."""
    program = place.start(name, mode)
    program.initialize()
    thread = program.thread()
    program.turn(thread, place.wish("say 1"))
    time.sleep(place.sizes.pause)
    place.model.stats()
    before = program.cpu()
    program.turn(thread, place.wish(f"steps {count} {tool}"))
    spent = program.cpu() - before
    gaps = place.gaps()
    if len(gaps) != count:
        raise RuntimeError(f"{len(gaps)} steps of {count}")
    program.close()
    early, late = gaps[BUCKET:100] or gaps, gaps[-BUCKET:]
    values = {f"step.{name}.100": middle(early), f"step.{name}.cpu": spent * 1000 / count}
    if count >= place.sizes.steps:
        values |= {f"step.{name}.500": middle(late), f"step.{name}.growth": middle(late) / middle(early)}
        place.curves[name] = [middle(gaps[at : at + BUCKET]) for at in range(0, count, BUCKET)]
    return thread, values


def resumed(place: Place, thread: str) -> Values:
    program = place.start("noop")
    program.initialize()
    time.sleep(place.sizes.pause)
    began = time.perf_counter()
    program.call("thread/resume", {"threadId": thread})
    answered = time.perf_counter()
    place.model.stats()
    asked = program.begin(thread, place.wish("say 1"))
    program.finish()
    request = place.arrivals()[0] - asked
    return {"resume.answer": (answered - began) * 1000, "resume.request": (answered - began + request) * 1000}


def deltas(place: Place) -> Values:
    """One answer in very many pieces, sent as fast as they are taken; and the first piece of short answers."""
    count = place.sizes.deltas
    program = place.start()
    program.initialize()
    thread = program.thread()
    program.turn(thread, place.wish("say 20"))
    short = [_streamed(place, program, thread, 20)[0] for _ in range(place.sizes.turns)]
    before = program.cpu()
    first, took, size = _streamed(place, program, thread, count)
    return {
        "deltas.short": middle(short),
        "deltas.first": first,
        "deltas.total": took,
        "deltas.rate": count / took * 1000,
        "deltas.cpu": (program.cpu() - before) * 1000,
        "deltas.size": size / count,
    }


def _streamed(place: Place, program: Any, thread: str, count: int) -> tuple[float, float, int]:
    """Milliseconds from the request at the model to the first delta, and to the end of the turn; bytes that were told."""
    place.model.stats()
    program.begin(thread, place.wish(f"say {count}"))
    first, size = 0.0, 0
    for line in program.lines():
        size += len(line)
        if not first and program.delta in line:
            first = time.perf_counter()
        if program.ended(line):
            break
    over, received = time.perf_counter(), place.arrivals()[0]
    return (first - received) * 1000, (over - received) * 1000, size


def patch(place: Place) -> Values:
    """50 hunks on a file of 2,000 lines, each time another file."""
    values: Values = {}
    before, _ = file_and_patch(2_000, 50)
    for mode in ("danger-full-access", "workspace-write"):
        program = place.start(mode, mode)
        files = [Path(program.cwd) / f"patched_{n}.py" for n in range(1, place.sizes.patches + 1)]
        for file in files:
            file.write_text(before)
        program.initialize()
        thread = program.thread()
        program.turn(thread, place.wish("say 1"))
        place.model.stats()
        program.begin(thread, place.wish(f"steps {len(files)} patch"))
        shown = _changes(program)
        times = place.times()
        replied = [sent for _, sent in times[: len(shown)]]
        values[f"patch.{mode}.item"] = middle([(end - begin) * 1000 for begin, end in shown])
        values[f"patch.{mode}.whole"] = middle([(end - sent) * 1000 for (_, end), sent in zip(shown, replied, strict=True)])
        values[f"patch.{mode}.request"] = middle(gaps(times))
        if any(file.read_text() == before for file in files):
            raise RuntimeError("a patch changed nothing")
    return values


def _changes(program: Any) -> list[tuple[float, float]]:
    """When each change to a file began and ended, as the client is told."""
    times: list[tuple[float, float]] = []
    began = 0.0
    for line in program.lines():
        now = time.perf_counter()
        if b'"fileChange"' in line:
            method = json.loads(line)["method"]
            if method == "item/started":
                began = now
            elif method == "item/completed":
                times.append((began, now))
        if program.ended(line):
            return times
    raise RuntimeError("the program ended")


def threads(place: Place) -> Values:
    """Many threads of one process at work at once; each has had a turn before anything is counted."""
    sizes = place.sizes
    program = place.start()
    program.initialize()
    program.turn(program.thread(), place.wish("say 1"))
    began = time.perf_counter()
    ids = _begun(program, sizes.at_once)
    values = {"threads.start": (time.perf_counter() - began) * 1000}
    _at_once(place, program, ids, "say 20", 1)
    before = program.cpu()
    took = _at_once(place, program, ids, "say 20", sizes.turns_each)
    turns = len(ids) * sizes.turns_each
    values |= {"threads.turns": turns / took, "threads.cpu": (program.cpu() - before) * 1000 / turns}
    took = _at_once(place, program, ids, f"steps {sizes.commands_each} exec_command", 1)
    values["threads.commands"] = len(ids) * sizes.commands_each / took
    took = _at_once(place, program, ids, f"say {sizes.deltas_each}", 1)
    values["threads.deltas"] = len(ids) * sizes.deltas_each / took
    return values


def _begun(program: Any, count: int) -> list[str]:
    wanted = {program.send("thread/start", {"cwd": program.cwd}) for _ in range(count)}
    ids: list[str] = []
    for line in program.lines():
        message = json.loads(line)
        if message.get("id") in wanted and "method" not in message:
            ids.append(message["result"]["thread"]["id"])
            if len(ids) == count:
                return ids
    raise RuntimeError("the program ended")


def _at_once(place: Place, program: Any, ids: list[str], text: str, turns: int) -> float:
    """Seconds; each thread begins its next turn as soon as one is over."""
    left = dict.fromkeys(ids, turns)
    began = time.perf_counter()
    for thread in ids:
        program.begin(thread, place.wish(text))
    for line in program.lines():
        thread = program.ended(line)
        if thread is None:
            continue
        left[thread] -= 1
        if left[thread]:
            program.begin(thread, place.wish(text))
        elif not any(left.values()):
            return time.perf_counter() - began
    raise RuntimeError("the program ended")
