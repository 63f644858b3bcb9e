"""Cases of whole threads: resuming a long one, listing many, many at work at once, and what the store takes of a step."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.items import Item, ModelItem, Opening, Text, ToolOutput, TurnBegan, TurnEnded, UsageReported, UserMessage, dumps
from treadle.runtime.ports import ThreadMeta

from ..fakes.world import RecordingClient
from .driver import CONFIG, AppServer, ModelProcess
from .inside import Table

TREADLE = [str(Path(sys.executable).parent / "treadle")]
CALLS, OUTPUT = 500, 2_000
AT_ONCE, TURNS = 20, 10
STORED = ("append", "draft", "update")


def threads(table: Table, model: ModelProcess, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as name:
        home = Path(name)
        (home / "ws").mkdir()
        ids = _seed(home, rounds)
        server = AppServer([*TREADLE, "app-server"], home, model.port)
        server.initialize()
        server.thread()
        times = [_timed(server, "thread/resume", {"threadId": thread_id}) for thread_id in ids]
        table.add(f"resume of a thread of {CALLS} calls", times, "ms", "< 60")
        times = [_timed(server, "thread/list", {"limit": 100}) for _ in range(max(5, rounds))]
        table.add("list of 10,000 threads, the newest hundred", times, "ms", "< 20")
        server.close()
    rates = [_at_once(model, n) for n in range(max(3, rounds // 2))]
    table.add(f"{AT_ONCE} threads at once: turns of one message", rates, "1/s", ">= 80")
    table.add("a step's writing to the store", [asyncio.run(_stored(model, n)) for n in range(max(3, rounds // 2))], "ms", "< 1")


def _timed(server: AppServer, method: str, params: dict[str, Any]) -> float:
    began = time.perf_counter()
    wanted = server.send(method, params)
    start = b'{"id":%d,' % wanted
    line = next(line for line in server.lines() if line.startswith(start))
    took = (time.perf_counter() - began) * 1000
    assert "result" in json.loads(line)
    return took


def _seed(home: Path, rounds: int) -> list[str]:
    """Ten thousand threads, of which some have all these calls."""
    store = SqliteStore(home / "treadle")
    cwd = str(home / "ws")
    long = [f"long-{n}" for n in range(max(5, rounds))]
    for n, thread_id in enumerate([*long, *(f"short-{n}" for n in range(10_000 - len(long)))]):
        at, settings = float(n), {"cwd": cwd}
        store.create(ThreadMeta(thread_id, at, at, cwd, "gpt-5.5", "bench", "please look at this", settings=settings))
    for thread_id in long:
        store.append(thread_id, _items(thread_id))
    store.close()
    return long


def _items(thread_id: str) -> list[Item]:
    tools = dumps([{"type": "function", "name": "exec_command"}])
    items: list[Item] = [
        Opening(f"{thread_id}o", 1.0, "gpt-5.5", "bench", "instructions " * 1_000, tools),
        TurnBegan(f"{thread_id}b", 1.0, "turn"),
        UserMessage(f"{thread_id}u", 1.0, "turn", (Text("please look at this"),)),
    ]
    for n in range(CALLS):
        line, text = f"grep -rn word{n} .", "a line of output\n" * (OUTPUT // 17)
        call = {"type": "function_call", "call_id": f"c{n}", "name": "exec_command", "arguments": dumps({"cmd": line})}
        view = {"view": "command", "command": line, "cwd": "/ws", "actions": [], "output": text, "exit_code": 0}
        items += [
            ModelItem(f"{thread_id}c{n}", 1.0, "turn", "function_call", dumps(call), f"c{n}", "exec_command"),
            UsageReported(f"{thread_id}r{n}", 1.0, "turn", 1_000, 900, 10, 0, 1_010),
            ToolOutput(f"{thread_id}t{n}", 1.0, "turn", f"c{n}", text, detail={**view, "duration_ms": 5, "process_id": None}),
        ]
    return [*items, TurnEnded(f"{thread_id}e", 1.0, "turn", "completed")]


def _at_once(model: ModelProcess, run: int) -> float:
    """Turns a second: each thread begins its next as soon as one is over."""
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as home:
        server = AppServer([*TREADLE, "app-server"], Path(home), model.port)
        server.initialize()
        ids = [server.thread() for _ in range(AT_ONCE)]
        left = dict.fromkeys(ids, TURNS + 1)
        over, began = 0, 0.0
        for thread_id in ids:
            _begin(server, thread_id, run)
        for line in server.lines():
            if b'"turn/completed"' not in line:
                continue
            message = json.loads(line)
            if message.get("method") != "turn/completed":
                continue
            thread_id = message["params"]["threadId"]
            assert message["params"]["turn"]["status"] == "completed", message
            left[thread_id] -= 1
            over += 1
            if over == AT_ONCE:  # the first of each has loaded what there is to load
                began = time.perf_counter()
            if left[thread_id]:
                _begin(server, thread_id, run)
            elif not any(left.values()):
                break
        took = time.perf_counter() - began
        server.close()
    return AT_ONCE * TURNS / took


def _begin(server: AppServer, thread_id: str, run: int) -> None:
    text = {"type": "text", "text": f"bench: say 20 {thread_id}-{run}\n", "text_elements": []}
    server.send("turn/start", {"threadId": thread_id, "input": [text]})


async def _stored(model: ModelProcess, run: int) -> float:
    """Milliseconds a step in the store, the ledger's row among them, in a turn of calls that do nothing."""
    from treadle.app import Homes, Options, Parts  # noqa: PLC0415
    from treadle.core.ops import Overrides, StartThread, StartTurn  # noqa: PLC0415

    steps, spent = 200, 0.0

    def counted(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def call(*given: Any, **options: Any) -> Any:
            nonlocal spent
            began = time.perf_counter()
            try:
                return inner(*given, **options)
            finally:
                spent += time.perf_counter() - began

        setattr(owner, name, call)

    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as name:
        home = Path(name)
        for made in ("codex", "treadle", "ws"):
            (home / made).mkdir()
        (home / "codex" / "config.toml").write_text(CONFIG.format(port=model.port, mode="danger-full-access"))
        parts = Parts(Options(), Homes(home / "codex", home / "treadle"), {"PATH": os.environ["PATH"], "HOME": name})
        client = RecordingClient()
        state: Any = await parts.agent.submit(StartThread(Overrides(cwd=str(home / "ws"))), client)
        for method in STORED:
            counted(parts.world.store, method)
        counted(parts.world.store.ledger, "add")
        said = Text(f"bench: steps {steps} noop stored-{run}\n")
        turn: Any = await parts.agent.submit(StartTurn(state.meta.id, (said,)), client)
        await client.turn_end(turn.id)
        await parts.agent.close()
    return spent * 1000 / steps
