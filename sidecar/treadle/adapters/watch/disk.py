"""The Watch port on disk: a tree per root, its baseline built in a thread of its own, its changes looked at in another when there
are any. Nothing is opened, and nothing started, before `begin`. What cannot be kept stops no command: it is said, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.record import mutable
from ...core.settings import CheckpointRules
from ...runtime.ports.watch import Owner
from ..versions.database import Database

if TYPE_CHECKING:
    from ...runtime.ports.versions import FileVersion
    from .tree import Tree

_log = logging.getLogger(__name__)
MOST_ROOTS = 16
"The one that was looked at longest ago goes first."
_SAID_AFTER = 1.0
"Seconds until the user is told what is waited for, and between two such lines."


@mutable
class _Watched:
    rules: CheckpointRules
    tree: Tree | None = None
    "Made in its thread: what it needs takes a moment to load."
    built: Future[str | None] = field(default_factory=Future[str | None])
    "None when the baseline is complete, else why it is not: a clause."
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def complete(self) -> bool:
        return self.built.done() and self.built.result() is None


class DiskWatch:
    """`home` is Treadle's own folder."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._database = Database(home)
        self._watched: dict[str, _Watched] = {}
        self._ending: list[_Watched] = []
        self._too_wide = ("/", os.path.realpath(os.path.expanduser("~")))

    def begin(self, roots: Sequence[str], rules: CheckpointRules) -> None:
        for root in _outermost(roots):
            if root in self._too_wide:
                continue
            known = self._watched.pop(root, None)
            if known is not None and known.rules == rules:
                self._watched[root] = known
                continue
            if known is not None:
                self._end(known)
            while len(self._watched) >= MOST_ROOTS:
                self._end(self._watched.pop(next(iter(self._watched))))
            watched = self._watched[root] = _Watched(rules)
            work = (watched, root, self._database, self._home)
            watched.thread = threading.Thread(target=_build, args=work, name=f"baseline {root}", daemon=True)
            try:
                watched.thread.start()
            except RuntimeError as error:  # no more threads
                watched.thread = None
                watched.built.set_result(str(error))

    async def ready(self, roots: Sequence[str], seconds: float, say: Callable[[str | None], None]) -> str | None:
        if any(root in self._too_wide for root in roots):
            return "a whole home folder, or disk, is not looked after"
        waiting = [watched for root in _outermost(roots) if (watched := self._watched.get(root)) and not watched.built.done()]
        if waiting:
            await _built(waiting, seconds, say)
        for root in _outermost(roots):
            watched = self._watched.get(root)
            if watched is None:
                return "it is not looked after"
            if not watched.built.done():
                return "its files were still being read when a command ran"
            if (why := watched.built.result() or (watched.tree.cut if watched.tree else None)) is not None:
                return why
        return None

    async def look(self, roots: Sequence[str], owner: Owner | None, at: float) -> list[FileVersion]:
        watched = [found for root in _outermost(roots) if (found := self._watched.get(root)) is not None and found.complete]
        changed = [found.tree for found in watched if found.tree is not None and found.tree.pending()]
        if not changed:
            return []
        stop = threading.Event()
        try:
            return await asyncio.to_thread(_look, changed, owner, at, stop)
        except asyncio.CancelledError:
            stop.set()
            raise

    def note(self, path: str, key: str | None, mode: int | None = None) -> None:
        for root, watched in self._watched.items():
            if watched.tree is not None and _is_in(path, root):
                watched.tree.note(path, key, mode)

    async def close(self) -> None:
        for watched in self._watched.values():
            self._end(watched)
        self._watched.clear()
        ending, self._ending = self._ending, []
        if ending:
            await asyncio.to_thread(_join, ending)
        self._database.close()

    def _end(self, watched: _Watched) -> None:
        watched.stop.set()
        self._ending = [other for other in self._ending if other.thread is not None and other.thread.is_alive()]
        self._ending.append(watched)
        if watched.built.done() and watched.tree is not None:
            watched.tree.close()


def _build(watched: _Watched, root: str, database: Database, home: Path) -> None:
    """Whatever goes wrong, who waits for it hears of it: a turn would wait in vain otherwise."""
    why: str | None = "it could not be looked after"
    try:
        why = _built_or_why(watched, root, database, home)
    except Exception as error:
        _log.exception("baseline of %s", root)
        why = f"they could not be read ({type(error).__name__}: {error})"
    finally:
        watched.built.set_result(why)
    tree = watched.tree
    if tree is None:
        return
    if watched.stop.is_set():
        tree.close()
    elif why is None:
        with contextlib.suppress(OSError):
            tree.tidy(watched.stop.is_set)


def _built_or_why(watched: _Watched, root: str, database: Database, home: Path) -> str | None:
    from .sink import Stopped  # noqa: PLC0415
    from .tree import Tree  # noqa: PLC0415

    tree = watched.tree = Tree(root, watched.rules, database, home)
    try:
        tree.build(watched.stop.is_set)
    except Stopped:
        return "it is not looked after any more"
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}"
    return None


def _look(trees: Sequence[Tree], owner: Owner | None, at: float, stop: threading.Event) -> list[FileVersion]:
    from .sink import Stopped  # noqa: PLC0415

    found: list[FileVersion] = []
    with contextlib.suppress(Stopped):
        for tree in trees:
            found += tree.look(owner, at, stop.is_set)
    return found


def _join(ending: Sequence[_Watched]) -> None:
    for watched in ending:
        if watched.thread is not None:
            watched.thread.join()
        if watched.tree is not None:
            watched.tree.close()


async def _built(waiting: Sequence[_Watched], seconds: float, say: Callable[[str | None], None]) -> None:
    """When all are, or after so long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    futures = {asyncio.wrap_future(watched.built) for watched in waiting}
    said = False
    try:
        while futures and (left := end - loop.time()) > 0:
            _, futures = await asyncio.wait(futures, timeout=min(left, _SAID_AFTER))
            if futures:
                looked = sum(watched.tree.looked for watched in waiting if watched.tree is not None)
                say(f"Keeping the files as they are before the first command: {looked} so far")
                said = True
    finally:
        if said:
            say(None)


def _outermost(roots: Sequence[str]) -> list[str]:
    """Without those that are below another one."""
    ordered = sorted(set(roots), key=len)
    return [root for place, root in enumerate(ordered) if not any(_is_in(root, other) for other in ordered[:place])]


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")
