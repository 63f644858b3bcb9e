"""What a client is asked and what its answer means: whatever is not understood is a decline, and never widens a yes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.samples import APPROVALS, COMMAND
from treadle.core.asking import Approval, Asked, Choice, Decision, Elicitation, Question, QuestionPart
from treadle.core.grants import Offer, Subject
from treadle.server.questions import decision, request

COMMAND_ASKED = Approval("a", "t", "u", "c", 1.0, "command", "why", COMMAND)
FILES_ASKED = Approval("a", "t", "u", "c", 1.0, "file_change", "why", {"view": "file_change", "changes": []})
MCP_ASKED = Approval("a", "t", "u", "c", 1.0, "mcp_tool_call", "why", {"view": "mcp", "server": "docs", "tool": "read"})
HOST_ASKED = Approval("a", "t", "u", "c", 1.0, "network", "why", COMMAND, host="a.test", protocol="https")
QUESTION = Question(
    "q", "t", "u", "c", 1.0, (QuestionPart("which", "Which", "Which?", (Choice("A"),)), QuestionPart("why", "", "Why?"))
)
FORM = Elicitation("e", "t", None, 1.0, "docs", "Who?")
ASKED: list[Asked] = [COMMAND_ASKED, FILES_ASKED, MCP_ASKED, HOST_ASKED, QUESTION, FORM]


def amendment(*words: Any) -> dict[str, Any]:
    return {"decision": {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": list(words)}}}


def host(name: Any, action: Any) -> dict[str, Any]:
    return {"decision": {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"host": name, "action": action}}}}


@pytest.mark.parametrize(
    ("asked", "answer", "meant"),
    [
        (COMMAND_ASKED, {"decision": "accept"}, Decision("accept")),
        (COMMAND_ASKED, {"decision": "acceptForSession"}, Decision("accept", "thread", exact=True)),
        (COMMAND_ASKED, {"decision": "accept", "scope": "workspace"}, Decision("accept", "workspace")),
        (COMMAND_ASKED, {"decision": "accept", "scope": "always", "rule": " npm t "}, Decision("accept", "always", "npm t")),
        (COMMAND_ASKED, {"decision": "accept", "scope": "galaxy", "rule": "npm"}, Decision("accept", None, "npm")),
        (COMMAND_ASKED, {"decision": "accept", "scope": "workspace", "rule": " "}, Decision("accept", "workspace", "")),
        (COMMAND_ASKED, amendment("npm", "run it"), Decision("accept", "always", "npm 'run it'")),
        (COMMAND_ASKED, {"decision": "decline", "words": " use yarn "}, Decision("decline", words="use yarn")),
        (COMMAND_ASKED, {"decision": "decline", "words": 7}, Decision("decline")),
        (COMMAND_ASKED, {"decision": "cancel"}, Decision("cancel")),
        (FILES_ASKED, {"decision": "accept", "scope": "workspace", "rule": "/w/"}, Decision("accept", "workspace", "/w/")),
        (MCP_ASKED, {"action": "accept"}, Decision("accept")),
        (MCP_ASKED, {"action": "accept", "_meta": {"persist": "session"}}, Decision("accept", "thread")),
        (MCP_ASKED, {"action": "accept", "_meta": {"persist": "always"}}, Decision("accept", "always")),
        (
            MCP_ASKED,
            {"action": "accept", "_meta": {"persist": "workspace", "treadle_rule": "docs/*"}},
            Decision("accept", "workspace", "docs/*"),
        ),
        (MCP_ASKED, {"action": "decline", "_meta": {"treadle_words": "no"}}, Decision("decline", words="no")),
        (MCP_ASKED, {"action": "cancel"}, Decision("cancel")),
        (HOST_ASKED, host("a.test", "allow"), Decision("accept", "always", "a.test")),
        (HOST_ASKED, host("a.test", "deny"), Decision("decline", "always", "a.test")),
        (QUESTION, {"answers": {"which": {"answers": ["A"]}}}, Decision("accept", content={"which": ["A"]})),
        (QUESTION, {"answers": {"which": {"answers": [" ", 3]}, "who": {"answers": ["x"]}}}, Decision("decline")),
        (FORM, {"action": "accept", "content": {"name": "Ann"}}, Decision("accept", content={"name": "Ann"})),
        (FORM, {"action": "decline", "content": {"name": "Ann"}}, Decision("decline")),
        (FORM, {"action": "cancel"}, Decision("cancel")),
    ],
)
def test_an_answer_means_what_the_protocol_says(asked: Asked, answer: Any, meant: Decision) -> None:
    assert decision(asked, answer) == meant


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    "answer",
    [
        None,
        "accept",
        [],
        {},
        {"decision": None},
        {"decision": "approved"},
        {"decision": ["accept"]},
        {"decision": {"accept": {}}},
        {"decision": "ACCEPT"},
        {"action": "accepted"},
        {"action": {"accept": True}},
        {"answers": []},
        {"answers": {"which": "A"}},
        amendment(),
        amendment("npm", 7),
        host(7, "allow"),
        host("a.test", "maybe"),
    ],
)
def test_an_answer_that_is_not_understood_is_a_decline(asked: Asked, answer: Any) -> None:
    assert decision(asked, answer) == Decision("decline")


def test_a_rule_about_something_else_than_was_asked_is_not_understood() -> None:
    assert decision(COMMAND_ASKED, host("a.test", "allow")) == Decision("decline")
    assert decision(HOST_ASKED, amendment("curl")) == Decision("decline")
    assert decision(FILES_ASKED, amendment("curl")) == Decision("decline")


MORE = ("acceptWithExecpolicyAmendment", "execpolicy_amendment", "applyNetworkPolicyAmendment", "network_policy_amendment")
USUAL = (
    "accept",
    "acceptForSession",
    "decline",
    "cancel",
    "action",
    "decision",
    "answers",
    "_meta",
    "persist",
    "always",
    "scope",
)
WORDS = st.sampled_from([*MORE, *USUAL, "host", "which", "content", "rule", "words", "session"])
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
SAID_YES = ("accept", "acceptForSession")


@given(st.sampled_from(ASKED), ANSWERS)
def test_no_answer_raises_and_none_becomes_a_yes_that_does_not_say_so(asked: Asked, answer: Any) -> None:
    meant = decision(asked, answer)
    assert meant.verdict in ("accept", "decline", "cancel")
    assert meant.scope in (None, "thread", "workspace", "always")
    if meant.verdict == "accept" and not isinstance(asked, Question):
        said = answer.get("decision", answer.get("action"))
        assert said in SAID_YES or "acceptWithExecpolicyAmendment" in said or "applyNetworkPolicyAmendment" in said
    if meant.verdict == "accept" and isinstance(asked, Question):
        assert meant.content


@given(st.text(), st.text())
def test_what_a_user_writes_is_cut_to_a_bound(rule: str, words: str) -> None:
    kept = decision(COMMAND_ASKED, {"decision": "accept", "scope": "always", "rule": rule * 1000})
    assert kept.rule is None or len(kept.rule) <= 2_000
    assert len(decision(COMMAND_ASKED, {"decision": "decline", "words": words * 1000}).words) <= 4_000


@pytest.mark.parametrize("asked", [*APPROVALS, *ASKED], ids=lambda asked: f"{type(asked).__name__} {asked.id}")
def test_every_question_names_its_thread_and_has_a_method_of_the_contract(asked: Asked) -> None:
    from treadle.server.wire.methods import SERVER_REQUESTS  # noqa: PLC0415

    method, params = request(asked)
    assert params["threadId"] == asked.thread_id
    SERVER_REQUESTS[method][0].model_validate(params, strict=False)


def test_only_what_was_offered_is_announced_as_a_decision() -> None:
    prefix = Subject("command", "npm 'run it'", outside=True)
    offers = tuple(Offer(scope, prefix, editable=True) for scope in ("thread", "workspace", "always"))
    asked = Approval("a", "t", "u", "c", 1.0, "command", "why", COMMAND, outside_sandbox=True, offers=offers)
    amended = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["npm", "run it"]}}
    assert request(asked)[1]["availableDecisions"] == ["accept", "acceptForSession", amended, "decline", "cancel"]
    assert request(COMMAND_ASKED)[1]["availableDecisions"] == ["accept", "decline", "cancel"]
    line = (Offer("thread", Subject("exact_command", "x", True, "/w")),)
    exact = Approval("a", "t", "u", "c", 1.0, "command", "why", COMMAND, outside_sandbox=True, offers=line)
    assert request(exact)[1]["availableDecisions"] == ["accept", "acceptForSession", "decline", "cancel"]
    assert request(exact)[1]["proposedExecpolicyAmendment"] is None


def test_only_questions_about_hosts_carry_an_id_of_their_own_since_one_command_may_ask_for_several() -> None:
    assert request(HOST_ASKED)[1]["approvalId"] == "a"
    assert request(COMMAND_ASKED)[1]["approvalId"] is None
