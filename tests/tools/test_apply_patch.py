"""apply_patch over real files: what is understood, what is shown, and that a patch is applied whole or not at all."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import lark
import pytest

from fakes.patching import TOOL, call, changes, contents, patched, prepare, scope_in, wrap
from treadle.core.errors import ToolFailure
from treadle.core.policy import WriteFiles
from treadle.core.settings import SandboxPolicy


async def test_a_patch_adds_changes_moves_and_deletes(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("a\nb\n")
    (tmp_path / "m.txt").write_text("m\n")
    (tmp_path / "d.txt").write_text("d\n")
    result = await patched(
        scope_in(tmp_path),
        *("*** Delete File: d.txt", "*** Update File: u.txt", "@@", " a", "-b", "+B"),
        *("*** Update File: m.txt", "*** Move to: deep/er/n.txt", "@@", "-m", "+n", "*** Add File: new/a.txt", "+x"),
    )
    assert result.status == "completed"
    assert result.text.splitlines()[1:] == ["A new/a.txt", "M u.txt", "M deep/er/n.txt", "D d.txt"]
    assert contents(tmp_path) == {"u.txt": b"a\nB\n", "deep/er/n.txt": b"n\n", "new/a.txt": b"x\n"}


async def test_preparing_touches_nothing_and_shows_every_file(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("a\nb\n")
    (tmp_path / "d.txt").write_text("d\n")
    before = contents(tmp_path)
    plan = await prepare(
        scope_in(tmp_path),
        *("*** Add File: n", "+1", "+2", "*** Update File: u.txt", "*** Move to: v.txt", "-b", "+B", "*** Delete File: d.txt"),
    )
    assert contents(tmp_path) == before
    path = lambda name: str(tmp_path / name)  # noqa: E731
    assert plan.wish == WriteFiles((path("n"), path("u.txt"), path("v.txt"), path("d.txt")))
    add, update, delete = changes(plan)
    assert add == {"path": path("n"), "kind": "add", "move_path": None, "diff": "1\n2\n", "added": 2, "removed": 0}
    assert update == {
        **{"path": path("u.txt"), "kind": "update", "move_path": path("v.txt"), "added": 1, "removed": 1},
        "diff": "@@ -1,2 +1,2 @@\n a\n-b\n+B\n",
    }
    assert delete == {"path": path("d.txt"), "kind": "delete", "move_path": None, "diff": "d\n", "added": 0, "removed": 1}


async def test_a_pure_move_keeps_the_bytes_and_the_mode(tmp_path: Path) -> None:
    source = tmp_path / "run.sh"
    source.write_bytes(b"\x00\xff")
    with suppress(OSError):
        # Not every file system has them; then there is nothing to keep.
        os.setxattr(source, "user.note", b"kept")
    attributes = os.listxattr(source)
    source.chmod(0o751)
    await patched(scope_in(tmp_path), "*** Update File: run.sh", "*** Move to: bin/run.sh")
    assert contents(tmp_path) == {"bin/run.sh": b"\x00\xff"}
    assert (tmp_path / "bin/run.sh").stat().st_mode & 0o777 == 0o751
    assert os.listxattr(tmp_path / "bin/run.sh") == attributes


async def test_adding_over_a_file_shows_what_it_loses(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    plan = await prepare(scope_in(tmp_path), "*** Add File: f", "+new")
    assert changes(plan)[0]["kind"] == "update"
    assert changes(plan)[0]["diff"] == "@@ -1 +1 @@\n-old\n+new\n"


async def test_a_known_secret_in_a_file_is_patched_and_not_shown(tmp_path: Path) -> None:
    secret = "sk-abcdef-123456"
    (tmp_path / "f").write_text(f'{{\n"key": "{secret}",\n"mode": "a"\n}}\n')
    scope = replace(scope_in(tmp_path), secrets=(secret,))
    change = ("*** Update File: f", "@@", '-"mode": "a"', '+"mode": "b"')
    plan = await prepare(scope, *change)
    assert changes(plan)[0]["diff"] == '@@ -1,4 +1,4 @@\n {\n "key": "[redacted]",\n-"mode": "a"\n+"mode": "b"\n }\n'
    await patched(scope, *change)
    assert (tmp_path / "f").read_text() == f'{{\n"key": "{secret}",\n"mode": "b"\n}}\n'


async def test_bytes_that_are_not_utf8_survive_an_edit_and_reach_the_screen_as_text(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"caf\xe9\nb\n")
    scope = scope_in(tmp_path)
    plan = await prepare(scope, "*** Update File: latin", "-b", "+B")
    json.dumps(plan.view, ensure_ascii=False).encode()
    await TOOL.run(call(""), plan, scope)
    assert (tmp_path / "latin").read_bytes() == b"caf\xe9\nB\n"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["*** Update File: u.txt", "-nope", "+x"], "Failed to find expected lines in"),
        (["*** Update File: gone", "-a"], "Failed to read file to update"),
        (["*** Delete File: gone"], "No such file or directory"),
        (["*** Delete File: dir"], "is a directory"),
        (["*** Add File: dir", "+x"], "is a directory"),
        (["*** Update File: pipe", "-a"], "is not a regular file"),
        (["*** Update File: bin", "-a"], "it is not a text file"),
        (["*** Update File: u.txt", "-a", "*** Delete File: ./dir/../u.txt"], "multiple operations target"),
        (["*** Add File: new", "+x", "*** Update File: u.txt", "*** Move to: new"], "multiple operations target"),
        (["*** Update File: link", "-a", "*** Update File: u.txt", "-a"], "multiple operations target"),
        (["*** Add File: x\0y", "+x"], "NUL"),
        (["*** Frob: x"], "is not a valid hunk header"),
    ],
)
async def test_a_patch_that_cannot_be_applied_goes_back_to_the_model(tmp_path: Path, lines: list[str], words: str) -> None:
    (tmp_path / "u.txt").write_text("a\n")
    (tmp_path / "dir").mkdir()
    (tmp_path / "bin").write_bytes(b"a\0b\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("u.txt")
    before = contents(tmp_path)
    with pytest.raises(ToolFailure) as failed:
        await prepare(scope_in(tmp_path), "*** Add File: first", "+1", *lines)
    assert str(failed.value).startswith("apply_patch verification failed: ")
    assert words in str(failed.value)
    assert contents(tmp_path) == before


async def test_a_file_changed_after_it_was_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("a\n")
    scope = scope_in(tmp_path)
    plan = await prepare(scope, "*** Add File: n", "+1", "*** Update File: u.txt", "-a", "+b")
    (tmp_path / "u.txt").write_text("the user's\n")
    with pytest.raises(ToolFailure, match="changed since it was read"):
        await TOOL.run(call(""), plan, scope)
    assert contents(tmp_path) == {"u.txt": b"the user's\n"}


async def test_a_patch_outside_the_roots_needs_full_access(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    scope = scope_in(inside)
    plan = await prepare(scope, f"*** Add File: {outside}/f", "+x")
    assert plan.wish == WriteFiles((f"{outside}/f",))
    with pytest.raises(ToolFailure, match="outside the writable folders"):
        await TOOL.run(call(""), plan, scope)
    assert not outside.exists()
    await TOOL.run(call(""), plan, replace(scope, policy=SandboxPolicy("danger-full-access")))
    assert (outside / "f").read_text() == "x\n"


async def test_the_wish_names_where_a_symlink_leads(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "f").write_text("a\n")
    (inside / "link").symlink_to(outside / "f")
    scope = scope_in(inside)
    plan = await prepare(scope, "*** Update File: link", "-a", "+b")
    assert plan.wish == WriteFiles((str(outside / "f"),))
    with pytest.raises(ToolFailure, match="outside the writable folders"):
        await TOOL.run(call(""), plan, scope)


async def test_deleting_a_symlink_removes_the_link_only(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    (tmp_path / "link").symlink_to("f")
    await patched(scope_in(tmp_path), "*** Delete File: link")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "f").read_text() == "a\n"


async def test_the_function_form_takes_the_patch_as_input(tmp_path: Path) -> None:
    arguments = json.dumps({"input": wrap("*** Add File: f", "+x")})
    plan = await TOOL.prepare(call(arguments, custom=False), scope_in(tmp_path))
    assert changes(plan)[0]["path"] == str(tmp_path / "f")


@pytest.mark.parametrize("arguments", ["{", "{}", '{"input": 3}', "[]", "null"])
async def test_arguments_that_hold_no_patch_are_refused(tmp_path: Path, arguments: str) -> None:
    with pytest.raises(ToolFailure, match="failed to parse function arguments"):
        await TOOL.prepare(call(arguments, custom=False), scope_in(tmp_path))


def test_the_spec_is_the_same_every_time_in_both_forms() -> None:
    custom, function = TOOL.spec(True), TOOL.spec(False)
    assert (custom["type"], custom["name"], custom["format"]["syntax"]) == ("custom", "apply_patch", "lark")
    assert function["parameters"]["required"] == ["input"]
    assert json.dumps(custom) == json.dumps(TOOL.spec(True))
    assert len(custom["description"]) < 4000


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (wrap("*** Add File: a.txt", "+x", "+", "*** Delete File: b", "*** Update File: c", "*** Move to: d"), True),
        (wrap("*** Update File: c", "@@ class A", "@@ def f", " x", "-", "+y", "*** End of File", "@@", "-z") + "\n", True),
        (wrap("*** Update File: c", "-x"), True),
        (wrap("*** Frob: c"), False),
        (wrap("*** Add File: a", "x"), False),
        (wrap(), False),
        ("hello", False),
    ],
)
def test_the_grammar_accepts_patches_and_nothing_else(text: str, accepted: bool) -> None:
    grammar = lark.Lark(TOOL.spec(True)["format"]["definition"], parser="earley")
    if accepted:
        assert grammar.parse(text).data == "start"
    else:
        with pytest.raises(lark.exceptions.LarkError):
            grammar.parse(text)
