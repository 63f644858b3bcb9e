"""What a query means, what an item is found by, and the line that is shown of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.items import Image, Item, ModelItem, Notes, Opening, Text, ToolOutput, UserMessage
from treadle.core.search import MESSAGE, MOST, OUTPUT, WIDTH, Query, matches, occurrences, said, snippet, understood


@pytest.mark.parametrize(
    ("text", "phrases", "unfinished"),
    [
        ("login", ("login",), True),
        ("login bug", ("login", "bug"), True),
        ("login bug ", ("login", "bug"), True),
        ('"login bug"', ("login bug",), False),
        ('the "login bug', ("the", "login bug"), True),
        ('"login" ->', ("login",), False),
        ("login ->", ("login",), False),
        ("src/app.py", ("src/app.py",), True),
        ("x", ("x",), False),
        ("a b", ("a", "b"), False),
        ('say"so', ("say", "so"), True),
        ("AND OR NOT (", ("AND", "OR", "NOT"), False),
    ],
)
def test_a_query_is_words_and_phrases(text: str, phrases: tuple[str, ...], unfinished: bool) -> None:
    assert understood(text) == Query(phrases, unfinished)


@pytest.mark.parametrize("text", ["", "  ", "->", '""', '"', "_ * ^ :", "\0"])
def test_without_letters_and_digits_nothing_is_looked_for(text: str) -> None:
    assert understood(text) is None


def test_a_query_without_end_is_cut() -> None:
    found = understood("ab " * 10_000)
    assert found is not None
    assert len(found.phrases) == MOST


@given(st.text())
def test_any_text_is_a_query(text: str) -> None:
    found = understood(text)
    if found is not None:
        assert matches([text], found) in (True, False)
        assert snippet(text, found).text is not None


def call(kind: str, **fields: str) -> ModelItem:
    body = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
    return ModelItem("i", 1.0, "t", kind, "{" + body + "}", "c", "tool")


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (UserMessage("i", 1.0, "t", (Text("one"), Image("data:x"), Text("two"))), "one\ntwo"),
        (UserMessage("i", 1.0, "t", (Text("x" * (MESSAGE + 1)),)), "x" * MESSAGE),
        (Notes("i", 1.0, ("a", "b")), "a\nb"),
        (ModelItem("i", 1.0, "t", "message", '{"content":[{"type":"output_text","text":"Done."}]}'), "Done."),
        (ModelItem("i", 1.0, "t", "reasoning", '{"summary":[{"text":"hm"}]}'), ""),
        (call("custom_tool_call", input="*** Update File: a.py"), "*** Update File: a.py"),
        (call("function_call", arguments=r"{\"cmd\":\"ls -l\",\"n\":[\"x\",{\"k\":\"y\"}],\"t\":3}"), "ls -l\nx\ny"),
        (call("function_call", arguments="{not JSON"), "{not JSON"),
        (ToolOutput("i", 1.0, "t", "c", "what the model read", detail={"output": "what was printed"}), "what was printed"),
        (ToolOutput("i", 1.0, "t", "c", "Exit code 1", detail={"output": ""}), "Exit code 1"),
        (ToolOutput("i", 1.0, "t", "c", "a" * 9_000 + "b" * 9_000), "a" * (OUTPUT // 2) + "\n" + "b" * (OUTPUT // 2)),
        (Opening("i", 1.0, "m", "p", "instructions", "[]"), ""),
    ],
)
def test_an_item_is_found_by_what_people_saw_of_it(item: Item, text: str) -> None:
    assert said(item) == text


def marked(text: str, query: str) -> str:
    wanted = understood(query)
    assert wanted
    found = snippet(text, wanted)
    out = found.text
    for start, end in reversed(found.marks):
        out = f"{out[:start]}[{out[start:end]}]{out[end:]}"
    return out


@pytest.mark.parametrize(
    ("text", "query", "line"),
    [
        ("Fix the LOGIN\n\tbug now", "login bug", "Fix the [LOGIN] [bug] now"),
        ("Fix the login bug", '"login bug"', "Fix the [login bug]"),
        ("bugs and debugging", "bug", "[bug]s and debugging"),
        ("bugs and debugging", '"bug"', "bugs and debugging"),
        ("see src/app.py:3", "app.py", "see src/[app.py]:3"),
        ("read foo_bar", "foo bar", "read [foo]_[bar]"),
        ("Caf\u00e9 au lait", "cafe", "[Caf\u00e9] au lait"),
        ("Cafe\u0301 au lait", "caf\u00e9", "[Caf\u00e9] au lait"),
        ("\u4fee\u590d\u767b\u5f55\u9519\u8bef", "\u767b\u5f55", "\u4fee\u590d[\u767b\u5f55]\u9519\u8bef"),
        ("\ud55c\uad6d\uc5b4", "\ud55c\uad6d", "[\ud55c\uad6d]\uc5b4"),
        ("nothing of it", "login", "nothing of it"),
    ],
)
def test_a_snippet_marks_what_was_found(text: str, query: str, line: str) -> None:
    assert marked(text, query) == line


def test_a_snippet_of_a_long_text_is_one_line_around_the_place() -> None:
    found = marked("before " * 500 + "needle " + "after " * 500, "needle")
    assert "[needle]" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) <= WIDTH + 4


def test_every_place_in_a_message_is_an_occurrence() -> None:
    items: list[Item] = [
        UserMessage("u", 1.0, "t1", (Text("Cats. CATS!\n*cat*"),)),
        ToolOutput("o", 1.0, "t1", "c", "cat"),
        ModelItem("m", 1.0, "t1", "message", '{"content":[{"type":"output_text","text":"A cat (cat)"}]}'),
    ]
    found = occurrences(items, "cat", 0, 10)
    assert [(turn, item, line.text[slice(*line.marks[0])]) for turn, item, line in found] == [
        ("t1", "u", "Cat"),
        ("t1", "u", "CAT"),
        ("t1", "u", "cat"),
        ("t1", "m", "cat"),
        ("t1", "m", "cat"),
    ]
    assert occurrences(items, "cat", 2, 2) == found[2:4]
    assert [line.text for _, _, line in occurrences(items, "(c", 0, 10)] == ["A cat (cat)"]


@given(st.text(), st.text(min_size=1), st.text())
def test_an_occurrence_is_marked_where_it_is(before: str, text: str, after: str) -> None:
    found = occurrences([UserMessage("u", 1.0, "t", (Text(before + text + after),))], text, 0, 1_000)
    assert found
    for _, _, line in found:
        start, end = line.marks[0]
        assert line.text[start:end].casefold().split() == text.casefold().split()
