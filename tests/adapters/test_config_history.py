"""[treadle.history]: read, bounded, the user's alone, and nothing is ever deleted where nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.adapters.config import Loaded, load
from treadle.core.settings import HistoryLimits


def loaded(tmp_path: Path, text: str) -> Loaded:
    (tmp_path / "config.toml").write_text(text)
    cwd = tmp_path / "ws"
    cwd.mkdir(exist_ok=True)
    return load(codex_home=tmp_path, cwd=str(cwd), overrides={}, environ={}, system=tmp_path / "none.toml")


def test_nothing_said_keeps_everything(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").settings.history == HistoryLimits()


def test_both_limits_can_be_set(tmp_path: Path) -> None:
    found = loaded(tmp_path, "[treadle.history]\nmax_age_days = 90\nmax_mb = 500\n")
    assert found.settings.history == HistoryLimits(90, 500 * 1024 * 1024)
    assert found.warnings == ()


@pytest.mark.parametrize("line", ["max_age_days = 0", "max_age_days = -1", "max_mb = 9", 'max_mb = "all"', "max_age_days = true"])
def test_what_makes_no_sense_is_said_and_deletes_nothing(tmp_path: Path, line: str) -> None:
    found = loaded(tmp_path, f"[treadle.history]\n{line}\n")
    assert found.settings.history == HistoryLimits()
    assert line.split(maxsplit=1)[0] in found.warnings[0].sentence()


def test_a_folder_cannot_have_the_user_s_threads_deleted(tmp_path: Path) -> None:
    (tmp_path / "ws" / ".codex").mkdir(parents=True)
    (tmp_path / "ws" / ".codex" / "config.toml").write_text("[treadle.history]\nmax_age_days = 1\nmax_mb = 10\n")
    trusted = f'[projects."{tmp_path / "ws"}"]\ntrust_level = "trusted"\n'
    assert loaded(tmp_path, trusted).settings.history == HistoryLimits()
    assert loaded(tmp_path, trusted + "[treadle.history]\nmax_age_days = 50\n").settings.history == HistoryLimits(50)
