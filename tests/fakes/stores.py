"""The fake of the store: in memory, and honest about what a disk would give back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from treadle.core import queue
from treadle.core.grants import Grant
from treadle.core.items import Item, TurnEnded, UserMessage, decode, encode
from treadle.core.queue import Queued
from treadle.core.search import Query, matches, said, snippet
from treadle.runtime.accounting import MemoryLedger
from treadle.runtime.ports import Found, ThreadMeta


class MemoryGrants:
    """Keeps grants by id; whoever has the same object sees them at once."""

    def __init__(self) -> None:
        self.rows: dict[str, Grant] = {}
        self.writes = 0

    def version(self) -> object:
        return self.writes

    def all(self) -> list[Grant]:
        return sorted(self.rows.values(), key=lambda grant: (grant.created_at, grant.id))

    def write(self, put: Sequence[Grant], remove: Sequence[str]) -> None:
        self.writes += 1
        for id in remove:
            self.rows.pop(id, None)
        self.rows.update((grant.id, grant) for grant in put)


class MemoryQueue:
    """Keeps the encoded rows of each thread."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = defaultdict(dict)

    def of(self, thread_id: str) -> list[Queued]:
        return [queue.decode(row) for row in self.rows[thread_id].values()]

    def put(self, thread_id: str, queued: Queued) -> None:
        self.rows[thread_id][queued.id] = queue.encode(queued)

    def remove(self, thread_id: str, ids: Sequence[str]) -> None:
        for id in ids:
            self.rows[thread_id].pop(id, None)

    def order(self, thread_id: str, ids: Sequence[str]) -> None:
        rows = self.rows[thread_id]
        self.rows[thread_id] = {id: rows[id] for id in (*ids, *(id for id in rows if id not in ids))}


class MemoryStore:
    """Keeps the encoded lines, as a disk would."""

    def __init__(self) -> None:
        self.metas: dict[str, ThreadMeta] = {}
        self.lines: dict[str, list[str]] = {}
        self._claimed: set[str] = set()
        self.drafted: dict[str, dict[str, Item]] = defaultdict(dict)
        self.ledger = MemoryLedger()
        self.grants = MemoryGrants()
        self.queue = MemoryQueue()
        self.index = MemoryIndex(self)

    def create(self, meta: ThreadMeta, items: Sequence[Item] = ()) -> None:
        self.metas[meta.id] = meta
        self.lines[meta.id] = [encode(item) for item in items]

    def update(self, meta: ThreadMeta) -> None:
        self.metas[meta.id] = meta

    def append(self, thread_id: str, items: Sequence[Item]) -> None:
        self.lines[thread_id].extend(encode(item) for item in items)
        self.queue.remove(thread_id, [item.id for item in items if isinstance(item, UserMessage)])

        for item in items:
            self.drafted[thread_id].pop(getattr(item, "call_id", None) or item.id, None)
        if any(isinstance(item, TurnEnded) for item in items):
            self.drafted[thread_id].clear()

    def draft(self, thread_id: str, item: Item) -> None:
        self.drafted[thread_id][getattr(item, "call_id", None) or item.id] = item

    def drafts(self, thread_id: str) -> list[Item]:
        return list(self.drafted[thread_id].values())

    def meta(self, thread_id: str) -> ThreadMeta:
        return self.metas[thread_id]

    def delete(self, thread_ids: Sequence[str]) -> None:
        for thread_id in thread_ids:
            self.metas.pop(thread_id, None)
            self.lines.pop(thread_id, None)

    def load(self, thread_id: str) -> tuple[ThreadMeta, list[Item]]:
        return self.metas[thread_id], [decode(line) for line in self.lines[thread_id]]

    def list(self, **query: Any) -> tuple[list[ThreadMeta], str | None]:
        return list(self.metas.values())[: query["limit"]], None

    def claim(self, thread_id: str) -> bool:
        self._claimed.add(thread_id)
        return True

    def claimed(self, thread_id: str) -> bool:
        return thread_id in self._claimed

    def release(self, thread_id: str) -> None:
        self._claimed.discard(thread_id)

    def item_lines(self, thread_id: str) -> list[str]:
        return self.lines[thread_id]

    def size(self, thread_id: str) -> int:
        return sum(len(line.encode()) for line in self.lines[thread_id])

    def used(self) -> int:
        return sum(self.size(thread_id) for thread_id in self.lines)

    def place(self, meta: ThreadMeta, *, by_update: bool) -> str:
        return meta.id

    def close(self) -> None:
        """The claims of a process end with it, however it ends."""
        self._claimed.clear()

    def originators(self) -> list[str]:
        return sorted({meta.originator for meta in self.metas.values()})


class MemoryIndex:
    """Reads everything for each search."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def search(self, query: Query, *, limit: int, **filters: Any) -> tuple[list[Found], str | None]:
        found: list[Found] = []
        for meta in self._store.metas.values():
            texts = [meta.name or "", *(said(decode(line)) for line in self._store.lines[meta.id])]
            text = next((text for text in texts if matches([text], query)), None)
            if text is not None:
                found.append(Found(meta, snippet(text, query)))
        return found[:limit], None

    def catch_up(self, seconds: float) -> bool:
        return True
