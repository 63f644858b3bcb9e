"""Hunks of what commands do, and an undo while one runs: real commands in the real sandbox, the model is scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, custom, reply, text
from fakes.house import PATCH, House
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.core.errors import RequestRefused
from treadle.core.events import CardStarted
from treadle.core.hunk_ops import ListHunks, UndoHunks
from treadle.core.views import CallCard
from treadle.runtime.agent import Agent
from treadle.runtime.answers import HunkFile

pytestmark = pytest.mark.e2e


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> House:
    return House(tmp_path, model_server)


@pytest.fixture
async def agent(house: House) -> AsyncIterator[Agent]:
    agent = house.agent()
    yield agent
    await agent.close()


def run(command: str) -> Any:
    return reply(call("exec_command", {"cmd": command}))


async def files(agent: Agent, client: RecordingClient, thread_id: str) -> dict[str, HunkFile]:
    found: Any = await agent.submit(ListHunks(thread_id), client)
    return {Path(file.path).name: file for file in found.files}


async def test_what_a_command_did_is_undone_like_a_patch(house: House, agent: Agent, model_server: ModelServer) -> None:
    path, client = house.workspace / "poem.txt", RecordingClient()
    path.write_text("one\ntwo\nthree\n")
    (house.workspace / "old.txt").write_text("old\n")
    model_server.script([run("sed -i s/two/TWO/ poem.txt; echo new > new.txt; rm old.txt"), reply(text("Done."))])
    thread_id, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    found = await files(agent, client, thread_id)
    assert {name: file.kind for name, file in found.items()} == {"poem.txt": "update", "new.txt": "add", "old.txt": "delete"}
    assert found["poem.txt"].hunks[0].added == ("TWO\n",)
    path.write_text("mine\n" + path.read_text())
    await agent.submit(UndoHunks(thread_id), client)
    assert path.read_text() == "mine\none\ntwo\nthree\n"
    assert (house.workspace / "old.txt").read_text() == "old\n"
    assert not (house.workspace / "new.txt").exists()
    assert await files(agent, client, thread_id) == {}


async def test_an_undo_while_a_command_runs_is_not_taken_for_the_commands_work(
    house: House, agent: Agent, model_server: ModelServer
) -> None:
    client = RecordingClient()
    waits = "echo ready; until [ -e go ]; do sleep 0.02; done"
    model_server.script(
        [reply(custom("apply_patch", PATCH)), run(waits), reply(text("Done.")), run("true"), reply(text("Done."))]
    )
    thread_id, turn_id = await house.begin(agent, client)

    def waiting(event: Any) -> bool:
        return isinstance(event, CardStarted) and isinstance(event.card, CallCard) and event.card.view.get("view") == "command"

    await client.until(waiting)
    assert list(await files(agent, client, thread_id)) == ["hello.py"]
    await agent.submit(UndoHunks(thread_id, path=str(house.workspace / "hello.py")), client)
    assert (house.workspace / "hello.py").read_text() == "print('helo')\n"
    (house.workspace / "go").write_text("")
    await client.turn_end(turn_id)
    await client.turn_end(await more(agent, client, thread_id))
    assert "hello.py" not in await files(agent, client, thread_id)
    assert (house.workspace / "hello.py").read_text() == "print('helo')\n"
    assert str(model_server.requests[2].json["input"]).count("undid these parts") == 1


async def test_hunks_are_the_same_in_the_next_process_also_of_a_thread_that_is_not_loaded(
    house: House, agent: Agent, model_server: ModelServer
) -> None:
    path, client = house.workspace / "poem.txt", RecordingClient()
    path.write_text("one\ntwo\nthree\n")
    model_server.script([run("sed -i 's/one/ONE/; s/three/THREE/' poem.txt"), reply(text("Done."))])
    thread_id, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    before = [hunk.id for hunk in (await files(agent, client, thread_id))["poem.txt"].hunks]
    await agent.close()
    path.write_text("mine\n" + path.read_text())
    again = house.agent()
    try:
        found = (await files(again, client, thread_id))["poem.txt"].hunks
        assert [hunk.id for hunk in found] == before
        assert [hunk.start for hunk in found] == [1, 3]
        await again.submit(UndoHunks(thread_id, (before[0],)), client)
        assert path.read_text() == "mine\none\ntwo\nTHREE\n"
        assert [hunk.id for hunk in (await files(again, client, thread_id))["poem.txt"].hunks] == before[1:]
    finally:
        await again.close()


MOVE = (
    "*** Begin Patch\n*** Update File: a.py\n*** Move to: b.py\n@@\n-two\n+TWO\n*** Update File: c.py\n@@\n-c\n+C\n*** End Patch"
)


async def test_a_file_that_was_moved_is_undone_on_both_sides_or_on_none(
    house: House, agent: Agent, model_server: ModelServer
) -> None:
    a, b, c = (house.workspace / f"{name}.py" for name in "abc")
    a.write_text("one\ntwo\n")
    c.write_text("c\n")
    client = RecordingClient()
    model_server.script([reply(custom("apply_patch", MOVE)), reply(text("Done."))])
    thread_id, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    found = await files(agent, client, thread_id)
    assert {name: (file.kind, file.moved) for name, file in found.items()} == {
        "a.py": ("delete", str(b)),
        "b.py": ("add", str(a)),
        "c.py": ("update", None),
    }
    b.write_text("one\nTWO\nmine\n")
    for which in (str(a), str(b)):
        with pytest.raises(RequestRefused, match=r"b\.py was created by the agent and has been edited since"):
            await agent.submit(UndoHunks(thread_id, path=which), client)
    left: Any = await agent.submit(UndoHunks(thread_id), client)
    assert [Path(file.path).name for file in left.files] == ["a.py", "b.py"]
    assert len(left.problems) == 1
    assert (a.exists(), b.read_text(), c.read_text()) == (False, "one\nTWO\nmine\n", "c\n")
    b.write_text("one\nTWO\n")
    await agent.submit(UndoHunks(thread_id, (found["b.py"].hunks[0].id,)), client)
    assert (a.read_text(), b.exists()) == ("one\ntwo\n", False)
    assert await files(agent, client, thread_id) == {}
