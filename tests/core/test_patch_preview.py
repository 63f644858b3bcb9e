"""The preview of a patch that is still arriving: the same whatever the pieces, in both forms of the call, and bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.patch_preview import MAX_CHARS, MAX_DIFF_CHARS, MAX_FILES, PatchPreview

TEXT = "\n".join(
    (
        "*** Begin Patch",
        "*** Environment ID: local",
        *("*** Add File: new.py", "+one", "+", "+*** End Patch"),
        *(
            "*** Update File: src/a.py",
            "*** Move to: src/b.py",
            "@@ def f",
            " x",
            '-y\t"q\\\u00e9\U0001f600',
            "+z",
            "*** End of File",
        ),
        *("*** Delete File: /abs/gone", "*** End Patch", "+not any more"),
    )
)
WHOLE: list[Any] = [
    {"path": "/w/new.py", "kind": "add", "move_path": None, "diff": "one\n\n*** End Patch\n", "added": 3, "removed": 0},
    {
        **{"path": "/w/src/a.py", "kind": "update", "move_path": "/w/src/b.py", "added": 1, "removed": 1},
        "diff": '@@ def f\n x\n-y\t"q\\\u00e9\U0001f600\n+z\n',
    },
    {"path": "/abs/gone", "kind": "delete", "move_path": None, "diff": "", "added": 0, "removed": 0},
]


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    at = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]


@given(st.lists(st.integers(0, 10_000), max_size=60), st.sampled_from(["custom", "ascii", "unicode", "other key first"]))
def test_the_pieces_make_no_difference(cuts: list[int], form: str) -> None:
    given_text = {
        "custom": TEXT + "\n",
        "ascii": json.dumps({"input": TEXT + "\n"}),
        "unicode": json.dumps({"input": TEXT + "\n"}, ensure_ascii=False),
        "other key first": json.dumps({"note": "x", "input": TEXT + "\n"}),
    }[form]
    seen = PatchPreview("/w", in_json=form != "custom")
    before: list[Any] = []
    for piece in pieces_of(given_text, cuts):
        changed = seen.feed(piece)
        now = seen.changes()
        assert changed == (now != before)
        before = now
    assert before == WHOLE


def test_only_whole_lines_are_shown() -> None:
    seen = PatchPreview("/w")
    assert not seen.feed("*** Begin Patch\n*** Add File: a.p")
    assert seen.changes() == []
    assert seen.feed("y\n+x")
    assert seen.changes()[0].get("diff") == ""
    assert seen.feed("\n")
    assert seen.changes()[0].get("diff") == "x\n"


def test_a_long_stream_is_bounded() -> None:
    seen = PatchPreview("/w")
    seen.feed("*** Begin Patch\n*** Add File: a\n")
    for _ in range(300):
        seen.feed("+" + "x" * 999 + "\n")
    (change,) = seen.changes()
    assert change.get("added") == 300
    assert len(change.get("diff", "")) < MAX_DIFF_CHARS + 20_000
    assert seen.feed("+x\n" * 5_000_000)
    assert not seen.feed("+x\n")
    (change,) = seen.changes()
    assert 300 < change.get("added", 0) < MAX_CHARS


def test_no_more_files_are_listed_than_can_be_drawn() -> None:
    seen = PatchPreview("/w")
    seen.feed("".join(f"*** Delete File: {n}\n" for n in range(MAX_FILES * 2)))
    assert len(seen.changes()) == MAX_FILES


@given(st.lists(st.text(max_size=30), max_size=10), st.booleans())
def test_garbage_is_passed_over(pieces: list[str], in_json: bool) -> None:
    seen = PatchPreview("/w", in_json=in_json)
    for piece in pieces:
        seen.feed(piece)
    json.dumps(seen.changes())


@pytest.mark.parametrize("text", ['{"input": "a\\', '{"input": "\\ud83d', '{"input": "\\x"}', '{"input": 3}', "[" * 5000])
def test_json_that_is_broken_shows_nothing(text: str) -> None:
    seen = PatchPreview("/w", in_json=True)
    assert not seen.feed(text)
    assert not seen.feed("*** Add File: x\n" * 3)
    assert seen.changes() == []
