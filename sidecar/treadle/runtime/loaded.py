"""A thread in memory, with all that lives as long as it does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from ..core.ops import Overrides
from ..core.policy import Grants
from ..core.settings import Settings
from ..core.thread import Thread
from .assembly import Sessions
from .audience import Audience
from .ports import Store, ThreadMeta
from .runner import Runner


@dataclass(slots=True)
class Loaded:
    """A thread in memory, with all that lives as long as it does."""

    thread: Thread
    meta: ThreadMeta
    overrides: Overrides
    settings: Settings
    store: Store
    audience: Audience
    sessions: Sessions
    grants: Grants
    runner: Runner | None = None
    task: asyncio.Task[None] | None = None


class Nowhere:
    """The store of an ephemeral thread."""

    def append(self, thread_id: str, items: Any) -> None:
        pass

    def update(self, meta: ThreadMeta) -> None:
        pass
