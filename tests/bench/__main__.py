"""`make bench`: prints tables of medians with the targets beside them. Times are of this machine; no verdict is passed.

With PEER=codex (or acp, exec) treadle and that program by turns, see `versus`; without, treadle alone and then its parts.
ROUNDS sets how often each case runs (default 5 alone, 15 beside a peer), HISTORY_MB how long the history is that is searched
(default 100).
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .checkpoints import checkpoints
from .discovery import discovery
from .driver import AppServer, ModelProcess
from .history import history
from .hunks import reviewing
from .inside import building, commands
from .patches import patching
from .threads import threads
from .verdicts import verdicts
from .versus.__main__ import main as versus

ROUNDS = int(os.environ.get("ROUNDS") or "5")
TREADLE = [str(Path(sys.executable).parent / "treadle")]


class Table:
    """Rows of measurements, printed as they come."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        sys.stdout.write(f"{'what':58} {'median':>10} {'min':>10} {'max':>10}  {'target':>12}\n")

    def add(self, what: str, values: list[float], unit: str, target: str) -> None:
        middle = statistics.median(values)
        row = f"{what:58} {middle:10.2f} {min(values):10.2f} {max(values):10.2f}  {target:>12}  {unit}\n"
        sys.stdout.write(row)
        sys.stdout.flush()
        self.rows.append({"what": what, "median": middle, "min": min(values), "max": max(values), "unit": unit, "target": target})


def rounds(case: Callable[[Path], float]) -> list[float]:
    values: list[float] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="treadle-bench-") as home:
            values.append(case(Path(home)))
    return values


def start_app_server(model: ModelProcess) -> Callable[[Path], float]:
    def case(home: Path) -> float:
        server = AppServer([*TREADLE, "app-server"], home, model.port)
        took = server.initialize()
        server.close()
        return took * 1000

    return case


def start_serve(model: ModelProcess) -> Callable[[Path], float]:
    def case(home: Path) -> float:
        body = json.dumps(
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "initialize",
                "params": {"processId": None, "rootUri": None, "capabilities": {}},
            }
        ).encode()
        env = {**os.environ, "CODEX_HOME": str(home), "TREADLE_HOME": str(home / "t")}
        began = time.perf_counter()
        process = subprocess.Popen(
            [*TREADLE, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        )
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        process.stdin.flush()
        process.stdout.readline()
        took = time.perf_counter() - began
        process.kill()
        process.wait()
        return took * 1000

    return case


def steps(table: Table, model: ModelProcess, name: str, tool: str, count: int, mode: str, target: str) -> None:
    """Overhead per step: from the last byte of a reply to the next request, seen from the model."""
    gaps: list[list[float]] = []
    memory: list[float] = []
    for n in range(max(1, ROUNDS // 2)):
        with tempfile.TemporaryDirectory(prefix="treadle-bench-") as home:
            server = AppServer([*TREADLE, "app-server"], Path(home), model.port, mode)
            server.initialize()
            thread = server.thread()
            model.stats()
            server.turn(thread, f"steps {count} {tool} {mode}-{n}")
            times = model.stats()["times"]
            gaps.append([(after[0] - before[1]) * 1000 for before, after in itertools.pairwise(times)])
            memory.append(server.memory())
            server.close()
    flat = [gap for run in gaps for gap in run]
    tenth = max(1, count // 10)
    table.add(f"{name}: overhead per step", [statistics.median(run) for run in gaps], "ms", target)
    if count >= 100:
        # of each the faster fifth: whatever else runs on the machine only adds
        early = statistics.quantiles((gap for run in gaps for gap in run[:tenth]), n=5)[0]
        late = statistics.quantiles((gap for run in gaps for gap in run[-tenth:]), n=5)[0]
        table.add(f"{name}: last {tenth} steps / first {tenth}", [late / early], "ratio", "~1 (flat)")
    if tool == "exec_command" and count == 100 and mode == "danger-full-access":
        table.add("memory after 100 tool calls", memory, "MB", "< 90")
    assert flat


def deltas(table: Table, model: ModelProcess) -> None:
    rates: list[float] = []
    cpu: list[float] = []
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as home:
        server = AppServer([*TREADLE, "app-server"], Path(home), model.port)
        server.initialize()
        thread = server.thread()
        server.turn(thread, "say 10")
        for _ in range(ROUNDS):
            before, began = server.cpu(), time.perf_counter()
            server.turn(thread, "say 10000")
            rates.append(10_000 / (time.perf_counter() - began))
            cpu.append(server.cpu() - before)
        server.close()
    table.add("10,000 text deltas through app-server", rates, "1/s", ">= 30000")
    table.add("10,000 text deltas: processor time", cpu, "s", "")


def main() -> None:
    versus()
    if not os.environ.get("PEER"):
        parts()


def parts() -> None:
    """What is only ours, and has absolute targets."""
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    model = ModelProcess()
    table = Table()
    try:
        table.add("app-server: start -> initialize answered", rounds(start_app_server(model)), "ms", "< 150")
        table.add("serve: start -> initialize answered", rounds(start_serve(model)), "ms", "< 400")
        steps(table, model, "500 steps, no tool work", "noop", 500, "danger-full-access", "< 5")
        steps(table, model, "100 steps, `true`, unconfined", "exec_command", 100, "danger-full-access", "")
        steps(table, model, "100 steps, `true`, read-only sandbox", "exec_command", 100, "read-only", "< 25 + 5")
        steps(table, model, "100 steps, `true`, workspace-write sandbox", "exec_command", 100, "workspace-write", "< 25 + 5")
        deltas(table, model)
        threads(table, model, ROUNDS)
        commands(table, ROUNDS)
        building(table, ROUNDS)
        patching(table, ROUNDS)
        reviewing(table, ROUNDS)
        verdicts(table, ROUNDS)
        discovery(table, ROUNDS)
        checkpoints(table, ROUNDS)
        history(table, ROUNDS)
    finally:
        model.close()
    (out / "bench.json").write_text(json.dumps(table.rows, indent=1))


if __name__ == "__main__":
    main()
