"""Whole outputs on a real disk: bounded, private, gone in time, and never outside of their folder."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.adapters.outputs import DiskOutputs, part


def test_what_was_written_is_read_back_in_ranges(tmp_path: Path) -> None:
    outputs = DiskOutputs(tmp_path / "outputs")
    spill = outputs.open("thread", "item")
    spill.write("one\n")
    spill.write("two ☃\n")
    spill.close()
    assert spill.path is not None
    assert Path(spill.path).read_text("utf-8") == "one\ntwo ☃\n"
    assert spill.whole
    first = outputs.read("thread", spill.name, 0, 5)
    assert first is not None
    assert (first.text, first.start, first.end, first.size) == ("one\nt", 0, 5, 12)
    rest = outputs.read("thread", spill.name, first.end, 1_000)
    assert rest is not None
    assert (rest.text, rest.end) == ("wo ☃\n", 12)
    after = outputs.read("thread", spill.name, 99, 10)
    assert after is not None
    assert (after.text, after.start, after.end) == ("", 12, 12)


@given(st.text(), st.integers(4, 16))
def test_parts_joined_are_the_whole_whatever_the_cuts(text: str, limit: int) -> None:
    data = text.encode("utf-8", "replace")
    joined, at = "", 0
    while at < len(data):
        piece = part(data[at : at + limit], at, len(data))
        assert piece.end > at
        joined, at = joined + piece.text, piece.end
    assert joined.encode() == data


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    spill = DiskOutputs(tmp_path / "outputs").open("thread", "item")
    spill.close()
    path = Path(spill.path or "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_output_has_a_bound_and_says_so(tmp_path: Path) -> None:
    spill = DiskOutputs(tmp_path, call_bytes=10).open("thread", "item")
    for _ in range(5):
        spill.write("abc")
    spill.close()
    assert Path(spill.path or "").read_text() == "abcabcabca"
    assert not spill.whole


def test_the_oldest_outputs_of_a_thread_make_room_for_the_newest(tmp_path: Path) -> None:
    outputs = DiskOutputs(tmp_path, call_bytes=10, thread_bytes=30)
    for number in range(5):
        spill = outputs.open("thread", f"item-{number}")
        spill.write("x" * 10)
        spill.close()
        os.utime(spill.path or "", (number, number))
    assert sorted(path.name for path in (tmp_path / "thread").iterdir()) == ["item-2.txt", "item-3.txt", "item-4.txt"]


def test_outputs_of_threads_that_were_left_alone_for_long_are_removed(tmp_path: Path) -> None:
    for thread, age in (("old", 40 * 24 * 3600), ("new", 2 * 24 * 3600)):
        DiskOutputs(tmp_path).open(thread, "item").close()
        os.utime(tmp_path / thread, (time.time() - age,) * 2)
    DiskOutputs(tmp_path).open("now", "item").close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "now"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/etc/passwd", "a/b", "", "a\0b", "x" * 300])
def test_a_name_that_leads_elsewhere_is_no_output(name: str, tmp_path: Path) -> None:
    outputs = DiskOutputs(tmp_path / "outputs")
    assert outputs.read("thread", name, 0, 10) is None
    assert outputs.read(name, "item.txt", 0, 10) is None
    spill = outputs.open(name, "item")
    spill.write("x")
    assert spill.path is None


def test_a_link_in_the_place_of_an_output_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outputs" / "thread").mkdir(parents=True)
    (tmp_path / "outputs" / "thread" / "item.txt").symlink_to(tmp_path / "secret")
    outputs = DiskOutputs(tmp_path / "outputs")
    assert outputs.read("thread", "item.txt", 0, 10) is None
    assert outputs.open("thread", "item").path is None
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_folder_that_cannot_be_made_only_means_that_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file")
    spill = DiskOutputs(tmp_path / "outputs").open("thread", "item")
    spill.write("x")
    spill.close()
    assert spill.path is None


def test_a_forgotten_thread_has_no_outputs(tmp_path: Path) -> None:
    outputs = DiskOutputs(tmp_path)
    outputs.open("thread", "item").close()
    outputs.forget("thread")
    assert list(tmp_path.iterdir()) == []
