"""Folders of Treadle and of Codex that cannot be written, from the start or from the middle on: a sentence at every door, or work
that keeps nothing."""

from __future__ import annotations

import json
import os
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
from fakes.sidecar import Refused, Sidecar
from fakes.small_disk import SmallDisk

pytestmark = pytest.mark.e2e
READ_ONLY = ("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
HELLO: dict[str, Any] = {"clientInfo": {"name": "tests", "version": "1"}, "capabilities": {}, "processId": None, "rootUri": None}


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> Iterator[House]:
    house = House(tmp_path, model_server)
    house.configure({})
    yield house


def environ(house: House) -> dict[str, str]:
    homes = {"CODEX_HOME": str(house.homes.codex), "TREADLE_HOME": str(house.homes.treadle), "HOME": str(house.folder / "home")}
    return {"PATH": os.environ["PATH"], "SCRIPTED_KEY": "sk-scripted-123456", **homes}


def said(house: House, door: str, *messages: dict[str, Any], through: tuple[str, ...] = READ_ONLY) -> list[dict[str, Any]]:
    """All that a door says to these messages; its words must end well and hold no traceback."""
    bodies = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages]
    framed = [b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies] if door == "serve" else bodies
    between = b"" if door == "serve" else b"\n"
    ran = subprocess.run(
        [*through, sys.executable, "-m", "treadle", door],
        input=between.join(framed) + between, capture_output=True, env=environ(house), cwd=house.workspace, timeout=60,
    )  # fmt: skip
    assert b"Traceback" not in ran.stderr + ran.stdout, ran.stderr
    lines = ran.stdout.replace(b"Content-Length:", b"\nContent-Length:").splitlines()
    return [json.loads(line) for line in lines if line.startswith(b"{")]


@pytest.mark.parametrize(
    ("door", "method", "params"),
    [
        ("app-server", "thread/start", {}),
        ("serve", "thread/start", {}),
        ("acp", "session/new", {"cwd": "/", "mcpServers": []}),
    ],
)
def test_a_folder_that_cannot_be_written_is_one_sentence_at_every_door(
    door: str, method: str, params: dict[str, Any], house: House
) -> None:
    hello = {"protocolVersion": 1} if door == "acp" else HELLO
    answers = said(house, door, {"id": 1, "method": "initialize", "params": hello}, {"id": 2, "method": method, "params": params})
    (error,) = [message["error"] for message in answers if message.get("id") == 2]
    words = json.dumps(error)
    assert str(house.homes.treadle) in words and "TREADLE_HOME" in words, error


def run(house: House, *words: str, through: tuple[str, ...] = READ_ONLY) -> subprocess.CompletedProcess[str]:
    argv = [*through, sys.executable, "-m", "treadle", "exec", *words]
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environ(house), cwd=house.workspace, timeout=60
    )


def test_a_turn_that_is_not_to_be_kept_needs_no_folder(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "echo works"})), reply(text("Done."))])
    ran = run(house, "--ephemeral", "-s", "read-only", "go")
    assert (ran.returncode, ran.stdout) == (0, "Done.\n"), ran.stderr
    assert "Traceback" not in ran.stderr
    assert "works" in model_server.requests[-1].raw.decode()
    assert list(house.homes.treadle.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(house: House, model_server: ModelServer) -> None:
    house.homes.treadle.rmdir()
    house.homes.treadle.write_text("notes")
    ran = run(house, "go", through=())
    assert ran.returncode == 1 and str(house.homes.treadle) in ran.stderr and "TREADLE_HOME" in ran.stderr
    model_server.script([reply(text("Done."))])
    assert run(house, "--ephemeral", "go", through=()).stdout == "Done.\n"
    assert house.homes.treadle.read_text() == "notes"


@pytest.mark.parametrize("name", ["threads.sqlite3", "versions.sqlite3"])
def test_a_damaged_database_is_a_sentence_or_costs_nothing_but_its_use(
    name: str, house: House, model_server: ModelServer
) -> None:
    (house.homes.treadle / name).write_bytes(b"no database, but for sure somebody's notes " * 500)
    model_server.script([reply(text("Done."))])
    ran = run(house, "go", through=())
    assert "Traceback" not in ran.stderr
    if name == "threads.sqlite3":
        assert ran.returncode == 1 and "is damaged: put a copy of it in its place" in ran.stderr
        model_server.script([])
    else:
        assert (ran.returncode, ran.stdout) == (0, "Done.\n")
    assert (house.homes.treadle / name).read_bytes().startswith(b"no database")


def test_a_patch_without_a_place_for_what_it_takes_away_does_not_happen(house: House, model_server: ModelServer) -> None:
    (house.homes.treadle / "versions.sqlite3").write_bytes(b"no database, but for sure somebody's notes " * 500)
    (house.workspace / "a").write_text("one\n")
    patch = "*** Begin Patch\n*** Update File: a\n@@\n-one\n+two\n*** End Patch"
    model_server.script([reply(custom("apply_patch", patch)), reply(text("It did not work."))])
    ran = run(house, "-s", "danger-full-access", "go", through=())
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False)
    assert (house.workspace / "a").read_text() == "one\n"
    assert "earlier contents of files cannot be kept" in model_server.requests[-1].raw.decode()


def test_a_folder_that_becomes_read_only_stops_what_needs_it_and_is_used_again(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text("Two."))])
    with closing(SmallDisk(house.homes.treadle, "16m")) as disk:
        assert disk.real, "a mount namespace is needed: run it as root, or where user namespaces may be made"
        with closing(Sidecar(environ(house), through=disk.through)) as sidecar:
            thread_id = sidecar.call("thread/start", cwd=str(house.workspace))["thread"]["id"]
            disk.cover()
            with pytest.raises(Refused) as refused:
                sidecar.call("thread/start", cwd=str(house.workspace))
            assert "Read-only file system" in str(refused.value) and str(house.homes.treadle) in str(refused.value)
            disk.uncover()
            sidecar.call("thread/start", cwd=str(house.workspace))
            assert sidecar.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"] == []
            assert b"Traceback" not in sidecar.stderr
    model_server.script([])
