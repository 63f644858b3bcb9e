"""[treadle.checkpoints]: read, bounded, and ours where nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.adapters.config import Loaded, load
from treadle.core.settings import CheckpointRules


def loaded(tmp_path: Path, text: str) -> Loaded:
    (tmp_path / "config.toml").write_text(text)
    return load(codex_home=tmp_path, cwd=str(tmp_path), overrides={}, environ={}, system=tmp_path / "none.toml")


def test_every_rule_can_be_set_and_has_a_value_without(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").settings.checkpoints == CheckpointRules()
    text = "enabled = false\nmax_file_bytes = 1\nmax_total_bytes = 2\nmax_files = 3\nignore = ['*.sqlite', '/data/']"
    rules = CheckpointRules(False, 1, 2, 3, ("*.sqlite", "/data/"))
    assert loaded(tmp_path, f"[treadle.checkpoints]\n{text}\n").settings.checkpoints == rules


@pytest.mark.parametrize("line", ["max_files = -1", 'max_file_bytes = "1 MB"', "ignore = '*.log'", "enabled = 1"])
def test_what_makes_no_sense_is_said_and_left_out(tmp_path: Path, line: str) -> None:
    found = loaded(tmp_path, f"[treadle.checkpoints]\n{line}\n")
    assert found.settings.checkpoints == CheckpointRules()
    assert line.split(maxsplit=1)[0] in found.warnings[0].sentence()
