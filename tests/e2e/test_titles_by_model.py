"""A title that the model makes, in a whole agent: the thread's prompt does not know of it, and the bill does."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import reply, text
from fakes.house import House
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.core.errors import RequestRefused
from treadle.core.events import ThreadNamed
from treadle.core.ops import ListThreads, ReadLedger, ReadPrompt, ResumeThread
from treadle.runtime.answers import LedgerPage, ThreadPage


async def test_the_thread_is_named_and_its_prompt_goes_on_as_if_nobody_had_asked(
    tmp_path: Path, model_server: ModelServer
) -> None:
    house = House(tmp_path, model_server)
    house.configure(house.configuration + '\n[treadle]\ntitles = "model"\n')
    words = ("Done.", "**Repair of the loader.**", "Again.", "On.")
    model_server.script([reply(text(said)) for said in words])
    agent, client = house.agent(), RecordingClient()
    thread_id, _ = await house.begin(agent, client, words="Fix `load()` in hello.py, please")
    await client.until(lambda event: isinstance(event, ThreadNamed) and event.name == "Repair of the loader")
    await client.turn_end(await more(agent, client, thread_id, "go on"))
    asked = model_server.requests[1]
    assert "Fix `load()`" in asked.json["input"][0]["content"][0]["text"]
    assert "tools" not in asked.json
    assert "session_id" not in asked.headers
    assert thread_id not in asked.raw.decode()
    ledger = await agent.submit(ReadLedger(thread_id), client)
    assert isinstance(ledger, LedgerPage)
    first, title, second = reversed(ledger.rows)
    assert [(row.number, row.endpoint) for row in (first, title, second)] == [(1, "responses"), (2, "title"), (3, "responses")]
    assert second.kept == first.fragments, "all that was sent of the thread before"
    with pytest.raises(RequestRefused, match="asked for a title"):
        await agent.submit(ReadPrompt(thread_id, 2), client)
    await agent.close()

    again = house.agent()
    await again.submit(ResumeThread(thread_id), client)
    await client.turn_end(await more(again, client, thread_id, "and on"))
    page = await again.submit(ListThreads(search="repair"), client)
    assert isinstance(page, ThreadPage)
    assert [(state.meta.name, state.meta.titled) for state in page.threads] == [("Repair of the loader", True)]
    ledger = await again.submit(ReadLedger(thread_id), client)
    assert isinstance(ledger, LedgerPage)
    assert (ledger.rows[0].number, ledger.rows[0].kept) == (4, second.fragments)
    await again.close()
