"""Which hooks there are, which are concerned, and what they say: pure parts of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import hooks
from treadle.core.hooks import Hook, HookAnswer

PRE, POST, PROMPT = Hook("PreToolUse", "x"), Hook("PostToolUse", "x"), Hook("UserPromptSubmit", "x")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def test_hooks_of_the_shared_form_are_read() -> None:
    table = {
        "PreToolUse": [{"matcher": "Bash|apply_patch", "hooks": [{"type": "command", "command": "check", "timeout": 5}]}],
        "Stop": [{"hooks": [{"type": "command", "command": "done", "statusMessage": "Looking"}]}],
    }
    found, problems = hooks.parse(table, "/c/hooks.json", project=True)
    assert problems == ()
    assert found == (
        Hook("PreToolUse", "check", "Bash|apply_patch", 5.0, None, "/c/hooks.json", True),
        Hook("Stop", "done", None, 600.0, "Looking", "/c/hooks.json", True),
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (3, "must be a table"),
        ({"Boom": []}, "not an event"),
        ({"PreCompact": []}, "no such event yet"),
        ({"Stop": {}}, "must be a list"),
        ({"Stop": [{"hooks": 3}]}, "hooks must be a list"),
        ({"PreToolUse": [{"matcher": "(", "hooks": []}]}, "not a regular expression"),
        ({"Stop": [{"hooks": [{"type": "prompt"}]}]}, "not supported"),
        ({"Stop": [{"hooks": [{"type": "command", "command": "x", "async": True}]}]}, "background"),
        ({"Stop": [{"hooks": [{"type": "command"}]}]}, "must have a command"),
        ({"Stop": [{"hooks": [{"type": "command", "command": "x"}] * 101}]}, "the first 100"),
    ],
)
def test_what_is_wrong_is_said(table: Any, said: str) -> None:
    found, problems = hooks.parse(table, "f", project=False)
    assert any(said in problem for problem in problems)
    assert len(found) <= hooks.MAX_HOOKS


def test_a_matcher_must_fit_the_whole_of_a_name() -> None:
    shell, edit = Hook("PreToolUse", "a", "Bash"), Hook("PreToolUse", "b", "Edit|Write")
    docs, every = Hook("PreToolUse", "c", "mcp__docs__.*"), Hook("PreToolUse", "d")

    def of(tool: str) -> list[str]:
        return [h.command for h in hooks.concerned((shell, edit, docs, every), "PreToolUse", hooks.tool_names(tool))]

    assert of("exec_command") == ["a", "d"]
    assert of("apply_patch") == ["b", "d"]
    assert of("mcp__docs__search") == ["c", "d"]
    assert of("Bashful") == ["d"]


@pytest.mark.parametrize(
    ("hook", "status", "out", "err", "answer"),
    [
        (PRE, 0, "", "", HookAnswer()),
        (PRE, 0, "fine", "", HookAnswer()),
        (PROMPT, 0, "It is Monday.\n", "", HookAnswer(context=("It is Monday.",))),
        (PRE, 2, "", "no rm here\n", HookAnswer(blocked="no rm here")),
        (PRE, 0, '{"decision":"block","reason":"no"}', "", HookAnswer(blocked="no")),
        (PROMPT, 0, '{"continue":false,"stopReason":"enough"}', "", HookAnswer(stopped="enough")),
        (POST, 0, '{"systemMessage":"hi"}', "", HookAnswer(message=("hi",))),
    ],
)
def test_a_hook_is_understood(hook: Hook, status: int, out: str, err: str, answer: HookAnswer) -> None:
    assert hooks.understood(hook, status, out, err) == answer


def test_a_denial_a_context_and_a_new_input_are_understood() -> None:
    def said(**specific: Any) -> HookAnswer:
        return hooks.understood(PRE, 0, json.dumps({"hookSpecificOutput": {"hookEventName": "PreToolUse", **specific}}), "")

    assert said(permissionDecision="deny", permissionDecisionReason="never").blocked == "never"
    assert said(permissionDecision="deny", updatedInput={"command": "x"}).updated_input is None
    assert said(updatedInput={"command": "ls"}, additionalContext="a note") == HookAnswer(
        context=("a note",), updated_input={"command": "ls"}
    )


@pytest.mark.parametrize(("status", "out", "err"), [(1, "", "boom"), (2, "", ""), (0, "{nonsense", ""), (127, "", "")])
def test_a_hook_that_fails_neither_allows_nor_forbids(status: int, out: str, err: str) -> None:
    answer = hooks.understood(PRE, status, out, err)
    assert answer.error
    assert answer.blocked is None


def test_one_no_is_a_no() -> None:
    answers = [
        HookAnswer(context=("a",)),
        HookAnswer(blocked="no"),
        HookAnswer(error="e", context=("b",), updated_input={"x": 1}),
    ]
    assert hooks.together(answers) == HookAnswer(blocked="no", context=("a", "b"), updated_input={"x": 1}, error="e")


@given(json_values)
def test_no_table_makes_reading_raise(table: Any) -> None:
    hooks.parse(table, "f", project=False)
    hooks.parse({"PreToolUse": table}, "f", project=False)
    hooks.parse({"PreToolUse": [{"matcher": table, "hooks": [table]}]}, "f", project=False)


@given(json_values, st.sampled_from(hooks.EVENTS), st.sampled_from([0, 1, 2]))
def test_no_answer_makes_understanding_raise(value: Any, event: Any, status: int) -> None:
    hooks.understood(Hook(event, "x"), status, json.dumps(value), "words")
    given = {"continue": value, "decision": value, "reason": value, "hookSpecificOutput": value, "systemMessage": value}
    hooks.understood(Hook(event, "x"), status, json.dumps(given), "")


@given(st.text(max_size=30), st.booleans())
def test_arguments_survive_the_way_to_a_hook_and_back(text: str, custom: bool) -> None:
    for tool, arguments in (("exec_command", json.dumps({"cmd": text, "tty": True})), ("other", json.dumps({"a": text}))):
        told = hooks.tool_input(tool, arguments, False)
        assert json.loads(hooks.updated_arguments(tool, told, False) or "") == json.loads(arguments)
    assert hooks.updated_arguments("apply_patch", hooks.tool_input("apply_patch", text, True), True) == text
    assert hooks.updated_arguments("exec_command", {"cmd": text}, custom) is None
