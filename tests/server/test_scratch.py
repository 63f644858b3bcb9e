"""Documents for the editor: private, bounded, gone with the connection, never written through a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.server import scratch as module
from treadle.server.scratch import Scratch


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scratch]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = Scratch()
    yield made
    made.close()


def test_a_document_is_private_and_gone_with_the_connection(scratch: Scratch, tmp_path: Path) -> None:
    path = Path(scratch.write("explanation", "# \U0001f600 \udcff"))
    assert path.read_text().startswith("# \U0001f600 ")
    assert path.stat().st_mode & 0o77 == 0 and path.parent.stat().st_mode & 0o77 == 0
    scratch.close()
    assert list(tmp_path.iterdir()) == []
    scratch.close()


def test_nothing_is_made_before_it_is_needed(scratch: Scratch, tmp_path: Path) -> None:
    scratch.close()
    assert list(tmp_path.iterdir()) == []


def test_old_documents_make_room(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 3)
    paths = [Path(scratch.write("explanation", str(number))) for number in range(5)]
    assert [path.exists() for path in paths] == [False, False, True, True, True]


def test_a_link_in_the_way_is_not_followed(scratch: Scratch, tmp_path: Path) -> None:
    first = Path(scratch.write("explanation", "one"))
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (first.parent / "explanation-2.md").symlink_to(precious)
    with pytest.raises(FileExistsError):
        scratch.write("explanation", "two")
    assert precious.read_text() == "mine"


def test_a_folder_put_in_the_place_of_ours_is_not_written_to(scratch: Scratch, tmp_path: Path) -> None:
    folder = Path(scratch.write("explanation", "one")).parent
    home = tmp_path / "home"
    home.mkdir()
    os.rename(folder, tmp_path / "aside")
    folder.symlink_to(home)
    scratch.write("explanation", "two")
    assert list(home.iterdir()) == [] and (tmp_path / "aside" / "explanation-2.md").exists()
    scratch.close()
    assert home.exists()
