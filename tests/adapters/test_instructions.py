"""AGENTS.md discovery on a real disk, rule by rule."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from treadle.adapters.instructions import MAX_GLOBAL_BYTES, InstructionFiles
from treadle.core.settings import Provider, Settings


class Repository:
    def __init__(self, base: Path) -> None:
        self.home, self.root, self.cwd = base / "home", base / "repo", base / "repo" / "a" / "b"
        for folder in (self.home, self.root / ".git", self.cwd):
            folder.mkdir(parents=True)
        self.settings = Settings(cwd=str(self.cwd), model="m", provider=Provider("p", "P", ""))
        self.files = InstructionFiles(self.home)

    def put(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def texts(self, **changes: object) -> list[str]:
        return [document.text for document in self.files.find(replace(self.settings, **changes)).documents]  # type: ignore[arg-type]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_one_file_per_folder_from_the_root_down(repository: Repository) -> None:
    repository.put("../AGENTS.md", "above the root")
    repository.put("AGENTS.md", "root")
    repository.put("a/AGENTS.md", "ordinary")
    repository.put("a/AGENTS.override.md", "override")
    repository.put("a/b/AGENTS.md", "leaf")
    repository.put("a/b/c/AGENTS.md", "below the folder")
    found = repository.files.find(repository.settings)
    assert [document.text for document in found.documents] == ["root", "override", "leaf"]
    assert [Path(document.path).name for document in found.documents] == ["AGENTS.md", "AGENTS.override.md", "AGENTS.md"]
    assert found.problems == ()


def test_fallback_names_are_tried_in_order_after_the_ordinary_ones(repository: Repository) -> None:
    repository.put("CLAUDE.md", "claude")
    repository.put("a/CLAUDE.md", "claude a")
    repository.put("a/RULES.md", "rules")
    repository.put("a/b/AGENTS.md", "agents")
    repository.put("a/b/CLAUDE.md", "claude b")
    names = ("RULES.md", "CLAUDE.md", "../x", "")
    assert repository.texts(doc_fallback_names=names) == ["claude", "rules", "agents"]
    assert repository.texts() == ["agents"]


@pytest.mark.parametrize(
    ("markers", "texts"),
    [((".git",), ["root", "a", "b"]), ((".hg",), ["b"]), ((), ["b"]), (("AGENTS.md",), ["b"]), (("mark",), ["a", "b"])],
)
def test_the_root_is_where_a_marker_is(repository: Repository, markers: tuple[str, ...], texts: list[str]) -> None:
    repository.put("AGENTS.md", "root")
    repository.put("a/AGENTS.md", "a")
    repository.put("a/mark", "")
    repository.put("a/b/AGENTS.md", "b")
    assert repository.texts(root_markers=markers) == texts


def test_the_budget_is_shared_and_cuts_the_file_that_crosses_it(repository: Repository) -> None:
    repository.put("AGENTS.md", "12345678")
    repository.put("a/AGENTS.md", "ab€")
    repository.put("a/b/AGENTS.md", "never")
    found = repository.files.find(replace(repository.settings, doc_max_bytes=12))
    assert [document.text for document in found.documents] == ["12345678", "ab"], "no half character"
    assert "cut" in found.problems[0]
    assert str(repository.cwd) in found.problems[1]
    assert repository.texts(doc_max_bytes=8) == ["12345678"]
    assert repository.texts(doc_max_bytes=0) == []


def test_the_global_file_is_first_and_not_charged(repository: Repository) -> None:
    (repository.home / "AGENTS.md").write_text("mine " * 10)
    repository.put("AGENTS.md", "12345678")
    found = repository.files.find(replace(repository.settings, doc_max_bytes=8))
    assert [(document.text[:8], document.is_global) for document in found.documents] == [("mine min", True), ("12345678", False)]
    (repository.home / "AGENTS.override.md").write_text(" \n")
    assert repository.texts(doc_max_bytes=0) == ["mine " * 10], "an empty override does not count"
    (repository.home / "AGENTS.override.md").write_text("x" * (MAX_GLOBAL_BYTES + 5))
    assert repository.texts() == ["x" * MAX_GLOBAL_BYTES, "12345678"]


def test_what_is_no_regular_file_is_named_and_the_next_name_is_read(repository: Repository) -> None:
    (repository.home / "AGENTS.override.md").mkdir()
    (repository.home / "AGENTS.md").symlink_to("/dev/zero")
    os.mkfifo(repository.root / "AGENTS.md")
    repository.put("CLAUDE.md", "instead")
    (repository.root / "a" / "AGENTS.override.md").symlink_to("nowhere")
    target = repository.put("elsewhere.txt", "linked")
    (repository.root / "a" / "AGENTS.md").symlink_to(target)
    (repository.cwd / "AGENTS.md").symlink_to("AGENTS.md")
    found = repository.files.find(replace(repository.settings, doc_fallback_names=("CLAUDE.md",)))
    assert [document.text for document in found.documents] == ["instead", "linked"]
    odd = [repository.home / "AGENTS.override.md", repository.home / "AGENTS.md", repository.root / "AGENTS.md"]
    odd += [repository.root / "a" / "AGENTS.override.md", repository.cwd / "AGENTS.md"]
    assert found.problems == tuple(f"{path} is not a regular file and is not read." for path in odd)


@pytest.mark.parametrize(
    "data", [b"text with a \0", "utf-16".encode("utf-16"), "\u041f\u0440\u0438\u0432\u0435\u0442".encode("koi8-r")]
)
def test_a_file_that_is_not_text_is_named_and_not_sent(repository: Repository, data: bytes) -> None:
    path = repository.put("AGENTS.md", data)
    found = repository.files.find(repository.settings)
    assert (found.documents, found.problems) == ((), (f"{path} is not UTF-8 text and is not sent.",))


def test_a_few_wrong_bytes_are_replaced_and_named(repository: Repository) -> None:
    path = repository.put("AGENTS.md", b"\xef\xbb\xbfUse caf\xe9 style.")
    repository.put("a/AGENTS.md", "a true \ufffd sign")
    found = repository.files.find(repository.settings)
    assert [document.text for document in found.documents] == ["Use caf\ufffd style.", "a true \ufffd sign"]
    assert found.problems == (f"{path} has bytes that are not UTF-8; they are sent as \ufffd.",)


def test_blank_files_are_left_out(repository: Repository) -> None:
    repository.put("a/AGENTS.md", " \n\t\n")
    repository.put("a/b/AGENTS.md", "b")
    assert repository.texts() == ["b"]


def test_a_huge_file_is_read_only_as_far_as_it_counts(repository: Repository) -> None:
    with (repository.root / "AGENTS.md").open("wb") as file:
        file.write(b"start" + b"." * 100_000)
        file.truncate(10**10)
    (text,) = repository.texts()
    assert len(text) == repository.settings.doc_max_bytes
    assert text.startswith("start")


def test_a_file_that_vanishes_between_look_and_read_is_said(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    path = repository.put("AGENTS.md", "root")
    really_open = os.open

    def vanish(name: str, flags: int) -> int:
        path.unlink()
        return really_open(name, flags)

    monkeypatch.setattr(os, "open", vanish)
    found = repository.files.find(repository.settings)
    assert found.documents == ()
    assert str(path) in found.problems[0]


def test_asking_again_reads_nothing_and_a_change_is_seen(repository: Repository) -> None:
    path = repository.put("AGENTS.md", "one")
    first = repository.files.find(repository.settings)
    assert repository.files.find(repository.settings) is first
    path.write_text("two")
    assert repository.texts() == ["two"]
    repository.put("a/AGENTS.md", "new")
    assert repository.texts() == ["two", "new"]
    path.unlink()
    assert repository.texts() == ["new"]


def test_a_folder_that_is_not_there_has_no_instructions(repository: Repository) -> None:
    assert repository.texts(cwd=str(repository.cwd / "gone"), root_markers=()) == []


def test_further_folders_of_the_workspace_bring_theirs_which_hold_there_only(repository: Repository) -> None:
    repository.put("AGENTS.md", "root")
    other = repository.root.parent / "other"
    repository.put("../other/AGENTS.md", "other")
    assert repository.texts(roots=(str(other), str(repository.cwd))) == ["root", f"For the files in {other} only:\n\nother"]
    assert repository.texts() == ["root"]
