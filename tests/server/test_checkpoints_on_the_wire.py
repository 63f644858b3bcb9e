"""treadle/checkpoint/*: what a client asks and is answered, held to the wire models. The agent is the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes.editing import Desk
from fakes.peer import HELLO, Peer
from treadle.server.wire import checkpoint as wire

A, B = b"one\ntwo\nthree\n", b"one\nTWO\nthree\n"


class Door:
    """A desk, and a client that asks over the wire."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder)
        self.peer = Peer(self.desk.agent)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return await self.peer.result(f"treadle/checkpoint/{method}", {"threadId": self.desk.thread_id, **params})

    async def refused(self, method: str, **params: Any) -> dict[str, Any]:
        answer = await self.peer.ask(f"treadle/checkpoint/{method}", {"threadId": self.desk.thread_id, **params})
        return answer["error"]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    door = Door(tmp_path)
    await door.peer.result("initialize", HELLO)
    yield door
    await door.peer.connection.close()


async def test_a_client_lists_previews_restores_and_takes_that_back(door: Door) -> None:
    desk = door.desk
    desk.write("a", A)
    turn = await desk.patches(a=B)
    listed = wire.CheckpointListResponse.model_validate(await door.ask("list"))
    assert [(each.turn_id, each.preview, each.files) for each in listed.checkpoints] == [(turn, "go", 1)]
    preview = wire.CheckpointPreviewResponse.model_validate(await door.ask("preview", turnId=turn))
    (plan,) = preview.files
    assert (plan.path, plan.kind, plan.added, plan.removed, preview.turns) == (desk.path("a"), "restore", 1, 1, 1)
    assert plan.diff == "@@ -1,3 +1,3 @@\n one\n-TWO\n+two\n three\n"
    done = wire.CheckpointRestoreResponse.model_validate(await door.ask("restore", turnId=turn))
    assert (desk.read("a"), done.turns) == (A, 1)
    then = wire.CheckpointListResponse.model_validate(await door.ask("list"))
    assert (then.checkpoints, [each.restore_id for each in then.restores]) == ([], [done.restore_id])
    again = wire.CheckpointPreviewResponse.model_validate(await door.ask("preview", restoreId=done.restore_id))
    assert ([each.kind for each in again.files], again.turns) == (["restore"], 1)
    redone = wire.CheckpointRestoreResponse.model_validate(await door.ask("redo", restoreId=done.restore_id))
    assert desk.read("a") == B and redone.restore_id not in (None, done.restore_id)


async def test_a_conflict_is_answered_without_an_id_and_nothing_is_done(door: Door) -> None:
    desk = door.desk
    desk.write("a", A)
    turn = await desk.patches(a=B, b=b"made\n")
    desk.write("a", b"one\nthe user's\nthree\n")
    done = await door.ask("restore", turnId=turn, what="files")
    assert done["restoreId"] is None
    assert [(plan["kind"], bool(plan["reason"])) for plan in done["files"]] == [("conflict", True), ("delete", False)]
    assert desk.read("b") == b"made\n"
    assert (await door.ask("restore", turnId=turn, what="files", onConflict="skip"))["restoreId"]
    assert desk.read("b") is None


async def test_what_cannot_be_asked_is_refused_by_name(door: Door) -> None:
    turn = await door.desk.turn()
    for params in ({}, {"turnId": turn, "restoreId": "r"}):
        error = await door.refused("preview", **params)
        assert (error["code"], error["data"]["path"]) == (-32602, "turnId")
    assert (await door.refused("restore", turnId=turn, what="everything"))["code"] == -32602
    assert "no turn with the id nowhere" in (await door.refused("restore", turnId="nowhere"))["message"]
