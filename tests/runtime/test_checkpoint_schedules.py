"""Random work by the agent's patches and commands and by the user, and random restores of it: a real folder, and a real watch.

Lines are told apart by numbers, and by whose they are. What is held to: without the user's changes a restore gives exactly what
was there, modes among it, and a redo what was there before the restore; with them no line of the user's vanishes from the
workspace, and a file with a conflict is as it was.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.editing import Action, Desk
from treadle.core.checkpoints import RestoreDone
from treadle.runtime.ports import FileState, Scope

NAMES = ("a", "b", "d/c", "d/e")
ENDS = ("\n", "\r\n")
State = dict[str, tuple[bytes, int]]


@dataclass
class Play:
    """One example: chance decides what everybody does next."""

    desk: Desk
    chance: random.Random
    users_part: bool
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    turns: list[tuple[str, State]] = field(default_factory=list[tuple[str, State]])
    "With the state before each."
    added: set[bytes] = field(default_factory=set[bytes])
    "Lines of the user's since the last restore."
    born: dict[bytes, int] = field(default_factory=dict[bytes, int])
    "Line of the user's -> how many turns there had been."

    def state(self) -> State:
        found: State = {}
        for folder, _, names in os.walk(self.desk.folder):
            for name in names:
                path = Path(folder, name)
                found[str(path.relative_to(self.desk.folder))] = (path.read_bytes(), path.stat().st_mode & 0o777)
        return found

    def users_lines(self, state: State | None = None) -> set[bytes]:
        state = self.state() if state is None else state
        return {line for data, _ in state.values() for line in data.split() if line.startswith(b"user")}

    def edited(self, data: bytes, who: str) -> bytes:
        """With a line more, in some place; of the agent's also with lines less, or others."""
        lines = data.splitlines(keepends=True)
        at = self.chance.randint(0, len(lines))
        line = f"{who}{next(self.numbers)}{self.chance.choice(ENDS)}".encode()
        if at and not lines[at - 1].endswith(b"\n"):
            lines[at - 1] += b"\n"
        own = who == "agent" and bool(lines)
        gone = self.chance.randint(0, min(2, len(lines) - at)) if own else 0
        lines[at : at + gone] = [line] if not own or self.chance.random() < 0.8 else []
        text = b"".join(lines)
        return text.rstrip(b"\r\n") if own and self.chance.random() < 0.2 else text

    def user(self) -> None:
        name = self.chance.choice(NAMES)
        path = self.desk.folder / name
        path.parent.mkdir(exist_ok=True)
        before = path.read_bytes() if path.exists() else b""
        path.write_bytes(self.edited(before, "user"))
        new = {line for line in path.read_bytes().split() if line.startswith(b"user")} - set(before.split())
        self.added |= new
        self.born |= dict.fromkeys(new, len(self.turns))

    def patch(self) -> Action:
        async def run(scope: Scope) -> None:
            path = self.desk.path(self.chance.choice(NAMES))
            before = await scope.files.read(path)
            data = None if before.data is not None and self.chance.random() < 0.2 else self.edited(before.data or b"", "agent")
            await scope.files.commit([before], [FileState(path, data)], scope.policy)

        return run

    def command(self) -> Action:
        return self.desk.command(self.chance.choice([self._write, self._write, self._remove, self._rename, self._chmod]))

    def _write(self) -> None:
        path = self.desk.folder / self.chance.choice(NAMES)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.edited(path.read_bytes() if path.exists() else b"", "agent"))

    def _of_there(self, do: Callable[[Path], None]) -> None:
        there = sorted(self.state())
        if there:
            do(self.desk.folder / self.chance.choice(there))

    def _remove(self) -> None:
        self._of_there(os.unlink)

    def _rename(self) -> None:
        self._of_there(lambda path: os.rename(path, path.with_name(f"moved{next(self.numbers)}")))

    def _chmod(self) -> None:
        self._of_there(lambda path: os.chmod(path, self.chance.choice((0o644, 0o755, 0o600))))

    def by_the_way(self) -> Action:
        """The user, while the model thinks."""

        async def run(scope: Scope) -> None:
            self.user()

        return run

    async def turn(self) -> None:
        before = self.state()
        choices = [self.patch, self.command] + ([self.by_the_way] if self.users_part else [])
        actions = [self.chance.choice(choices)() for _ in range(self.chance.randint(0, 4))]
        self.turns.append(("", before))
        self.turns[-1] = (await self.desk.turn(*actions), before)

    async def restore(self) -> None:
        place = self.chance.randrange(len(self.turns))
        turn_id, earlier = self.turns[place]
        before, lines = self.state(), self.users_lines()
        # but for those that the agent had taken away by then
        there = {line for line in lines if line in self.users_lines(earlier) or self.born[line] > place}
        done = await self.desk.restore(turn_id, on_conflict="skip")
        after = self.state()
        self._check_conflicts(done, before)
        if not self.users_part:
            assert after == earlier
        assert there <= self.users_lines()
        self.added = set()
        if self.chance.random() < 0.3:
            await self.desk.restart()
        if self.users_part and self.chance.random() < 0.5:
            self.user()
        if self.chance.random() < 0.7:
            kept = (lines | self.added) & self.users_lines()
            now = self.state()
            redone = await self.desk.redo(done.id, on_conflict="skip")
            self._check_conflicts(redone, now)
            assert kept <= self.users_lines()
            if now == after and not any(plan.kind == "conflict" for plan in redone.files):
                assert self.state() == before

    def _check_conflicts(self, done: RestoreDone, before: State) -> None:
        after = self.state()
        for plan in done.files:
            name = os.path.relpath(plan.path, self.desk.folder)
            assert plan.kind != "omitted"
            if plan.kind in ("conflict", "unchanged"):
                assert after.get(name) == before.get(name)


async def play(seed: int, users_part: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), watched=True)
        it = Play(desk, random.Random(seed), users_part)
        for name in NAMES[: it.chance.randint(0, 4)]:
            (desk.folder / name).parent.mkdir(exist_ok=True)
            desk.write(name, b"".join(b"first%d\n" % next(it.numbers) for _ in range(it.chance.randint(0, 8))))
        try:
            for _ in range(it.chance.randint(2, 6)):
                await it.turn()
                if users_part and it.chance.random() < 0.6:
                    it.user()
                if it.chance.random() < 0.4:
                    await it.restore()
            await it.restore()
        finally:
            await desk.close()


SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SOME
@given(st.integers(0, 2**32))
def test_a_restore_gives_exactly_what_was_there_and_a_redo_takes_it_back(seed: int) -> None:
    asyncio.run(play(seed, users_part=False))


@SOME
@given(st.integers(0, 2**32))
def test_no_line_of_the_users_ever_vanishes(seed: int) -> None:
    asyncio.run(play(seed, users_part=True))
