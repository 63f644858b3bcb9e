"""Checkpoints of what commands do: a whole sidecar, real commands in the real sandbox; only the model's words are scripted."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, custom, reply, text
from fakes.editing import kinds
from fakes.house import PATCH, House
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.adapters.watch import DiskWatch
from treadle.core.checkpoint_ops import ListCheckpoints, PreviewCheckpoint, RedoCheckpoint, RestoreCheckpoint
from treadle.core.checkpoints import Checkpoint, CheckpointPlan, RestoreDone
from treadle.core.events import CardDelta
from treadle.core.ops import InterruptTurn, ResumeThread
from treadle.runtime.agent import Agent


class Shop:
    """A house where one thread goes on from turn to turn."""

    def __init__(self, house: House, server: ModelServer) -> None:
        self.house, self.server = house, server
        self.folder = house.workspace
        self.client = RecordingClient()
        self.agent: Agent = house.agent()
        self.thread_id = ""

    async def runs(self, *scripts: str | tuple[str, str]) -> str:
        """A turn with these commands, or patches."""
        calls = [call("exec_command", {"cmd": each}) if isinstance(each, str) else custom(*each) for each in scripts]
        self.server.script([*(reply(each) for each in calls), reply(text("Done."))])
        if self.thread_id:
            turn_id = await more(self.agent, self.client, self.thread_id)
        else:
            self.thread_id, turn_id = await self.house.begin(self.agent, self.client)
        assert (await self.client.turn_end(turn_id)).status == "completed"
        return turn_id

    def write(self, name: str, data: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(data)

    def state(self) -> dict[str, tuple[str, int]]:
        files = [path for path in self.folder.rglob("*") if path.is_file() and ".git" not in path.parts and not path.is_symlink()]
        return {str(path.relative_to(self.folder)): (path.read_text(), path.stat().st_mode & 0o777) for path in files}

    async def ask(self, op: Any) -> Any:
        return await self.agent.submit(op, self.client)

    async def preview(self, turn_id: str) -> CheckpointPlan:
        return await self.ask(PreviewCheckpoint(self.thread_id, turn_id, what="files"))

    async def restore(self, turn_id: str) -> RestoreDone:
        return await self.ask(RestoreCheckpoint(self.thread_id, turn_id, "files"))

    async def redo(self, done: RestoreDone) -> RestoreDone:
        return await self.ask(RedoCheckpoint(self.thread_id, done.id or ""))

    async def checkpoints(self) -> tuple[Checkpoint, ...]:
        return (await self.ask(ListCheckpoints(self.thread_id))).checkpoints

    async def restart(self) -> None:
        await self.agent.close()
        self.agent = self.house.agent()
        await self.ask(ResumeThread(self.thread_id))


@pytest.fixture
async def shop(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Shop]:
    shop = Shop(House(tmp_path, model_server), model_server)
    yield shop
    await shop.agent.close()


async def test_everything_that_commands_did_to_files_is_undone_and_redone(shop: Shop) -> None:
    for name in ("changed", "deleted", "moved", "mode", "dir/deep/file", "dir/other", "same"):
        shop.write(name, f"{name}\n")
    before = shop.state()
    turn = await shop.runs(
        "echo more >> changed; rm deleted; mv moved renamed; chmod 755 mode; mkdir new; echo x > new/file; touch same",
        "mv dir folder; echo y >> folder/other; cp -r folder copy",
    )
    after = shop.state()
    done = await shop.restore(turn)
    assert shop.state() == before
    assert kinds(done)["changed"] == "restore" and kinds(done)["deleted"] == "create" and "same" not in kinds(done)
    await shop.redo(done)
    assert shop.state() == after


async def test_patches_and_commands_of_one_turn_are_one_change(shop: Shop) -> None:
    before = shop.state()
    turn = await shop.runs(("apply_patch", PATCH), "echo '# by a command' >> hello.py", "sed -i s/hello/HELLO/ hello.py")
    assert [(each.files, each.omitted) for each in await shop.checkpoints()] == [(1, ())]
    await shop.restore(turn)
    assert shop.state() == before


async def test_what_the_user_does_between_turns_is_not_the_turns(shop: Shop) -> None:
    shop.write("a", "one\ntwo\nthree\n")
    first = await shop.runs("sed -i s/two/TWO/ a")
    shop.write("a", "zero\none\nTWO\nthree\n")
    shop.write("user", "mine\n")
    second = await shop.runs("echo done >> hello.py")
    assert kinds(await shop.preview(second)) == {"hello.py": "restore"}
    done = await shop.restore(first)
    assert kinds(done) == {"a": "merge", "hello.py": "restore"}
    assert shop.state()["a"][0] == "zero\none\ntwo\nthree\n" and shop.state()["user"][0] == "mine\n"


async def test_what_was_there_before_the_first_turn_is_known_after_a_restart(shop: Shop) -> None:
    shop.write("a", "one\n")
    first = await shop.runs("echo two >> a")
    shop.write("b", "written meanwhile\n")
    await shop.restart()
    second = await shop.runs("echo three >> a; rm b")
    assert kinds(await shop.preview(second)) == {"a": "restore", "b": "create"}
    await shop.restore(first)
    assert shop.state()["a"][0] == "one\n" and shop.state()["b"][0] == "written meanwhile\n"


async def test_ignored_and_huge_files_and_links_are_named_and_left_alone(shop: Shop) -> None:
    shop.house.configure(shop.house.configuration + "\n[treadle.checkpoints]\nmax_file_bytes = 2000\nignore = ['*.secret']")
    shop.write(".gitignore", "*.log\nout/\n")
    shop.write("huge", "x" * 3000)
    shop.write("run.log", "old\n")
    shop.write("my.secret", "old\n")
    os.symlink("huge", shop.folder / "link")
    turn = await shop.runs(
        "echo y >> huge; echo new > run.log; echo new > my.secret",
        "mkdir -p out node_modules; echo z > out/z; echo z > node_modules/z",
        "ln -sfn hello.py link; echo fine > fine",
    )
    (found,) = await shop.checkpoints()
    reasons = {os.path.basename(each.path): each.reason for each in found.omitted}
    assert set(reasons) == {"huge", "run.log", "my.secret", "link"}
    assert reasons["huge"].startswith("larger than") and reasons["link"] == "a symbolic link"
    done = await shop.restore(turn)
    assert {name for name, kind in kinds(done).items() if kind != "omitted"} == {"fine"}
    assert not (shop.folder / "fine").exists() and (shop.folder / "run.log").read_text() == "new\n"


async def test_a_rule_that_goes_makes_no_old_file_the_turns(shop: Shop) -> None:
    shop.write(".gitignore", "data/\n")
    shop.write("data/precious", "the user's\n")
    turn = await shop.runs("rm .gitignore; echo x > made", "echo y > other")
    assert set(kinds(await shop.preview(turn))) == {".gitignore", "made", "other"}
    await shop.restore(turn)
    assert shop.state()["data/precious"][0] == "the user's\n"


async def test_what_an_interrupted_or_failing_command_did_is_undone_too(shop: Shop) -> None:
    before = shop.state()
    turn = await shop.runs("echo x > made; rm hello.py; exit 3")
    await shop.restore(turn)
    assert shop.state() == before


async def test_a_command_that_goes_on_counts_until_its_turn_ends(shop: Shop) -> None:
    script = "echo a > early; while [ ! -e go ]; do sleep 0.01; done; echo b > late; sleep 30"
    shop.server.script(
        [
            reply(call("exec_command", {"cmd": script, "yield_time_ms": 250})),
            reply(call("exec_command", {"cmd": "touch go; while [ ! -s late ]; do sleep 0.01; done"})),
            reply(text("Done.")),
        ]
    )
    shop.thread_id, turn = await shop.house.begin(shop.agent, shop.client)
    assert (await shop.client.turn_end(turn)).status == "completed"
    assert set(kinds(await shop.preview(turn))) == {"early", "go", "late"}


async def test_where_nothing_can_be_kept_commands_run_all_the_same_and_the_checkpoint_says_so(shop: Shop) -> None:
    (shop.house.homes.treadle / "baselines").write_bytes(b"no folder")
    turn = await shop.runs("echo x > made", "echo y >> made")
    assert (shop.folder / "made").read_text() == "x\ny\n"
    (plan,) = (await shop.preview(turn)).files
    assert (plan.path, plan.kind) == (str(shop.folder), "omitted")
    assert "File exists" in str(plan.reason)


async def test_a_command_that_changes_nothing_has_no_file_looked_at(shop: Shop) -> None:
    await shop.runs("true")
    watch = shop.agent._world.watch
    assert isinstance(watch, DiskWatch)
    tree = watch._watched[str(shop.folder)].tree
    assert tree is not None
    looked = tree.looked
    await shop.runs("true", "cat hello.py > /dev/null; true", "ls")
    assert tree.looked == looked


async def test_what_a_stopped_command_did_is_undone_too(shop: Shop) -> None:
    before = shop.state()
    shop.server.script([reply(call("exec_command", {"cmd": "echo x > made; rm hello.py; echo ready; sleep 60"}))])
    shop.thread_id, turn = await shop.house.begin(shop.agent, shop.client)
    await shop.client.until(lambda event: isinstance(event, CardDelta) and "ready" in event.text)
    await shop.ask(InterruptTurn(shop.thread_id, turn))
    assert (await shop.client.turn_end(turn)).status == "interrupted"
    await shop.restore(turn)
    assert shop.state() == before


async def test_what_one_thread_does_while_another_looks_is_its_own(shop: Shop) -> None:
    script = "echo x > made; echo ready; until [ -e go ]; do sleep 0.05; done; rm go; echo y >> made"
    shop.server.script([reply(call("exec_command", {"cmd": script, "yield_time_ms": 20000}))])
    first = RecordingClient()
    long_thread, turn = await shop.house.begin(shop.agent, first)
    await first.until(lambda event: isinstance(event, CardDelta) and "ready" in event.text)
    other_turn = await shop.runs("true")
    other = shop.thread_id
    shop.server.script([reply(text("Done."))])
    (shop.folder / "go").touch()
    assert (await first.turn_end(turn)).status == "completed"
    shop.thread_id = long_thread
    assert kinds(await shop.preview(turn))["made"] == "delete"
    shop.thread_id = other
    assert kinds(await shop.preview(other_turn)) == {}


async def test_what_the_users_hook_makes_of_a_patch_belongs_to_the_patch(shop: Shop) -> None:
    hook = "[[hooks.PostToolUse]]\nmatcher = 'apply_patch'\n[[hooks.PostToolUse.hooks]]\ntype = 'command'\n"
    shop.house.configure(f"{shop.house.configuration}\n{hook}command = \"echo '# formatted' >> hello.py\"\n")
    before = shop.state()
    turn = await shop.runs(("apply_patch", PATCH))
    assert shop.state()["hello.py"][0] == "print('hello')\n# formatted\n"
    assert kinds(await shop.preview(turn)) == {"hello.py": "restore"}
    await shop.restore(turn)
    assert shop.state() == before
