"""What a review asks for and what is read from its answer, however badly a model keeps to the schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import review
from treadle.core.review import AgainstBranch, Finding, InWords, OneCommit, Staged, Target, Uncommitted

ONE: dict[str, Any] = {
    "path": "src/a.py",
    "first_line": 3,
    "last_line": 5,
    "priority": 1,
    "title": "[P1] Divides by zero",
    "body": "When `n` is 0.",
    "confidence": 0.9,
}


def answer(*found: Any, **more: Any) -> str:
    return json.dumps({"findings": list(found), "verdict": "incorrect", "summary": "It adds a mean."} | more)


def test_findings_are_read_the_most_urgent_first_with_absolute_paths() -> None:
    found = review.read(answer(ONE, ONE | {"priority": 0, "path": "/w/b.py"}), "/w")
    first, second = found.found
    assert second == Finding("/w/src/a.py", 3, 5, 1, "Divides by zero", "When `n` is 0.", 0.9)
    assert (first.path, first.priority, found.verdict, found.summary) == ("/w/b.py", 0, "incorrect", "It adds a mean.")


@pytest.mark.parametrize(
    "broken", ["words", {}, ONE | {"path": ""}, ONE | {"path": 3}, ONE | {"first_line": "x"}, ONE | {"title": " "}, None, [ONE]]
)
def test_a_finding_that_makes_no_sense_is_left_out_and_the_others_stay(broken: Any) -> None:
    assert [finding.title for finding in review.read(answer(broken, ONE), "/w").found] == ["Divides by zero"]


def test_what_is_out_of_bounds_is_brought_into_them() -> None:
    (found,) = review.read(answer(ONE | {"last_line": 1, "priority": 9, "confidence": 7, "first_line": -4}), "/w").found
    assert (found.first, found.last, found.priority, found.confidence) == (1, 1, 3, None)


@pytest.mark.parametrize("around", ["```json\n{}\n```", "Here it is: {} That is all.", "{}"])
def test_words_around_the_answer_do_no_harm(around: str) -> None:
    assert len(review.read(around.replace("{}", answer(ONE)), "/w").found) == 1


def test_an_answer_without_a_schema_is_the_summary() -> None:
    found = review.read("All of it looks right.", "/w")
    assert (found.summary, found.found, found.verdict) == ("All of it looks right.", (), None)
    assert review.spoken(found, "/w") == "All of it looks right.\n\nNo findings."


@given(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_no_answer_breaks_the_reader(text: str, value: Any) -> None:
    for given_text in (text, json.dumps({"findings": [ONE | {"first_line": value, "priority": value, "confidence": value}]})):
        review.spoken(review.read(given_text, "/w"), "/w")


def test_a_client_that_draws_text_reads_all_of_it() -> None:
    assert review.spoken(review.read(answer(ONE), "/w"), "/w") == (
        "It adds a mean.\n\n- [P1] Divides by zero — src/a.py:3-5\n  When `n` is 0."
    )


@pytest.mark.parametrize(
    ("target", "label", "told"),
    [
        (Uncommitted(), "uncommitted changes", "untracked"),
        (Staged(), "staged changes", "git diff --cached"),
        (AgainstBranch("main"), "changes against main", "git merge-base HEAD main"),
        (OneCommit("abcdef0123456789", "Mend"), "commit abcdef0123: Mend", "git show abcdef0123456789"),
        (InWords("look at   the parser"), "look at the parser", "look at   the parser"),
    ],
)
def test_a_target_says_what_is_looked_at(target: Target, label: str, told: str) -> None:
    assert review.label(target) == label
    assert told in review.task(target)
    assert review.is_safe(target)


@pytest.mark.parametrize("name", ["--output=/tmp/x", "a b", "x; rm -rf ~", "$(id)", "", "`id`"])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    assert not review.is_safe(AgainstBranch(name))
    assert not review.is_safe(OneCommit(name))


def test_the_schema_asks_for_every_field_and_allows_no_other() -> None:
    assert review.SCHEMA["required"] == ["findings", "verdict", "summary"]
    one = review.SCHEMA["properties"]["findings"]["items"]
    assert (one["additionalProperties"], set(one["required"])) == (False, set(one["properties"]))
    assert set(ONE) == set(one["properties"])
