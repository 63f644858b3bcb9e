"""Threads of every kind of item, taken back, given back, summed up and copied at random: every view of them holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fuzz.common import fuzzed
from fuzz.threads import threads
from treadle.core import forks, history, search
from treadle.core.breakdown import breakdown
from treadle.core.effective import effective, place, turn_ids, undoable
from treadle.core.export import Head, markdown
from treadle.core.items import Item, Reverted
from treadle.core.thread import Thread

HEAD = Head("t", None, "p", "/ws", "m", "p", 1.0, 2.0)


@fuzzed(120)
@given(threads(40), st.data())
def test_every_view_of_a_valid_thread_holds(items: list[Item], data: st.DataObject) -> None:
    kept = list(effective(items))
    assert list(effective(kept)) == kept
    thread = Thread("t", items)
    assert thread.count == len(items)
    assert all(count > 0 for count in breakdown(thread).values())
    turns = history.turns(items)
    assert len({turn.id for turn in turns}) == len(turns)
    assert set(turn_ids(kept)) <= {turn.id for turn in turns}
    assert HEAD.id in markdown(HEAD, items, str)
    assert list(search.occurrences(kept, "a", 0, 5)) is not None
    assert all(isinstance(search.said(item), str) for item in items)
    marker = undoable(items)
    if marker is not None:
        given_back = effective([*items, Reverted("undo", 1.0, marker.before, undoes=marker.id)])
        assert place(given_back, marker.before) is not None
    ids = turn_ids(kept)
    for last, before in ((None, None), *(((data.draw(st.sampled_from(ids)), None), (None, ids[0])) if ids else ())):
        copy = forks.copied(items, "t", last=last, before=before)
        copied = Thread("u", copy)
        copied.append(*forks.ended(copied, [f"e{n}" for n in range(len(copied.unanswered) + 1)], 9.0))
        assert not copied.unanswered and copied.open_turn is None


@fuzzed(100)
@given(threads(40), st.data())
def test_lists_that_no_thread_has_do_not_raise_either(items: list[Item], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(items))[: data.draw(st.integers(0, len(items)))]
    kept = list(effective(shuffled))
    undoable(shuffled)
    place(shuffled, "turn1")
    history.turns(shuffled)
    markdown(HEAD, shuffled, str)
    assert len(kept) <= len(shuffled)
