"""`treadle rules` as a process, on a store of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from treadle.adapters.store.sqlite import SqliteStore
from treadle.command_line import Usage
from treadle.core.grants import Grant, Subject
from treadle.rules_line import RulesLine, parse

GRANTS = [
    Grant("g1", "always", Subject("command", "npm test", outside=True), 1.0),
    Grant("g2", "workspace", Subject("files", "/srv/a\u001b[2J/"), 2.0, workspace="/elsewhere"),
    Grant("g3", "always", Subject("network", "ads.test", deny=True), 3.0),
]


def rules(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    homes = {"TREADLE_HOME": str(folder / "treadle"), "CODEX_HOME": str(folder / "codex")}
    (folder / "codex").mkdir(exist_ok=True)
    (folder / "ws").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "treadle", "rules", *words]
    environ = {**os.environ, **homes}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, cwd=folder / "ws", check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = SqliteStore(tmp_path / "treadle")
    store.grants.write(GRANTS, [])
    store.close()
    return tmp_path


def test_the_list_names_what_counts_here_and_hides_what_a_terminal_would_obey(folder: Path) -> None:
    here = rules(folder, "list")
    assert here.returncode == 0, here.stderr
    assert here.stdout.splitlines() == [
        "g1  always     command npm test (also outside the sandbox)",
        "g3  always     host ads.test (denied)",
    ]
    everything = rules(folder, "list", "--all").stdout
    assert "/srv/a\ufffd[2J/" in everything
    assert "in /elsewhere" in everything


def test_the_list_as_json_is_the_protocol_s(folder: Path) -> None:
    listed = json.loads(rules(folder, "list", "--json").stdout)
    assert [grant["id"] for grant in listed["grants"]] == ["g1", "g3"]
    assert listed["rules"] == []


def test_a_revoked_grant_is_gone_and_an_unknown_one_revokes_nothing(folder: Path) -> None:
    refused = rules(folder, "revoke", "g1", "nope")
    assert refused.returncode == 1
    assert refused.stderr == "treadle: there is no grant nope: it may have been removed meanwhile\n"
    assert rules(folder, "revoke", "g1", "g2").stdout == "2 revoked; 1 left.\n"
    assert [grant["id"] for grant in json.loads(rules(folder, "list", "--all", "--json").stdout)["grants"]] == ["g3"]


def test_words_are_understood() -> None:
    assert parse(["list", "--json"]) == RulesLine("list", json=True)
    assert parse(["revoke", "a", "b"]) == RulesLine("revoke", ids=("a", "b"))
    assert parse(["--help"]).help


@pytest.mark.parametrize("words", [[], ["revoke"], ["list", "x"], ["forget"], ["list", "--yes"]])
def test_words_that_make_no_sense_are_named(words: list[str]) -> None:
    with pytest.raises(Usage):
        parse(words)
