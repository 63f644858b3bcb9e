"""[skills] of config.toml: which layers count, which entry wins, and what is said about entries that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.config_home import ConfigHome, only
from treadle.core.settings import SkillRule


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def test_skills_are_turned_off_by_path_or_name_and_a_relative_path_starts_at_the_file(home: ConfigHome) -> None:
    home.user(
        '[[skills.config]]\npath = "/s/one/SKILL.md"\nenabled = false\n'
        '[[skills.config]]\npath = "skills/two"\nenabled = false\n'
        '[[skills.config]]\nname = "three"\nenabled = false\n'
    )
    loaded = home.load()
    assert loaded.warnings == ()
    assert loaded.settings.skill_rules == (
        SkillRule(enabled=False, path="/s/one/SKILL.md"),
        SkillRule(enabled=False, path=str(home.home / "skills" / "two")),
        SkillRule(enabled=False, name="three"),
    )


def test_what_the_command_line_says_comes_last_because_the_last_rule_wins(home: ConfigHome) -> None:
    home.user('[[skills.config]]\nname = "one"\nenabled = false\n')
    home.system.write_text('[[skills.config]]\nname = "zero"\nenabled = false\n')
    loaded = home.load(skills__config=[{"name": "one", "enabled": True}])
    assert [(rule.name, rule.enabled) for rule in loaded.settings.skill_rules] == [("zero", False), ("one", False), ("one", True)]


def test_a_folders_own_file_does_not_turn_skills_off(home: ConfigHome) -> None:
    home.user(home.trust())
    path = home.project('[[skills.config]]\nname = "one"\nenabled = false\n')
    loaded = home.load()
    assert loaded.settings.skill_rules == ()
    assert only(loaded).file == str(path)
    assert "not taken from a folder's own file" in only(loaded).message


@pytest.mark.parametrize(
    "entry",
    ['name = "x"', "enabled = false", "name = 3\nenabled = false", 'name = "x"\nenabled = "no"', 'path = " "\nenabled = true'],
)
def test_an_entry_that_cannot_be_used_is_reported_and_the_next_one_counts(home: ConfigHome, entry: str) -> None:
    home.user(f'[[skills.config]]\n{entry}\n[[skills.config]]\nname = "good"\nenabled = false\n')
    loaded = home.load()
    assert loaded.settings.skill_rules == (SkillRule(enabled=False, name="good"),)
    assert only(loaded).message.startswith("entry 1 needs a path or a name")


@pytest.mark.parametrize("text", ["[skills]\nconfig = 3\n", "[skills.config]\nname = 'x'\n", "[skills]\nconfig = [1]\n"])
def test_a_list_that_is_none_is_reported(home: ConfigHome, text: str) -> None:
    home.user(text)
    loaded = home.load()
    assert loaded.settings.skill_rules == ()
    assert only(loaded).key == "skills.config"


def test_a_skills_table_that_is_none_is_left_alone(home: ConfigHome) -> None:
    home.user("skills = 3\n")
    assert home.load().settings.skill_rules == ()


@pytest.mark.parametrize(("given", "expected", "problems"), [(500, 500, 0), (20_000, 10_000, 0), (0, None, 1), ("a", None, 1)])
def test_the_room_for_the_list_has_a_most(home: ConfigHome, given: object, expected: int | None, problems: int) -> None:
    home.user(f"[skills]\nmax_context_tokens = {json.dumps(given)}\n")
    loaded = home.load()
    assert loaded.settings.skills_max_tokens == expected
    assert len(loaded.warnings) == problems
