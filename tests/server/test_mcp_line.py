"""`treadle mcp`, as a program: lists, and a login with a browser that a test drives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fakes.ports import reserved_port
from treadle.command_line import Usage
from treadle.mcp_line import parse

TESTS = Path(__file__).resolve().parents[1]


class Program:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "CODEX_HOME": str(folder / "codex")}
        self.environ |= {"TREADLE_HOME": str(folder / "treadle"), "BROWSER": "false"}
        (folder / "codex").mkdir()

    def configure(self, text: str) -> None:
        (self.folder / "codex" / "config.toml").write_text(text)

    def run(self, *words: str) -> tuple[int, str, str]:
        done = subprocess.run(self.command(*words), capture_output=True, text=True, env=self.environ, cwd=self.folder, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "treadle", "mcp", *words]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    place, port = reserved_port()
    arguments = [sys.executable, "-m", "fakes.mcp_oauth", "--port", str(port), "--folder", str(tmp_path)]
    process = subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": str(TESTS)})
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=60)
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()
        place.close()


SERVERS = """
[mcp_servers.docs]
command = "docs-server"
args = ["--fast", "--token=sk-of-arguments"]
env = { DOCS_TOKEN = "sk-hidden" }
enabled = false
[mcp_servers.web]
url = "https://web.example/mcp"
http_headers = { X-Team = "sk-team" }
"""


def test_all_servers_are_listed_with_what_matters_and_without_secrets(program: Program) -> None:
    program.configure(SERVERS)
    code, out, _ = program.run("list")
    assert code == 0
    docs, web, *_ = out.splitlines()
    assert (docs, web) == ("docs  off  docs-server --fast --token=***", "web   on   https://web.example/mcp  not logged in")
    assert "not in the command sandbox" in out
    code, out, _ = program.run("list", "--json")
    listed = json.loads(out)
    assert [server["name"] for server in listed] == ["docs", "web"]
    assert listed[0]["env"] == ["DOCS_TOKEN"]
    assert listed[1]["headers"] == ["X-Team"]
    assert "sk-" not in out


def test_one_server_is_shown(program: Program) -> None:
    program.configure(SERVERS)
    code, out, _ = program.run("get", "docs")
    assert code == 0
    assert 'args: ["--fast", "--token=***"]' in out
    code, out, err = program.run("get", "other")
    assert (code, out) == (1, "")
    assert "there is no MCP server 'other' in config.toml" in err


def test_without_servers_the_way_to_add_one_is_said(program: Program) -> None:
    assert program.run("list")[:2] == (0, "There are no MCP servers in config.toml. Add one with [mcp_servers.NAME].\n")


def test_a_user_logs_in_and_out(program: Program, guarded: str) -> None:
    program.configure(f'[mcp_servers.guarded]\nurl = "{guarded}"\n')
    pipe = subprocess.PIPE
    with subprocess.Popen(
        program.command("login", "guarded", "--scopes", "read,write", "--no-browser"),
        stdout=pipe,
        stderr=pipe,
        text=True,
        env=program.environ,
        cwd=program.folder,
    ) as process:
        assert process.stdout is not None
        url = next(line.strip() for line in process.stdout if line.startswith("  http"))
        assert "You are logged in" in httpx.get(url, follow_redirects=True, timeout=60).text
        rest, err = process.communicate(timeout=60)
    assert (process.returncode, rest.strip(), err) == (0, "You are logged in to guarded.", "")
    assert "logged in" in program.run("list")[1]
    grants = [json.loads(line) for line in (program.folder / "grants").read_text().splitlines()]
    assert grants[-1]["scopes"] == ["read", "write"]
    assert program.run("logout", "guarded")[:2] == (0, "Logged out of guarded.\n")
    assert program.run("logout", "guarded")[:2] == (0, "You were not logged in to guarded.\n")
    assert "not logged in" in program.run("list")[1]


def test_what_cannot_be_logged_in_to_is_said(program: Program) -> None:
    program.configure(SERVERS + '[mcp_servers.gone]\nurl = "http://127.0.0.1:9/mcp"\n')
    code, _, err = program.run("login", "docs")
    assert (code, err) == (1, "treadle: docs is started by a command; there is nothing to log in to.\n")
    code, _, err = program.run("login", "gone")
    assert (code, err.startswith("treadle: The login to gone failed: it cannot be reached")) == (1, True)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "expected list, get, login, logout"),
        (["add"], "not add"),
        (["list", "x"], "one word too many"),
        (["login"], "give the name of one server"),
        (["get", "a", "b"], "give the name of one server"),
        (["list", "--yaml"], "no such option: --yaml"),
        (["login", "a", "--scopes"], "a value is missing"),
    ],
)
def test_words_that_make_no_sense_are_refused(words: list[str], says: str) -> None:
    with pytest.raises(Usage, match=says):
        parse(words)


def test_scopes_are_taken_apart() -> None:
    assert parse(["login", "a", "--scopes=x, y"]).scopes == ("x", "y")
    assert parse(["--help"]).help


def test_no_name_moves_the_cursor(program: Program) -> None:
    program.configure('[mcp_servers.odd]\ncommand = "x\\u001b[2Jb\\u202e"\n')
    code, out, _ = program.run("list")
    assert code == 0
    assert "\\x1b[2Jb\\u202e" in out
    assert not {"\x1b", "\u202e"} & set(out)
