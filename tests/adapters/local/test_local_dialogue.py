"""The translation of a thread for the embedded model: an extension stays an extension, and circles end."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from treadle.adapters.local import dialogue, grammar
from treadle.core.items import dumps

Item = dict[str, Any]


def said(text: str) -> Item:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, "annotations": []}]}


def told(text: str, role: str = "user") -> Item:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def call(command: str, call_id: str) -> Item:
    return {"type": "function_call", "call_id": call_id, "name": "exec_command", "arguments": dumps({"cmd": command})}


def output(text: str, call_id: str) -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


words = st.text(max_size=20)
ids = st.sampled_from(["a", "b", "c"])
items = st.one_of(
    st.builds(said, words),
    st.builds(told, words, st.sampled_from(["user", "developer"])),
    st.builds(call, st.sampled_from(["ls", "pwd", 'echo "é"']), ids),
    st.builds(output, words, ids),
    st.just({"type": "reasoning", "summary": [], "encrypted_content": "x"}),
    st.just({"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin Patch"}),
)


def texts(messages: list[Item]) -> list[str]:
    return [message["content"][0]["text"] for message in messages]


@given(st.lists(items, max_size=12), st.integers(0, 12))
def test_a_longer_thread_extends_a_shorter_one_byte_for_byte(thread: list[Item], length: int) -> None:
    shorter, _ = dialogue.translate(thread[:length])
    longer, _ = dialogue.translate(thread)
    assert dumps(longer).startswith(dumps(shorter)[:-1])


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_the_model_generated_goes_back_to_it_to_the_byte(text: str) -> None:
    generated = [grammar.answer(text), grammar.shell(text)]
    messages, _ = dialogue.translate([said(text), call(text, "a")])
    assert texts(messages) == generated
    assert [json.loads(one) for one in generated] == [{"action": "answer", "text": text}, {"action": "shell", "command": text}]


def test_a_repeated_command_forces_an_answer_until_the_user_speaks() -> None:
    thread = [told("go"), call("ls", "a"), output("x", "a")]
    assert dialogue.translate(thread)[1] is False
    thread += [call("ls", "b"), output("x", "b")]
    messages, must_answer = dialogue.translate(thread)
    assert must_answer
    assert texts(messages)[2].endswith(grammar.NEXT)
    assert texts(messages)[-1].endswith(grammar.ENOUGH)
    assert dialogue.translate([*thread, told("again")])[1] is False


def test_a_long_row_of_commands_ends_in_an_answer() -> None:
    thread = [told("go")]
    for number in range(dialogue.MOST_COMMANDS):
        assert dialogue.translate(thread)[1] is False
        thread += [call(f"echo {number}", str(number)), output("", str(number))]
    assert dialogue.translate(thread)[1] is True


def test_the_grammar_follows_from_the_tools_and_the_thread() -> None:
    tools = [{"type": "function", "name": "exec_command"}]
    free = dialogue.body({"instructions": "Be brief.", "tools": tools, "input": [told("hi")]})
    assert free["grammar"] == grammar.STEP
    assert free["instructions"].startswith("Be brief.\n\n")
    assert dialogue.body({"tools": [], "input": [told("hi")]})["grammar"] == grammar.ANSWER_ONLY
    circle = [call("ls", "a"), output("", "a"), call("ls", "b"), output("", "b")]
    assert dialogue.body({"tools": tools, "input": circle})["grammar"] == grammar.ANSWER_ONLY


def test_roles_and_sections_keep_their_places_and_pictures_are_named() -> None:
    two = {
        "type": "message",
        "role": "developer",
        "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
    }
    picture = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_image", "image_url": "data:,"}, {"type": "input_text", "text": "?"}],
    }
    messages, _ = dialogue.translate([two, picture])
    assert [message["role"] for message in messages] == ["system", "user"]
    assert texts(messages) == ["ab", "[a picture, which this model cannot see]?"]


def test_a_call_with_broken_arguments_is_still_told() -> None:
    broken = {"type": "function_call", "call_id": "a", "name": "exec_command", "arguments": '{"cmd":'}
    other = {"type": "function_call", "call_id": "b", "name": "view_image", "arguments": "{}"}
    assert texts(dialogue.translate([broken, other])[0]) == [grammar.shell('{"cmd":'), grammar.shell("view_image {}")]
