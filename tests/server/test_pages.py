"""Pages of turns and items: every row once, in both directions, whatever the page size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.history import TurnState
from treadle.core.items import Text
from treadle.core.views import MessageCard, ReasoningCard, UserCard
from treadle.server import pages
from treadle.server.handshake import BadParams
from treadle.server.pages import Direction


def state(name: str) -> TurnState:
    cards = [
        UserCard(f"{name}-u", (Text("go"),)),
        ReasoningCard(f"{name}-r"),
        MessageCard(f"{name}-1", "…"),
        MessageCard(f"{name}-2", "done"),
    ]
    return TurnState(name, "completed", 1.0, 2.0, cards=cards)


@given(st.lists(st.integers(), unique=True, max_size=12), st.integers(1, 5), st.sampled_from(["asc", "desc"]))
def test_pages_that_follow_each_other_hold_every_row_once_and_can_be_walked_back(
    rows: list[int], limit: int, direction: Direction
) -> None:
    seen: list[int] = []
    cursor, other = None, "asc" if direction == "desc" else "desc"
    while True:
        found = pages.page(rows, str, cursor, limit, direction)
        seen += found.rows
        if found.rows:
            back = pages.page(rows, str, found.backwards, len(rows), other)  # type: ignore[arg-type]
            assert list(back.rows) == seen[: len(seen) - len(found.rows) + 1][::-1]
        cursor = found.following
        if cursor is None:
            break
        assert len(found.rows) == limit
    assert seen == (rows if direction == "asc" else rows[::-1])


def test_a_turn_is_given_with_as_much_as_was_asked_for() -> None:
    full, summary, bare = (pages.turn(state("t"), view) for view in ("full", "summary", "notLoaded"))  # type: ignore[arg-type]
    assert [(turn["itemsView"], [item["id"] for item in turn["items"]]) for turn in (full, summary, bare)] == [
        ("full", ["t-u", "t-r", "t-1", "t-2"]),
        ("summary", ["t-u", "t-2"]),
        ("notLoaded", []),
    ]


def test_the_newest_turns_come_first_and_a_client_goes_back_from_the_end() -> None:
    states = [state(name) for name in "abc"]
    first = pages.turns(states, None, 2, "desc", "notLoaded")
    assert ([turn["id"] for turn in first["data"]], first["nextCursor"] is not None) == (["c", "b"], True)
    ends = pages.ends(states)
    assert pages.turns(states, ends["turnsBackwardsCursor"], 1, "desc", "notLoaded")["data"][0]["id"] == "c"
    assert pages.items(states, ends["itemsBackwardsCursor"], 1, "desc")["data"][0]["item"]["id"] == "c-2"
    assert pages.ends([]) == {"turnsBackwardsCursor": None, "itemsBackwardsCursor": None}


@pytest.mark.parametrize("cursor", ["", "b", "after:z", "from:"])
def test_a_cursor_that_names_nothing_is_refused(cursor: str) -> None:
    with pytest.raises(BadParams, match="names nothing"):
        pages.turns([state("a"), state("b")], cursor, None, "asc", "full")
