"""Titles by rule: the first sentence that says something, in any language, and nothing that was pasted."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import titles
from treadle.core.items import Image, Text
from treadle.core.titles import WIDTH, cleaned, made, width

SAID = [
    ("Fix the bug in src/app/main.py. It crashes at start.", "Fix the bug in main.py"),
    ("Hi! Can you look at why `npm test` fails?", "Can you look at why npm test fails?"),
    ("fix it", "fix it"),
    ("Explain @src/app.py:12 please", "Explain app.py please"),
    ("[@main.py](/w/src/main.py) needs a test for load()", "main.py needs a test for load()"),
    ("```python\nraise SystemExit\n```\nWhat does this do?", "What does this do?"),
    ("What does this do?\n```\nnever closed", "What does this do?"),
    ("/home/x/a.py\n/home/x/b.py\n\nRename both of them", "Rename both of them"),
    ('Traceback (most recent call last):\n  File "a.py", line 1\nKeyError\n\nWhy does this happen?', "Why does this happen?"),
    ("$ ls\nfoo\nWhy is foo there?", "Why is foo there?"),
    ("<context>\nlong\n</context>\nDo it for all modules", "Do it for all modules"),
    ("# Task\n\n- Implement the parser. Then test it.", "Implement the parser"),
    ("Use v3.5 of it, e.g. the new API. Then stop.", "Use v3.5 of it, e.g. the new API"),
    ("Bitte z. B. die Datei \u00e4ndern. Danke.", "Bitte z. B. die Datei \u00e4ndern"),
    (
        "\u3053\u306e\u30b3\u30fc\u30c9\u3092\u8aac\u660e\u3057\u3066\u304f\u3060\u3055\u3044\u3002\u304a\u9858\u3044\u3002",
        "\u3053\u306e\u30b3\u30fc\u30c9\u3092\u8aac\u660e\u3057\u3066\u304f\u3060\u3055\u3044",
    ),
    (
        "\u0433\u0434\u0435 \u043e\u043d \u0435\u0441\u0442\u044c? \u0412\u043e\u0442.",
        "\u0433\u0434\u0435 \u043e\u043d \u0435\u0441\u0442\u044c?",
    ),
    ("\u0644\u0645\u0627 \u064a\u0641 \u0634\u0644\u061f \u0633\u0627", "\u0644\u0645\u0627 \u064a\u0641 \u0634\u0644\u061f"),
    ("See https://example.com/a/b?c=d and do and/or the same", "See example.com and do and/or the same"),
    ("an evil\u202etxt.exe\x1b[31m in\x07 red", "an eviltxt.exe in red"),
    ("   \n\n", None),
    ("?!...", None),
    ("\U0001f44d", None),
]


@pytest.mark.parametrize(("said", "title"), SAID)
def test_the_first_sentence_that_says_something(said: str, title: str | None) -> None:
    assert made((Text(said),)) == title


def test_pictures_have_no_title_and_a_skill_alone_gives_its_name() -> None:
    assert made((Image("data:image/png;base64,AA"),)) is None
    assert made((Text("$tidy", skill="/s/SKILL.md"),)) == "$tidy"
    assert made((Text("$tidy", skill="/s/SKILL.md"), Text("all of the imports"))) == "all of the imports"


def test_a_long_sentence_is_cut_between_words_and_a_long_word_within() -> None:
    assert made((Text("word " * 50),)) == "word " * 10 + "word" + "\u2026"
    assert made((Text("x" * 500),)) == "x" * (WIDTH - 1) + "\u2026"


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ('"Fix the parser."', "Fix the parser"),
        ("**Title: Fix it**\nBecause it is broken.", "Fix it"),
        ("\n- Fix it\n", "Fix it"),
        ("...", None),
        ("", None),
    ],
)
def test_what_a_model_answers_is_taken_for_its_words_only(answer: str, title: str | None) -> None:
    assert cleaned(answer) == title


@given(st.text(max_size=300) | st.text(alphabet="ab. /@`<>[]()~\n\u200d\U0001f468\u0301\u3042\ud800", max_size=300))
def test_any_words_give_one_short_line_or_nothing(said: str) -> None:
    for title in (made((Text(said),)), cleaned(said)):
        if title is None:
            continue
        assert title == " ".join(title.split())
        assert width(title) <= WIDTH
        assert any(char.isalnum() for char in title)
        title.encode()
        assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in title)


@pytest.mark.parametrize("piece", ["<a ", "<aa>", "/a", "a/", "[", "@", ". ", "...", "```\n", "e.g. ", "\x1b["])
def test_no_words_take_long(piece: str) -> None:
    assert len(made((Text(piece * 200_000),)) or "") <= WIDTH


PASSED_OVER = {
    "_FENCE": ("```", "~~~"),
    "_TAGGED": ("</",),
    "_COLOUR": ("\x1b",),
    "_LINK": ("](",),
    "_ADDRESS": ("://",),
    "_PATH": ("/", "\\"),
    "_AT": ("@",),
}
"By the name of a pattern: one of these is in whatever it finds."
_PIECES = [
    "```",
    "~~~",
    "``",
    "<a>",
    "</",
    "a>",
    "\x1b",
    "[31m",
    "[a]",
    "(b)",
    "](",
    "http",
    "s://",
    "/",
    "\\",
    "@",
    "C:",
    ".",
    "x",
    "\n",
    " ",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_what_is_not_looked_for_could_not_be_found(text: str) -> None:
    for name, marks in PASSED_OVER.items():
        if not any(mark in text for mark in marks):
            assert getattr(titles, name).search(text) is None, name
