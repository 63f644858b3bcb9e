"""treadle/hunk/* over a connection: what a client is told, in bounds, and what is refused. Agent and files are real ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes.peer import HELLO, Peer
from fakes.world import FakeTool, ScriptedModel, build, call, end, message
from treadle.adapters.files import DiskFiles
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import Call, FileState, Scope
from treadle.server import hunks
from treadle.server.wire.hunk import HunkListResponse


async def write(call: Call, scope: Scope) -> str:
    path, text = json.loads(call.arguments)
    before = await scope.files.read(path)
    await scope.files.commit([before], [FileState(path, text.encode(), before.mode)], SandboxPolicy("danger-full-access"))
    return "ok"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "f.py"
        self.model = ScriptedModel()
        agent, *_ = build(self.model, FakeTool("write", run=write), files=DiskFiles(), cwd=str(folder))
        self.peer = Peer(agent)
        self.thread = ""

    async def turn(self, before: str, after: str) -> None:
        self.path.write_text(before)
        arguments = json.dumps([str(self.path), after])
        self.model.scripts += [[*call("c", "write", arguments), *end()], [*message("done"), *end()]]
        self.thread = self.thread or await self.peer.thread()
        await self.peer.turn(self.thread)
        await self.peer.method("treadle/hunk/changed")

    async def ask(self, what: str, **params: Any) -> dict[str, Any]:
        said = {"threadId": self.thread} | params
        answer: dict[str, Any] = await self.peer.result(f"treadle/hunk/{what}", said)
        HunkListResponse.model_validate(answer)
        return answer

    async def refused(self, what: str, **params: Any) -> dict[str, Any]:
        return (await self.peer.ask(f"treadle/hunk/{what}", {"threadId": self.thread} | params))["error"]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    await desk.peer.result("initialize", HELLO)
    yield desk
    await desk.peer.connection.close()


async def test_hunks_are_listed_kept_and_undone(desk: Desk) -> None:
    await desk.turn("one\ntwo\nthree\n", "one\nTWO\nmore\nthree\n")
    told = await desk.peer.method("treadle/hunk/changed")
    assert told["params"] == {"threadId": desk.thread, "paths": [str(desk.path)]}
    (file,) = (await desk.ask("list"))["files"]
    (hunk,) = file.pop("hunks")
    place = {"path": str(desk.path), "kind": "update", "unsaved": False, "version": None}
    assert file == place | {"added": 2, "removed": 1, "omitted": None, "moved": None}
    id, turns = hunk.pop("id"), hunk.pop("turnIds")
    ranges = {"baseStart": 1, "baseLines": 1, "start": 1, "lines": 2, "whole": False}
    assert hunk == ranges | {"removed": ["two"], "added": ["TWO", "more"]}
    assert len(turns) == 1
    assert (await desk.ask("list", turnId=turns[0]))["files"] != []
    assert (await desk.ask("list", turnId="another"))["files"] == []
    assert (await desk.ask("undo", ids=[id])) == {"files": [], "notFollowed": 0, "problems": []}
    assert desk.path.read_text() == "one\ntwo\nthree\n"
    error = await desk.refused("keep", ids=[id])
    assert error["data"] == {"ids": [id]}
    assert id in error["message"]


async def test_lines_are_cut_for_people_and_counted_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 10_000 + "\n"
    await desk.turn("", "".join([long, *(f"line {number}\n" for number in range(1_000))]))
    (file,) = (await desk.ask("list"))["files"]
    (hunk,) = file["hunks"]
    assert (hunk["lines"], file["added"], len(hunk["added"])) == (1_001, 1_001, hunks.MAX_LINES)
    assert len(hunk["added"][0]) == hunks.MAX_CHARS
    monkeypatch.setattr(hunks, "MAX_ALL_CHARS", 2_010)
    (file,) = (await desk.ask("list"))["files"]
    assert len(file["hunks"][0]["added"]) == 2


async def test_what_makes_no_sense_is_refused_by_its_field(desk: Desk) -> None:
    await desk.turn("a\n", "b\n")
    for params, path in (
        ({"path": "f.py"}, "path"),
        ({"path": "/\0"}, "path"),
        ({"ids": "x"}, "ids"),
        ({"ids": [1]}, "ids.0"),
        ({"turnId": 1}, "turnId"),
    ):
        error = await desk.refused("undo", **params)
        assert (error["code"], error["data"]["path"]) == (-32602, path)
    assert "no thread with the id nobody" in (await desk.refused("list", threadId="nobody"))["message"]
    assert desk.path.read_text() == "b\n"
