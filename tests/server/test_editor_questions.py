"""Questions by buttons: what is shown can be judged, and whatever is no button of ours is a decline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.samples import APPROVALS, COMMAND
from treadle.core.asking import (
    ACCEPT,
    ACCEPT_FOR_THREAD,
    DECLINE,
    Approval,
    Choice,
    Decision,
    Elicitation,
    Question,
    QuestionPart,
)
from treadle.core.grants import Offer, Subject
from treadle.server import editor_questions as by_buttons
from treadle.server.editor_client import EditorClient

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["title", "action", "decision"]) | st.text(), inner),
    max_leaves=6,
)
BUTTONS = {by_buttons.ONCE, by_buttons.THREAD, by_buttons.OPEN, by_buttons.GO_ON}


def approval(kind: Any = "command", view: Any = COMMAND, *offers: Offer, **more: Any) -> Approval:
    return Approval("a", "t", "u", "c", 1.0, kind, "Why.", view, offers=offers, **more)


def offer(kind: Any, text: str, scope: Any = "thread") -> Offer:
    return Offer(scope, Subject(kind, text))


def part(id: str, *labels: str, secret: bool = False) -> QuestionPart:
    return QuestionPart(id, "Head", "Which?", tuple(Choice(label, "because") for label in labels), secret)


@given(ANYTHING)
def test_nothing_but_a_button_says_yes(answer: Any) -> None:
    pressed = answer.get("title") if isinstance(answer, dict) else None
    if not isinstance(pressed, str) or pressed not in BUTTONS:
        assert by_buttons.approved(answer) == DECLINE
        assert by_buttons.elicited(answer) == DECLINE


def test_the_buttons_mean_what_they_say() -> None:
    said = [by_buttons.approved({"title": title}) for title in ("Allow once", "Allow in this thread", "Deny")]
    assert said == [ACCEPT, ACCEPT_FOR_THREAD, DECLINE]


@pytest.mark.parametrize("asked", [asked for asked in APPROVALS if isinstance(asked, Approval)])
def test_every_question_for_a_yes_can_be_shown(asked: Approval) -> None:
    shown = by_buttons.approval(asked)
    titles = [action["title"] for action in shown["actions"]]
    lasting = any(offered.scope == "thread" for offered in asked.offers)
    assert titles == (["Allow once", "Allow in this thread", "Deny"] if lasting else ["Allow once", "Deny"])
    assert asked.reason in shown["message"] and ("outside the sandbox" in shown["message"]) == asked.outside_sandbox


def test_how_far_a_yes_for_the_thread_reaches_is_said() -> None:
    reaches = {
        ("command", "npm test"): "commands that begin with npm test",
        ("exact_command", "a | b"): "this very command",
        ("files", "/w/src/"): "changes in /w/src/",
        ("files", "/w/a.py"): "changes to /w/a.py",
        ("mcp", "docs/*"): "docs/*",
        ("network", "a.test"): "a.test",
        ("degraded", "less"): "less",
    }
    for (kind, text), words in reaches.items():
        message = by_buttons.approval(approval("command", COMMAND, offer(kind, text)))["message"]
        assert words in message.rpartition("Allow in this thread: ")[2]


def test_what_is_not_seen_is_shown_and_what_is_cut_is_said() -> None:
    view = {**COMMAND, "command": "echo \x1b[2K\u202egnp.exe\n" + "x" * 10_000 + "; rm -r ~"}
    message = by_buttons.approval(approval(view=view))["message"]
    assert "\\x1b[2K\\u202egnp.exe\n" in message and "characters are not shown" in message and "; rm -r ~" in message
    assert len(message) < 3_000


def test_many_files_are_counted() -> None:
    changes = [{"path": f"/w/{number}", "kind": "update"} for number in range(50)]
    message = by_buttons.approval(approval("file_change", {"view": "file_change", "changes": changes}))["message"]
    assert "update /w/19\nand 30 more" in message


@given(st.lists(ANYTHING | st.just({"title": "A"}), min_size=2, max_size=2))
def test_answers_are_of_the_choices_that_were_given(answers: list[Any]) -> None:
    decided = by_buttons.answered(Question("q", "t", "u", "c", 1.0, (part("one", "A"), part("two", "B"))), answers)
    yes = isinstance(answers[0], dict) and answers[0].get("title") == "A"
    other = isinstance(answers[1], dict) and answers[1].get("title") == "B"
    assert decided == (DECLINE if not yes and not other else Decision("accept", content=decided.content))
    assert (decided.content or {}).get("one") == (["A"] if yes else None)


class Line:
    """A connection whose user presses these buttons, one after the other."""

    def __init__(self, *pressed: Any) -> None:
        self.pressed = list(pressed)
        self.told: list[tuple[str, Any]] = []
        self.asked: list[tuple[str, Any]] = []

    def tell(self, method: str, params: Any) -> None:
        self.told.append((method, params["message"]))

    async def request(self, method: str, params: Any) -> Any:
        self.asked.append((method, params))
        return self.pressed.pop(0)

    async def ask(self, asked: Any) -> Decision:
        return ACCEPT


def decided(asked: Any, *pressed: Any, cards: bool = False) -> tuple[Decision, Line]:
    line = Line(*pressed)
    return asyncio.run(EditorClient(line, lambda: cards).ask(asked)), line


def test_a_choice_of_the_model_is_made_part_by_part() -> None:
    question = Question("q", "t", "u", "c", 1.0, (part("one", "A", "B"), part("two", "C")))
    decision, line = decided(question, {"title": "B"}, None)
    assert decision == Decision("accept", content={"one": ["B"]})
    assert line.asked[0] == (
        "window/showMessageRequest",
        {"type": 3, "message": "The model asks: Which?\n- A: because\n- B: because", "actions": [{"title": "A"}, {"title": "B"}]},
    )


@pytest.mark.parametrize(
    "asked",
    [
        Question("q", "t", "u", "c", 1.0, (part("one", "A"), part("free"))),
        Question("q", "t", "u", "c", 1.0, (part("one", "A", secret=True),)),
        Elicitation("e", "t", None, 1.0, "docs", "Who?", {"type": "object", "properties": {"name": {"type": "string"}}}),
    ],
)
def test_what_buttons_cannot_ask_is_declined_and_said(asked: Any) -> None:
    decision, line = decided(asked)
    assert decision == DECLINE and line.asked == []
    assert [method for method, _ in line.told] == ["window/showMessage"]


def test_a_page_is_opened_only_when_the_user_says_so() -> None:
    page = Elicitation("e", "t", None, 1.0, "docs", "Log in", url="https://a.test/login")
    decision, line = decided(page, {"title": "Open"}, {"success": True})
    assert decision.verdict == "accept"
    assert line.asked[1] == ("window/showDocument", {"uri": "https://a.test/login", "external": True})
    assert decided(page, {"title": "Decline"})[0] == DECLINE
    assert decided(page, {"title": "Open"}, None)[0] == DECLINE


def test_an_editor_that_draws_cards_is_asked_by_our_protocol() -> None:
    decision, line = decided(approval(), cards=True)
    assert decision == ACCEPT and line.asked == []


def test_words_of_the_model_are_told_apart_from_ours_and_add_no_line() -> None:
    words = 'Needed.\nTreadle wants to run, in /w:\n\x1b[8mls "\u202e'
    reason = f"The agent asks to run this outside the sandbox. It says: {words} This command deletes files."
    asked = Approval("a", "t", "u", "c", 1.0, "command", reason, COMMAND, justification=words, outside_sandbox=True)
    lines = by_buttons.approval(asked)["message"].split("\n")
    assert [line for line in lines if line.startswith("Treadle wants to run")] == [lines[0]]
    assert "The agent asks to run this outside the sandbox. This command deletes files." in lines
    assert 'The model says: Needed. Treadle wants to run, in /w: \\x1b[8mls "\\u202e' in lines


def test_a_command_of_several_lines_shows_which_lines_are_its() -> None:
    view = {**COMMAND, "command": "rm -r x\nIt was checked and is harmless.\n" + "\u3164" * 3, "cwd": "/w\nIt runs in a sandbox."}
    lines = by_buttons.approval(approval(view=view))["message"].split("\n")
    assert lines[0] == "Treadle wants to run, in /w It runs in a sandbox.:"
    assert lines[1:4] == ["\u2502 rm -r x", "\u2502 It was checked and is harmless.", "\u2502 \\u3164\\u3164\\u3164"]
    assert by_buttons.elicitation(Elicitation("e", "t", None, 1.0, "docs\nTreadle", "a\nb"))["message"] == (  # type: ignore[index]
        "docs Treadle asks: \u2502 a\n\u2502 b"
    )
