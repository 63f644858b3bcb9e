"""Cases of the beginning: a process starts, a thread begins, a turn reaches the model; and what it all takes of memory."""

from __future__ import annotations

import time

from .place import Place, middle

Values = dict[str, float]


def start(place: Place) -> Values:
    """In a home where nothing has run, and then in the same home; everything asked for as soon as it can be."""
    values: Values = {}
    for kind in ("fresh", "used"):
        program = place.start()
        values[f"start.{kind}.initialize"] = program.initialize() * 1000
        place.model.stats()
        program.begin(program.thread(), place.wish("say 1"))
        program.finish()
        stats = place.model.stats()
        values[f"start.{kind}.request"] = (stats["times"][0][0] - program.began) * 1000
        values["request.bytes"] = stats["sizes"][0] / 1000
        program.close()
    return values


def turns(place: Place) -> Values:
    """A process that had time to settle, as a user gives it, and then one turn after another."""
    program = place.start()
    program.initialize()
    time.sleep(place.sizes.pause)
    began = time.perf_counter()
    thread = program.thread()
    first = (time.perf_counter() - began) * 1000
    time.sleep(place.sizes.pause)
    cold, _ = _turn(place, program, thread)
    same = [_turn(place, program, thread) for _ in range(place.sizes.turns)]
    new, made = [], []
    for _ in range(place.sizes.turns):
        began = time.perf_counter()
        thread = program.thread()
        made.append((time.perf_counter() - began) * 1000)
        new.append(_turn(place, program, thread)[0])
    return {
        "thread.first": first,
        "thread.warm": middle(made),
        "turn.cold": cold,
        "turn.same": middle([to_request for to_request, _ in same]),
        "turn.new": middle(new),
        "turn.whole": middle([whole for _, whole in same]),
    }


def _turn(place: Place, program, thread: str) -> tuple[float, float]:
    """Milliseconds until the model has the request, and until the turn is over."""
    place.model.stats()
    began = program.begin(thread, place.wish("say 1"))
    over = program.finish()
    return (place.arrivals()[0] - began) * 1000, (over - began) * 1000


def memory(place: Place) -> Values:
    """One process and what it holds after each stage of work."""
    values: Values = {}

    def stage(name: str) -> None:
        time.sleep(place.sizes.pause)
        values[f"memory.{name}"] = program.memory()

    program = place.start()
    program.initialize()
    stage("initialized")
    thread = program.thread()
    stage("thread")
    program.turn(thread, place.wish("say 20"))
    stage("turn")
    program.turn(thread, place.wish(f"steps {place.sizes.commands} exec_command"))
    stage("calls")
    place.model.stats()
    before = program.cpu()
    program.turn(thread, place.wish("steps 1 flood"))
    values["output.request"] = place.gaps()[0]
    values["output.cpu"] = (program.cpu() - before) * 1000
    stage("output")
    for _ in range(place.sizes.at_once):
        program.turn(program.thread(), place.wish("say 20"))
    stage("threads")
    return values


def whole(place: Place) -> Values:
    """A program for one turn, from its start to its end."""
    place.model.stats()
    program = place.start("home", "danger-full-access", f"bench: {place.wish('say 1')}\n")
    said = program.lines().read()
    status = program.process.wait()
    took = time.perf_counter() - program.began
    stats = place.model.stats()
    if status or not stats["times"]:
        raise RuntimeError(f"exit status {status}, {len(stats['times'])} requests; it said {said[-500:]!r}")
    return {
        "request": (stats["times"][0][0] - program.began) * 1000,
        "whole": took * 1000,
        "bytes": stats["sizes"][0] / 1000,
    }
