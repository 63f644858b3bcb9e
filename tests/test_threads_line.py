"""`treadle threads` on a store of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.old_store import old_store
from treadle.adapters.store.sqlite import SqliteStore
from treadle.command_line import Usage
from treadle.core.items import ModelItem, Text, TurnBegan, TurnEnded, UserMessage, decode, dumps
from treadle.runtime.ports import ThreadMeta
from treadle.threads_line import ThreadsLine, main, parse


@dataclass
class Ended:
    returncode: int
    stdout: str
    stderr: str


Threads = Callable[..., Ended]


@pytest.fixture
def threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Threads:
    """The command in this process, with nobody at a terminal."""
    for name in ("ws", "codex", "treadle", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "ws")
    monkeypatch.setenv("TREADLE_HOME", str(tmp_path / "treadle"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def run(*words: str) -> Ended:
        capfd.readouterr()
        code = main(list(words), {})
        return Ended(code, *capfd.readouterr())

    return run


@pytest.fixture
def folder(tmp_path: Path, threads: Threads) -> Path:
    store = SqliteStore(tmp_path / "treadle")
    for thread_id, at, cwd, words, more in (
        ("t1", 1.0, "ws", "Feed the tigers", {}),
        ("t2", 2.0, "ws", "Wash \u001b[2J the bears", {"name": "Bear day"}),
        ("t3", 3.0, "other", "Count tigers", {}),
        ("t4", 4.0, "ws", "Old tigers", {"archived": True}),
    ):
        store.create(ThreadMeta(thread_id, at, at, str(tmp_path / cwd), "m", "p", words, **more))  # type: ignore[arg-type]
        done = dumps({"content": [{"type": "output_text", "text": f"Done: {words}"}]})
        store.append(
            thread_id,
            [
                TurnBegan("1", at, "t", {}),
                UserMessage("2", at, "t", (Text(words),)),
                ModelItem("3", at, "t", "message", done),
                TurnEnded("4", at, "t", "completed"),
            ],
        )
    store.close()
    return tmp_path


def first_words(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if not line.startswith(" ")]


def test_the_list_is_of_this_folder_and_the_last_used_comes_first(folder: Path, threads: Threads) -> None:
    here = threads("list")
    assert (here.returncode, here.stderr) == (0, "")
    assert first_words(here.stdout) == ["t2", "t1"]
    assert here.stdout.splitlines()[0].endswith("  Bear day")
    assert first_words(threads("list", "--all").stdout) == ["t3", "t2", "t1"]
    assert str(folder / "other") in threads("list", "--all").stdout
    assert first_words(threads("list", "--archived").stdout) == ["t4"]
    assert first_words(threads("list", "--cwd", "../other").stdout) == ["t3"]
    assert first_words(threads("list", "--limit=1").stdout) == ["t2"]
    rows = json.loads(threads("list", "--json").stdout)
    assert [(row["id"], row["name"]) for row in rows] == [("t2", "Bear day"), ("t1", None)]
    empty = threads("list", "--cwd", "/")
    assert (empty.returncode, empty.stdout) == (1, "")
    assert "--all" in empty.stderr


def test_a_search_says_where_and_fails_when_nothing_is_found(folder: Path, threads: Threads) -> None:
    found = threads("search", "feed", "tig")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[1] == "    Feed the tigers"
    assert first_words(threads("search", "tigers", "--all").stdout) == ["t3", "t1"]
    assert threads("search", '"tigers feed"').returncode == 1
    assert threads("search", "--", "->").returncode == 1
    rows = json.loads(threads("search", "tigers", "--json").stdout)
    assert [(row["thread"]["id"], row["snippet"], row["marks"]) for row in rows] == [("t1", "Feed the tigers", [[9, 15]])]
    nothing = threads("search", "lions", "--json")
    assert (nothing.returncode, json.loads(nothing.stdout)) == (1, [])


def test_what_an_older_version_kept_is_found_at_once(tmp_path: Path, threads: Threads) -> None:
    old_store(tmp_path / "treadle", 1, {"old": [UserMessage("1", 1.0, "t", (Text("an ancient tiger"),))] * 50})
    assert first_words(threads("search", "ancient", "--all").stdout) == ["old"]


def test_show_hides_what_a_terminal_would_obey(folder: Path, threads: Threads) -> None:
    shown = threads("show", "t2")
    assert shown.returncode == 0
    assert "# Bear day" in shown.stdout
    assert "Wash \ufffd[2J the bears" in shown.stdout
    thread = json.loads(threads("show", "t2", "--json").stdout)
    assert [item["type"] for item in thread["turns"][0]["items"]] == ["userMessage", "agentMessage"]
    missing = threads("show", "nope")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "treadle: no thread with the id nope\n"


def test_exports_go_to_the_output_or_into_a_file(folder: Path, threads: Threads) -> None:
    assert "### You\n\nFeed the tigers" in threads("export", "t1").stdout
    assert threads("export", "t1", "-o", "t1.jsonl").returncode == 0
    lines = (folder / "ws" / "t1.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["id"] == "t1"
    assert [decode(line).type for line in lines[1:]] == ["turn_began", "user_message", "model_item", "turn_ended"]
    assert threads("export", "t1", "--format", "jsonl").stdout.splitlines() == lines
    refused = threads("export", "t1", "-o", "no/such/folder.md")
    assert refused.returncode == 1
    assert "cannot be written" in refused.stderr
    assert os.listdir(folder / "ws") == ["t1.jsonl"]


def test_nothing_is_deleted_that_was_not_meant(folder: Path, threads: Threads) -> None:
    unasked = threads("delete", "t1")
    assert (unasked.returncode, "--yes" in unasked.stderr) == (2, True)
    assert threads("delete", "t1", "nope", "--yes").returncode == 1
    assert first_words(threads("list").stdout) == ["t2", "t1"]
    assert threads("delete", "t1", "t1", "-y").stdout == "1 thread deleted.\n"
    assert first_words(threads("list").stdout) == ["t2"]
    assert all(b"Feed" not in path.read_bytes() for path in (folder / "treadle").rglob("*") if path.is_file())


@pytest.mark.parametrize(("said", "left"), [("y\n", ["t2"]), ("\n", ["t2", "t1"]), ("no\n", ["t2", "t1"])])
def test_at_a_terminal_the_user_is_asked(
    folder: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch, said: str, left: list[str]
) -> None:
    master, terminal = os.openpty()
    os.write(master, said.encode())
    with monkeypatch.context() as patch, os.fdopen(terminal) as stdin:
        patch.setattr(sys, "stdin", stdin)
        ended = threads("delete", "t1")
    os.close(master)
    assert "Feed the tigers" in ended.stderr
    assert "Delete 1 thread for good? [y/N]" in ended.stderr
    assert ended.returncode == (0 if said == "y\n" else 1)
    assert first_words(threads("list").stdout) == left


def test_prune_says_first_and_keeps_to_the_limits(folder: Path, threads: Threads) -> None:
    assert "within the limits" in threads("prune").stdout
    (folder / "codex" / "config.toml").write_text("[treadle.history]\nmax_age_days = 30\n")
    assert first_words(threads("prune", "--dry-run").stdout) == ["t1", "t2", "t3", "t4"]
    assert threads("prune").returncode == 2
    assert [row["id"] for row in json.loads(threads("prune", "--dry-run", "--json").stdout)] == ["t1", "t2", "t3", "t4"]
    assert threads("prune", "--yes").stdout.splitlines()[-1] == "4 threads deleted."
    assert threads("list", "--all").returncode == 1


def test_a_reader_that_has_had_enough_ends_it_quietly(folder: Path) -> None:
    store = SqliteStore(folder / "treadle")
    for n in range(3_000):
        store.create(ThreadMeta(f"many{n}", 5.0, 5.0, str(folder / "ws"), "m", "p", "words " * 20))
    store.close()
    command = f"{sys.executable} -m treadle threads list | head -n 1"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert len(ended.stdout.splitlines()) == 1
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["list"], ThreadsLine("list")),
        (["search", "--all", "a", "-b", "c"], None),
        (["search", "a", "--", "-b"], ThreadsLine("search", ("a", "-b"))),
        (["export", "x", "--output=y", "--format=jsonl"], ThreadsLine("export", ("x",), format="jsonl", output="y")),
        (["delete", "a", "b", "-y"], ThreadsLine("delete", ("a", "b"), yes=True)),
        (["--limit", "3", "list"], ThreadsLine("list", limit=3)),
        (["-h", "nonsense"], ThreadsLine(help=True)),
    ],
)
def test_words_are_understood(words: list[str], line: ThreadsLine | None) -> None:
    if line is None:
        with pytest.raises(Usage):
            parse(words)
    else:
        assert parse(words) == line


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["feed"],
        ["show"],
        ["show", "a", "b"],
        ["list", "x"],
        ["search"],
        ["list", "--yes"],
        ["list", "--limit"],
        ["list", "--limit", "0"],
        ["export", "x", "--format", "pdf"],
        ["prune", "--cwd", "x"],
        ["--all=1", "list"],
    ],
)
def test_what_makes_no_sense_is_said(words: Sequence[str]) -> None:
    with pytest.raises(Usage, match=r"threads|--limit|--format"):
        parse(list(words))
