"""Which of the user's grants count for a thread, and how new ones come to be. The only place that writes them.

What one thread or one client changes holds for every other thread of the process with its next call, and ends questions that
it answers; another process sees it with its next call. Grants of a thread that is not kept live here, in memory only.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import field

from ..core.grants import Grant, GrantScope, Subject
from ..core.offers import root_of
from ..core.policy import Grants
from ..core.record import frozen, mutable
from ..core.settings import Settings
from ..core.subjects import collect, holds_in
from .ports import Clock
from .ports.store import GrantStore

_CACHED = 256


@mutable
class GrantBook:
    """All grants of this process."""

    store: GrantStore
    clock: Clock
    notify: Callable[[str | None], None] = lambda thread_id: None
    "The list is another one; with the thread's id when it is about one thread only."
    _unkept: dict[str, Grant] = field(default_factory=dict[str, Grant])
    _changes: int = 0
    _seen: object = None
    _all: tuple[Grant, ...] = ()
    _found: dict[tuple[object, ...], Grants] = field(default_factory=dict[tuple[object, ...], Grants])
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def all(self) -> tuple[Grant, ...]:
        """Oldest first."""
        version = (self._changes, self.store.version())
        if version != self._seen:
            self._all = tuple(sorted((*self.store.all(), *self._unkept.values()), key=lambda grant: (grant.created_at, grant.id)))
            self._seen = version
            self._found.clear()
        return self._all

    def counting(self, thread_id: str | None, roots: Sequence[str]) -> list[Grant]:
        """Those that count for a thread, or without one in these folders."""
        return [grant for grant in self.all() if _counts(grant, thread_id, roots)]

    def of(self, thread_id: str, settings: Settings, cwd: str | None = None) -> Grants:
        """What counts for a call of a thread; `cwd` is where its command would run."""
        everything, key = self.all(), (thread_id, settings.cwd, settings.roots, cwd)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _CACHED:
                self._found.clear()
            roots = (settings.cwd, *settings.roots)
            found = collect([grant for grant in everything if _counts(grant, thread_id, roots)], cwd)
            self._found[key] = found
        return found

    def write(self, put: Sequence[Grant] = (), remove: Sequence[str] = (), *, unkept: frozenset[str] = frozenset()) -> None:
        """All or nothing. `unkept` are the threads that live in memory only."""
        fleeting = [grant for grant in put if grant.thread_id in unkept]
        stored = [grant for grant in put if grant.thread_id not in unkept]
        everything = self.all()
        touched = {grant.thread_id for grant in everything if grant.id in remove} | {grant.thread_id for grant in put}
        replaced = {*remove, *(grant.id for grant in put)}
        gone = [grant.id for grant in everything if grant.id in replaced and grant.id not in self._unkept]
        if stored or gone:
            self.store.write(stored, gone)
        for id in replaced:
            self._unkept.pop(id, None)
        self._unkept.update((grant.id, grant) for grant in fleeting)
        self._changes += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self.notify(touched.pop() if len(touched) == 1 else None)

    @property
    def changed(self) -> asyncio.Event:
        """Set as soon as the list is another one; each change has an event of its own."""
        return self._changed


@frozen
class ThreadGrants:
    """The grants as one turn of a thread sees them."""

    book: GrantBook
    thread_id: str
    settings: Settings
    kept: bool
    "Whether the thread is kept on disk."

    def at(self, cwd: str | None = None) -> Grants:
        return self.book.of(self.thread_id, self.settings, cwd)

    def add(self, scope: GrantScope, subject: Subject, cwd: str | None = None) -> None:
        """Remember a yes; `subject` is one that core.subjects.checked gave. `cwd` is where the command asked about would run."""
        clock = self.book.clock
        workspace = None
        if scope == "workspace":
            workspace = (root_of(cwd, self.settings) if cwd else None) or self.settings.cwd
        elif scope == "thread" and subject.kind == "command" and cwd:
            workspace = root_of(cwd, self.settings) or cwd
        thread_id = self.thread_id if scope == "thread" else None
        grant = Grant(clock.new_id(), scope, subject, clock.now(), workspace, thread_id)
        same = (dataclasses.replace(grant, id=old.id, created_at=old.created_at) == old for old in self.book.all())
        if not any(same):
            self.book.write([grant], unkept=frozenset() if self.kept else frozenset((self.thread_id,)))


def told_prefixes(book: GrantBook, thread_id: str, settings: Settings) -> tuple[str, ...]:
    """Beginnings of commands that run outside of the sandbox without a question, for the model."""
    grants = book.counting(thread_id, (settings.cwd, *settings.roots))
    granted = [g.subject.text for g in grants if g.subject.kind == "command" and g.subject.outside and holds_in(g, settings.cwd)]
    ruled = [str(rule) for rule in settings.rules.prefixes if rule.decision == "allow" and rule.outside]
    return tuple(dict.fromkeys((*ruled, *granted)))


def _counts(grant: Grant, thread_id: str | None, roots: Sequence[str]) -> bool:
    match grant.scope:
        case "thread":
            return grant.thread_id == thread_id and thread_id is not None
        case "workspace":
            return grant.workspace in roots
        case "always":
            return True
