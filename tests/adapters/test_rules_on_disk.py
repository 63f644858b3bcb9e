"""Files of rules on a real disk: which count, what a mistake costs, that a file is read once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes.config_home import ConfigHome, only
from treadle.adapters import rules as module
from treadle.adapters.rules import RuleFiles

ALLOW = 'prefix_rule(pattern=["{0}"], decision="allow")\n'


@pytest.fixture
def machine(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def names(machine: ConfigHome) -> list[str]:
    return [str(rule) for rule in machine.load().settings.rules.prefixes]


def test_the_users_own_rules_and_those_of_a_trusted_folder_count(machine: ConfigHome) -> None:
    write(machine.home / "rules", "b.rules", ALLOW.format("own_b"))
    write(machine.home / "rules", "a.rules", ALLOW.format("own_a"))
    write(machine.home / "rules", "a.txt", ALLOW.format("never"))
    write(machine.root / ".codex" / "rules", "x.rules", ALLOW.format("folders"))
    assert names(machine) == ["own_a", "own_b"]
    assert "not trusted" in only(machine.load()).sentence()
    machine.user(machine.trust("untrusted"))
    assert names(machine) == ["own_a", "own_b"]
    machine.user(machine.trust())
    assert names(machine) == ["own_a", "own_b", "folders"]
    assert machine.load().warnings == ()


def test_a_rule_knows_its_file_and_line(machine: ConfigHome) -> None:
    path = write(machine.home / "rules", "a.rules", "# first\n" + ALLOW.format("make"))
    assert machine.load().settings.rules.prefixes[0].place == f"{path}:2"


def test_a_broken_file_is_named_with_its_line_and_silences_no_other(machine: ConfigHome) -> None:
    path = write(machine.home / "rules", "a.rules", ALLOW.format("ls") + 'prefix_rule(pattern=["rm"], decision="maybe")\n')
    write(machine.home / "rules", "b.rules", ALLOW.format("make"))
    assert names(machine) == ["make"]
    problem = only(machine.load())
    assert (problem.file, problem.line) == (str(path), 2)
    assert "allow, prompt or forbidden" in problem.message


def test_what_a_broken_file_forbids_stays_forbidden(machine: ConfigHome) -> None:
    write(machine.home / "rules", "a.rules", 'prefix_rule(["rm"], "forbidden")\nprefix_rule(["ls"])\nfoo()\n')
    assert names(machine) == ["rm"]


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(machine: ConfigHome, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(machine.home / "rules", "a.rules", ALLOW.format("one"))
    first = machine.load().settings.rules
    monkeypatch.setattr(module, "parse", lambda text, source: pytest.fail("read again"))
    assert machine.load().settings.rules is first
    monkeypatch.undo()
    path.write_text(ALLOW.format("three"))
    assert names(machine) == ["three"]
    path.unlink()
    assert names(machine) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"\0", "cannot be read"),
        (b"(" * 100_000, "cannot be read"),
        (b"x = [" + b"1," * 10, "cannot be read"),
    ],
)
def test_content_that_is_no_rules_at_all_is_one_sentence(machine: ConfigHome, content: bytes, says: str) -> None:
    path = write(machine.home / "rules", "a.rules", "")
    path.write_bytes(content)
    write(machine.home / "rules", "b.rules", ALLOW.format("make"))
    assert names(machine) == ["make"]
    assert says in only(machine.load()).message


def test_a_file_that_vanishes_behind_a_link_or_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.rules").symlink_to(tmp_path / "gone")
    (tmp_path / "b.rules").mkdir()
    os.mkfifo(tmp_path / "c.rules")
    book, problems = RuleFiles().read([tmp_path, tmp_path / "missing"])
    assert not book.prefixes
    assert [Path(p.file).name for p in problems] == ["a.rules", "b.rules", "c.rules"]


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.rules", "#" * (module.MOST_BYTES + 1))
    _, (problem,) = RuleFiles().read([tmp_path])
    assert "longer" in problem.message
