"""The doors as processes, with a scripted agent behind them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fakes.door_client import TESTS, Door
from treadle.server.framing import Headers


@pytest.fixture
def doors() -> Iterator[list[Door]]:
    opened: list[Door] = []
    yield opened
    for door in opened:
        door.process.kill()
        door.process.communicate()


def test_a_turn_over_json_lines_and_the_end_of_input_ends_the_process(doors: list[Door]) -> None:
    doors.append(door := Door("hello"))
    door.turn()
    told = door.until("turn/completed")
    assert [m["id"] for m in told if "id" in m] == [3] and told[-1]["params"]["turn"]["status"] == "completed"
    assert door.end()[0] == 0


def test_requests_that_came_before_the_end_of_input_are_still_answered() -> None:
    hello = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}}
    text = json.dumps(hello) + "\n" + json.dumps({"id": 2, "method": "thread/list", "params": {}}) + "\n"
    ran = subprocess.run(
        [sys.executable, "-m", "fakes.door", "app-server"],
        input=text,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        timeout=30,
        check=True,
    )
    assert [json.loads(line)["id"] for line in ran.stdout.splitlines()] == [1, 2]


def test_what_is_no_json_is_answered_and_passed_over(doors: list[Door]) -> None:
    doors.append(door := Door("hello"))
    door.write(b"{bad json", b'"\xff"', b"", {"id": 1, "method": "thread/list"})
    codes = [door.read()["error"]["code"] for _ in range(3)]
    assert codes == [-32700, -32700, -32600]


def test_an_editor_that_errs_before_initialize_is_answered_and_may_go_on() -> None:
    early, hello = (
        json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": {"capabilities": {}}})
        for id, method in ((1, "thread/list"), (2, "initialize"))
    )
    ran = subprocess.run(
        [sys.executable, "-m", "fakes.door", "serve"],
        input=Headers().frame([early]) + b"Content-Length: abc\r\n\r\n{}" + Headers().frame([hello]),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        timeout=30,
        check=False,
    )
    said = [json.loads(body) for body in Headers().feed(ran.stdout) if isinstance(body, bytes)]
    assert [(answer["id"], answer.get("error", {}).get("code")) for answer in said] == [(1, -32002), (None, -32700), (2, None)]


def test_an_initialize_of_an_editor_that_comes_in_pieces_is_answered_once_and_what_follows_it_is_read() -> None:
    hello, ask, leave = (
        Headers().frame([json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": {"capabilities": {}}})])
        for id, method in ((1, "initialize"), (2, "initialize"), (3, "shutdown"))
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "fakes.door", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
    )
    assert process.stdin is not None
    for piece in (hello[:7], hello[7:40], hello[40:] + ask[:9]):
        process.stdin.write(piece)
        process.stdin.flush()
    out, _ = process.communicate(ask[9:] + leave, timeout=30)
    said = [json.loads(body) for body in Headers().feed(out) if isinstance(body, bytes)]
    assert [(answer["id"], "error" in answer) for answer in said if "id" in answer] == [(1, False), (2, True), (3, False)]


def test_stray_words_on_standard_output_cannot_break_the_stream(doors: list[Door]) -> None:
    doors.append(door := Door("noisy"))
    door.turn()
    door.until("turn/completed")
    _, _, err = door.end()
    assert b"stray words on descriptor 1" in err


def test_a_terminated_sidecar_ends_in_good_order(doors: list[Door]) -> None:
    doors.append(door := Door("endless"))
    door.turn()
    door.until("item/completed")
    door.process.send_signal(signal.SIGTERM)
    assert door.process.wait(30) == 0
    out = door.process.stdout
    assert out is not None
    assert all(json.loads(line) for line in out.read().splitlines())


def test_a_client_that_stops_reading_and_dies_takes_the_sidecar_with_it(doors: list[Door]) -> None:
    doors.append(door := Door("flood", {"FLOOD": "1000000", "FLOOD_BATCH": "1000"}))
    door.turn()
    door.until("item/started")
    assert door.process.stdout is not None
    door.process.stdout.close()
    assert door.process.wait(30) == 0


def test_a_flood_of_deltas_arrives_whole(doors: list[Door]) -> None:
    doors.append(door := Door("flood", {"FLOOD": "20000", "FLOOD_BATCH": "7"}))
    door.turn()
    told = door.until("turn/completed")
    deltas = [m["params"]["delta"] for m in told if m.get("method") == "item/agentMessage/delta"]
    [final] = [m["params"]["item"]["text"] for m in told if m.get("method") == "item/completed"]
    assert len(deltas) == 20000 // 7 * 7
    assert final.startswith("".join(deltas))


@pytest.mark.parametrize("modules", ["app_server, treadle.server.early", "lsp_hello"])
def test_initialize_is_answered_before_anything_heavy_is_loaded(modules: str) -> None:
    probe = (
        "import sys\n"
        f"import treadle.__main__, treadle.server.stdio, treadle.server.{modules}\n"
        "heavy = {'asyncio', 'pydantic', 'httpx', 'pygls', 'dataclasses'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
