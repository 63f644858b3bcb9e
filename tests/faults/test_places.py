"""Places that fill up or go away while turns run: the workspace, the folder for temporary files, that of threads, Codex's own.
What needs the place fails in words, nothing is half written, and the same process goes on when the place is back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fakes.mcp_house import House
from fakes.replies import call, custom, reply, text
from fakes.responses import ModelServer
from fakes.sidecar import Refused
from fakes.small_disk import SmallDisk
from faults.test_read_only import environ
from faults.watched import Watched

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
BIG = "".join(f"+line {number} of a file that needs more than a page or two\n" for number in range(2_000))
CHANGE = "*** Begin Patch\n*** Update File: a\n@@\n-one\n+two\n*** End Patch"
TWO_FILES = f"*** Begin Patch\n*** Update File: a\n@@\n-one\n+two\n*** Add File: big\n{BIG}*** End Patch"
SANDBOXES = ("workspace-write", "danger-full-access")


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> Iterator[House]:
    house = House(tmp_path, model_server)
    house.configure({})
    yield house


def options(house: House, sandbox: str = "workspace-write") -> dict[str, Any]:
    return {"cwd": str(house.workspace), "sandbox": sandbox, "approvalPolicy": "never"}


def said_to_model(model: ModelServer) -> list[str]:
    """The outputs of the last request."""
    return [str(entry["output"]) for entry in model.requests[-1].json["input"] if entry["type"].endswith("_output")]


def one_sentence(words: str) -> None:
    assert words.strip().endswith(".") and "\n" not in words.strip() and "Traceback" not in words and "inside" not in words, words


def gone(words: str, home: Path) -> None:
    assert str(home) in words and " is gone. Put it back, or start Treadle anew." in words, words


def put_back(away: Path, home: Path) -> None:
    """The very files. What works in the background may have made some anew."""
    for folder, _, names in os.walk(away):
        place = home / Path(folder).relative_to(away)
        place.mkdir(exist_ok=True)
        for name in names:
            os.replace(Path(folder, name), place / name)


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_on_a_full_workspace_a_patch_changes_nothing_and_a_command_fails_in_its_own_words(
    sandbox: str, house: House, model_server: ModelServer
) -> None:
    write = call("exec_command", {"cmd": "head -c 200000 /dev/zero > b; echo status $?"})
    model_server.script([reply(custom("apply_patch", TWO_FILES)), reply(write), reply(text("No room.")), reply(text("Done."))])
    with closing(SmallDisk(house.workspace)) as disk:
        assert disk.real, "a mount namespace is needed: run it as root, or where user namespaces may be made"
        disk.seen("a").write_text("one\n")
        disk.fill(leave=32 * 1024)  # room for the one file, and not for the other
        before = sorted(os.listdir(disk.seen()))
        with closing(Watched(environ(house), through=disk.through)) as sidecar:
            thread_id = sidecar.open(**options(house, sandbox))
            assert sidecar.turn(thread_id)["status"] == "completed"
            patch, command = said_to_model(model_server)
            assert "No space left" in patch and "Traceback" not in patch, patch
            assert disk.seen("a").read_text() == "one\n"
            assert "status 1" in command and "No space left" in command, command
            assert sorted(os.listdir(disk.seen())) == sorted([*before, "b"]), "nothing of the patch is left"
            disk.empty()
            model_server.script([reply(custom("apply_patch", TWO_FILES)), reply(text("Now."))])
            assert sidecar.turn(thread_id, "again")["status"] == "completed"
            assert disk.seen("a").read_text() == "two\n" and len(disk.seen("big").read_text().splitlines()) == 2_000
            assert not sidecar.wrong()


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_full_folder_for_temporary_files_stops_only_what_writes_there(
    sandbox: str, house: House, model_server: ModelServer
) -> None:
    (house.workspace / "a").write_text("one\n")
    model_server.script(
        [
            reply(custom("apply_patch", CHANGE)),
            reply(call("exec_command", {"cmd": "echo works; head -c 9000 /dev/zero > $TMPDIR/x; echo status $?"})),
            reply(text("Done.")),
        ]
    )
    with closing(SmallDisk(house.folder / "temporary")) as disk:
        assert disk.real, "a mount namespace is needed: run it as root, or where user namespaces may be made"
        disk.fill()
        variables = environ(house) | {"TMPDIR": str(disk.folder)}
        with closing(Watched(variables, through=disk.through)) as sidecar:
            thread_id = sidecar.open(**options(house, sandbox))
            assert sidecar.turn(thread_id)["status"] == "completed"
            patch, command = said_to_model(model_server)
            assert "works" in command and "status 1" in command, command
            assert (house.workspace / "a").read_text() == "two\n", patch
            assert not sidecar.wrong()


@pytest.mark.parametrize("format", ["markdown", "jsonl"])
def test_an_export_to_a_full_disk_is_a_sentence_and_leaves_no_file(format: str, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("A long answer. " * 3_000))])
    with closing(SmallDisk(house.folder / "exports", "1m")) as disk:
        assert disk.real, "a mount namespace is needed: run it as root, or where user namespaces may be made"
        with closing(Watched(environ(house))) as sidecar:
            thread_id = sidecar.open(**options(house))
            sidecar.turn(thread_id)
        disk.fill()
        before = os.listdir(disk.seen())
        for name in ("thread.out", "folder/thread.out"):
            argv = [*disk.through, sys.executable, "-m", "treadle", "threads", "export", thread_id, "--format", format]
            ran = subprocess.run(
                [*argv, "-o", str(disk.folder / name)], capture_output=True, text=True, env=environ(house), timeout=60
            )
            assert ran.returncode == 1 and ran.stdout == "", ran
            assert ran.stderr.count("\n") == 1 and str(disk.folder) in ran.stderr and "Traceback" not in ran.stderr, ran.stderr
            assert os.listdir(disk.seen()) == before
        if Path("/dev/full").exists():
            with open("/dev/full", "wb") as full:
                printed = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, env=environ(house), timeout=60)
            assert printed.returncode == 1 and "No space left" in printed.stderr and printed.stderr.count("\n") == 1, printed


def test_on_a_full_disk_threads_are_read_and_exported_and_searched_again_when_there_is_room(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("Of cormorants and terns. " * 400)), reply(text("Of ospreys. " * 4_000))])
    with closing(SmallDisk(house.homes.treadle, "8m")) as disk:
        assert disk.real, "a mount namespace is needed: run it as root, or where user namespaces may be made"
        with closing(Watched(environ(house), through=disk.through)) as sidecar:
            thread_id = sidecar.open(**options(house))
            assert sidecar.turn(thread_id)["status"] == "completed"
            assert len(sidecar.call("thread/search", searchTerm="cormorants")["data"]) == 1
            assert sidecar.turn(thread_id, "and more")["status"] == "completed"
            disk.fill()
            for format in ("markdown", "jsonl"):
                assert "ospreys" in sidecar.call("treadle/thread/export", threadId=thread_id, format=format)["text"]
            try:
                found = sidecar.call("thread/search", searchTerm="cormorants")["data"]
                assert len(found) == 1
            except Refused as refused:
                one_sentence(refused.message)
                assert "disk" in refused.message
            with pytest.raises(Refused) as refused_turn:
                sidecar.begin(thread_id, "no room for this")
            one_sentence(refused_turn.value.message)
            disk.empty()
            assert len(sidecar.call("thread/search", searchTerm="ospreys")["data"]) == 1
            model_server.script([reply(text("Fine."))])
            assert sidecar.turn(thread_id, "again")["status"] == "completed"
            assert not sidecar.wrong()


def test_a_folder_of_threads_that_is_taken_away_between_turns_is_named_and_used_again_when_it_is_back(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("One.")), reply(text("Two."))])
    home = house.homes.treadle
    with closing(Watched(environ(house))) as sidecar:
        thread_id = sidecar.open(**options(house))
        assert sidecar.turn(thread_id)["status"] == "completed"
        home.rename(home.with_name("away"))
        for ask in (lambda: sidecar.begin(thread_id, "lost?"), lambda: sidecar.open(**options(house))):
            with pytest.raises(Refused) as refused:
                ask()
            one_sentence(refused.value.message)
            gone(refused.value.message, home)
        put_back(home.with_name("away"), home)
        assert sidecar.turn(thread_id, "back")["status"] == "completed"
        turns = sidecar.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"]
        assert [turn["status"] for turn in turns if turn["items"]] == ["completed", "completed"]
        assert not sidecar.wrong()
    assert "back" in model_server.requests[-1].raw.decode() and "lost?" not in model_server.requests[-1].raw.decode()


@pytest.mark.parametrize("back", [True, False])
def test_a_folder_of_threads_that_goes_away_during_a_turn_ends_the_turn_with_a_sentence(
    back: bool, house: House, model_server: ModelServer
) -> None:
    (house.workspace / "a").write_text("one\n")
    words = reply(text("I shall change it.", deltas=2, hold={1: "gone"}), custom("apply_patch", CHANGE))
    model_server.script([words])
    home = house.homes.treadle
    with closing(Watched(environ(house))) as sidecar:
        thread_id = sidecar.open(**options(house))
        turn_id = sidecar.begin(thread_id)
        model_server.wait(lambda server: "gone" in server._reached)  # pyright: ignore[reportPrivateUsage]
        home.rename(home.with_name("away"))
        if not back:
            shutil.rmtree(home.with_name("away"), ignore_errors=True)
        model_server.release("gone")
        turn = sidecar.end(thread_id, turn_id)
        assert turn["status"] == "failed"
        one_sentence(turn["error"]["message"])
        gone(turn["error"]["message"], home)
        assert (house.workspace / "a").read_text() == "one\n", "no call is run that cannot be kept"
        model_server.script([reply(text("Here again."))])
        if back:
            put_back(home.with_name("away"), home)
            assert sidecar.turn(thread_id, "again")["status"] == "completed"
            turns = sidecar.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"]
            assert not sidecar.folds[thread_id].differs(turns)
        else:
            with pytest.raises(Refused) as refused:
                sidecar.open(**options(house))
            one_sentence(refused.value.message)
        assert not sidecar.wrong()
    if not back:
        with closing(Watched(environ(house))) as anew:
            assert anew.turn(anew.open(**options(house)))["status"] == "completed"
            assert not anew.wrong()


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_folder_of_codex_that_cannot_be_written_costs_nothing(sandbox: str, house: House, model_server: ModelServer) -> None:
    (house.workspace / "a").write_text("one\n")
    works = call("exec_command", {"cmd": "echo works"})
    model_server.script([reply(custom("apply_patch", CHANGE)), reply(works), reply(text("Done."))])
    with closing(SmallDisk(house.homes.codex)) as disk:
        assert disk.real, "a mount namespace is needed: run it as root, or where user namespaces may be made"
        house.configure({})
        shutil.copy(house.homes.codex / "config.toml", disk.seen("config.toml"))
        disk.cover()
        before = sorted(os.listdir(disk.seen()))
        with closing(Watched(environ(house), through=disk.through)) as sidecar:
            thread_id = sidecar.open(**options(house, sandbox))
            assert sidecar.turn(thread_id)["status"] == "completed"
            assert "works" in said_to_model(model_server)[-1]
            assert (house.workspace / "a").read_text() == "two\n"
            assert not sidecar.wrong() and not sidecar.errors
        assert sorted(os.listdir(disk.seen())) == before
