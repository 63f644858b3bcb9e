"""A folder, and who watches it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from treadle.adapters.versions import SqliteVersions
from treadle.adapters.watch import DiskWatch
from treadle.adapters.watch.tree import Tree
from treadle.core.settings import CheckpointRules
from treadle.runtime.ports import FileVersion

ME = ("thread", "turn")
RULES = CheckpointRules()


class Site:
    """A root, and who watches it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.home = folder / "home"
        self.watch = DiskWatch(self.home)
        self.said: list[str | None] = []

    async def begin(self, rules: CheckpointRules = RULES) -> None:
        self.watch.begin([str(self.root)], rules)
        assert await self.watch.ready([str(self.root)], 60, self.said.append) is None

    async def restart(self) -> None:
        await self.watch.close()
        self.watch = DiskWatch(self.home)
        await self.begin()

    @property
    def tree(self) -> Tree:
        tree = self.watch._watched[str(self.root)].tree
        assert tree is not None
        return tree

    def write(self, name: str, text: str = "x\n") -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    async def found(self, *, mine: bool = True) -> list[FileVersion]:
        return await self.watch.look([str(self.root)], ME if mine else None, 1.0)

    async def names(self) -> set[str]:
        return {self.name(version) for version in await self.found()}

    def name(self, version: FileVersion) -> str:
        return os.path.relpath(version.path, self.root)

    def content(self, key: str | None) -> bytes | None:
        with closing(SqliteVersions(self.home)) as versions:
            return None if key is None else versions.get(key)

    def recorded(self) -> list[FileVersion]:
        with closing(SqliteVersions(self.home)) as versions:
            return versions.of("thread")
