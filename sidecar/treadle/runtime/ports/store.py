"""Where threads, their items and the rows of the ledger are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Protocol

from ...core.git_info import GitInfo
from ...core.grants import Grant
from ...core.items import Item, JsonObject
from ...core.ledger import LedgerRow, Totals
from ...core.queue import Queued
from ...core.record import frozen
from ...core.search import Query, Snippet


@frozen
class ThreadMeta:
    """One row of the thread list. Times are seconds since the epoch."""

    id: str
    created_at: float
    updated_at: float
    cwd: str
    model: str
    provider: str
    preview: str = ""
    name: str | None = None
    archived: bool = False
    originator: str = "unknown"
    settings: JsonObject = field(default_factory=dict[str, Any])
    ephemeral: bool = False
    "Lives in memory only."
    titled: bool = False
    "`name` was made by us, and not given by the user."
    git: GitInfo | None = None
    "Of its folder, when the thread began."
    forked_from: str | None = None
    "The thread that this one was copied from, which may be gone by now."


@frozen
class Found:
    """A thread that was found, and the first place in it."""

    meta: ThreadMeta
    snippet: Snippet


class LedgerStore(Protocol):
    """The rows of all threads' requests."""

    def add(self, row: LedgerRow) -> None: ...
    def row(self, thread_id: str, number: int | None = None) -> LedgerRow | None:
        """By its number; None: the last one."""
        ...

    def answered(self, thread_id: str) -> LedgerRow | None:
        """The last one of the thread itself that was completed."""
        ...

    def page(
        self, *, thread_id: str | None, day: str | None, cursor: str | None, limit: int
    ) -> tuple[list[LedgerRow], str | None]:
        """Newest first."""
        ...

    def totals(self, *, thread_id: str | None = None, turn_id: str | None = None, day: str | None = None) -> Totals: ...


class GrantStore(Protocol):
    """What the user said yes to for longer than once. Grants of a thread go with it."""

    def version(self) -> object:
        """Another value as soon as anyone, in whichever process, may have changed the list. Cheap: asked before every call."""
        ...

    def all(self) -> list[Grant]:
        """Oldest first."""
        ...

    def write(self, put: Sequence[Grant], remove: Sequence[str]) -> None:
        """All or nothing: add these, or replace those of the same id, and remove these ids."""
        ...


class ThreadIndex(Protocol):
    """The words of all threads. May be asked from any system thread."""

    def search(
        self,
        query: Query,
        *,
        cursor: str | None,
        limit: int,
        cwds: Sequence[str] = (),
        archived: bool = False,
        by_update: bool = False,
        ascending: bool = False,
        originators: Sequence[str] = (),
    ) -> tuple[list[Found], str | None]:
        """Threads with an item, or a name, in which the query is. What was appended is found once `catch_up` has come to it."""
        ...

    def catch_up(self, seconds: float) -> bool:
        """Index what was appended since the last time, and what an older version wrote, for about so many seconds; whether all
        is done."""
        ...


class QueueStore(Protocol):
    """Messages that wait, of all threads. One goes, too, when Store.append writes the UserMessage of its id."""

    def of(self, thread_id: str) -> list[Queued]:
        """In order."""
        ...

    def put(self, thread_id: str, queued: Queued) -> None:
        """At the end; or in place of the one with the same id."""
        ...

    def remove(self, thread_id: str, ids: Sequence[str]) -> None: ...
    def order(self, thread_id: str, ids: Sequence[str]) -> None: ...


class Store(Protocol):
    """Threads and their items. Synchronous: one small write is faster than a hop to another thread."""

    @property
    def ledger(self) -> LedgerStore: ...
    @property
    def grants(self) -> GrantStore: ...
    @property
    def queue(self) -> QueueStore: ...
    @property
    def index(self) -> ThreadIndex: ...
    def create(self, meta: ThreadMeta, items: Sequence[Item] = ()) -> None:
        """All or nothing."""
        ...

    def update(self, meta: ThreadMeta) -> None: ...
    def append(self, thread_id: str, items: Sequence[Item]) -> None:
        """Durable when it returns (WAL)."""
        ...

    def draft(self, thread_id: str, item: Item) -> None:
        """What an item under way would be if it ended now. It replaces the draft before it, and goes when the item is appended
        (an output: that of the same call), or the end of its turn."""
        ...

    def drafts(self, thread_id: str) -> list[Item]:
        """What a process that died left of items under way, in the order in which they began."""
        ...

    def meta(self, thread_id: str) -> ThreadMeta:
        """Raises KeyError."""
        ...

    def load(self, thread_id: str) -> tuple[ThreadMeta, list[Item]]:
        """Raises KeyError."""
        ...

    def item_lines(self, thread_id: str) -> list[str]:
        """The items as core.items.encode wrote them, in the very bytes."""
        ...

    def size(self, thread_id: str) -> int:
        """Bytes of its items."""
        ...

    def used(self) -> int:
        """Bytes of everything, without room that is free to be used again."""
        ...

    def delete(self, thread_ids: Sequence[str]) -> None:
        """All that is kept of these threads, in every file of the store, so that no byte of it can be read there any more. Those
        that are not there are passed over. The caller has claimed them; it may call from any system thread."""
        ...

    def originators(self) -> list[str]:
        """Every one that a thread has."""
        ...

    def list(
        self,
        *,
        cursor: str | None,
        limit: int,
        cwds: Sequence[str],
        search: str | None,
        archived: bool,
        by_update: bool,
        ascending: bool,
        providers: Sequence[str] = (),
        originators: Sequence[str] = (),
        excluded: Sequence[str] = (),
    ) -> tuple[list[ThreadMeta], str | None]:
        """A filter that is empty lets everything pass. Raises RequestRefused for a cursor that was never given."""
        ...

    def place(self, meta: ThreadMeta, *, by_update: bool) -> str:
        """The cursor that leads to what comes after this thread."""
        ...

    def claim(self, thread_id: str) -> bool:
        """Become the one writer of a thread; False when another process is."""
        ...

    def claimed(self, thread_id: str) -> bool:
        """Whether this process is the writer."""
        ...

    def release(self, thread_id: str) -> None: ...
    def close(self) -> None: ...
