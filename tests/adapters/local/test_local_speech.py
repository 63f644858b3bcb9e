"""The decoder of what the model generates: right for any JSON and any cutting of the stream."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from treadle.adapters.local import grammar
from treadle.adapters.local.speech import JsonString, Speech

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
awkward = st.text(alphabet='"\\/bfnrtu0dD83Ee {}\n\té😀')


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(edges)]


@given(texts | awkward, st.lists(st.integers(0, 10_000)), st.booleans())
def test_any_string_in_any_chunks_decodes_as_json_does(text: str, places: list[int], ascii_only: bool) -> None:
    literal = json.dumps(text, ensure_ascii=ascii_only)[1:]
    string = JsonString()
    assert "".join(string.feed(chunk) for chunk in cut(literal + '} and more "', places)) == text
    assert string.closed


@given(
    st.lists(st.sampled_from(["\\ud83d", "\\ude00", "\\uD83D", "x", "\\n", "\\u00e9", "\\u12", "\\q", "\\"])),
    st.lists(st.integers(0, 99)),
)
def test_whatever_comes_can_be_encoded_and_does_not_depend_on_the_cutting(pieces: list[str], places: list[int]) -> None:
    raw = "".join(pieces)
    whole, chunked = JsonString(), JsonString()
    expected = whole.feed(raw) + whole.flush()
    expected.encode()
    assert "".join(chunked.feed(chunk) for chunk in cut(raw, places)) + chunked.flush() == expected


def test_half_a_surrogate_pair_becomes_a_replacement_mark() -> None:
    assert JsonString().feed('a\\ud83dz"') == "a\ufffdz"
    assert JsonString().feed('\\ude00"') == "\ufffd"
    assert JsonString().feed('\\ud83d\\ud83d\\ude00"') == "\ufffd😀"


@given(texts.filter(bool), st.lists(st.integers(0, 10_000)))
def test_an_answer_streams_its_text_without_the_wrapper(text: str, places: list[int]) -> None:
    speech = Speech()
    said = "".join(speech.feed(chunk) for chunk in cut(grammar.answer(text), places)) + speech.finish()
    assert said == speech.text == text
    assert speech.command is None
    assert speech.whole


@given(texts.filter(bool), st.lists(st.integers(0, 10_000)))
def test_a_command_says_nothing_and_is_there_at_the_end(command: str, places: list[int]) -> None:
    speech = Speech()
    assert "".join(speech.feed(chunk) for chunk in cut(grammar.shell(command), places)) + speech.finish() == ""
    assert speech.command == command


@given(texts.filter(bool), st.integers(1, 10_000))
def test_a_command_that_was_cut_is_words_and_never_a_command(command: str, place: int) -> None:
    whole = grammar.shell(command)
    written = whole[: place % (len(whole) - 1)]
    speech = Speech()
    said = speech.feed(written) + speech.finish()
    assert speech.command is None
    assert said == speech.text
    assert not speech.whole


@given(texts)
def test_text_without_the_form_is_passed_on_as_it_is(text: str) -> None:
    prose = "Hello " + text
    speech = Speech()
    assert "".join(map(speech.feed, prose)) + speech.finish() == prose == speech.text


def test_an_answer_that_was_cut_keeps_what_was_said() -> None:
    speech = Speech()
    assert speech.feed('{"action":"answer","text":"one \\u00e9 two\\u00') + speech.finish() == "one é two"
    assert not speech.whole
