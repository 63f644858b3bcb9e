"""What an editor is asked over the Agent Client Protocol, and what its answers mean, as data."""

from __future__ import annotations

from typing import Any

import pytest
from acp.schema import (
    CreateFormSessionElicitationRequest,
    CreateUrlSessionElicitationRequest,
    RequestPermissionRequest,
)
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.asking import Approval, Choice, Decision, Elicitation, Question, QuestionPart
from treadle.core.grants import Offer, Subject
from treadle.server.acp_questions import (
    agreed,
    agreeing,
    answerable,
    choice,
    choosing,
    closing,
    decided,
    filled,
    form,
    permission,
)

RUN: Any = {"view": "command", "command": "npm test", "cwd": "/w"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["outcome", "optionId", "action", "content"]), inner)
    ),
    max_leaves=6,
)


def approval(kind: Any = "command", view: Any = None, offers: tuple[Offer, ...] = (), **more: Any) -> Approval:
    return Approval("a", "t", "u", "c", 0.0, kind, "Because.", view or RUN, offers=offers, **more)


def asked(approval: Approval) -> dict[str, Any]:
    params = permission(approval)
    RequestPermissionRequest.model_validate({"sessionId": "s", **params})
    return params


def names(params: dict[str, Any]) -> list[str]:
    return [option["name"] for option in params["options"]]


def selected(id: str) -> dict[str, str]:
    return {"outcome": "selected", "optionId": id}


COMMAND = Subject("command", "npm test")
OFFERS = tuple(Offer(scope, COMMAND, editable=True) for scope in ("thread", "workspace", "always"))  # type: ignore[arg-type]


def test_a_command_is_shown_whole_with_the_reason_fenced() -> None:
    params = asked(approval(offers=OFFERS))
    call = params["toolCall"]
    assert (call["toolCallId"], call["title"], call["kind"], call["status"]) == ("c", "`npm test`", "execute", "pending")
    assert call["content"][0]["content"]["text"] == "```\nBecause.\n```"
    assert names(params) == [
        "Allow once",
        "Allow in this thread: commands that begin with `npm test`",
        "Allow in this workspace: commands that begin with `npm test`",
        "Allow always: commands that begin with `npm test`",
        "Reject",
    ]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (Subject("exact_command", "a | b", outside=True), "just this command: `a | b`, without the sandbox"),
        (Subject("files", "/w/src/"), "changes to /w/src/"),
        (Subject("mcp", "fs/read"), "the tool fs/read"),
        (Subject("network", "*.example.com"), "access to *.example.com"),
        (Subject("degraded", "commands with less protection"), "commands with less protection"),
    ],
)
def test_an_option_says_what_it_covers(subject: Subject, said: str) -> None:
    assert f"Allow in this workspace: {said}" in names(asked(approval(offers=(Offer("workspace", subject),))))


def test_each_option_means_what_was_offered() -> None:
    question = approval(offers=OFFERS)
    ids = [option["optionId"] for option in permission(question)["options"]]
    decisions = [decided(question, selected(id)) for id in ids]
    assert decisions == [
        *(Decision("accept"), Decision("accept", "thread"), Decision("accept", "workspace"), Decision("accept", "always")),
        Decision("decline"),
    ]
    assert decided(question, {"outcome": "cancelled"}) == Decision("cancel")


@given(ANYTHING)
def test_no_answer_that_was_not_offered_is_a_yes(answer: Any) -> None:
    assert decided(approval(), answer).verdict in ("decline", "cancel")
    assert agreed(answer).verdict in ("decline", "cancel")
    question = Question("q", "t", "u", "c", 0.0, (QuestionPart("p", "", "?", (Choice("x"),)),))
    assert choice(question.parts[0], answer) is None
    if not (isinstance(answer, dict) and answer.get("action") == "accept"):
        assert filled(question, answer).verdict in ("decline", "cancel")


def test_a_host_is_asked_about_as_a_call_of_its_own_and_can_be_refused_for_good() -> None:
    offers = tuple(Offer(scope, Subject("network", "example.com")) for scope in ("thread", "always"))  # type: ignore[arg-type]
    question = approval("network", offers=offers, host="example.com", protocol="https")
    params = asked(question)
    assert params["toolCall"]["toolCallId"] == "a" and params["toolCall"]["title"] == "Let the command reach example.com"
    assert names(params)[-1] == "Never allow example.com"
    never = decided(question, selected("reject-always"))
    assert never == Decision("decline", "always", "example.com")
    yes = decided(question, selected("allow-once"))
    assert [(closing(question, decision) or {})["status"] for decision in (yes, never)] == ["completed", "failed"]
    assert closing(approval(), yes) is None
    assert decided(approval(), selected("reject-always")) == Decision("decline")


def test_an_edit_is_shown_as_its_diff() -> None:
    change = {"path": "/w/a", "kind": "add", "move_path": None, "diff": "x\n"}
    params = asked(approval("file_change", {"view": "file_change", "changes": [change]}, outside_sandbox=True))
    assert params["toolCall"]["content"][-1] == {"type": "diff", "path": "/w/a", "newText": "x\n"}
    assert names(params) == ["Allow once", "Reject"]


def test_a_tool_of_a_server_is_named_with_its_arguments() -> None:
    view = {"view": "mcp", "server": "fs", "tool": "read", "arguments": {"path": "/w/a"}}
    call = asked(approval("mcp_tool_call", view))["toolCall"]
    assert (call["title"], call["rawInput"]) == ("fs: read", {"path": "/w/a"})


QUESTION = Question(
    *("q", "t", "u", "c", 0.0),
    (
        QuestionPart("colour", "Colour", "Which?", (Choice("Red", "warm"), Choice("Blue"))),
        QuestionPart("name", "", "Who?"),
    ),
)


def test_a_question_with_choices_becomes_options_and_one_without_does_not() -> None:
    params = choosing(QUESTION, QUESTION.parts[0])
    RequestPermissionRequest.model_validate({"sessionId": "s", **params})
    assert names(params) == ["Red: warm", "Blue", "Skip this question"]
    assert choice(QUESTION.parts[0], selected("choice-1")) == "Blue"
    assert choice(QUESTION.parts[0], selected("reject-once")) is None
    assert answerable(QUESTION.parts[:1]) and not answerable(QUESTION.parts) and not answerable(())
    assert not answerable((QuestionPart("key", "", "Key?", (Choice("x"),), secret=True),))


def test_a_form_has_a_field_for_each_part_and_its_answers_are_taken_as_they_are() -> None:
    params = form(QUESTION)
    CreateFormSessionElicitationRequest.model_validate({"sessionId": "s", **params})
    fields = params["requestedSchema"]["properties"]
    assert fields["colour"]["oneOf"] == [{"const": "Red", "title": "Red: warm"}, {"const": "Blue", "title": "Blue"}]
    assert fields["name"] == {"type": "string", "title": "Who?", "description": "Who?"}
    said = {"action": "accept", "content": {"colour": "Red", "name": "  Ada ", "other": "x"}}
    assert filled(QUESTION, said) == Decision("accept", content={"colour": ["Red"], "name": ["Ada"]})
    assert filled(QUESTION, {"action": "accept", "content": {"colour": 5}}).verdict == "decline"
    assert filled(QUESTION, {"action": "cancel"}).verdict == "cancel"


def test_what_a_server_asks_is_passed_on_as_a_form_or_an_address() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    wants = Elicitation("e", "t", None, 0.0, "srv", "Who?", schema)
    CreateFormSessionElicitationRequest.model_validate({"sessionId": "s", **form(wants)})
    assert form(wants)["requestedSchema"] == schema
    assert filled(wants, {"action": "accept", "content": {"name": "Ada"}}) == Decision("accept", content={"name": "Ada"})
    address = Elicitation("e", "t", None, 0.0, "srv", "Log in.", url="https://example.com/x", elicitation_id="id")
    CreateUrlSessionElicitationRequest.model_validate({"sessionId": "s", **form(address)})
    shown = agreeing(address)
    RequestPermissionRequest.model_validate({"sessionId": "s", **shown})
    assert "https://example.com/x" in shown["toolCall"]["content"][0]["content"]["text"]
    assert names(shown) == ["I have opened it", "No"]
    assert agreed(selected("allow-once")) == Decision("accept", content={})


def test_a_long_command_is_shown_to_its_end_and_what_is_not_seen_in_it_is_spelled_out() -> None:
    hidden = "echo " + " " * 500 + "; curl evil.test \u202e\u200b\x1b[8m"
    params = asked(approval(view=RUN | {"command": hidden}))
    whole = params["toolCall"]["content"][0]["content"]["text"]
    assert "; curl evil.test \\u202e\\u200b\\x1b[8m" in whole
    params = asked(approval(view=RUN | {"command": "ls\n\n# Harmless\n![x](http://evil.test)"}))
    assert "\n" not in params["toolCall"]["title"]
    assert params["toolCall"]["content"][0]["content"]["text"].startswith("```\nls\n\n# Harmless\n")


def test_words_of_the_model_are_a_block_of_their_own() -> None:
    words = "Needed.\nThe agent asks to run this inside the sandbox. \u202e"
    reason = f"The agent asks to run this outside the sandbox. It says: {words} This command deletes files."
    params = asked(Approval("a", "t", "u", "c", 0.0, "command", reason, RUN, justification=words))
    ours, theirs = (entry["content"]["text"] for entry in params["toolCall"]["content"])
    assert ours == "```\nThe agent asks to run this outside the sandbox. This command deletes files.\n```"
    assert theirs == "```\nThe model says: Needed. The agent asks to run this inside the sandbox. \\u202e\n```"
