"""An editor's documents: our copy is what the editor shows, whatever is typed, and our edits make of it what was wanted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import diff
from treadle.server.buffers import EditorBuffers
from treadle.server.documents import Documents, changed, edits, file_path, lines

TEXT = st.text(st.sampled_from("ab \n\r\x0c\u2028é\U0001f600"), max_size=40)


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """The folder of a test by its real name."""
    return tmp_path.resolve()


def position(text: str, offset: int) -> dict[str, int]:
    """Of a character, as an editor counts: the model to compare with."""
    line = start = at = 0
    while at < offset:
        if text[at] == "\r" and text[at + 1 : at + 2] == "\n":
            if at + 1 == offset:
                break
            at += 1
        if text[at] in "\r\n":
            line, start = line + 1, at + 1
        at += 1
    return {"line": line, "character": len(text[start:offset].removesuffix("\r").encode("utf-16-le")) // 2}


@given(TEXT, TEXT, st.integers(0, 40), st.integers(0, 40))
def test_a_typed_change_lands_where_the_editor_has_it(text: str, new: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    if "\r\n" in (text[start - 1 : start + 1], text[end - 1 : end + 1]):
        return  # no editor's cursor stands between CR and LF
    change = {"range": {"start": position(text, start), "end": position(text, end)}, "text": new}
    assert changed(text, change) == text[:start] + new + text[end:]


@given(TEXT, TEXT)
def test_our_edits_make_the_new_text_of_the_old(old: str, new: str) -> None:
    before, after = lines(old), lines(new)
    ranges = [(a, b, c, d) for tag, a, b, c, d in diff.opcodes_between(before, after) if tag != "equal"]
    text = old
    # An editor applies all edits of one document to the text as it was.
    for edit in reversed(edits(old, new, ranges)):
        text = changed(text, {"range": edit["range"], "text": edit["newText"]})
    assert text == new


def opened(path: Path, text: str, version: int = 1) -> dict[str, Any]:
    return {"textDocument": {"uri": path.as_uri(), "languageId": "x", "version": version, "text": text}}


def test_documents_are_found_by_the_real_path(tmp_path: Path) -> None:
    (tmp_path / "a é#1").write_text("")
    (tmp_path / "link").symlink_to("a é#1")
    documents = Documents()
    documents.take("textDocument/didOpen", opened(tmp_path / "link", "x"))
    found = documents.find(os.path.realpath(tmp_path / "a é#1"))
    assert found is not None and found.text == "x"
    documents.take("textDocument/didClose", {"textDocument": {"uri": (tmp_path / "link").as_uri()}})
    assert documents.find(os.path.realpath(tmp_path / "a é#1")) is None


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a%20b", "/a b"),
        ("file://localhost/a", "/a"),
        ("FILE:///a", "/a"),
        ("file://server/a", None),
        ("untitled:Untitled-1", None),
        ("vscode-remote://x/a", None),
        ("file:///a%00", None),
    ],
)
def test_uris_of_files(uri: str, path: str | None) -> None:
    assert file_path(uri) == path


@pytest.mark.parametrize(
    "changes",
    [
        [{"text": 3}],
        [{"range": {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}}, "text": ""}],
        [{"range": {"start": {"line": 1, "character": 0}, "end": {"line": 0, "character": 0}}, "text": ""}],
        [{}],
        ["x"],
        None,
    ],
)
def test_a_document_whose_changes_make_no_sense_is_forgotten(real: Path, changes: Any) -> None:
    documents = Documents()
    path = real / "f"
    documents.take("textDocument/didOpen", opened(path, "a\nb\n"))
    documents.take("textDocument/didChange", {"textDocument": {"uri": path.as_uri(), "version": 2}, "contentChanges": changes})
    assert documents.find(str(path)) is None


@pytest.mark.parametrize("params", [None, [], {}, {"textDocument": None}, {"textDocument": {"uri": 3, "text": "", "version": 1}}])
def test_messages_that_make_no_sense_are_passed_over(params: Any) -> None:
    for method in ("textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", None, 3):
        Documents().take(method, params)


async def test_an_edit_names_the_version_and_the_lines_that_change(real: Path) -> None:
    documents, asked = Documents(), []
    path = real / "f"
    documents.take("textDocument/didOpen", opened(path, "a\nb\nc", version=7))

    async def request(method: str, params: Any) -> Any:
        asked.append((method, params))
        return {"applied": True}

    await EditorBuffers(documents, request, applies=True).write([(str(path), "a\nb\nc", "a\nB\nc\nd\n")])
    ((method, params),) = asked
    assert method == "workspace/applyEdit"
    (change,) = params["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": path.as_uri(), "version": 7}
    where = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 1}}
    assert change["edits"] == [{"range": where, "newText": "B\nc\nd\n"}]


@pytest.mark.parametrize("answer", [None, {"applied": False, "failureReason": "version"}, {"applied": "yes"}, [], 3])
async def test_an_editor_that_declines_is_an_error(real: Path, answer: Any) -> None:
    documents = Documents()
    path = real / "f"
    documents.take("textDocument/didOpen", opened(path, "a"))

    async def request(method: str, params: Any) -> Any:
        return answer

    with pytest.raises(OSError, match="declined the edit"):
        await EditorBuffers(documents, request, applies=True).write([(str(path), "a", "b")])
    with pytest.raises(OSError, match="takes no edits"):
        await EditorBuffers(documents, request, applies=False).write([(str(path), "a", "b")])
    with pytest.raises(FileExistsError, match="has edited the file"):
        await EditorBuffers(documents, request, applies=True).write([(str(path), "other", "b")])


def test_who_listens_is_told_of_each_change_and_of_opening_and_closing(tmp_path: Path) -> None:
    documents, told = Documents(), list[tuple[str, str, str]]()
    documents.told.append(lambda *change: told.append(change))
    path = tmp_path / "f"
    uri = path.as_uri()
    documents.take("textDocument/didOpen", {"textDocument": {"uri": uri, "version": 1, "text": "a\n"}})
    start = {"line": 0, "character": 0}
    changes = [{"range": {"start": start, "end": start}, "text": text} for text in ("1", "2")]
    documents.take("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": changes})
    documents.take("textDocument/didClose", {"textDocument": {"uri": uri}})
    steps = [("a\n", "a\n"), ("a\n", "1a\n"), ("1a\n", "21a\n"), ("21a\n", "21a\n")]
    assert told == [(str(path), *step) for step in steps]
    told.clear()
    documents.take("textDocument/didOpen", {"textDocument": {"uri": uri, "version": 1, "text": ""}})
    documents.take("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": changes * 50})
    assert told == [(str(path), "", ""), (str(path), "", "21" * 50)]
