"""The words by which new problems are handed back to the model, to the letter, and their bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from treadle.core import handed_back
from treadle.core.handed_back import Problem


def test_the_words_are_these() -> None:
    problems = (
        Problem("/w/b.css", 9, 1, "warning", "Unknown property: 'colour'", "css", "unknownProperties"),
        Problem("/w/a.json", 3, 5, "error", "Expected\n  comma", "json", "514"),
    )
    section = handed_back.section(problems)
    assert section.name == "new_problems"
    assert section.text == (
        "The editor reports these problems in files that you changed in this turn; they were not there before. Fix those that "
        "your changes caused before you finish. Leave one alone if it will be gone when your work is done, and say so if it is "
        "none.\n"
        "\n/w/a.json:3:5: error (json 514): Expected comma"
        "\n/w/b.css:9:1: warning (css unknownProperties): Unknown property: 'colour'"
    )


def test_more_than_a_model_can_use_is_counted() -> None:
    problems = [Problem("/w/a.py", line, 1, "error", "wrong") for line in range(1, 31)]
    assert handed_back.listed(problems).endswith("\n/w/a.py:20:1: error: wrong\n[and 10 more]")


@given(st.lists(st.builds(Problem, st.text(), st.integers(1), st.integers(1), st.text(), st.text()), max_size=60))
def test_whatever_an_editor_says_the_words_are_bounded_and_one_line_each(problems: list[Problem]) -> None:
    text = handed_back.listed(problems)
    assert len(text) <= handed_back.MOST_CHARS + 100
    assert len(text.strip("\n").split("\n")) <= handed_back.MOST_PROBLEMS + 1
