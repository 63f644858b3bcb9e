"""What the soak's model lets pass as the next prompt, and what it complains of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soak.history import History

Entry = dict[str, Any]


def told(text: str) -> Entry:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def said(number: int) -> Entry:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"Work on, {number}."}]}


def summary(number: int) -> Entry:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"# Goal\nSUMMARY {number}."}]}


def called(number: int, output: str = "done") -> list[Entry]:
    id = f"call_{number}_0"
    call = {"type": "function_call", "call_id": id, "name": "exec_command", "arguments": "{}"}
    return [call, {"type": "function_call_output", "call_id": id, "output": output}]


def answered(number: int) -> Entry:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"Message {number}."}]}


def prompt(*given: Entry | list[Entry], tools: str = "all") -> bytes:
    entries = [entry for one in given for entry in (one if isinstance(one, list) else [one])]
    return json.dumps({"model": "m", "tools": [tools], "input": entries, "stream": True}).encode()


RULES = told("rules")
FIRST = [RULES, said(1), *called(1), answered(2)]
SECOND = [*FIRST, said(2), *called(3), answered(4)]
MARK = b"SUMMARY 9."
EPOCH = [RULES, said(1), said(2), summary(9)]


def history(*prompts: bytes) -> History:
    known = History()
    for one in prompts:
        known.add(one)
    return known


SENT = (prompt(RULES, said(1)), prompt(*FIRST, said(2)), prompt(*SECOND, said(3)))


def test_the_first_prompt_may_be_anything() -> None:
    assert History().wrong(prompt(RULES, said(1)), moved=False, marks=()) is None


def test_a_prompt_that_goes_on_where_the_last_one_ended_is_right() -> None:
    assert history(*SENT).wrong(prompt(*SECOND, said(3), answered(5), said(4)), moved=False, marks=()) is None


@pytest.mark.parametrize(
    "following",
    [
        prompt(*FIRST, said(4)),
        prompt(RULES, said(1), *called(1, "another"), answered(2), said(2), *called(3), answered(4), said(3)),
        prompt(*SECOND, said(3), said(4), tools="others"),
    ],
    ids=["shorter", "changed", "other tools"],
)
def test_without_anything_taken_back_every_other_prompt_is_wrong(following: bytes) -> None:
    assert "does not extend" in (history(*SENT).wrong(following, moved=False, marks=()) or "")


@pytest.mark.parametrize(
    "following",
    [
        prompt(*SECOND, said(3), answered(5), said(6)),
        prompt(*FIRST, said(4)),
        prompt(RULES, said(1), said(4)),
        prompt(*FIRST, *called(7), said(4)),
        prompt(*FIRST, told("you were interrupted"), said(4), RULES),
    ],
    ids=["given back", "a turn less", "of one that was never answered", "with what came after its last prompt", "told again"],
)
def test_after_turns_are_taken_back_a_prompt_begins_as_an_earlier_one(following: bytes) -> None:
    assert history(*SENT).wrong(following, moved=True, marks=()) is None


@pytest.mark.parametrize(
    ("following", "why"),
    [
        (prompt(RULES, said(1), *called(1, "another"), answered(2), said(4)), "in another place"),
        (prompt(RULES, said(1), answered(2), said(4)), "in another place"),
        (prompt(RULES, told("new"), said(1), *called(1), answered(2), said(4)), "in another place"),
        (prompt(RULES, *called(1), said(4)), "in another place"),
        (prompt(*FIRST, *called(3), said(4)), "in another place"),
        (prompt(told("other rules"), said(4)), "begins as none"),
        (prompt(*FIRST, said(4), tools="others"), "begins as none"),
    ],
    ids=[
        "an output changed",
        "a call lost",
        "told in between",
        "words lost",
        "of a turn that is gone",
        "other rules",
        "other tools",
    ],
)
def test_also_then_nothing_in_it_is_changed_or_lost(following: bytes, why: str) -> None:
    assert why in (history(*SENT).wrong(following, moved=True, marks=()) or "")


def test_after_a_summary_a_prompt_begins_anew_with_the_words_of_the_user_alone() -> None:
    known = history(*SENT)
    assert known.wrong(prompt(*EPOCH, said(4), tools="others"), moved=False, marks=(MARK,)) is None
    assert "does not extend" in (known.wrong(prompt(*EPOCH, said(4)), moved=False, marks=()) or "")
    kept = prompt(*EPOCH, *called(3), said(4), tools="others")
    assert "in another place" in (known.wrong(kept, moved=False, marks=(MARK,)) or "")


def test_what_followed_a_summary_and_was_taken_back_is_not_in_the_prompt_that_begins_anew() -> None:
    known = history(*SENT, prompt(*EPOCH, said(4)), prompt(*EPOCH, said(4), *called(5)))
    assert known.wrong(prompt(*EPOCH, said(6), tools="others"), moved=True, marks=(MARK,)) is None
    left = prompt(*EPOCH, said(6), *called(5), tools="others")
    assert "in another place" in (known.wrong(left, moved=True, marks=(MARK,)) or "")


def test_a_copy_knows_what_was_known_and_no_more() -> None:
    known = history(*SENT[:2])
    copy = known.copy()
    known.add(SENT[2])
    assert copy.wrong(prompt(*SECOND, said(8)), moved=False, marks=()) is None
    assert known.wrong(prompt(*SECOND, said(8)), moved=False, marks=()) is not None
