"""What counts of a thread whose turns were taken back and given back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from treadle.core import history
from treadle.core.effective import effective, place, turn_ids, undoable
from treadle.core.inspection import rebuild
from treadle.core.items import (
    Item,
    Notes,
    Opening,
    Reverted,
    Summary,
    Text,
    TurnBegan,
    TurnEnded,
    UsageReported,
    UserMessage,
    decode,
    encode,
)
from treadle.core.thread import Thread

OPENING = Opening("o", 1.0, "m", "p", "base", "[]")


def turn(name: str, *more: Item) -> list[Item]:
    words = UserMessage(f"{name}-words", 1.0, name, (Text(f"say {name}"),))
    usage = UsageReported(f"{name}-usage", 1.0, name, 10, 0, 1, 0, 11)
    return [TurnBegan(f"{name}-began", 1.0, name), words, *more, usage, TurnEnded(f"{name}-ended", 1.0, name, "completed")]


def revert(name: str, before: str) -> Reverted:
    return Reverted(name, 2.0, before)


def undo(name: str, of: Reverted) -> Reverted:
    return Reverted(name, 3.0, of.before, undoes=of.id)


ABC = [OPENING, *turn("a"), *turn("b"), *turn("c")]


def test_without_a_marker_the_list_itself_is_what_counts() -> None:
    assert effective(ABC) is ABC
    assert undoable(ABC) is None


def test_a_turn_and_all_after_it_count_no_more() -> None:
    back = revert("r", "b")
    left = effective([*ABC, back])
    assert list(left) == [OPENING, *turn("a"), back]
    assert [state.id for state in history.turns([*ABC, back, *turn("d")])] == ["a", "d"]
    assert place([*ABC, back], "b") is None
    assert place([*ABC, back], "a") == 1


def test_what_was_taken_back_is_given_back_in_the_order_in_which_it_went() -> None:
    first, second = revert("r1", "c"), revert("r2", "a")
    items: list[Item] = [*ABC, first, second]
    assert undoable(items) is second
    items.append(undo("u2", second))
    assert turn_ids(effective(items)) == ("a", "b")
    assert undoable(items) is first
    items.append(undo("u1", first))
    assert turn_ids(effective(items)) == ("a", "b", "c")
    assert undoable(items) is None
    items += turn("d")
    assert turn_ids(effective(items)) == ("a", "b", "c", "d")


def test_what_was_said_since_cannot_be_pushed_aside_by_giving_back() -> None:
    back = revert("r", "b")
    assert undoable([*ABC, back, *turn("d")]) is None
    assert undoable([*ABC, back, Notes("n", 4.0, ("keep",))]) is back


def test_pinned_notes_stay_whatever_is_taken_back() -> None:
    notes, back = Notes("n", 1.0, ("mind the gap",)), revert("r", "a")
    items: list[Item] = [OPENING, *turn("a"), notes, *turn("b"), back]
    assert Thread("t", items).notes == ("mind the gap",)
    again = Thread("t", [*items, undo("u", back)])
    assert (again.notes, turn_ids(again.items)) == (("mind the gap",), ("a", "b"))


def test_an_earlier_epoch_comes_back_with_its_opening_and_its_prompt() -> None:
    summary = Summary("s", 1.0, "b", "short", ('{"type":"message","role":"user","content":"short"}',))
    early = [OPENING, *turn("a")]
    items: list[Item] = [*early, *turn("b", summary, Opening("o2", 1.0, "m", "p", "other", "[]")), *turn("c"), revert("r", "b")]
    thread, before = Thread("t", items), Thread("t", early)
    assert thread.prompt.request({}) == before.prompt.request({})
    assert (thread.opening, thread.summary, thread.count) == (OPENING, None, len(items))
    thread.forget()
    assert thread.count == len(items)
    thread.append(*turn("d"))
    before.append(*turn("d"))
    assert thread.prompt.request({}).body() == before.prompt.request({}).body()
    assert thread.since(len(items)) == turn("d")


def test_what_was_spent_stays_spent_and_the_context_is_as_full_as_it_was() -> None:
    thread = Thread("t", [*ABC, revert("r", "b")])
    assert (thread.usage.total_tokens, thread.last_usage.total_tokens) == (33, 11)
    assert thread.used == Thread("t", [OPENING, *turn("a")]).used


def test_a_request_of_before_is_shown_as_it_was_sent() -> None:
    back = revert("r", "b")
    assert rebuild("t", [*ABC, back][: len(ABC)], "]}").request == rebuild("t", ABC, "]}").request
    assert rebuild("t", [*ABC, back], "]}").request.fragments == rebuild("t", [OPENING, *turn("a")], "]}").request.fragments


def test_a_marker_reads_as_it_was_written() -> None:
    back = revert("r", "b")
    assert [decode(encode(item)) for item in (back, undo("u", back))] == [back, undo("u", back)]


@given(st.lists(st.tuples(st.sampled_from(["turn", "notes", "revert", "undo"]), st.integers(0, 6)), max_size=24))
def test_whatever_is_done_in_whatever_order_the_fold_is_a_stack_of_whole_lists(steps: list[tuple[str, int]]) -> None:
    items: list[Item] = [OPENING]
    model: list[str] = []
    wholes: list[tuple[Reverted, list[str], list[str]]] = []
    for number, (what, pick) in enumerate(steps):
        if what == "turn":
            items += turn(f"t{number}")
            model = [*model, f"t{number}"]
        elif what == "notes":
            items.append(Notes(f"n{number}", 1.0, (f"note {number}",)))
        elif what == "revert" and model:
            at = pick % len(model)
            wholes.append((revert(f"r{number}", model[at]), model, model[:at]))
            items.append(wholes[-1][0])
            model = model[:at]
        elif what == "undo" and wholes and wholes[-1][2] == model:
            back, model, _ = wholes.pop()
            items.append(undo(f"u{number}", back))
        assert undoable(items) is (wholes[-1][0] if wholes and wholes[-1][2] == model else None)
        left = effective(items)
        assert list(turn_ids(left)) == model
        assert list(effective(left)) == list(left)
        assert [state.id for state in history.turns(items)] == model
        notes = [item.texts for item in items if isinstance(item, Notes)]
        assert Thread("t", items).notes == (notes[-1] if notes else ())
        assert Thread("t", items).count == len(items)
