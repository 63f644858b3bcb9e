"""What is measured: the groups that run together, and the rows of the table with their targets. Data, and no more.

A target is a ratio, treadle's number by the peer's. Less is better, but in rows that count by the second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .peers import Door
from .place import Place
from .starting import Values, memory, start, turns, whole
from .working import commands, deltas, patch, steps, threads


@dataclass(frozen=True)
class Row:
    key: str
    what: str
    unit: str = "ms"
    target: float | None = None
    more: bool = False
    "More is better."


@dataclass(frozen=True)
class Group:
    name: str
    doors: tuple[Door, ...]
    run: Callable[[Place], Values]
    rows: tuple[Row, ...]


GROUPS = (
    Group(
        "start",
        ("app-server", "acp"),
        start,
        (
            Row("start.used.initialize", "start -> initialize answered"),
            Row("start.fresh.initialize", "start -> initialize answered, first start in a new home"),
            Row("start.used.request", "start -> first request at the model", target=1.2),
            Row("start.fresh.request", "start -> first request at the model, first start in a new home"),
            Row("request.bytes", "first request", "KB"),
        ),
    ),
    Group(
        "turns",
        ("app-server", "acp"),
        turns,
        (
            Row("thread.first", "thread/start, first (after 0.5 s of rest)"),
            Row("thread.warm", "thread/start, a later one"),
            Row("turn.cold", "turn/start -> request, first turn (after 1 s of rest)", target=0.5),
            Row("turn.new", "turn/start -> request, new thread", target=0.5),
            Row("turn.same", "turn/start -> request, same thread", target=0.5),
            Row("turn.whole", "whole turn of one message"),
        ),
    ),
    Group(
        "memory",
        ("app-server",),
        memory,
        (
            Row("memory.initialized", "memory: initialized", "MB"),
            Row("memory.thread", "memory: one thread", "MB"),
            Row("memory.turn", "memory: one turn", "MB"),
            Row("memory.calls", "memory: 100 calls", "MB", 0.6),
            Row("memory.output", "memory: 5 MB of output", "MB"),
            Row("memory.threads", "memory: 20 more threads", "MB"),
            Row("output.request", "command that prints 5 MB: reply -> next request"),
            Row("output.cpu", "command that prints 5 MB: processor time"),
        ),
    ),
    Group(
        "steps",
        ("app-server",),
        steps,
        (
            Row("step.noop.100", "step, rejected tool: at 100 steps", target=0.4),
            Row("step.noop.500", "step, rejected tool: at 500 steps", target=0.4),
            Row("step.noop.growth", "step, rejected tool: at 500 by at 100 (1 is flat)", "x"),
            Row("step.noop.cpu", "step, rejected tool: processor time"),
            Row("resume.answer", "thread/resume, 500 calls", target=1.0),
            Row("resume.request", "thread/resume, 500 calls, and to the request", target=1.0),
        ),
    ),
    *(
        Group(
            "commands",
            ("app-server",),
            partial(commands, mode=mode),
            (
                Row(f"step.{mode}.100", f"step, `true` {name}: at 100 steps", target=target),
                Row(f"step.{mode}.500", f"step, `true` {name}: at 500 steps", target=target),
                Row(f"step.{mode}.growth", f"step, `true` {name}: at 500 by at 100 (1 is flat)", "x"),
                Row(f"step.{mode}.cpu", f"step, `true` {name}: processor time"),
            ),
        )
        for mode, name, target in (
            ("danger-full-access", "unsandboxed", None),
            ("read-only", "read-only", 0.4),
            ("workspace-write", "workspace-write", 0.4),
        )
    ),
    Group(
        "deltas",
        ("app-server", "acp"),
        deltas,
        (
            Row("deltas.total", "10,000 deltas: request at the model -> turn/completed"),
            Row("deltas.rate", "10,000 deltas: a second", "1/s", 1.0, more=True),
            Row("deltas.first", "10,000 deltas: request at the model -> first delta"),
            Row("deltas.cpu", "10,000 deltas: processor time"),
            Row("deltas.size", "10,000 deltas: bytes to the client, of each", "B"),
            Row("deltas.short", "20 deltas: request at the model -> first delta"),
        ),
    ),
    Group(
        "patch",
        ("app-server",),
        patch,
        (
            Row("patch.danger-full-access.item", "patch, 2,000 lines, 50 hunks: item/started -> completed", target=1.0),
            Row("patch.danger-full-access.whole", "patch: reply -> item/completed", target=1.0),
            Row("patch.danger-full-access.request", "patch: reply -> next request", target=1.0),
            Row("patch.workspace-write.item", "patch, workspace-write: item/started -> completed", target=1.0),
            Row("patch.workspace-write.whole", "patch, workspace-write: reply -> item/completed", target=1.0),
            Row("patch.workspace-write.request", "patch, workspace-write: reply -> next request", target=1.0),
        ),
    ),
    Group(
        "threads",
        ("app-server",),
        threads,
        (
            Row("threads.start", "20 thread/start at once: all answered"),
            Row("threads.turns", "20 threads at once: turns of one message", "1/s", 2.5, more=True),
            Row("threads.cpu", "20 threads at once: processor time of a turn"),
            Row("threads.commands", "20 threads at once: commands", "1/s", more=True),
            Row("threads.deltas", "20 threads at once: deltas", "1/s", more=True),
        ),
    ),
    Group(
        "exec",
        ("exec",),
        whole,
        (
            Row("request", "exec, one message: start -> request at the model"),
            Row("whole", "exec, one message: start -> end"),
            Row("bytes", "exec: the request", "KB"),
        ),
    ),
)
