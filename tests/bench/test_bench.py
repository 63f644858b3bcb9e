"""The benchmark itself: that every case runs, that tables and drawings say what the numbers say. No verdict on any time."""

from __future__ import annotations

import os
import select
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from . import driver
from .versus import chart, readme, result, table
from .versus.peers import native
from .versus.rounds import Run
from .versus.rows import GROUPS, Row

LESS, MORE = Row("a", "a case", target=0.5), Row("b", "another", "1/s", 2.0, more=True)


@pytest.mark.timeout(900)
def test_every_case_runs_with_treadle_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("", 1, (), short=True, out=tmp_path)
    run.measure()
    assert "failed" not in capsys.readouterr().out
    kept = result.read(tmp_path / "versus.json")
    for group in GROUPS:
        for door in group.doors:
            for row in group.rows:
                numbers = kept["numbers"][result.key(door, row.key)]["treadle"]
                # commands have no more steps than a hundred in a short run
                assert numbers[0] is not None or "step." in row.key, row


def test_a_program_that_waits_for_ever_is_ended_and_leaves_no_process(tmp_path: Path) -> None:
    program = driver.Talk(("/bin/sh", "-c", "sleep 1000 & echo $!; exec sleep 1000"), tmp_path, 1)
    child = int(program.lines().readline())
    over = os.pidfd_open(child)
    program.process.kill()
    program.process.wait()
    program.close()
    assert select.select([over], [], [], 60)[0], "the child of the killed program lives on"
    os.close(over)


def test_a_ratio_is_taken_within_each_round() -> None:
    # the machine was busy in the second round, for both
    line = table.line(LESS, [1.0, 10.0, 1.0], [2.0, 20.0, 4.0])
    assert line.ratio == table.Spread(0.5, 0.25, 0.5)
    assert line.ours == table.Spread(1.0, 1.0, 10.0)
    assert line.holds is True


def test_a_round_in_which_one_failed_has_no_ratio() -> None:
    line = table.line(LESS, [None, 3.0], [1.0, 4.0])
    assert line.ratio == table.Spread(0.75, 0.75, 0.75)
    assert line.holds is False
    assert table.line(LESS, [None], [1.0]).ratio is None


def test_more_a_second_reaches_a_target_from_above() -> None:
    assert table.line(MORE, [5.0], [2.0]).holds is True
    assert table.line(MORE, [3.0], [2.0]).holds is False
    assert table.line(Row("c", "no target"), [3.0], [2.0]).holds is None


def test_numbers_have_three_digits_that_count() -> None:
    assert [table.number(value) for value in (0, 0.0414, 1.234, 47.26, 338.7, 79988.4)] == [
        "0",
        "0.04",
        "1.23",
        "47.3",
        "339",
        "79,988",
    ]


def test_a_bar_goes_from_one_to_the_median_and_is_readable_in_light_and_dark() -> None:
    lines = [table.line(LESS, [1.0], [4.0]), table.line(MORE, [8.0], [2.0])]
    drawn = ET.fromstring(chart.ratios(lines, "treadle", "codex"))
    bars = [found for found in drawn.iter() if found.get("class") in ("good", "over", "plain")]
    # four times as many a second is a quarter of the time of one: both bars are alike
    assert [bar.get("class") for bar in bars] == ["good", "good"]
    assert bars[0].get("x") == bars[1].get("x")
    assert bars[0].get("width") == bars[1].get("width")
    assert "prefers-color-scheme: dark" in chart.STYLE


def test_a_curve_has_a_point_for_each_fifty_steps() -> None:
    curves = {"a tool": {"treadle": [1.0, 1.0, 1.0], "codex": [4.0, 5.0, 6.0]}}
    drawn = ET.fromstring(chart.growth(curves, "treadle", "codex", 50))
    points = [found.get("points", "").split() for found in drawn.iter() if found.get("points")]
    assert [len(line) for line in points] == [3, 3]


def test_what_is_kept_reads_back_the_same() -> None:
    kept = {"command": "make bench", "numbers": {"a": {"treadle": [1.5, None]}}, "curves": {}}
    assert result.json.loads(result.written(kept)) == kept


def test_the_table_in_readme_and_the_drawings_are_those_of_the_committed_numbers() -> None:
    kept = result.read(readme.RESULTS / "versus-codex.json")
    again = "python -m tests.bench.versus.readme"
    assert readme.within(readme.README.read_text(), readme.section(kept)) == readme.README.read_text(), again
    for ending, picture in result.pictures(kept).items():
        assert (readme.RESULTS / f"versus-codex{ending}.svg").read_text() == picture, again


def test_the_native_program_is_found_beside_the_script_that_starts_it(tmp_path: Path) -> None:
    script = tmp_path / "node_modules" / "@openai" / "codex" / "bin" / "codex.js"
    binary = tmp_path / "node_modules" / "@openai" / "codex-linux-x64" / "vendor" / "some-machine" / "bin" / "codex"
    for file in (script, binary):
        file.parent.mkdir(parents=True)
        file.touch()
    link = tmp_path / "codex"
    link.symlink_to(script)
    assert native(link) == binary
    assert native(binary) == binary
