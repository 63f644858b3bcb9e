"""What an item under way would be if the process died now: kept in the store beside the thread, some times a second.

Promises: what was shown of a message or of a command's output for longer than `SECONDS` survives a kill; the stream never waits
for it; nothing of it is left once the item itself is recorded. A draft is no item: nobody sees one but runtime/repair.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import field

from ..core.errors import TreadleError
from ..core.items import Item, ToolOutput
from ..core.record import mutable
from .ports import Store

_log = logging.getLogger(__name__)
SECONDS = 0.25


@mutable
class Drafts:
    """Of one turn."""

    store: Store
    thread_id: str
    _changed: dict[str, Callable[[], Item | None]] = field(default_factory=dict[str, Callable[[], Item | None]])
    _timer: asyncio.TimerHandle | None = None

    def changed(self, key: str, item: Callable[[], Item | None]) -> None:
        """There is more of an item under way. `key`: its id, or its call's when it is an output. Cheap: called all the time."""
        self._changed[key] = item
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self._write)

    def recorded(self, item: Item) -> None:
        """It is in the store, and its draft is not any more."""
        if self._changed:
            self._changed.pop(item.call_id if isinstance(item, ToolOutput) else item.id, None)

    def close(self) -> None:
        self._changed.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write(self) -> None:
        self._timer = None
        changed, self._changed = self._changed, {}
        try:
            for make in changed.values():
                if (item := make()) is not None:
                    self.store.draft(self.thread_id, item)
        except TreadleError as problem:  # whoever records the next item tells the user
            _log.warning("no draft was kept of thread %s: %s", self.thread_id, problem.sentence())
        except Exception:
            _log.exception("no draft was kept of thread %s", self.thread_id)
