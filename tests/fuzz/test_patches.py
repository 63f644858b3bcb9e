"""Patches that are none, files of any bytes, paths with tricks: all of a patch or nothing, inside, and never a traceback."""

from __future__ import annotations

import json
import os
import tempfile
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.patching import TOOL, call, contents, scope_in
from fuzz.common import cases, fuzzed
from fuzz.growth import grows_evenly
from treadle.core import patch, patch_apply
from treadle.core.errors import ToolFailure
from treadle.core.patch_preview import PatchPreview
from treadle.core.policy import NO_GRANTS, Allow, WriteFiles, decide

LINES = st.sampled_from(
    ["a", "b", "", " ", "  a", "\ta", "é", "*** End Patch", "@@", "+a", "-a", "a\r", "\u2028", "x" * 300, "“a”"]
)
WORDS = [
    "*** Begin Patch",
    "*** End Patch",
    "*** Add File: ",
    "*** Update File: ",
    "*** Delete File: ",
    "*** Move to: ",
    "*** End of File",
]
WORDS += [
    "*** Environment ID: ",
    "@@",
    "@@ a",
    "@@ -1,2 +1,2 @@",
    " a",
    "-a",
    "+b",
    " ",
    "",
    "f",
    "g/h",
    "../f",
    "/etc/x",
    "<<EOF",
    "EOF",
]
WORDS += ["\r", "\0", "\ud800", "-", "+", "é", "x" * 300]
PATHS = [
    "f",
    "./f",
    "g/h",
    "../out",
    "/tmp/out",
    "link",
    "dir/../f",
    "dir",
    "sub/link/x",
    "~/x",
    "f/x",
    "a\x1b[31mb",
    "x" * 300,
    ".git/config",
]
PATHS += ["..", ".", "", " f", "f ", "fifo", "loop", "CON", "é"]


@fuzzed(250)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(WORDS), max_size=20).map("\n".join)
    | st.lists(st.sampled_from(WORDS)).map("".join)
)
def test_any_text_is_a_patch_or_a_reason(text: str) -> None:
    try:
        operations = patch.parse(text)
    except patch.PatchError as wrong:
        assert str(wrong) and wrong.bare
        return
    assert operations


def written(old: list[str], new: list[str]) -> str:
    """The patch of an edit, all lines of it given, as a model would write it."""
    lines = ["*** Begin Patch", "*** Update File: f", "@@"]
    for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        same = old[a:b] == new[c:d]
        lines += [f" {line}" for line in old[a:b]] if same else [f"-{x}" for x in old[a:b]] + [f"+{x}" for x in new[c:d]]
    return "\n".join([*lines, "*** End of File", "*** End Patch"])


PLAIN = st.lists(LINES.filter(lambda line: "\r" not in line and line.strip()), min_size=1, max_size=12)


@fuzzed(250)
@given(PLAIN, PLAIN)
def test_a_patch_of_two_texts_makes_the_second_of_the_first(old: list[str], new: list[str]) -> None:
    if old == new:
        return
    (update,) = patch.parse(written(old, new))
    assert isinstance(update, patch.Update)
    text = "".join(f"{line}\n" for line in old)
    assert patch_apply.apply(text, update.chunks, "f") == "".join(f"{line}\n" for line in new)


def pieces(text: str, cuts: list[int]) -> list[str]:
    at = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]


@fuzzed(300)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map("\n".join), st.lists(st.integers(0, 2_000), max_size=20), st.booleans())
def test_a_preview_is_the_same_in_any_pieces(text: str, cuts: list[int], in_json: bool) -> None:
    given_text = json.dumps({"input": text + "\n"}) if in_json else text + "\n"
    whole, parts = PatchPreview("/w", in_json=in_json), PatchPreview("/w", in_json=in_json)
    whole.feed(given_text)
    for piece in pieces(given_text, cuts):
        parts.feed(piece)
    assert parts.changes() == whole.changes()


def furnished(top: Path) -> Path:
    """A workspace with links out of it, and something outside that must stay."""
    folder = top / "ws"
    (folder / "g").mkdir(parents=True)
    (folder / "dir").mkdir()
    (folder / ".git").mkdir()
    (folder / "sub").mkdir()
    (folder / ".git" / "config").write_text("a\n")
    (folder / "f").write_text("a\nb\n\na\n")
    (folder / "g" / "h").write_bytes(b"a\xff\n")
    (top / "out").write_text("a\n")
    os.symlink(top / "out", folder / "link")
    os.symlink(top, folder / "sub" / "link")
    os.symlink("loop", folder / "loop")
    os.mkfifo(folder / "fifo")
    return folder


CHUNKS = st.sampled_from(
    [["+new"], ["@@", "-a", "+A"], ["@@", " b", "+c"], ["@@ b", "+c"], ["-zz"], [], ["@@", "-a", "+A", "*** End of File"]]
)
OPERATIONS = st.one_of(
    st.tuples(st.just("Add"), st.sampled_from(PATHS), st.none(), CHUNKS),
    st.tuples(st.just("Delete"), st.sampled_from(PATHS), st.none(), st.just([])),
    st.tuples(st.just("Update"), st.sampled_from(PATHS), st.none() | st.sampled_from(PATHS), CHUNKS),
)


def enveloped(operations: list[tuple[str, str, str | None, list[str]]]) -> str:
    lines = ["*** Begin Patch"]
    for kind, path, move, chunks in operations:
        lines += [f"*** {kind} File: {path}", *([f"*** Move to: {move}"] if move else []), *chunks]
    return "\n".join([*lines, "*** End Patch"])


@fuzzed(120)
@given(st.lists(OPERATIONS, min_size=1, max_size=4))
async def test_all_of_a_patch_or_nothing_and_nothing_outside(operations: list[tuple[str, str, str | None, list[str]]]) -> None:
    await applied(enveloped(operations))


real = os.path.realpath


async def applied(text: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        top = Path(real(made))
        folder = furnished(top)
        scope, before = scope_in(folder), contents(top)
        try:
            plan = await TOOL.prepare(call(text), scope)
        except ToolFailure as refused:
            assert refused.sentence().strip()
            assert contents(top) == before
            return
        assert contents(top) == before
        assert isinstance(plan.wish, WriteFiles)
        free = isinstance(decide(plan.wish, scope.settings, NO_GRANTS, True), Allow)
        if free:
            assert all(path.startswith(f"{folder}/") and ".git" not in path for path in plan.wish.paths), plan.wish
        try:
            result = await TOOL.run(call(""), plan, scope)
        except ToolFailure as refused:
            assert refused.sentence().strip()
            assert contents(top) == before
            return
        after = contents(top)
        assert result.text.startswith("Success")
        assert after["out"] == before["out"]
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert {str(top / name) for name in changed} <= {real(path) for path in plan.wish.paths} | set(plan.wish.paths)


@pytest.mark.parametrize("path", cases("patches", "*.patch"))
async def test_patches_with_tricks(path: Path) -> None:
    await applied(text_of(path))


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def repeated(size: int) -> tuple[str, str]:
    """A file of equal lines and a patch that fits everywhere."""
    chunk = "@@\n" + " a\n" * 3 + "-a\n+b\n"
    return "a\n" * size * 200, "*** Begin Patch\n*** Update File: f\n" + chunk * size + "*** End Patch"


def in_vain(size: int) -> tuple[str, str]:
    """Nearly the same lines, and a chunk that fits nowhere."""
    return "a b c\n" * size * 200, "*** Begin Patch\n*** Update File: f\n@@\n" + " a b c\n" * size * 20 + "-a b d\n*** End Patch"


def many(size: int) -> tuple[str, str]:
    return "", "*** Begin Patch\n" + "".join(f"*** Add File: f{n}\n+x\n" for n in range(size * 100)) + "*** End Patch"


def contexts(size: int) -> tuple[str, str]:
    return "a\n" * size * 100, "*** Begin Patch\n*** Update File: f\n" + "@@ a\n" * size * 20 + " b\n*** End Patch"


def spaces(size: int) -> tuple[str, str]:
    return " " * size * 2_000, "*** Begin Patch\n*** Update File: f\n@@\n" + " " * size * 2_000 + "x\n*** End Patch"


@pytest.mark.parametrize("made", [repeated, in_vain, many, contexts, spaces], ids=lambda made: made.__name__)
def test_no_patch_takes_long(made: object) -> None:
    def work(both: tuple[str, str]) -> None:
        content, text = both
        PatchPreview("/w").feed(text)
        try:
            for operation in patch.parse(text):
                if isinstance(operation, patch.Update):
                    patch_apply.apply(content, operation.chunks, "f")
        except patch.PatchError:
            pass

    assert grows_evenly(work, made, 10)  # type: ignore[arg-type]
