"""A file is read whole, however it changes meanwhile, and for a small one little memory is taken."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from treadle.adapters import file_read


def read(path: Path) -> bytes | None:
    return file_read.read(str(path)).data


def read_small(path: Path) -> bytes:
    return file_read.read_small(str(path), 1_000_000)


@pytest.mark.parametrize("reading", [read, read_small])
def test_a_small_file_takes_little_memory(tmp_path: Path, reading: Callable[[Path], bytes]) -> None:
    (tmp_path / "small").write_bytes(b"x" * 500)
    tracemalloc.start()
    try:
        assert reading(tmp_path / "small") == b"x" * 500
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 400_000


@pytest.mark.parametrize("reading", [read, read_small])
@pytest.mark.parametrize("was", [0, 10, 499, 500, 501, 100_000])
def test_a_file_that_grows_or_shrinks_while_it_is_read_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: Callable[[Path], bytes], was: int
) -> None:
    (tmp_path / "changes").write_bytes(b"x" * 500)
    true = os.fstat

    def earlier(fd: int) -> os.stat_result:
        now = true(fd)
        return os.stat_result((*now[:6], was, *now[7:10]))

    monkeypatch.setattr(file_read.os, "fstat", earlier)
    assert reading(tmp_path / "changes") == b"x" * 500


def test_what_is_too_large_shows_by_one_byte(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 500)
    assert [len(file_read.read_small(str(tmp_path / "f"), most)) for most in (0, 10, 499, 500, 501)] == [1, 11, 500, 500, 500]
