"""Many seeded runs: in some processes side by side, since most of a run is waiting; and the table of what came of them."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import TextIO

from fakes.preloaded import Preloaded

from .run import Report, Run

WORKERS = 2 * (os.cpu_count() or 1)
EVERY = 10
"One of so many runs is over a process of its own."
LONGEST = 180.0
"Seconds for a run."
_ROOT = Path(__file__).resolve().parents[2]


def command(seed: int) -> str:
    """How to repeat a run."""
    return f"FAULT_SEED={seed} FAULT_RUNS=1 .venv/bin/python -m tests.faults"


def run(seed: int, program: Callable[[], Preloaded]) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="treadle-faults-"))
    one = Run(seed, folder, program() if seed % EVERY == EVERY - 1 else None)
    faulthandler.dump_traceback_later(LONGEST, exit=True)  # what no time-out of the run itself has ended
    try:
        return asyncio.run(one.play())
    except Exception:
        one.report.wrong.append(traceback.format_exc())
        return one.report
    finally:
        faulthandler.cancel_dump_traceback_later()
        shutil.rmtree(folder, ignore_errors=True)


def worker(seeds: Iterable[int]) -> int:
    with ExitStack() as stack:
        program = cache(lambda: stack.enter_context(closing(Preloaded())))
        for seed in seeds:
            sys.stdout.write(json.dumps(vars(run(seed, program))) + "\n")
            sys.stdout.flush()
    return 0


def sweep(seeds: Sequence[int], out: TextIO, workers: int = WORKERS) -> list[Report]:
    """Runs them all; a line for each that fails."""
    reports: list[Report] = []

    def work(some: Sequence[int]) -> None:
        argv = [sys.executable, "-m", "tests.faults", "--worker", *map(str, some)]
        with subprocess.Popen(argv, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                found = json.loads(line)
                reports.append(report := Report(**found | {key: Counter(found[key]) for key in ("kinds", "ends")}))
                _tell(report, out)
        for seed in sorted(set(some) - {report.seed for report in reports}):
            reports.append(lost := Report(seed, process=False, wrong=[f"the worker ended with {process.returncode}"]))
            _tell(lost, out)

    shares = [part for part in (seeds[n::workers] for n in range(workers)) if part]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, shares))
    return sorted(reports, key=lambda report: report.seed)


def _tell(report: Report, out: TextIO) -> None:
    if report.wrong:
        out.write(f"seed {report.seed}: {command(report.seed)}\n" + "".join(f"  {words}\n" for words in report.wrong))
        out.flush()


def table(reports: Sequence[Report]) -> str:
    kinds: Counter[str] = sum((report.kinds for report in reports), Counter())
    ends: Counter[str] = sum((report.ends for report in reports), Counter())
    seconds = sorted(report.seconds for report in reports)
    rows = [
        ("runs", len(reports)),
        ("  over a process of their own", sum(report.process for report in reports)),
        ("  with something wrong", sum(bool(report.wrong) for report in reports)),
        ("requests", sum(report.requests for report in reports)),
        ("retries that were announced", sum(report.retries for report in reports)),
        ("faults", kinds.total()),
        *((f"  {kind}", count) for kind, count in sorted(kinds.items(), key=lambda one: -one[1])),
        ("turns", ends.total()),
        *((f"  {end}", count) for end, count in sorted(ends.items())),
    ]
    slowest = max(reports, key=lambda report: report.seconds, default=None)
    times = f"{'seconds a run: median, most':34} {seconds[len(seconds) // 2]:8.2f} {seconds[-1]:8.2f}" if seconds else ""
    times += f", seed {slowest.seed}\n" if slowest else "\n"
    return "".join(f"{what:34} {count:8}\n" for what, count in rows) + times
