"""The patch envelope, as tables and as properties: what is parsed, where chunks land, what is refused and in which words."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import diff
from treadle.core.patch import Add, Delete, PatchError, Update, parse
from treadle.core.patch_apply import apply
from treadle.core.patch_script import from_script, is_bare_patch


def wrap(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch"))


def edited(content: str, *lines: str) -> str:
    (update,) = parse(wrap("*** Update File: f", *lines))
    assert isinstance(update, Update)
    return apply(content, update.chunks, "f")


def test_every_operation_is_parsed() -> None:
    add, delete, update = parse(
        wrap(
            "*** Add File: a b.txt",
            "+one",
            "+",
            "+*** End Patch",
            "*** Delete File: d",
            "*** Update File: u",
            "*** Move to: v",
            "-x",
        )
    )
    assert add == Add("a b.txt", "one\n\n*** End Patch\n")
    assert delete == Delete("d")
    assert isinstance(update, Update)
    assert (update.path, update.move_to, update.chunks[0].lines) == ("u", "v", (("-", "x"),))


@pytest.mark.parametrize(
    "text",
    [
        "\n\n  *** Begin Patch  \n  *** Add File: f\n+x\n\t*** End Patch \n\n",
        "<<'EOF'\n*** Begin Patch\n*** Add File: f\n+x\n*** End Patch\nEOF",
        '<<"EOF"\n*** Begin Patch\n*** Add File: f\n+x\n*** End Patch\nEOF\n',
        "<<PATCH\n*** Begin Patch\n*** Add File: f\n+x\n*** End Patch\nPATCH",
        "*** Begin Patch\r\n*** Add File: f\r\n+x\r\n*** End Patch\r\n",
        "*** Begin Patch\n\n*** Add File: f\n+x\n\n\n*** End Patch",
        "*** Begin Patch\n*** Environment ID: local\n*** Add File: f\n+x\n*** End Patch",
    ],
)
def test_layout_around_the_patch_is_forgiven(text: str) -> None:
    assert parse(text) == (Add("f", "x\n"),)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["*** Frob: f"], "hunk on line 2: '*** Frob: f' is not a valid hunk header"),
        (["*** Update File: f"], "hunk on line 2: Update file hunk for path 'f' is empty"),
        (["*** Update File: f", "@@"], "Update hunk does not contain any lines"),
        (["*** Update File: f", "@@", "*** End of File"], "hunk on line 4: Update hunk does not contain any lines"),
        (["*** Update File: f", "@@", "x = 1"], "hunk on line 4: Unexpected line found in update hunk: 'x = 1'"),
        (["*** Update File: f", "@@", "-a", "x = 1"], "hunk on line 5: Expected update hunk to start with a @@ context marker"),
        (["*** Add File: f", "x"], "hunk on line 3: 'x' is not a valid hunk header"),
        (["*** Add File:  ", "+x"], "is not a valid hunk header"),
        (["*** Add File: \ud800", "+x"], "not valid Unicode"),
        (["*** Add File: f", "+x\0y"], "line 3 holds a NUL character"),
        (["*** Update File: f", "*** Move to:", "-a"], "hunk on line 3: '*** Move to:' names no file"),
        (["*** Environment ID: ", "*** Delete File: f"], "environment id cannot be empty"),
        (["*** Frob\x1b: " + "x" * 10_000], "'*** Frob\\x1b: xxx"),
        ([], "No files were modified."),
    ],
)
def test_a_malformed_patch_is_refused_in_words(lines: list[str], words: str) -> None:
    with pytest.raises(PatchError) as refused:
        parse(wrap(*lines))
    assert words in str(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "first line"),
        ("hello", "first line"),
        ("*** Begin Patch", "last line"),
        (wrap("*** Delete File: f") + "\nmore", "last line"),
    ],
)
def test_a_patch_without_its_envelope_is_refused(text: str, words: str) -> None:
    with pytest.raises(PatchError, match=words):
        parse(text)


@pytest.mark.parametrize(
    ("before", "lines", "after"),
    [
        pytest.param("a\nb\nc\n", ["@@", " a", "-b", "+B", " c"], "a\nB\nc\n", id="exact"),
        pytest.param("a\nb\n", ["-b", "+B"], "a\nB\n", id="first chunk without a marker"),
        pytest.param("a  \nb\n", ["@@", " a", "-b", "+B"], "a  \nB\n", id="trailing space ignored, kept in the file"),
        pytest.param("\ta\n  b\n", ["@@", " a", "-b", "+B"], "\ta\nB\n", id="indentation ignored, kept in the file"),
        pytest.param("say “hi” — now\n", ["@@", '-say "hi" - now', "+bye"], "bye\n", id="typographic marks"),
        pytest.param(" a\na\n", ["@@", "-a", "+x"], " a\nx\n", id="an exact match further down beats a lenient one above"),
        pytest.param("a\nb\na\nb\n", ["@@", "-b", "+1", "@@", "-b", "+2"], "a\n1\na\n2\n", id="search goes on below"),
        pytest.param("a\nb\na\nb\n", ["@@", "-b", "+X", "*** End of File"], "a\nb\na\nX\n", id="end of file"),
        pytest.param("x\nf\nx\ng\nx\n", ["@@ g", "-x", "+y"], "x\nf\nx\ng\ny\n", id="context line"),
        pytest.param("B\nf\nx\nA\nf\nx\n", ["@@ A", "@@ f", "-x", "+y"], "B\nf\nx\nA\nf\ny\n", id="stacked context"),
        pytest.param("a\nb\n", ["@@ -1,2 +1,2 @@", "-b", "+B"], "a\nB\n", id="header of a unified diff"),
        pytest.param("a\nb\n", ["@@", "+c"], "a\nb\nc\n", id="bare insertion goes to the end"),
        pytest.param("a\nb\n", ["@@ a", "+x"], "a\nx\nb\n", id="insertion below a named line"),
        pytest.param("", ["@@", "+x"], "x\n", id="empty file"),
        pytest.param("a\nx\na  \nx\n", ["@@ a  ", "-x", "+y"], "a\ny\na  \nx\n", id="trailing space after a context"),
        pytest.param(" *** x\nb\n", ["  *** x", "-b"], " *** x\n", id="stars in the first line of context"),
        pytest.param("a\n", ["@@", ""], "a\n", id="a chunk of layout only"),
        pytest.param("a\n", ["@@", "-a"], "", id="nothing left"),
        pytest.param("a\nb\n", ["@@", " a", "+x", ""], "a\nx\nb\n", id="blank line before the next marker"),
        pytest.param("a\n\nb\n", ["@@", "+x", ""], "a\n\nb\nx\n", id="blank line after a bare insertion is layout"),
        pytest.param("a\n\nb\n", ["@@", " a", "", "-b", "+B"], "a\n\nB\n", id="empty line stands for an empty context line"),
        pytest.param("a\n\nb\n", [" ", "+x"], "a\n\nx\nb\n", id="a signed blank line is context also at the start"),
        pytest.param("a\n", ["@@", "-a", "+b", "", ""], "b\n", id="several blank lines before the next marker"),
        pytest.param("a\nb", ["@@", "-a", "+A", " b"], "A\nb", id="no newline at the end, last line untouched"),
        pytest.param("a\nb", ["@@", "-b", "+B"], "a\nB\n", id="no newline at the end, last line changed"),
        pytest.param("a\r\nb\r\nc", ["@@", "-b", "+B", "+C"], "a\r\nB\r\nC\r\nc", id="CRLF kept"),
        pytest.param("a\r\nb\r\nc", ["@@", " c", "+d"], "a\r\nb\r\nc\r\nd\r\n", id="CRLF at the end"),
        pytest.param("\ufeffa\nb\n", ["@@", "-a", "+A"], "\ufeffA\nb\n", id="byte order mark"),
        pytest.param(
            "a\x0cb\u2028c\nd\n", ["@@", " a\x0cb\u2028c", "-d"], "a\x0cb\u2028c\n", id="odd separators are no line ends"
        ),
    ],
)
def test_chunks_land_where_they_should(before: str, lines: list[str], after: str) -> None:
    assert edited(before, *lines) == after


def test_a_chunk_that_does_not_match_says_what_was_looked_for() -> None:
    with pytest.raises(PatchError) as refused:
        edited("a\nb\n", "@@", " a", "-x")
    assert str(refused.value).startswith("Failed to find expected lines in f:\na\nx\n")


def test_a_context_that_does_not_match_is_named() -> None:
    with pytest.raises(PatchError, match="Failed to find context 'def g' in f"):
        edited("a\nb\n", "@@ def g", "-b")


def test_blank_lines_that_are_not_there_cannot_be_removed() -> None:
    with pytest.raises(PatchError, match="Failed to find expected lines"):
        edited("a\n", "@@", " a", "@@", "-", "-")
    with pytest.raises(PatchError, match="Failed to find expected lines"):
        edited("a\n", "@@", " ", "+top of the file?")


def test_chunks_out_of_order_are_told_so() -> None:
    with pytest.raises(PatchError, match="at line 1, above line 3 where the search began"):
        edited("a\nb\nc\n", "@@", "-b", "@@", "-a")


def test_a_chunk_pinned_to_the_end_never_overlaps_the_one_before() -> None:
    with pytest.raises(PatchError):
        edited("a\nb\n", "@@", " a", "-b", "@@", "-b", "+c", "*** End of File")


LINE = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=("Cs",)), max_size=12)
LINES = st.lists(st.one_of(LINE, st.sampled_from(["", "a", "b", "    return x", "}"])), max_size=30)


def as_patch(old: list[str], new: list[str]) -> str:
    """The whole file as one chunk, so that the place is not in doubt."""
    body = [line if line[0] in "+-" else " " + line[2:] for line in map(fix, difflib.ndiff(old, new)) if line[0] != "?"]
    return wrap("*** Update File: f", "@@", *body, "*** End of File")


def fix(line: str) -> str:
    return line[0] + line[2:] if line[0] in "+-" else line


@given(LINES.filter(bool), LINES)
def test_a_patch_made_from_an_edit_gives_that_edit(old: list[str], new: list[str]) -> None:
    content, wanted = "".join(line + "\n" for line in old), "".join(line + "\n" for line in new)
    (update,) = parse(as_patch(old, new))
    assert isinstance(update, Update)
    assert apply(content, update.chunks, "f") == wanted
    assert apply(content.replace("\n", "\r\n"), update.chunks, "f") == wanted.replace("\n", "\r\n")


@given(st.lists(st.integers(0, 5), min_size=6, max_size=40), st.data())
def test_one_changed_line_with_its_context_changes_only_that_line(shape: list[int], data: st.DataObject) -> None:
    old = [f"{'  ' * depth}line {number}" for number, depth in enumerate(shape)]
    at = data.draw(st.integers(0, len(old) - 1))
    above, below = old[max(0, at - 3) : at], old[at + 1 : at + 4]
    result = edited("\n".join(old) + "\n", "@@", *(" " + x for x in above), "-" + old[at], "+changed", *(" " + x for x in below))
    assert result.split("\n")[:-1] == [*old[:at], "changed", *old[at + 1 :]]


FRAGMENT = st.sampled_from(
    [
        "*** Begin Patch",
        "*** End Patch",
        "*** Add File: a",
        "*** Update File: b",
        "*** Move to: c",
        "*** Delete File: d",
        "@@",
        "@@ x",
        "+x",
        "-x",
        " x",
        "",
        "*** End of File",
        "<<EOF",
        "EOF",
        "*** ",
    ]
)


BODY = st.lists(st.tuples(st.sampled_from([" ", "-", "+", ""]), st.sampled_from(["", "a", "b"])).map("".join), max_size=8)
GARBAGE = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(FRAGMENT, LINE), max_size=25).map("\n".join),
    BODY.map(lambda body: wrap("*** Update File: b", *body)),
)


@given(GARBAGE, st.one_of(st.text(max_size=60), st.lists(st.sampled_from(["", "a", "b"]), max_size=6).map("\n".join)))
def test_garbage_is_refused_or_understood_and_never_crashes(text: str, content: str) -> None:
    from_script(text)
    try:
        operations = parse(text)
        for operation in operations:
            if isinstance(operation, Update):
                apply(content, operation.chunks, operation.path)
    except PatchError as refused:
        assert str(refused)


@pytest.mark.parametrize(
    ("script", "directory"),
    [
        ("apply_patch <<'EOF'\n{}\nEOF", None),
        ('  applypatch << "X"\n{}\nX\n', None),
        ("cd sub/dir && apply_patch <<EOF\n{}\nEOF\n", "sub/dir"),
        ("cd 'my dir' && apply_patch <<'EOF'\n{}\nEOF", "my dir"),
        ("apply_patch '{}'", None),
    ],
)
def test_a_script_that_is_only_a_patch_is_recognised(script: str, directory: str | None) -> None:
    patch = wrap("*** Add File: f", "+x")
    found = from_script(script.format(patch))
    assert found is not None
    assert found[0].strip() == patch
    assert found[1] == directory


@pytest.mark.parametrize(
    "script",
    [
        "ls",
        "apply_patch",
        "apply_patch <<'EOF'\n{}\nEOF\necho done",
        "echo hi && apply_patch <<'EOF'\n{}\nEOF",
        "cd $HOME && apply_patch <<'EOF'\n{}\nEOF",
        "cd a; apply_patch <<'EOF'\n{}\nEOF",
        "apply_patch <<'EOF' | tee log\n{}\nEOF",
        "apply_patch <<'EOF'\n{}",
        'apply_patch "{} $(id)"',
        "apply_patch '{}' more",
    ],
)
def test_a_script_that_does_more_is_left_to_the_shell(script: str) -> None:
    assert from_script(script.format(wrap("*** Add File: f", "+x"))) is None


def test_patch_text_without_a_command_is_noticed() -> None:
    assert is_bare_patch("\n*** Begin Patch\n*** End Patch")
    assert not is_bare_patch("echo '*** Begin Patch'")


@given(LINES, LINES, st.booleans(), st.booleans())
def test_the_diff_counts_and_holds_every_changed_line(old: list[str], new: list[str], cut_old: bool, cut_new: bool) -> None:
    before, after = ("\n".join(lines) + ("" if cut or not lines else "\n") for lines, cut in ((old, cut_old), (new, cut_new)))
    made = diff.unified(before, after)
    rebuilt = "".join(difflib.restore(restorable(made.text, before), 2))
    assert rebuilt == after
    assert diff.count_lines(before) - made.removed + made.added == diff.count_lines(after)


@given(st.text("ab\n\r\f\v\x1c\x85\u2028", max_size=20), st.text("ab\n\r\f\v\x1c\x85\u2028", max_size=20))
def test_odd_separators_end_no_line_of_a_diff(before: str, after: str) -> None:
    made = diff.unified(before, after)
    assert diff.count_lines(before) == (len(before.removesuffix("\n").split("\n")) if before else 0)
    assert "".join(difflib.restore(restorable(made.text, before), 2)) == after


def restorable(text: str, before: str) -> list[str]:
    """The unified diff as an ndiff over the whole of `before`, placing each hunk by its own line numbers."""
    lines = before.split("\n")
    source = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    out: list[str] = []
    done = 0
    for line in text.split("\n")[:-1]:
        if line.startswith("@@"):
            start, _, length = line.split()[1][1:].partition(",")
            begin = int(start) - (0 if length == "0" else 1)
            out += ("  " + kept for kept in source[done:begin])
            done = begin
        elif line.startswith("\\"):
            out[-1] = out[-1][:-1]
        else:
            out.append(f"{line[0]} {line[1:]}\n")
            done += line[0] != "+"
    return out + ["  " + kept for kept in source[done:]]


def test_a_diff_of_huge_unlike_files_is_quick_and_right() -> None:
    before = "".join(f"old {n}\n" for n in range(20_000))
    after = "".join(f"new {n % 7}\n" for n in range(20_000))
    made = diff.unified(before, after)
    assert (made.added, made.removed) == (20_000, 20_000)


def test_a_line_of_spaces_between_chunks_is_layout() -> None:
    (update,) = parse(wrap("*** Update File: f", "@@", "-b", "*** End of File", " \t", "@@", "+c"))
    assert isinstance(update, Update)
    assert [chunk.lines for chunk in update.chunks] == [(("-", "b"),), (("+", "c"),)]
