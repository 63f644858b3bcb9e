"""Drafts in the store: an item and its draft are never both there, whatever moment the file is read at."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.items import Item, ModelItem, ToolOutput, TurnEnded, UsageReported
from treadle.runtime.ports import ThreadMeta


def said(id: str, text: str = "x") -> ModelItem:
    return ModelItem(id, 1.0, "turn", "message", f'{{"text":"{text}"}}', complete=False)


def printed(id: str, call_id: str) -> ToolOutput:
    return ToolOutput(id, 1.0, "turn", call_id, "text")


def opened(folder: Path) -> SqliteStore:
    store = SqliteStore(folder)
    for thread_id in ("a", "b"):
        try:
            store.load(thread_id)
        except KeyError:
            store.create(ThreadMeta(thread_id, 1.0, 1.0, "/ws", "m", "p"))
    return store


@pytest.mark.parametrize(
    ("appended", "left"),
    [
        ([said("1", "whole")], ["2", "o"]),
        ([printed("another id", "call")], ["1", "2"]),
        ([UsageReported("u", 1.0, "turn", 1, 2, 3, 4, 5)], ["1", "2", "o"]),
        ([said("1"), said("2")], ["o"]),
        ([TurnEnded("e", 1.0, "turn", "completed")], []),
    ],
)
def test_a_draft_goes_with_what_takes_its_place(tmp_path: Path, appended: list[Item], left: list[str]) -> None:
    store = opened(tmp_path)
    store.draft("b", said("1", "of another thread"))
    for draft in (said("1", "first"), said("2"), said("1", "first and more"), printed("o", "call")):
        store.draft("a", draft)
    died = opened(tmp_path)
    assert died.drafts("a") == [said("1", "first and more"), said("2"), printed("o", "call")]
    died.append("a", appended)
    store.close()
    died.close()
    later = opened(tmp_path)
    assert [item.id for item in later.drafts("a")] == left
    assert later.drafts("b") == [said("1", "of another thread")]
    assert later.load("a")[1] == appended
    later.close()


def test_a_draft_stays_when_its_item_could_not_be_appended(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.draft("a", said("1"))
    with pytest.raises(Exception, match="UNIQUE"):
        store._next["a"] = 0
        store.append("a", [said("0")])
        store._next["a"] = 0
        store.append("a", [said("1", "whole")])
    assert store.drafts("a") == [said("1")]
    store.close()
