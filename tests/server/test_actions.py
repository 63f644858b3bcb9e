"""Code actions in one process: places in UTF-16, what is offered, and a message to the model that is bounded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from treadle.server import action_words, actions
from treadle.server.abilities import Abilities
from treadle.server.action_words import Excerpt
from treadle.server.documents import Document, lines

SMILE = "\U0001f600"
TEXT = st.text(st.sampled_from("ab_1 \n\r`'é" + SMILE), max_size=60)


def document(text: str) -> Document:
    return Document("file:///w/a.py", 1, text, "/w/a.py", "python")


def at(line: int, character: int) -> types.Range:
    return types.Range(types.Position(line, character), types.Position(line, character))


def plain_range(of: types.Range) -> dict[str, Any]:
    return {
        "start": {"line": of.start.line, "character": of.start.character},
        "end": {"line": of.end.line, "character": of.end.character},
    }


def offered(text: str, where: types.Range, of: Abilities, **context: Any) -> list[Any]:
    params = types.CodeActionParams(
        text_document=types.TextDocumentIdentifier(uri="file:///w/a.py"),
        range=where,
        context=types.CodeActionContext(**{"diagnostics": [], **context}),
    )
    return actions.offered(document(text), params, of)


@pytest.mark.parametrize(
    ("text", "where", "name"),
    [
        ("def run(): pass", at(0, 4), "run"),
        ("def run(): pass", at(0, 7), "run"),
        ("def run(): pass", at(0, 9), ""),
        (f"{SMILE}{SMILE} größe = 1\r\nnext", at(0, 6), "größe"),
        (f"{SMILE}\r\nnext", at(1, 2), "next"),
        ("a\rb", at(1, 0), "b"),
        ("12ab", at(0, 0), ""),
        ("", at(5, 5), ""),
    ],
)
def test_the_name_under_the_cursor_is_found_where_the_editor_has_it(text: str, where: types.Range, name: str) -> None:
    assert actions.symbol(text, where) == name


@given(TEXT, st.integers(0, 8), st.integers(0, 40))
def test_a_name_is_always_in_the_line_it_was_asked_for(text: str, line: int, character: int) -> None:
    found = actions.symbol(text, at(line, character))
    of_line = lines(text)[line : line + 1] or [""]
    assert found in of_line[0] or line >= len(lines(text))


def test_an_editor_that_takes_commands_only_gets_commands() -> None:
    found = offered("run()", at(0, 0), Abilities())
    assert [type(entry) for entry in found] == [types.Command] * 3
    argument = {"uri": "file:///w/a.py", "range": plain_range(at(0, 0))}
    assert (found[1].command, found[1].arguments) == ("treadle.explain", [argument])


def test_a_flood_of_diagnostics_makes_a_bounded_list() -> None:
    many = [types.Diagnostic(range=at(0, 0), message="m" * 5_000) for _ in range(500)]
    found = offered("run()", at(0, 0), Abilities(literal_actions=True), diagnostics=many, only=["quickfix"])
    assert len(found) == actions.MAX_DIAGNOSTICS + 1
    assert all(len(action.title) < 100 for action in found)
    given = found[-1].command.arguments[0]["diagnostics"]
    assert len(given) == actions.MAX_DIAGNOSTICS and all(len(entry["message"]) == actions.MAX_MESSAGE for entry in given)


@given(
    st.text(max_size=200) | st.text("`", max_size=50),
    st.text(max_size=30),
    st.lists(st.fixed_dictionaries({"message": st.text(min_size=1, max_size=900)}), max_size=40),
)
def test_the_code_stays_in_its_fence_whatever_it_is(code: str, name: str, diagnostics: list[dict[str, Any]]) -> None:
    said = action_words.words("Task.", Excerpt(1, 2, code), name, name, diagnostics)
    fence = said.split("\n\n", 2)[2].split("\n", 1)[0].rstrip()
    fence = fence[: len(fence) - len(fence.lstrip("`"))]
    assert len(fence) >= 3 and fence not in code
    assert len(said) < 2_000 + len(code) + action_words.MAX_DIAGNOSTICS * (2 * action_words.MAX_MESSAGE + 300)


def test_a_long_selection_is_cut_and_says_so() -> None:
    text = "x" * 50_000
    where = plain_range(types.Range(types.Position(0, 0), types.Position(0, 50_000)))
    excerpt = action_words.excerpt(document(text), where, "", [])
    assert (len(excerpt.code), excerpt.cut) == (action_words.MAX_CODE, True)
    assert "read the file for the rest" in action_words.words("Task.", excerpt, "a.py", "python", [])


def test_without_a_selection_the_lines_around_all_problems_are_shown() -> None:
    text = "".join(f"{number}\r\n" for number in range(1, 201))
    wrong = [{"range": plain_range(at(line, 0)), "message": "m"} for line in (60, 50)]
    excerpt = action_words.excerpt(document(text), plain_range(at(60, 0)), "", wrong)
    assert (excerpt.first, excerpt.last) == (31, 101)
    assert excerpt.code.startswith("31\r\n") and excerpt.code.endswith("101\r\n")


@given(TEXT, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_every_range_in_order_gives_an_excerpt_of_the_text(text: str, a: int, b: int, c: int, d: int) -> None:
    (first, start), (last, end) = sorted([(a, b), (c, d)])
    where = plain_range(types.Range(types.Position(first, start), types.Position(last, end)))
    excerpt = action_words.excerpt(document(text), where, "", [])
    assert excerpt.code in text and 1 <= excerpt.first <= excerpt.last


@pytest.mark.parametrize("where", [None, 5, {}, {"start": {}, "end": {}}, {"start": {"line": -1, "character": 0}, "end": {}}])
def test_a_range_that_is_none_is_refused(where: Any) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        action_words.excerpt(document("text"), where, "", [])


@pytest.mark.parametrize("given", [None, "x", [1, None, {}, {"message": ""}], {"message": "m"}])
def test_what_is_no_list_of_diagnostics_names_none(given: Any) -> None:
    assert action_words.listed(given) == []
