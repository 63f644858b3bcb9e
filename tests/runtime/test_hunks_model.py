"""Typing, patches, keeps, undos and restarts in any order: the file is what a plain model of them says.

The model is one list of lines, each of them unique: "both" is in the base and in the file, "added" only in the file, "removed"
only in the base. The user types where it is beyond doubt what is typed upon: not beside lines that the agent took out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.versions import MemoryVersions
from treadle.core import hunk_files
from treadle.core.changes import Changed
from treadle.core.hunks import Hunk
from treadle.runtime.reviews import Reviews
from treadle.server.documents import Documents

PATH = "/w/f"


@dataclass
class Line:
    text: str
    state: str


class Bench:
    def __init__(self, count: int) -> None:
        self.versions = MemoryVersions()
        self.reviews = Reviews("thread", self.versions)
        self.model = [Line(f"line {number}\n", "both") for number in range(count)]
        self.made = 0
        self.typed: list[str] = []

    @property
    def text(self) -> str:
        return "".join(line.text for line in self.model if line.state != "removed")

    @property
    def base(self) -> str:
        return "".join(line.text for line in self.model if line.state != "added")

    @property
    def hunks(self) -> list[Hunk]:
        tracked = self.reviews.get(PATH)
        return hunk_files.shown(tracked.live) if tracked and tracked.live else []

    def new(self, who: str) -> str:
        self.made += 1
        return f"{who} {self.made}\n"

    def shown(self) -> list[int]:
        """Places in the model of the file's lines."""
        return [at for at, line in enumerate(self.model) if line.state != "removed"]

    def agent(self, kind: int, where: int) -> None:
        before, shown = self.text, self.shown()
        at = where % (len(shown) + 1)
        if kind < 2 and at < len(shown):
            line = self.model[shown[at]]
            if line.state == "both":
                line.state = "removed"
            else:
                del self.model[shown[at]]
            place = shown[at] + (line.state == "removed")
        else:
            place = shown[at] if at < len(shown) else len(self.model)
        if kind > 0:
            self.model.insert(place, Line(self.new("agent"), "added"))
        self._told(before)

    def _told(self, before: str) -> None:
        change = Changed("thread", f"turn {self.made}", PATH, before.encode(), self.text.encode(), "patch")
        self.reviews.changed(change)
        self.restart()

    def user(self, kind: int, where: int) -> None:
        before, shown = self.text, self.shown()
        if kind == 0 and shown:
            del self.model[shown[where % len(shown)]]
        elif kind == 1 and shown:
            self.model[shown[where % len(shown)]].text = self.new("user")
        else:
            self._insert(where % (len(shown) + 1), shown)
        self.reviews.follow(PATH, before, self.text)

    def _insert(self, at: int, shown: list[int]) -> None:
        place = shown[at] if at < len(shown) else len(self.model)
        first = shown[at - 1] if at else -1
        if place - first > 1:
            return
        around = {self.model[first].text if at else "", self.model[place].text if at < len(shown) else ""}
        inside = any(around <= set(hunk.added) for hunk in self.hunks)
        line = Line(self.new("user"), "added" if inside else "both")
        if not inside:
            self.typed.append(line.text)
        self.model.insert(place, line)

    def choose(self, keep: bool, which: int, every: bool) -> None:
        tracked, found = self.reviews.get(PATH), self.hunks
        if not found or tracked is None or tracked.live is None:
            return
        chosen = found if every else [found[which % len(found)]]
        ids = {hunk.id for hunk in chosen}
        for hunk in chosen:
            added, removed = set(hunk.added), set(hunk.removed)
            gone, stays = (removed, added) if keep else (added, removed)
            self.model = [line for line in self.model if not (line.state != "both" and line.text in gone)]
            for line in self.model:
                if line.text in stays:
                    line.state = "both"
        if keep:
            self.reviews.settle(PATH, hunk_files.after_keep(tracked.live, ids))
        else:
            left, data = hunk_files.after_undo(tracked.live, ids, self.text.encode())
            assert data == self.text.encode()
            self.reviews.settle(PATH, left)
        self.restart()

    def restart(self) -> None:
        """After something that is written down."""
        before = self.hunks
        self.reviews = Reviews("thread", self.versions)
        assert self.hunks == before

    def check(self) -> None:
        found = self.hunks
        assert len({hunk.id for hunk in found}) == len(found)
        added = [line.text for line in self.model if line.state == "added"]
        removed = [line.text for line in self.model if line.state == "removed"]
        assert [line for hunk in found for line in hunk.added] == added
        assert [line for hunk in found for line in hunk.removed] == removed
        current = self.text.splitlines(keepends=True)
        base = self.base.splitlines(keepends=True)
        for hunk in found:
            assert tuple(current[hunk.start : hunk.start + len(hunk.added)]) == hunk.added
            assert tuple(base[hunk.base_start : hunk.base_start + len(hunk.removed)]) == hunk.removed


STEPS = st.lists(
    st.tuples(st.sampled_from(["agent", "user", "user", "keep", "undo", "all"]), st.integers(0, 2), st.integers(0, 30)),
    max_size=30,
)


@settings(max_examples=150)
@given(st.integers(0, 12), STEPS)
def test_the_file_is_what_a_plain_model_says(count: int, steps: list[tuple[str, int, int]]) -> None:
    bench = Bench(count)
    for what, kind, where in steps:
        if what == "agent":
            bench.agent(kind, where)
        elif what == "user":
            bench.user(kind, where)
        else:
            bench.choose(keep=what == "keep" or kind == 1, which=where, every=what == "all")
        bench.check()
    bench.choose(keep=False, which=0, every=True)
    left = set(bench.text.splitlines(keepends=True))
    assert bench.text == bench.base
    assert {line.text for line in bench.model} == left


@settings(max_examples=150)
@given(st.integers(2, 12), STEPS)
def test_a_hunk_keeps_its_id_while_others_come_and_go(count: int, steps: list[tuple[str, int, int]]) -> None:
    bench = Bench(count)
    names: dict[str, str] = {}
    for what, kind, where in steps:
        if what == "agent":
            bench.agent(kind, where)
        elif what == "user":
            bench.user(kind, where)
        else:
            bench.choose(keep=what == "keep", which=where, every=False)
        found = {hunk.id: {*hunk.added, *hunk.removed} for hunk in bench.hunks}
        if what != "agent":
            # no line has gone from one hunk to another one
            for id, lines in found.items():
                assert all(names.get(line, id) == id for line in lines)
        names = {line: id for id, lines in found.items() for line in lines}


class Typing:
    """A document of lines that are alike, typed into character by character."""

    def __init__(self, lines: list[str]) -> None:
        self.documents, self.reviews = Documents(), Reviews("thread", None)
        self.documents.told.append(self.reviews.follow)
        self.tokens: list[str] = []
        opened = {"uri": f"file://{PATH}", "version": 1, "text": "".join(f"{line}\n" for line in lines)}
        self.documents.take("textDocument/didOpen", {"textDocument": opened})

    @property
    def text(self) -> str:
        document = self.documents.find(PATH)
        assert document is not None
        return document.text

    @property
    def hunks(self) -> list[Hunk]:
        tracked = self.reviews.get(PATH)
        return hunk_files.shown(tracked.live) if tracked and tracked.live else []

    def edit(self, start: tuple[int, int], end: tuple[int, int], new: str) -> None:
        where = {name: {"line": at[0], "character": at[1]} for name, at in (("start", start), ("end", end))}
        identifier = {"uri": f"file://{PATH}", "version": 2}
        change = {"range": where, "text": new}
        self.documents.take("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})

    def user(self, where: int, column: int, more: str) -> None:
        lines = self.text.split("\n")
        line = where % len(lines)
        if any(hunk.start <= line < hunk.start + len(hunk.added) for hunk in self.hunks):
            return
        token = chr(0x4E00 + len(self.tokens))
        self.tokens.append(token)
        at = (line, column % (len(lines[line]) + 1))
        self.edit(at, at, token + more)

    def agent(self, where: int, new: list[str], old: int) -> None:
        before, lines = self.text, self.text.split("\n")[:-1]
        at = where % (len(lines) + 1)
        taken = lines[at : at + old]
        if not "".join(taken).isascii():
            return
        # as an edit of the editor, which is told before the agent says that it was its own
        self.documents.told.clear()
        self.edit((at, 0), (at + len(taken), 0), "".join(f"{line}\n" for line in new))
        self.documents.told.append(self.reviews.follow)
        self.reviews.changed(Changed("thread", "t", PATH, before.encode(), self.text.encode(), "patch", unsaved=True))

    def choose(self, where: int, keep: bool) -> None:
        found, tracked = self.hunks, self.reviews.get(PATH)
        if not found or tracked is None or tracked.live is None:
            return
        ids = {found[where % len(found)].id}
        if keep:
            self.reviews.settle(PATH, hunk_files.after_keep(tracked.live, ids))
            return
        left, data = hunk_files.after_undo(tracked.live, ids, self.text.encode())
        assert data is not None
        self.reviews.settle(PATH, left)
        self.documents.told.clear()
        self.edit((0, 0), (self.text.count("\n") + 1, 0), data.decode())
        self.documents.told.append(self.reviews.follow)

    def check(self) -> None:
        assert all(token in self.text for token in self.tokens)
        lines = self.text.splitlines(keepends=True)
        for hunk in self.hunks:
            assert tuple(lines[hunk.start : hunk.start + len(hunk.added)]) == hunk.added


ALIKE = st.sampled_from(["a", "b", "}", ""])
WHAT = st.one_of(
    st.tuples(st.just("user"), st.integers(0, 20), st.integers(0, 3), st.sampled_from(["", "\n", "x\ny"])),
    st.tuples(st.just("agent"), st.integers(0, 20), st.lists(ALIKE, max_size=3), st.integers(0, 3)),
    st.tuples(st.just("choose"), st.integers(0, 20), st.booleans()),
)


@settings(max_examples=200)
@given(st.lists(ALIKE, max_size=8), st.lists(WHAT, max_size=30))
def test_every_character_typed_outside_of_hunks_survives_every_undo(lines: list[str], steps: list[tuple[Any, ...]]) -> None:
    there = Typing(lines)
    for what, *arguments in steps:
        getattr(there, what)(*arguments)
        there.check()
    while there.hunks:
        there.choose(0, keep=False)
        there.check()
