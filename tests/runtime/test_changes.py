"""Who is told of changes to files, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from treadle.core.changes import Changed
from treadle.runtime.changes import Changes


async def test_what_clients_were_told_of_a_change_is_sent_before_the_work_on_it_begins() -> None:
    changes, order = Changes(), list[str]()

    async def work(changed: Sequence[Changed]) -> None:
        order.append("work")

    changes.coming.append(work)
    asyncio.get_running_loop().call_soon(order.append, "sent")  # as the way out to a client does
    await changes.announce([])
    assert order == ["sent", "work"]
