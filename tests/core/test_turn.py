"""The loop as a generator: driven by hand, without asyncio, network or clock."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import turn
from treadle.core.effects import AbortCalls, Outcome, ReadContext, Reply, RunTools, Sample, Stopped, TakeSteers
from treadle.core.items import Context, ModelItem, Opening, Section, Text, ToolOutput, TurnEnded, UserMessage, decode, encode
from treadle.core.prompt import dumps
from treadle.core.thread import Thread

_ids = itertools.count()


def fresh() -> str:
    return f"id{next(_ids)}"


def opening() -> Opening:
    return Opening(fresh(), 1.0, "m", "p", "be good", "[]")


def said(text: str) -> UserMessage:
    return UserMessage(fresh(), 1.0, "t", (Text(text),))


def answered(text: str) -> ModelItem:
    payload = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return ModelItem(fresh(), 1.0, "t", "message", dumps(payload))


def called(call_id: str, name: str = "tool") -> ModelItem:
    payload = {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}
    return ModelItem(fresh(), 1.0, "t", "function_call", dumps(payload), call_id=call_id, name=name)


def output(call: ModelItem, text: str = "done") -> ToolOutput:
    return ToolOutput(fresh(), 1.0, "t", call.call_id or "", text)


class Driver:
    """Performs effects from a script of replies."""

    def __init__(self, thread: Thread, replies: list[Reply], steers: list[list[UserMessage]] | None = None) -> None:
        self.thread = thread
        self.replies = replies
        self.steers = steers if steers is not None else [[said("go")]]
        self.effects: list[object] = []
        self.bodies: list[bytes] = []

    def run(self, stop_at: int | None = None, stop: Stopped | None = None) -> Outcome:
        generator = turn.run(self.thread)
        answer: object = None
        for n in itertools.count():
            try:
                effect = generator.throw(stop) if stop is not None and n - 1 == stop_at else generator.send(answer)
            except StopIteration as done:
                return done.value
            self.effects.append(effect)
            answer = self.perform(effect)
        raise AssertionError

    def perform(self, effect: object) -> object:
        match effect:
            case ReadContext():
                return [] if self.thread.opening else [opening()]
            case TakeSteers():
                return self.steers.pop(0) if self.steers else []
            case Sample():
                self.bodies.append(self.thread.prompt.request({}).prefix())
                return self.replies.pop(0)
            case RunTools(calls=calls):
                return [output(call) for call in calls]
            case AbortCalls(calls=calls):
                return [output(call, "aborted") for call in calls]
        raise AssertionError(effect)


def kinds(thread: Thread) -> list[str]:
    return [item.kind if isinstance(item, ModelItem) else item.type for item in thread.items]


def test_a_turn_ends_with_the_first_reply_that_calls_nothing() -> None:
    thread = Thread("t")
    outcome = Driver(thread, [Reply((answered("hello"),))]).run()
    assert outcome == Outcome("completed")
    assert kinds(thread) == ["opening", "user_message", "message"]


def test_outputs_are_appended_and_the_model_is_asked_again() -> None:
    thread = Thread("t")
    driver = Driver(thread, [Reply((called("a"), called("b"))), Reply((answered("done"),))])
    assert driver.run().status == "completed"
    assert kinds(thread) == ["opening", "user_message", "function_call", "function_call", "tool_output", "tool_output", "message"]
    assert driver.bodies[1].startswith(driver.bodies[0])


def test_a_steer_that_arrives_during_the_last_reply_keeps_the_turn_alive() -> None:
    thread = Thread("t")
    steers = [[said("go")], [said("and this")], []]
    driver = Driver(thread, [Reply((answered("one"),)), Reply((answered("two"),))], steers)
    driver.run()
    assert kinds(thread) == ["opening", "user_message", "message", "user_message", "message"]


def test_a_steer_during_a_tool_comes_after_its_output() -> None:
    thread = Thread("t")
    driver = Driver(thread, [Reply((called("a"),)), Reply((answered("two"),))], [[said("go")], [said("stop that")], []])
    driver.run()
    assert kinds(thread) == ["opening", "user_message", "function_call", "tool_output", "user_message", "message"]


def test_a_reply_cut_short_is_answered_and_asked_again() -> None:
    thread = Thread("t")
    driver = Driver(thread, [Reply((called("a"),), complete=False), Reply((), complete=False), Reply((answered("ok"),))])
    assert driver.run().status == "completed"
    assert len(driver.bodies) == 3


@pytest.mark.parametrize("stop_at", range(4))
def test_wherever_it_is_stopped_every_call_has_one_output(stop_at: int) -> None:
    thread = Thread("t")
    items = (called("a"), called("b")) if stop_at == 2 else ()
    driver = Driver(thread, [Reply((called("a"), called("b"))), Reply((answered("x"),))])
    outcome = driver.run(stop_at, Stopped(Outcome("interrupted"), items))
    assert outcome.status == "interrupted"
    assert thread.unanswered == ()


def test_finished_outputs_of_an_interrupted_step_are_kept() -> None:
    thread = Thread("t")
    first, second = called("a"), called("b")
    driver = Driver(thread, [Reply((first, second))])
    driver.run(3, Stopped(Outcome("interrupted"), (output(first, "real"),)))
    texts = [item.text for item in thread.items if isinstance(item, ToolOutput)]
    assert texts == ["real", "aborted"]


def test_an_output_for_a_call_that_is_not_open_is_refused() -> None:
    thread = Thread("t", [opening()])
    call = called("a")
    thread.append(call, output(call))
    with pytest.raises(ValueError, match="not open"):
        thread.append(output(call))


texts = st.text(max_size=30)
blocks = st.lists(st.sampled_from(["message", "call", "calls", "cut", "steer", "context"]), min_size=1, max_size=12)


@given(blocks, st.lists(texts, min_size=1, max_size=5), st.integers(0, 40))
def test_every_request_extends_the_one_before_byte_for_byte(plan: list[str], words: list[str], stop_at: int) -> None:
    thread = Thread("t")
    word = itertools.cycle(words)
    replies: list[Reply] = []
    steers: list[list[UserMessage]] = [[said(next(word))]]
    for block in plan:
        match block:
            case "message":
                replies.append(Reply((answered(next(word)),)))
            case "call":
                replies.append(Reply((called(fresh()),)))
            case "calls":
                replies.append(Reply((called(fresh()), answered(next(word)), called(fresh()))))
            case "cut":
                replies.append(Reply((called(fresh()),), complete=False))
            case "steer":
                steers.append([said(next(word)), said(next(word))])
            case _:
                steers.append([])
    replies.extend(Reply((answered("end"),)) for _ in range(len(plan) + 2))
    driver = Driver(thread, replies, steers)
    bodies: list[bytes] = []
    for status in ("interrupted", "completed"):
        driver.run(stop_at if status == "interrupted" else None, Stopped(Outcome("interrupted")))
        thread.append(TurnEnded(fresh(), 1.0, "t", "interrupted"))
        thread.append(Context(fresh(), 1.0, "developer", (Section("permissions", next(word)),)))
    bodies = driver.bodies
    for before, after in itertools.pairwise(bodies):
        assert after.startswith(before)
    calls = [item.call_id for item in thread.items if isinstance(item, ModelItem) and item.is_call]
    answers = [item.call_id for item in thread.items if isinstance(item, ToolOutput)]
    assert sorted(calls) == sorted(answers)
    again = Thread("t", [decode(encode(item)) for item in thread.items])
    assert again.prompt.request({}).body() == thread.prompt.request({}).body()
