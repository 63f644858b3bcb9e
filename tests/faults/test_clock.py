"""A clock that jumps: by hours in the middle of a turn, to 1970, to 2100. Waits go by another clock, and nothing is deleted."""

from __future__ import annotations

import os
import random
import time
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from fakes.replies import call, reply, text
from fakes.responses import ModelServer
from fakes.sidecar import Sidecar, program
from treadle.adapters.outputs import DiskOutputs
from treadle.adapters.responses.errors import retry_after
from treadle.adapters.versions import SqliteVersions
from treadle.core.ages import DAY, witnessed
from treadle.runtime.ports import FileVersion

SEED = int(os.environ.get("FAULT_SEED", "0"))
FUTURE, PAST = 4_102_444_800.0, 0.0
"2100 and 1970."
JUMPS = """
import os, time
_real, _real_ns = time.time, time.time_ns
def _off():
    try:
        with open(os.environ["CLOCK_OFFSET"]) as file:
            return float(file.read() or 0)
    except OSError:
        return 0.0
time.time = lambda: _real() + _off()
time.time_ns = lambda: _real_ns() + int(_off() * 1e9)
"""
"A sitecustomize.py: the clock of a process that a test sets."


class Place:
    """A sidecar whose clock can be set."""

    def __init__(self, folder: Path, server: ModelServer, more: str = "") -> None:
        self.homes = {"CODEX_HOME": folder / "codex", "TREADLE_HOME": folder / "treadle", "HOME": folder / "home"}
        self.workspace, self._offset = folder / "ws", folder / "offset"
        for made in (*self.homes.values(), self.workspace, folder / "site"):
            made.mkdir()
        (folder / "site" / "sitecustomize.py").write_text(JUMPS)
        (self.homes["CODEX_HOME"] / "config.toml").write_text(
            f'model = "gpt-5.5"\nmodel_provider = "scripted"\n{more}\n[model_providers.scripted]\nname = "Scripted"\n'
            f'base_url = "{server.base_url}"\n'
        )
        self._site = folder / "site"

    def jump(self, seconds: float) -> None:
        beside = self._offset.with_suffix(".new")
        beside.write_text(str(seconds))
        beside.replace(self._offset)

    def start(self) -> Sidecar:
        path = program(os.geteuid())[1]["PYTHONPATH"]
        env = {name: str(folder) for name, folder in self.homes.items()}
        env |= {"CLOCK_OFFSET": str(self._offset), "PYTHONPATH": os.pathsep.join([str(self._site), path])}
        return Sidecar(env)


def turn(sidecar: Sidecar, thread_id: str, words: str = "go") -> str:
    said = [{"type": "text", "text": words, "text_elements": []}]
    return sidecar.call("turn/start", threadId=thread_id, input=said)["turn"]["id"]


def ended(sidecar: Sidecar, thread_id: str, turn_id: str) -> dict[str, Any]:
    end = time.monotonic() + 60
    while True:
        turns = sidecar.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"]
        found = next((one for one in turns if one["id"] == turn_id), None)
        if found is not None and found["status"] != "inProgress":
            return found
        assert time.monotonic() < end, f"no end: {found}"
        time.sleep(0.02)


@pytest.mark.e2e
def test_jumps_of_the_clock_end_no_wait_and_no_thread(tmp_path: Path, model_server: ModelServer) -> None:
    rng = random.Random(SEED)
    place = Place(tmp_path, model_server)
    jumps = [rng.choice((-1, 1)) * rng.uniform(1, 100) * 3600, PAST - time.time(), FUTURE - time.time(), 0.0]
    rng.shuffle(jumps)
    replies: list[Any] = []
    for number in range(len(jumps)):
        replies += [
            reply(
                text("Working on it.", deltas=3, hold={1: f"gate {number}"}),
                call("exec_command", {"cmd": "sleep 0.2; echo done"}),
            ),
            reply(text(f"Done {number}.")),
        ]
    model_server.script(replies)
    with closing(place.start()) as sidecar:
        thread_id = sidecar.call("thread/start", cwd=str(place.workspace), sandbox="danger-full-access", approvalPolicy="never")
        thread_id = thread_id["thread"]["id"]
        ids: list[str] = []
        for number, jump in enumerate(jumps):
            turn_id = turn(sidecar, thread_id, f"step {number}")
            model_server.wait(lambda server, gate=f"gate {number}": gate in server._reached)
            place.jump(jump)
            model_server.release(f"gate {number}")
            found = ended(sidecar, thread_id, turn_id)
            assert (found["status"], found["error"]) == ("completed", None), f"FAULT_SEED={SEED}, jump by {jump:.0f} s"
            assert found["durationMs"] >= 0
            assert all((item.get("durationMs") or 0) in range(60_000) for item in found["items"]), found["items"]
            kinds = [item["type"] for item in found["items"]]
            assert kinds == ["userMessage", "agentMessage", "commandExecution", "agentMessage"]
            ids += [turn_id, *(item["id"] for item in found["items"])]
        assert len(set(ids)) == len(ids)
        turns = sidecar.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"]
        assert [one["items"][-1]["text"] for one in turns] == [f"Done {number}." for number in range(len(jumps))]
        listed = sidecar.call("thread/list")["data"]
        assert [one["id"] for one in listed] == [thread_id]
    # another process, at another time, reads the same
    place.jump(FUTURE - time.time())
    with closing(place.start()) as sidecar:
        again = sidecar.call("thread/resume", threadId=thread_id)["thread"]["turns"]
        assert [one["id"] for one in again] == [one["id"] for one in turns]


def test_ages_are_counted_from_when_things_were_used() -> None:
    now = 1_000 * DAY
    assert witnessed(now, []) == now
    assert witnessed(now, [now - 1, now]) == now
    assert witnessed(now, [now - 1.5 * DAY, now]) == now - 0.5 * DAY
    # the clock is far ahead: what was used last was used just now
    assert witnessed(FUTURE, [now - 40 * DAY, now]) == now + DAY
    # something was used since it is wrong: still
    assert witnessed(FUTURE, [now - 40 * DAY, now, FUTURE - 5]) == now + DAY
    # far behind: nothing is old
    assert witnessed(PAST, [now]) == PAST


def test_outputs_of_a_month_survive_a_clock_that_is_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, days in (("old", 100.0), ("last", 2.0), ("new", 0.0)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - days * DAY,) * 2)
    monkeypatch.setattr("treadle.adapters.outputs.time.time", lambda: FUTURE)
    DiskOutputs(tmp_path).open("now", "x").close()
    assert {path.name for path in tmp_path.iterdir()} == {"last", "new", "now"}


def test_a_content_is_kept_until_it_is_named_though_the_clock_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteVersions(tmp_path)) as versions:
        key = versions.put(b"before")
        monkeypatch.setattr("treadle.adapters.versions.sqlite.time.time", lambda: FUTURE)
        versions.record([FileVersion("a", "t0", "/other", None, versions.put(b"another"), 1.0)])
        versions.record([FileVersion("a", "t1", "/f", key, None, 1.0)])
        assert versions.get(key) == b"before"


def test_a_wait_that_a_provider_asks_for_by_date_goes_by_its_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = 1_700_000_000
    headers = {"date": formatdate(theirs, usegmt=True), "retry-after": formatdate(theirs + 7, usegmt=True)}
    for ours in (PAST, FUTURE):
        monkeypatch.setattr("treadle.adapters.responses.errors.time.time", lambda ours=ours: ours)
        assert retry_after(headers, "") == 7.0
