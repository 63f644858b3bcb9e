"""A whole soak: warm-up, rest, load, rest, end; then the store, the log, what is left behind, and the threads once more.

`python -m soak` in tests/, or `make soak`. Reads SOAK_SECONDS, SOAK_SEED and SOAK_CORES.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from treadle.runtime.idling import SERVERS_AFTER

from . import measure, verdict
from .client import Client
from .load import RESIDENT, VISITING, Load

WARM_UP, LONGEST_WARM_UP = 0.2, 300.0
CLOSING = 20.0
"Seconds of the whole that the end takes."
WARM = 100
"Turns, of which the warm-up has at least so many: on a machine that is busy it takes longer."
OUT = Path(__file__).parent / "out"
EVERY = 15.0
"Seconds between two lines of progress, on standard error."
STILL, RESTS = 2.5, 60.0
"""A process is at rest when nothing of it has changed for so long, and in the end no more is there than was in the beginning:
on a machine that is busy what ends takes long, and does not change meanwhile. It is given up after so long."""
LEAVES = 60.0
"Seconds that what goes with a sidecar has to go."


@dataclass
class Report:
    seed: int
    seconds: float
    cores: float = 0.0
    "Used on average under load."
    counted: dict[str, int] = field(default_factory=dict[str, int])
    asked: dict[str, int] = field(default_factory=dict[str, int])
    begin: measure.Sample | None = None
    end: measure.Sample | None = None
    samples: list[measure.Sample] = field(default_factory=list[measure.Sample])
    files: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    processes: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    inside: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    "What it says of itself: tasks, objects."
    problems: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])

    def write(self) -> Path:
        OUT.mkdir(exist_ok=True)
        path = OUT / "soak.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


async def soak(folder: Path, seconds: float, seed: int, cores: float) -> Report:
    report = Report(seed, seconds)
    load = Load(folder, seed, fresh=seconds >= 1200)
    try:
        client = await load.open("app-server", "resident.txt", folder / "inside.json")
        try:
            await _soaked(client, load, seconds, cores, report)
        finally:
            await client.close()
        report.problems += _left(folder)
        await _afterwards(load, report)
    except* Exception as problems:
        report.problems += [said for problem in _leaves(problems) for said in _described(problem)]
    finally:
        load.close()
    report.problems += [*load.problems, *load.model.complaints]
    for name in ("resident.txt", "visitor.txt", "again.txt"):
        report.problems += verdict.log(folder / name)
        report.warnings += verdict.warnings(folder / name)
    report.counted, report.asked = dict(load.counted), dict(load.model.asked)
    return report


async def _soaked(client: Client, load: Load, seconds: float, cores: float, report: Report) -> None:
    watch = measure.Watch(
        client.pid, load.folder, load.model.port, cores, min(max(seconds / 120, 1.0), 5.0), lambda: load.visitors
    )

    told = watch.began

    def pace(factor: float) -> None:
        nonlocal told
        load.pause = min(max(load.pause * factor, 0.02), 10.0)
        if time.monotonic() - told >= EVERY:
            told = time.monotonic()
            sys.stderr.write(f"{line(watch, load)}\n")

    running = asyncio.create_task(watch.run(pace))
    try:
        whole = max(seconds - CLOSING, 10)
        await load.mix(client, min(whole * WARM_UP, LONGEST_WARM_UP), WARM)
        warm_up = min(time.monotonic() - watch.began, whole / 2)
        await _rested(watch.now)
        await _note(report, "begin", client.pid, load.folder / "inside.json")
        report.begin = watch.look()
        load.counted.clear()
        from_here, used = len(watch.samples), len(watch.used)
        await load.mix(client, whole - warm_up)
        report.samples = watch.samples[from_here:]
        report.cores = round(sum(watch.used[used:]) / max(len(watch.used[used:]), 1), 2)
        await _rested(watch.now, report.begin)
        await _note(report, "end", client.pid, load.folder / "inside.json")
        report.end = watch.look()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    report.problems += verdict.grown(report.begin, report.end, seconds) + verdict.rising(report.samples, seconds)
    report.problems += verdict.held(report.inside["begin"], report.inside["end"])
    loaded = (await client.call("thread/loaded/list"))["data"]
    if loaded:
        report.problems.append(f"threads that were closed are still in memory: {loaded}")
    status = await client.hang_up()
    if status != 0:
        report.problems.append(f"the process ended with {status}")


async def _rested(now: Callable[[], measure.Sample], begin: measure.Sample | None = None) -> None:
    """Every thread is closed, and nothing changes any more."""
    await asyncio.sleep(SERVERS_AFTER)
    end, since, before = time.monotonic() + RESTS, time.monotonic(), None
    while time.monotonic() < end:
        await asyncio.sleep(0.25)
        found = now()
        counts = (found.descriptors, found.connections, found.threads, found.processes)
        if counts != before:
            before, since = counts, time.monotonic()
        if time.monotonic() - since >= STILL and (begin is None or not verdict.more(begin, found)):
            break


async def _note(report: Report, when: str, pid: int, told: Path) -> None:
    """What it has, in words; the only time that it is asked."""
    os.kill(pid, signal.SIGUSR2)
    async with asyncio.timeout(60):
        while not os.path.exists(told):  # noqa: ASYNC110, ASYNC240 - made by another process
            await asyncio.sleep(0.05)
    with open(told, encoding="utf-8") as file:  # noqa: ASYNC230
        report.inside[when] = json.load(file)
    os.unlink(told)
    report.files[when] = measure.open_files(pid)
    report.processes[when] = measure.named(measure.below(pid))


def _left(folder: Path) -> list[str]:
    """After the end of every process."""
    end = time.monotonic() + LEAVES
    while (found := measure.inhabitants(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    said = [f"a process was left behind: {pid} {words}" for pid, words in found.items()]
    left = sorted(path.name for path in (folder / "tmp").iterdir())
    return [*said, *([f"left in the temp folder: {left[:20]}"] if left else [])]


async def _afterwards(load: Load, report: Report) -> None:
    """The store by itself, and then in a new process that goes on with the threads of before."""
    report.problems += verdict.stores(load.folder / "home" / "treadle")
    client = await load.open("app-server", "again.txt")
    try:
        load.counted["threads gone on with"] = await load.go_on(client)
        await client.hang_up()
    finally:
        await client.close()
    report.problems += verdict.stores(load.folder / "home" / "treadle")


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    for problem in group.exceptions:
        if isinstance(problem, BaseExceptionGroup):
            yield from _leaves(problem)
        else:
            yield problem


def _described(problem: BaseException) -> list[str]:
    frame, trace = "", problem.__traceback__
    while trace is not None:
        frame = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return [f"{type(problem).__name__}: {problem} ({frame}) {' '.join(getattr(problem, '__notes__', []))}"]


def line(watch: measure.Watch, load: Load) -> str:
    """How it goes."""
    now, used = watch.samples[-1], watch.used[-10:]
    return (
        f"{now.at:>7.0f} s  {load.counted['turns']:>6} turns  {now.pss:6.1f} MB  {now.descriptors:>4} descriptors  "
        f"{now.threads:>3} threads  {now.processes:>3} processes  {now.databases:7.1f} MB kept  {now.temporary:>3} in temp  "
        f"{sum(used) / len(used):.2f} cores  pause {load.pause:.2f} s  {len(load.problems) + len(load.model.complaints)} problems"
    )


def table(report: Report) -> str:
    """For people."""
    counted, begin, end = report.counted, report.begin, report.end
    lines = [f"soak of {report.seconds:.0f} s, seed {report.seed}, {RESIDENT} + {VISITING} threads, {report.cores} cores used"]
    names = {
        "turns": "turns",
        "turns interrupted": "interrupted",
        "commandExecution": "commands",
        "fileChange": "patches",
        "mcpToolCall": "MCP calls",
        "deltas": "deltas",
        "contextCompaction": "compactions",
        "forks": "forks",
        "reverts": "reverts",
        "restores": "restores",
        "rejoined": "unsubscribed and resumed",
        "reconnects": "reconnects",
        "threads": "threads",
        "deleted": "deleted",
        "archived": "archived",
        "threads gone on with": "gone on with in the end",
    }
    lines.append("  " + ", ".join(f"{counted.get(key, 0)} {name}" for key, name in names.items()))
    if begin is not None and end is not None and report.samples:
        header = ("", "begin", "1/4", "2/4", "3/4", "4/4", "end", "most")
        lines.append("  {:<24}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}".format(*header))
        rows = (
            ("memory, MB (PSS)", "pss"),
            ("memory, MB (RSS)", "rss"),
            ("descriptors", "descriptors"),
            ("connections to the model", "connections"),
            ("threads", "threads"),
            ("processes below it", "processes"),
            ("databases, MB", "databases"),
        )
        for name, key in rows:
            parts = measure.quarters(report.samples, key)
            most = max(getattr(one, key) for one in report.samples)
            cells = [getattr(begin, key), *parts, getattr(end, key), most]
            lines.append(f"  {name:<24}" + "".join(f"{cell:>9.1f}" for cell in cells))
        for name, key in (("asyncio tasks", "tasks"), ("pieces of memory", "blocks")):
            lines.append(f"  {name:<24}{report.inside['begin'][key]:>9}{'':36}{report.inside['end'][key]:>9}")
        before, after = (report.inside[when]["memory"] for when in ("begin", "end"))
        kinds = (f"{kind} {before[kind]:.1f} → {after[kind]:.1f}" for kind in before)
        lines.append(f"  of the memory at rest, MB: {', '.join(kinds)}")
    return "\n".join([*lines, *(f"  WRONG: {said}" for said in report.problems)])


def options() -> dict[str, Any]:
    return {
        "seconds": float(os.environ.get("SOAK_SECONDS", "120")),
        "seed": int(os.environ.get("SOAK_SEED", "1")),
        "cores": float(os.environ.get("SOAK_CORES", "1.0")),
    }
