"""`treadle rules check` as a process: the verdict, its parts, and the rule that says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from treadle.command_line import Usage
from treadle.rules_line import RulesLine, parse

RULES = """
prefix_rule(pattern=["git", "status"])
prefix_rule(pattern=["rm"], decision="forbidden", justification="Use trash instead.")
"""


def check(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "codex" / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "codex" / "config.toml").write_text(
        'sandbox_mode = "workspace-write"\nmodel = "m"\nmodel_provider = "p"\n'
        '[model_providers.p]\nname = "p"\nbase_url = "http://127.0.0.1:1/v1"\n'
    )
    (folder / "codex" / "rules" / "mine.rules").write_text(RULES)
    environ = {**os.environ, "TREADLE_HOME": str(folder / "treadle"), "CODEX_HOME": str(folder / "codex")}
    command = [sys.executable, "-m", "treadle", "rules", "check", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, cwd=folder)


def test_the_rules_in_force_are_explained_with_their_file(tmp_path: Path):
    ran = check(tmp_path, "--", "git status && sudo rm x")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("It does not run: A rule forbids `rm`. Use trash instead.")
    assert f"{tmp_path}/codex/rules/mine.rules:3" in ran.stdout
    assert "allow   git status" in ran.stdout


def test_a_file_is_judged_by_itself_and_its_mistakes_are_told(tmp_path: Path):
    (tmp_path / "f.rules").write_text('prefix_rule(["ls"], "prompt")\nnonsense()\n')
    ran = check(tmp_path, "--json", "--rules", "f.rules", "--", "ls", "a b")
    found = json.loads(ran.stdout)
    assert "f.rules:2: nonsense is not known here" in ran.stderr
    assert (found["verdict"], found["decision"], found["parts"][0]["words"]) == ("ask", "prompt", ["ls", "a b"])


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path):
    ran = check(tmp_path, "--rules", "gone.rules", "--", "ls")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "treadle: gone.rules: No such file or directory\n"


def test_signs_that_a_terminal_obeys_are_escaped(tmp_path: Path):
    assert "\x1b" not in check(tmp_path, "--", "printf '\x1b[2J'").stdout


def test_one_word_is_a_line_and_several_are_a_command():
    assert parse(["check", "--", "a; b"]) == RulesLine("check", command="a; b")
    assert parse(["check", "--cwd", "/x", "--", "a;", "b"]) == RulesLine("check", command="'a;' b", cwd="/x")


@pytest.mark.parametrize(
    "words", [["check"], ["check", "ls"], ["check", "--rules", "--", "ls"], ["list", "--", "ls"], ["list", "--cwd", "x"]]
)
def test_a_line_that_makes_no_sense_is_refused(words: list[str]):
    with pytest.raises(Usage):
        parse(words)
