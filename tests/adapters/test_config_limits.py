"""[treadle.limits]: read, bounded, and left to the machine where nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.adapters.config import Loaded, load
from treadle.core.settings import CommandLimits

MB = 1024 * 1024


def loaded(tmp_path: Path, text: str) -> Loaded:
    (tmp_path / "config.toml").write_text(text)
    return load(codex_home=tmp_path, cwd=str(tmp_path), overrides={}, environ={}, system=tmp_path / "none.toml")


def test_nothing_said_leaves_it_to_the_machine(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").settings.limits == CommandLimits()


def test_every_bound_can_be_set(tmp_path: Path) -> None:
    text = "[treadle.limits]\nmemory_mb = 512\nprocesses = 100\nfile_mb = 7\ndisk_reserve_mb = 0\n"
    assert loaded(tmp_path, text).settings.limits == CommandLimits(512 * MB, 100, 7 * MB, 0)


@pytest.mark.parametrize(
    "line", ["memory_mb = 1", "processes = 0", "file_mb = -1", 'memory_mb = "much"', "disk_reserve_mb = true"]
)
def test_what_makes_no_sense_is_said_and_left_out(tmp_path: Path, line: str) -> None:
    found = loaded(tmp_path, f"[treadle.limits]\n{line}\n")
    assert found.settings.limits == CommandLimits()
    assert line.split(maxsplit=1)[0] in found.warnings[0].sentence()
