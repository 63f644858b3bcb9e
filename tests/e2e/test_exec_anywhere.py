"""`treadle exec` as programs start it: in a pipe, under cron, on a disk that cannot be written, and stopped by signals."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, reply, text
from fakes.mcp_house import House
from fakes.responses import ModelServer

TREADLE = [sys.executable, "-m", "treadle", "exec"]
pytestmark = pytest.mark.e2e


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> Iterator[House]:
    house = House(tmp_path, model_server)
    house.configure({})
    yield house


def environ(house: House) -> dict[str, str]:
    """No more than cron gives, and where the configuration is."""
    return {
        "PATH": "/usr/bin:/bin",
        "CODEX_HOME": str(house.homes.codex),
        "TREADLE_HOME": str(house.homes.treadle),
        "SCRIPTED_KEY": "sk-scripted-123456",
    }


def run(house: House, *words: str, through: tuple[str, ...] = (), **more: Any) -> subprocess.CompletedProcess[str]:
    options: dict[str, Any] = {"env": environ(house), "cwd": house.workspace, "stdin": subprocess.DEVNULL} | more
    return subprocess.run([*through, *TREADLE, *words], capture_output=True, text=True, timeout=100, **options)


def start(house: House, *words: str) -> subprocess.Popen[str]:
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    env = environ(house)
    return subprocess.Popen([*TREADLE, *words], stdin=nothing, stdout=pipe, stderr=pipe, text=True, env=env, cwd=house.workspace)


def test_a_reader_that_goes_away_ends_the_turn_without_a_traceback(house: House, model_server: ModelServer) -> None:
    model_server.script(lambda *_: reply(*[text(f"line {number}\n", deltas=2) for number in range(20)], call("list_nothing", {})))
    for words in ("--json go", "go"):
        line = f"{' '.join(TREADLE)} {words} | head -n 1; echo ${{PIPESTATUS[0]}}"
        ran = subprocess.run(
            ["bash", "-c", line], env=environ(house), cwd=house.workspace, capture_output=True, text=True, timeout=100
        )
        assert ran.stdout.splitlines()[-1] == "1"
        assert "Traceback" not in ran.stderr and "Broken" not in ran.stderr


def test_a_full_disk_behind_the_output_is_one_sentence(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Hello."))])
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [*TREADLE, "--json", "go"], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True,
            env=environ(house), cwd=house.workspace, timeout=100,
        )  # fmt: skip
    model_server.script([])
    assert ran.returncode == 1
    assert ran.stderr == "treadle: cannot write to standard output: No space left on device\n"


def test_a_flood_on_standard_input_is_no_prompt(house: House) -> None:
    with open("/dev/zero") as flood:
        ran = run(house, "go", stdin=flood)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "treadle: what is piped in is larger than 32 MiB\n"


def test_under_cron_there_is_no_home_and_no_terminal(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "echo made > made; cat made"})), reply(text("Done."))])
    ran = run(house, "-s", "workspace-write", "go", start_new_session=True)
    assert (ran.returncode, ran.stdout) == (0, "Done.\n")
    assert (house.workspace / "made").read_text() == "made\n"


def test_closed_standard_streams_are_not_mixed_up_with_files(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Done."))])
    line = f"{' '.join(TREADLE)} -o last.txt go <&- >&- 2>&-"
    ran = subprocess.run(["bash", "-c", line], env=environ(house), cwd=house.workspace, timeout=100)
    assert ran.returncode == 0
    assert (house.workspace / "last.txt").read_text() == "Done."


def test_on_a_disk_that_cannot_be_written_the_way_out_is_said(house: House, model_server: ModelServer) -> None:
    through = ("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir", str(house.workspace))
    ran = run(house, "go", through=through)
    assert ran.returncode == 1
    assert str(house.homes.treadle) in ran.stderr and "Traceback" not in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert model_server.requests == []
    ran = run(house, "-o", "last.txt", "go", through=through)
    assert (ran.returncode, ran.stderr.count("last.txt")) == (2, 1)


def test_without_a_home_that_can_be_written_another_folder_may_be_named(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Done."))])
    env = environ(house) | {"HOME": "/nonexistent"}
    del env["TREADLE_HOME"]
    through = (
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/run",
        "--chdir",
        str(house.workspace),
    )
    ran = run(house, "--json", "go", through=through, env=env)
    assert ran.returncode == 1
    assert "Set TREADLE_HOME to a folder that can be written." in json.loads(ran.stdout)["message"]
    ran = run(house, "go", through=through, env=env | {"TREADLE_HOME": "/run/treadle"})
    assert (ran.returncode, ran.stdout) == (0, "Done.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_turn_and_all_that_it_started(number: int, house: House, model_server: ModelServer) -> None:
    line = "echo $$ > pid; mkfifo gate; touch ready; cat gate"
    model_server.script([reply(call("exec_command", {"cmd": line, "yield_time_ms": 30_000}))])
    process = start(house, "--json", "-s", "danger-full-access", "go")
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(3)]
    assert lines[-1]["item"]["type"] == "command_execution"
    while not (house.workspace / "ready").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert json.loads(out.splitlines()[-1])["type"] == "turn.failed"
    assert err == "treadle: interrupted\n"
    pid = int((house.workspace / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_turn_that_was_stopped_can_be_gone_on_with(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Never said.", deltas=2, hold={1: "gate"})), reply(text("Again."))])
    process = start(house, "--json", "go")
    model_server.wait(lambda server: "gate" in server._reached)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert run(house, "resume", "--last", "go on").stdout == "Again.\n"


@pytest.mark.parametrize("words", [("--json",), ()])
def test_a_program_that_does_not_read_cannot_keep_a_turn_from_being_ended(
    words: tuple[str, ...], house: House, model_server: ModelServer
) -> None:
    model_server.script(lambda *_: reply(text("x" * 400_000, deltas=4), call("exec_command", {"cmd": "true"})))
    process = start(house, *words, "go")
    assert process.stdout is not None
    # until the program stands in a write (which has the number 1, or 64) to a pipe that is full
    while (
        Path(f"/proc/{process.pid}/syscall").read_text().split()[0] not in ("1", "64")
        or _waiting(process.stdout.fileno()) < 30_000
    ):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    # nobody reads, and it ends
    assert process.wait(60) == 128 + signal.SIGTERM
    out, err = process.communicate()
    assert len(out) >= 30_000 and "Traceback" not in err


def _waiting(fd: int) -> int:
    """Bytes that nobody has read yet."""
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]
