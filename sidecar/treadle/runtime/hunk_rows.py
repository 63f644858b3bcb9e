"""What hunks are measured against, written down behind the back of whoever changed it.

The event loop never waits for the database of versions, which another process may hold for seconds: a row is in force here at
once and is written by another system thread, one after the other, the last one of a file only. Who needs it to be on disk waits
with `written`. What cannot be written stays right for as long as this process lives. Without an event loop it is written at once.
Of a thread that is deleted nothing is written any more.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TypeAlias

from .ports import HunkBase, Versions

_log = logging.getLogger(__name__)
_Place: TypeAlias = tuple[str, str]
"Thread and path."
_Job: TypeAlias = tuple[HunkBase | None, dict[str, bytes]]
"What is to be written: the row, and contents that it names, by their keys."


class HunkRows:
    """Of all threads."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._waiting: dict[_Place, _Job] = {}
        self._writing: asyncio.Task[None] | None = None
        self._now: tuple[str, asyncio.Future[None]] | None = None
        "The thread that is written of in this moment."

    def bases(self, thread_id: str) -> list[HunkBase]:
        """Also those that are yet to be written. Raises OSError."""
        rows = {row.path: row for row in self._versions.bases(thread_id)}
        for (thread, path), (row, _) in self._waiting.items():
            if thread == thread_id and row is not None:
                rows[path] = row
            elif thread == thread_id:
                rows.pop(path, None)
        return list(rows.values())

    def get(self, key: str) -> bytes:
        """Raises KeyError, OSError."""
        for _, contents in self._waiting.values():
            if key in contents:
                return contents[key]
        return self._versions.get(key)

    def set(self, thread_id: str, path: str, row: HunkBase | None, contents: tuple[bytes | None, ...] = ()) -> None:
        """None: there is nothing to keep or undo any more."""
        place = thread_id, path
        keys = (row.base, row.left) if row is not None and contents else ()
        named = {key: data for key, data in zip(keys, contents, strict=True) if key is not None and data is not None}
        if row is not None and place in self._waiting:  # a row that was never written may be all that has them
            older = self._waiting[place][1]
            named |= {key: data for key, data in older.items() if key in (row.base, row.left)}
        self._waiting[place] = job = row, named
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._write(place, job)
            self._waiting.pop(place, None)
            return
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="hunks")

    async def written(self, longest: float | None = None) -> None:
        """Until all that was set is on disk, or could not be written. What is left after the longest time is given up."""
        while self._writing is not None:
            done, _ = await asyncio.wait((self._writing,), timeout=longest)
            if not done:
                _log.warning("hunks could not be written down in time: %s", ", ".join(path for _, path in self._waiting))
                self._waiting.clear()
                return

    async def forget(self, thread_id: str) -> None:
        """What waits of this thread is not written any more; until what is just being written is."""
        for place in [place for place in self._waiting if place[0] == thread_id]:
            del self._waiting[place]
        if self._now is not None and self._now[0] == thread_id:
            await asyncio.wait((self._now[1],))

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                place, job = next(iter(self._waiting.items()))
                work = asyncio.ensure_future(asyncio.to_thread(self._write, place, job))
                self._now = place[0], work
                await work
                if self._waiting.get(place) is job:
                    del self._waiting[place]
        finally:
            self._writing = self._now = None

    def _write(self, place: _Place, job: _Job) -> None:
        row, contents = job
        try:
            for data in contents.values():
                self._versions.put(data)
            self._versions.set_base(*place, row)
        except OSError as error:
            _log.warning("hunks of %s could not be written down: %s", place[1], error)
