"""The words of the command line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from treadle import __version__
from treadle.command_line import Usage, parse, parse_sandbox


def test_exec_understands_its_options_in_any_order() -> None:
    words = ["exec", "-C", "/w", "--json", "-m", "gpt", "-s", "read-only", "-i", "a.png,b.png", "--image=c.png", "-o", "f"]
    line = parse([*words, "--output-schema", "s", "--skip-git-repo-check", "--ephemeral", "-c", "a=1", "--config=b=x=y", "do it"])
    assert (line.command, line.cd, line.json, line.model, line.sandbox) == ("exec", "/w", True, "gpt", "read-only")
    assert (line.images, line.output_last_message, line.output_schema) == (["a.png", "b.png", "c.png"], "f", "s")
    assert (line.ephemeral, line.config, line.prompt) == (True, ["a=1", "b=x=y"], "do it")


@pytest.mark.parametrize(
    ("words", "resume", "prompt"),
    [
        (["exec", "resume", "id", "go on"], "id", "go on"),
        (["exec", "resume", "--last", "go on"], "last", "go on"),
        (["exec", "resume", "--last"], "last", None),
        (["exec", "--", "-x"], None, "-x"),
        (["exec", "-"], None, "-"),
        (["exec"], None, None),
    ],
)
def test_exec_finds_the_prompt_and_the_thread(words: list[str], resume: str | None, prompt: str | None) -> None:
    line = parse(words)
    assert (line.resume, line.prompt) == (resume, prompt)


def test_the_ledger_and_a_prompt_are_of_a_thread() -> None:
    assert (parse(["ledger"]).thread, parse(["ledger", "id", "--json"]).thread) == (None, "id")
    line = parse(["prompt", "id", "--request", "12", "--json"])
    assert (line.thread, line.request, line.json) == ("id", 12, True)
    assert parse(["prompt", "--request=3", "id"]).request == 3
    assert parse(["prompt", "-h"]).help


def test_options_may_stand_before_the_command() -> None:
    assert parse(["-c", "a=1", "serve", "-cb=2"]).config == ["a=1", "b=2"]


def test_an_editor_says_to_serve_what_is_trusted_and_what_holds_where_nobody_says_anything() -> None:
    line = parse(["serve", "--trusted", "/a", "--trusted=/b", "--default", "a=1", "--restricted", "-c", "b=2"])
    assert (line.trusted, line.defaults, line.restricted, line.config) == (["/a", "/b"], ["a=1"], True, ["b=2"])


@pytest.mark.parametrize(
    "words",
    [
        ["app-server", "--restricted"],
        ["serve", "--default", "a"],
        ["serve", "--trusted"],
        ["fly"],
        ["serve", "-m", "x"],
        ["exec", "-m"],
        ["exec", "a", "b"],
        ["exec", "-s", "x"],
        ["exec", "-c", "a"],
        ["exec", "--no"],
        ["exec", "resume"],
        ["exec", "--color", "red", "x"],
        ["serve", "word"],
        ["prompt"],
        ["prompt", "id", "--request", "0"],
        ["prompt", "id", "--request", "last"],
        ["prompt", "id", "--request"],
        ["ledger", "id", "--request", "1"],
        ["ledger", "id", "more"],
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str]) -> None:
    with pytest.raises(Usage):
        parse(words)


def treadle(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "treadle", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **more)  # type: ignore[call-overload]


def test_the_program_says_what_it_is() -> None:
    said = json.loads(treadle("--version", "--json").stdout)
    assert (said["name"], said["version"]) == ("treadle", __version__) and said["protocol"] == 2
    assert treadle("--version").stdout == f"treadle {__version__}\n"
    assert "app-server" in treadle().stdout and "--json" in treadle("exec", "-h").stdout


def test_a_wrong_command_line_is_one_sentence_and_status_2() -> None:
    for words in (["fly"], ["exec"], ["exec", "-C", "/no/such", "x"]):
        ran = treadle(*words)
        assert ran.returncode == 2 and ran.stderr.startswith("treadle: ") and "Traceback" not in ran.stderr


def test_the_options_of_sandbox_end_at_the_first_word_that_is_none() -> None:
    line = parse(
        ["-c", "a=1", "sandbox", "--mode", "read-only", "--root", "x", "--root=y", "--network", "-C", "/w", "ls", "-l", "--root"]
    )
    assert line.command == "sandbox"
    asked = parse_sandbox(line.rest, line.config)
    assert (asked.mode, asked.roots, asked.network, asked.cwd) == ("read-only", ["x", "y"], True, "/w")
    assert (asked.command, asked.config) == (["ls", "-l", "--root"], ["a=1"])


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["--", "ls", "--", "-h"], ["ls", "--", "-h"]),
        (["-s", "read-only", "--", "-x"], ["-x"]),
        (["-"], ["-"]),
        (["-cb=2", "--degraded", "ls"], ["ls"]),
    ],
)
def test_sandbox_finds_its_command(words: list[str], command: list[str]) -> None:
    assert parse_sandbox(words, []).command == command


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "give a command"),
        (["--"], "give a command"),
        (["--mode", "x", "ls"], "read-only"),
        (["--root"], "a value is missing"),
        (["--netwerk", "ls"], "no such option"),
        (["-c", "a", "ls"], "KEY=VALUE"),
    ],
)
def test_sandbox_says_which_word_makes_no_sense(words: list[str], problem: str) -> None:
    with pytest.raises(Usage, match=problem):
        parse_sandbox(words, [])


def test_sandbox_loads_no_server_and_no_client_of_anything() -> None:
    heavy = ("pydantic", "pygls", "lsprotocol", "httpx", "mcp", "sqlite3", "tree_sitter")
    script = f"import sys, treadle.confined; print([name for name in {heavy!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
