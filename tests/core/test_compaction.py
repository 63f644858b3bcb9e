"""When a thread is compacted, what survives it, and that it cannot go on for ever."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.core import compaction, tokens, turn
from treadle.core.compaction import Room, room
from treadle.core.effects import Compact, ContextOverflow, Outcome, ReadContext, Reply, RunTools, Sample, TakeSteers
from treadle.core.events import ErrorInfo
from treadle.core.items import (
    Context,
    Image,
    Item,
    ModelItem,
    Notes,
    Opening,
    Section,
    Summary,
    Text,
    ToolOutput,
    UsageReported,
    UserCommand,
    UserMessage,
    decode,
    dumps,
    encode,
)
from treadle.core.thread import Thread

_ids = itertools.count()
ROOM = Room(10_000, 9_000)


def fresh() -> str:
    return f"id{next(_ids)}"


def opening() -> Opening:
    return Opening(fresh(), 1.0, "m", "p", "be good", "[]")


def said(*parts: str | Image) -> UserMessage:
    return UserMessage(fresh(), 1.0, "t", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def answered(text: str) -> ModelItem:
    payload = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return ModelItem(fresh(), 1.0, "t", "message", dumps(payload))


def called(call_id: str) -> ModelItem:
    payload = {"type": "function_call", "call_id": call_id, "name": "tool", "arguments": "{}"}
    return ModelItem(fresh(), 1.0, "t", "function_call", dumps(payload), call_id=call_id, name="tool")


def output(call_id: str, text: str = "done", **detail: object) -> ToolOutput:
    return ToolOutput(fresh(), 1.0, "t", call_id, text, detail=dict(detail))


def reported(total: int) -> UsageReported:
    return UsageReported(fresh(), 1.0, "t", total - 10, 0, 10, 0, total)


def texts(replacement: tuple[str, ...]) -> list[str]:
    return ["".join(part.get("text", "[image]") for part in json.loads(raw)["content"]) for raw in replacement]


@pytest.mark.parametrize(
    ("configured", "limit"), [(None, 90_000), (50_000, 50_000), (90_000, 90_000), (95_000, 90_000), (1_000_000, 90_000)]
)
def test_compaction_is_due_at_what_is_configured_and_never_later_than_at_nine_tenths(configured: int | None, limit: int) -> None:
    assert room(100_000, configured).limit == limit


def test_what_is_used_is_the_last_count_and_an_estimate_of_what_came_after() -> None:
    thread = Thread("t", [opening(), said("x" * 400)])
    assert thread.used == tokens.of_item(thread.items[0]) + 100 + tokens.FRAME
    thread.append(called("a"), reported(5_000))
    assert thread.used == 5_000
    thread.append(output("a", "y" * 4_000))
    assert thread.used == 6_000 + tokens.FRAME


def test_a_count_of_nothing_is_not_believed() -> None:
    thread = Thread("t", [opening(), said("x" * 400)])
    before = thread.used
    thread.append(UsageReported(fresh(), 1.0, "t", 0, 0, 0, 0, 0))
    assert thread.used == before


def test_a_picture_counts_by_what_it_takes_and_not_by_its_bytes() -> None:
    picture = Image("data:image/png;base64," + "A" * 3_000_000)
    assert tokens.of_item(said("look", picture)) == tokens.IMAGE + tokens.FRAME + 1


def test_encrypted_reasoning_counts_less_than_its_bytes_and_hidden_reasoning_nothing() -> None:
    secret = {"type": "reasoning", "summary": [], "encrypted_content": "A" * 4_000}
    item = ModelItem(fresh(), 1.0, "t", "reasoning", dumps(secret))
    assert tokens.of_item(item) == tokens.FRAME + tokens.of_bytes(3_000 - 650)
    assert tokens.of_item(ModelItem(fresh(), 1.0, "t", "reasoning", dumps({"type": "reasoning"}))) == 0


def test_after_a_summary_what_was_counted_before_no_longer_counts() -> None:
    thread = Thread("t", [opening(), said("x" * 4_000), answered("y"), reported(9_500)])
    assert compaction.due(thread, ROOM)
    thread.append(Summary(fresh(), 1.0, "t", "short", compaction.replacement((), "short")))
    assert not compaction.due(thread, ROOM)
    assert thread.used < 200
    assert (thread.opening, thread.told) == (None, {})


def test_the_newest_words_are_kept_and_the_oldest_that_is_kept_is_cut() -> None:
    thread = Thread("t", [opening()])
    for letter in "abcd":
        thread.append(said(letter * 6_000), answered("ok"))
    kept = texts(compaction.kept_words(thread, ROOM))
    assert [text[0] for text in kept] == ["b", "c", "d"]
    assert kept[1:] == ["c" * 6_000, "d" * 6_000]
    assert "tokens truncated" in kept[0]


def test_words_that_await_an_answer_are_kept_whole_and_last() -> None:
    thread = Thread("t", [opening(), said("a" * 20_000), answered("ok"), said("w" * 24_000)])
    kept = texts(compaction.kept_words(thread, ROOM))
    assert kept[-1] == "w" * 24_000
    assert len(kept) == 2
    assert not compaction.futile(thread, ROOM)


def test_pictures_of_kept_messages_are_kept() -> None:
    thread = Thread("t", [opening(), said("look", Image("data:image/png;base64,AAAA")), answered("ok")])
    assert texts(compaction.kept_words(thread, ROOM)) == ["look[image]"]


def test_kept_words_outlive_the_next_summaries_and_the_old_summary_does_not() -> None:
    thread = Thread("t", [opening(), said("first"), answered("ok")])
    for text in ("one", "two"):
        thread.append(Summary(fresh(), 1.0, "t", text, compaction.replacement(compaction.kept_words(thread, ROOM), text)))
        thread.append(opening(), said(f"after {text}"), answered("ok"))
    kept = texts(compaction.kept_words(thread, ROOM))
    assert kept == ["first", "after one", "after two"]


def test_the_record_of_commands_and_files_is_added_to_what_the_model_wrote() -> None:
    thread = Thread("t", [opening(), said("go"), called("a"), called("b"), called("c")])
    thread.append(output("a", view="command", command="pytest -q", exit_code=1))
    thread.append(output("b", view="command", command="npm start", exit_code=None))
    thread.append(output("c", view="file_change", changes=[{"path": "/ws/a.py", "kind": "update"}]))
    text = compaction.composed(thread, ROOM, "# Goal\nx\n\n# From the record\nwhat an older summary said")
    assert text.startswith("# Goal\nx\n\n# From the record\n")
    assert "- `pytest -q`: exit code 1" in text
    assert "- `npm start`: still running" in text
    assert "- /ws/a.py" in text
    assert "older summary" not in text
    assert compaction.files(thread) == ("/ws/a.py",)


def test_files_of_earlier_epochs_stay_in_the_record() -> None:
    thread = Thread("t", [opening(), said("go"), called("a")])
    thread.append(output("a", view="file_change", changes=[{"path": "/ws/a.py"}]))
    thread.append(Summary(fresh(), 1.0, "t", "s", compaction.replacement((), "s"), files=compaction.files(thread)))
    thread.append(opening(), called("b"), output("b", view="file_change", changes=[{"path": "/ws/b.py"}]))
    thread.forget()
    assert compaction.files(thread) == ("/ws/a.py", "/ws/b.py")


def test_a_summary_of_any_length_is_cut_to_its_share() -> None:
    thread = Thread("t", [opening(), said("go"), answered("ok")])
    text = compaction.composed(thread, ROOM, "word " * 50_000)
    replacement = compaction.replacement(compaction.kept_words(thread, ROOM), text)
    assert not compaction.too_little(thread, ROOM, replacement)


def test_a_thread_whose_context_alone_is_too_long_is_beyond_help() -> None:
    thread = Thread("t", [opening(), Context(fresh(), 1.0, "user", (Section("agents_md", "x" * 40_000),)), said("hi")])
    assert compaction.futile(thread, ROOM)


def test_a_thread_that_fits_is_asked_about_as_it_is() -> None:
    fragments = [dumps({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}).encode()]
    asked = compaction.asked(fragments, "Sum it up.", 1_000)
    assert asked[:-1] == tuple(fragments)
    assert b"Sum it up." in asked[-1]


steps = st.lists(st.tuples(st.sampled_from(["said", "answered", "step", "secret"]), st.integers(0, 20_000)), max_size=25)


@given(steps, st.integers(200, 20_000))
def test_what_is_asked_fits_and_calls_keep_their_outputs(plan: list[tuple[str, int]], budget: int) -> None:
    thread = Thread("t", [opening()])
    for kind, size in plan:
        match kind:
            case "said":
                thread.append(said("u" * size))
            case "answered":
                thread.append(answered("a" * size))
            case "secret":
                secret = {"type": "reasoning", "summary": [], "encrypted_content": "A" * (size + 1)}
                thread.append(ModelItem(fresh(), 1.0, "t", "reasoning", dumps(secret)))
            case _:
                call = fresh()
                thread.append(called(call), output(call, "o" * size))
    request = thread.prompt.request({})
    asked = compaction.asked(request.fragments, "Sum it up.", budget)
    assert sum(map(tokens.of_raw, asked)) <= budget
    entries = [json.loads(raw) for raw in asked]
    calls = [entry["call_id"] for entry in entries if entry["type"] == "function_call"]
    outputs = [entry["call_id"] for entry in entries if entry["type"] == "function_call_output"]
    assert calls == outputs


@given(st.lists(st.integers(0, 60_000), max_size=8), st.integers(0, 60_000), st.integers(2_000, 50_000))
def test_a_compaction_that_is_not_futile_always_frees_enough(sizes: list[int], words: int, window: int) -> None:
    thread = Thread("t", [opening()])
    for size in sizes:
        thread.append(said("u" * size), answered("ok"))
    thread.append(said("now"))
    space = room(window)
    if compaction.futile(thread, space):
        return
    text = compaction.composed(thread, space, "w" * words)
    replacement = compaction.replacement(compaction.kept_words(thread, space), text)
    if window >= 8_000:
        assert not compaction.too_little(thread, space, replacement)
    assert texts(replacement)[-2] == "now"


def test_the_endpoint_s_items_come_without_the_context_that_is_told_again() -> None:
    context = Context(fresh(), 1.0, "user", (Section("agents_md", "Use tabs."), Section("environment", "<cwd>")))
    thread = Thread("t", [opening(), context, said("hi")])
    told = [{"type": "input_text", "text": text} for text in ("Use tabs.", "<cwd>")]
    mine = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    secret = {"type": "compaction", "encrypted_content": "x"}
    found = compaction.returned(thread, [{"type": "message", "role": "user", "content": told}, mine, secret])
    assert [json.loads(raw) for raw in found] == [mine, secret]
    with pytest.raises(ValueError, match="no items"):
        compaction.returned(thread, [])


KEYS = ("type", "role", "content", "text", "encrypted_content", "output", "call_id", "summary")


def keyed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), values, max_size=5)


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | keyed(inner))


@given(st.lists(keyed(json_values), max_size=3))
@settings(max_examples=60, deadline=None)
def test_whatever_a_provider_returns_is_rubbish_or_a_new_epoch_that_can_be_compacted_again(items: list[dict[str, Any]]) -> None:
    thread = Thread("t", [opening(), said("hi")])
    try:
        found = compaction.returned(thread, items)
    except ValueError:
        return
    thread.append(Summary(fresh(), 1.0, "t", "", found, "remote"), opening(), said("more"), answered("ok"))
    assert thread.used > 0
    request = thread.prompt.request({})
    assert json.loads(request.body())["input"][: len(found)] == [json.loads(raw) for raw in found]
    compaction.asked(request.fragments, "Sum it up.", 10)
    text = compaction.composed(thread, ROOM, "short")
    thread.append(Summary(fresh(), 1.0, "t", text, compaction.replacement(compaction.kept_words(thread, ROOM), text)))
    assert json.loads(thread.prompt.request({}).body())["input"]


def test_items_of_compaction_are_read_back_as_they_were_written() -> None:
    items: list[Item] = [
        Summary("s", 1.0, "t", "text", ("{}",), "remote", ("/a",), "r"),
        Notes("n", 1.0, ("one", "two")),
    ]
    assert [decode(encode(item)) for item in items] == items
    old = '{"id":"s","at":1.0,"turn_id":"t","text":"x","replacement":[],"type":"summary"}'
    assert decode(old) == Summary("s", 1.0, "t", "x")


def driven(thread: Thread, *, overflows: int = 0, room: Room | None = None) -> tuple[Outcome, list[object]]:
    """Drives one turn: a call in the first step fills the thread, the second step is the last."""
    generator, answer, effects = turn.run(thread, room), None, list[object]()
    error = ContextOverflow(Outcome("failed", ErrorInfo("too long", "context_overflow")))
    steers, thrown, samples = [[said("go")]], 0, 0
    while True:
        try:
            throw = effects and isinstance(effects[-1], Sample) and thrown < overflows
            thrown += bool(throw)
            effect = generator.throw(error) if throw else generator.send(answer)
        except StopIteration as done:
            return done.value, effects
        effects.append(effect)
        match effect:
            case ReadContext():
                answer = [] if thread.opening else [opening()]
            case TakeSteers():
                answer = steers.pop() if steers else []
            case Sample():
                samples += 1
                first = Reply((called("a"), reported(9_500)))
                answer = first if samples == 1 else Reply((answered("done"), reported(500)))
            case RunTools(calls=calls):
                answer = [output(call.call_id or "") for call in calls]
            case Compact():
                kept = compaction.kept_words(thread, ROOM)
                answer = [Summary(fresh(), 1.0, "t", "short", compaction.replacement(kept, "short"))]
            case _:
                raise AssertionError(effect)


def test_the_loop_compacts_before_the_step_that_would_be_too_long() -> None:
    thread = Thread("t")
    outcome, effects = driven(thread, room=ROOM)
    assert outcome.status == "completed"
    at = effects.index(Compact())
    assert [type(effect) for effect in effects[at - 1 : at + 2]] == [RunTools, Compact, ReadContext]
    assert effects.count(Compact()) == 1


def test_the_loop_compacts_once_when_the_provider_says_that_it_is_too_long() -> None:
    outcome, effects = driven(Thread("t"), overflows=1)
    assert outcome.status == "completed"
    assert effects.count(Compact(overflowed=True)) == 1
    outcome, effects = driven(Thread("t"), overflows=2)
    assert outcome.status == "failed"
    assert effects.count(Compact(overflowed=True)) == 1


def test_what_came_after_a_summary_is_not_summed_up_before_the_model_is_told_how_to() -> None:
    """A command of the user's whose output fills the thread, in a thread that was compacted by hand."""
    thread = Thread("t")
    thread.append(Opening(fresh(), 1.0, "m", "p", "be good", "[]"))
    thread.append(Summary(fresh(), 1.0, "t", "short", compaction.replacement((), "short")))
    thread.append(UserCommand(fresh(), 1.0, "t", "line\n" * 20_000))
    running, effects = turn.run(thread, ROOM), list[object]()
    answers: dict[type, object] = {
        ReadContext: [Opening(fresh(), 1.0, "m", "p", "be good", "[]")],
        TakeSteers: [UserMessage(fresh(), 1.0, "t", (Text("go on"),))],
    }
    effect = next(running)
    while type(effect) in answers:
        effects.append(type(effect))
        effect = running.send(answers[type(effect)])
    assert (effects, type(effect)) == ([ReadContext, TakeSteers], Compact)
    assert thread.opening is not None
