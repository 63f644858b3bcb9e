"""Patches to files that are not simply there: changed since, unsaved, encoded otherwise, no files at all; and useless patches."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.patching import TOOL, call, changes, contents, patched, prepare, scope_in
from treadle.core.errors import ToolFailure
from treadle.tools import patching


async def test_a_file_that_changed_since_it_was_read_is_patched_where_the_patch_still_fits(tmp_path: Path) -> None:
    path = tmp_path / "u.txt"
    path.write_text("a\nb\n")
    scope = scope_in(tmp_path)
    scope.known.note(str(path), b"a\nb\n")
    path.write_text("the user's\na\nb\n")
    result = await patched(scope, "*** Update File: u.txt", "-b", "+B")
    assert path.read_text() == "the user's\na\nB\n"
    assert "Note: u.txt was not as you last saw it: it has changed since you read it" in result.text
    # What its own patch made of the file is known.
    assert "Note" not in (await patched(scope, "*** Update File: u.txt", "-a", "+A")).text


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("def total(items):\n    return sum(items, 1)\n", "The closest lines are now, from line 1 on:\ndef total(items):\n"),
        ("def total(items):\n    return sum(items)\n" * 2, "fits 2 places equally well"),
    ],
)
async def test_a_file_that_changed_since_it_was_read_and_does_not_fit_is_shown_as_it_is(
    tmp_path: Path, now: str, words: str
) -> None:
    path = tmp_path / "u.py"
    path.write_text(now)
    scope = scope_in(tmp_path)
    scope.known.note(str(path), b"def total(items):\n    return sum(items)\n")
    with pytest.raises(ToolFailure) as failed:
        await prepare(scope, "*** Update File: u.py", " def total(items):", "-    return sum(items)", "+    return 0")
    assert f"{path}: it has changed since you read it (by the user, another program or a command)" in str(failed.value)
    assert words in str(failed.value)
    assert path.read_text() == now


@pytest.mark.parametrize(
    "lines", [["*** Delete File: f"], ["*** Add File: f", "+x"], ["*** Update File: other", "*** Move to: f", "-1", "+2"]]
)
async def test_a_file_that_changed_since_it_was_read_is_not_lost_whole(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "f").write_text("the user's\n")
    (tmp_path / "other").write_text("1\n")
    scope = scope_in(tmp_path)
    scope.known.note(str(tmp_path / "f"), b"as it was\n")
    with pytest.raises(ToolFailure, match=r"Refused to (delete|replace) .*has changed since you read it"):
        await prepare(scope, *lines)


@pytest.mark.parametrize("lines", [["-key = old", "+x"], ["-key = secret", "+x"], ["@@ key is", "-x"]])
async def test_lines_of_a_file_that_is_not_the_agents_are_not_told(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "login").write_text("key = secret\n# token = 1234\nkey = secret\n# key is token = 5678\n")
    scope = scope_in(tmp_path / "in")
    with pytest.raises(ToolFailure, match=r"Failed to find|fits several places") as failed:
        await prepare(scope, "*** Update File: ../login", *lines)
    assert "token" not in str(failed.value)
    (tmp_path / "in/f").write_text("key = secret\n# token\n")
    with pytest.raises(ToolFailure, match="# token"):
        await prepare(scope_in(tmp_path / "in", "read-only"), "*** Update File: f", "-key = secret", "-x")


async def test_renaming_a_file_to_itself_changes_it_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    result = await patched(scope_in(tmp_path), "*** Update File: f", "*** Move to: ./f", "-a", "+b")
    assert result.text.splitlines()[1:] == ["M f"]
    await patched(scope_in(tmp_path), "*** Update File: f", "*** Move to: f")
    assert contents(tmp_path) == {"f": b"b\n"}


async def test_names_that_differ_in_case_only_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\n")
    await patched(scope_in(tmp_path), "*** Add File: A.txt", "+2", "*** Update File: a.txt", "-1", "+one")
    assert contents(tmp_path) == {"A.txt": b"2\n", "a.txt": b"one\n"}
    await patched(scope_in(tmp_path), "*** Delete File: A.txt", "*** Update File: a.txt", "*** Move to: B.txt")
    assert contents(tmp_path) == {"B.txt": b"one\n"}


@pytest.mark.parametrize(
    ("data", "lines", "wanted"),
    [
        ("\ufeffa\r\né\r\n".encode("utf-16-le"), ["-a", "+ü"], "\ufeffü\r\né\r\n".encode("utf-16-le")),
        ("plain a\nb\n".encode("utf-16-be"), ["-b", "+ü"], "plain a\nü\n".encode("utf-16-be")),
        (b"caf\xe9\nb\n", ["-b", "+\u00fcber"], b"caf\xe9\n\xfcber\n"),
        (b"caf\xe9\nb\n", [" caf\u00e9", "-b"], b"caf\xe9\n"),
        (b"\xef\xbb\xbfa\n", ["-a", "+b"], b"\xef\xbb\xbfb\n"),
        (b"", ["+x"], b"x\n"),
    ],
)
async def test_a_file_keeps_its_encoding(tmp_path: Path, data: bytes, lines: list[str], wanted: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    scope = scope_in(tmp_path)
    plan = await prepare(scope, "*** Update File: f", *lines)
    assert "\0" not in changes(plan)[0]["diff"]
    await TOOL.run(call(""), plan, scope)
    assert (tmp_path / "f").read_bytes() == wanted


async def test_a_character_that_the_encoding_does_not_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"caf\xe9\nb\n")
    with pytest.raises(ToolFailure, match="it is not UTF-8 but cp1252, which has no character '→'"):
        await prepare(scope_in(tmp_path), "*** Update File: f", "-b", "+→")


@pytest.mark.parametrize("text", ["x" * 10_000_000, "*** Begin Patch\n" + "+\n" * 5_000_000])
async def test_a_patch_of_ten_megabytes_is_refused_at_once(tmp_path: Path, text: str) -> None:
    for arguments, custom in ((text, True), (json.dumps({"input": text}), False)):
        with pytest.raises(ToolFailure, match="longer than 4194304 characters; split it"):
            await TOOL.prepare(call(arguments, custom=custom), scope_in(tmp_path))


async def test_a_long_line_or_path_in_a_bad_patch_is_not_repeated_whole(tmp_path: Path) -> None:
    for line in (
        "*** Add File: " + "x" * 1_000_000,
        "*** Frob: " + "x" * 1_000_000,
        "*** Update File: a/\x1b[2J" + "y" * 1_000_000,
    ):
        with pytest.raises(ToolFailure) as failed:
            await prepare(scope_in(tmp_path), line, "@@", "-x")
        assert len(str(failed.value)) < 1_000
        assert "\x1b" not in str(failed.value)


async def test_two_names_of_one_file_are_one_target(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    os.link(tmp_path / "f", tmp_path / "g")
    with pytest.raises(ToolFailure, match="multiple operations target"):
        await prepare(scope_in(tmp_path), "*** Update File: f", "-a", "+b", "*** Update File: g", "-a", "+c")
    await patched(scope_in(tmp_path), "*** Update File: g", "-a", "+b")
    assert contents(tmp_path) == {"f": b"b\n", "g": b"b\n"}


async def test_devices_and_sockets_are_refused_without_waiting(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "sock"))
    for path in ("/dev/zero", "/dev/tty", str(tmp_path / "sock")):
        with pytest.raises(ToolFailure, match="Failed to read file to update"):
            await prepare(scope_in(tmp_path), f"*** Update File: {path}", "-a")
    listener.close()


async def test_a_huge_diff_is_cut_for_the_screen_and_counted_whole(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("line\n" * 500_000)
    (change,) = changes(await prepare(scope_in(tmp_path), "*** Delete File: f"))
    assert change["removed"] == 500_000
    assert len(change["diff"]) <= 512 * 1024


class Typing:
    """An editor in which one file is being edited."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.now = str(path), text

    async def fetch(self, paths: Sequence[str]) -> None:
        pass

    def text(self, path: str) -> str | None:
        return self.now if path == self.path else None

    def version(self, path: str) -> int | None:
        return 1 if path == self.path else None

    async def write(self, edits: Sequence[tuple[str, str, str]]) -> None:
        ((_, old, new),) = edits
        assert old == self.now
        self.now = new


async def test_unsaved_text_is_patched_in_the_editor_and_the_model_is_told(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("saved\n")
    scope = scope_in(tmp_path)
    editor = scope.files.buffers = Typing(path, "typed\nmore\n")
    plan = await prepare(scope, "*** Update File: f", "-more", "+ours")
    assert changes(plan)[0]["diff"] == "@@ -1,2 +1,2 @@\n typed\n-more\n+ours\n"
    result = await TOOL.run(call(""), plan, scope)
    assert (editor.now, path.read_text()) == ("typed\nours\n", "saved\n")
    assert "f has unsaved changes in the user's editor" in result.text


@pytest.mark.parametrize("lines", [["*** Delete File: f"], ["*** Update File: f", "*** Move to: g", "-typed", "+x"]])
async def test_a_file_with_unsaved_text_does_not_go_away(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "f"
    path.write_text("saved\n")
    scope = scope_in(tmp_path)
    scope.files.buffers = Typing(path, "typed\n")
    with pytest.raises(ToolFailure, match=r"Refused to (delete|move) .*unsaved changes"):
        await prepare(scope, *lines)


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from([" a", "-a", "+b", "@@", "@@ a", "", "*** End of File"]), max_size=12).map(
        lambda lines: "\n".join(("*** Begin Patch", "*** Update File: f", *lines, "*** End Patch"))
    ),
    st.binary(max_size=40),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_no_patch_and_no_file_raise_anything_but_words_for_the_model(tmp_path: Path, text: str, data: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    scope = scope_in(tmp_path, "read-only")
    try:
        plan = await TOOL.prepare(call(text), scope)
    except ToolFailure as failed:
        str(failed).encode()
    else:
        json.dumps(plan.view, ensure_ascii=False).encode()


@pytest.mark.parametrize(("lines", "chunks"), [(50_000, 1), (1_000, 500)])
async def test_what_takes_a_while_to_apply_does_not_hold_up_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int, chunks: int
) -> None:
    edited, threads = patching._edited, list[threading.Thread]()

    def seen(*given: Any) -> Any:
        threads.append(threading.current_thread())
        return edited(*given)

    monkeypatch.setattr(patching, "_edited", seen)
    (tmp_path / "small").write_text("1\n")
    (tmp_path / "large").write_text("".join(f"{n}\n" for n in range(lines)))
    scope = scope_in(tmp_path)
    await patched(scope, "*** Update File: small", "-1", "+one")
    await patched(scope, "*** Update File: large", *(line for n in range(chunks) for line in ("@@", f"-{n}", f"+{n} now")))
    assert (tmp_path / "small").read_text() == "one\n"
    assert (tmp_path / "large").read_text().startswith("0 now\n")
    assert [thread is threading.current_thread() for thread in threads] == [True, False]
