"""The methods around compaction, answered as the contract declares them."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.world import RecordingClient, ScriptedModel, begin, build, end, message
from treadle.core.errors import RequestRefused
from treadle.core.events import TurnCompleted
from treadle.server.handshake import BadParams
from treadle.server.methods import Exchange, call
from treadle.server.wire.methods import CLIENT_REQUESTS


async def test_a_thread_is_compacted_its_summary_rewritten_and_notes_pinned() -> None:
    model = ScriptedModel([*message("a"), *end()], [*message("# Goal\nshort"), *end()])
    agent, _, _ = build(model)
    client = RecordingClient()
    thread_id, turn = await begin(agent, client)
    await client.turn_end(turn)
    exchange = Exchange(agent, client, "tests")

    async def ask(method: str, **params: Any) -> Any:
        answer = await call(method, {"threadId": thread_id, **params}, exchange)
        CLIENT_REQUESTS[method][1].model_validate(answer)
        return answer

    none = await ask("treadle/summary/read")
    assert (none["text"], none["editable"]) == (None, False)
    with pytest.raises(RequestRefused, match="never compacted"):
        await ask("treadle/summary/write", text="mine")
    assert await ask("thread/compact/start") == {}
    await client.until(lambda event: isinstance(event, TurnCompleted) and event.turn_id != turn)
    read = await ask("treadle/summary/read")
    assert (read["text"], read["kind"], read["editable"], read["whyNot"]) == ("# Goal\nshort", "local", True, None)
    written = await ask("treadle/summary/write", text="mine")
    assert written["text"] == "mine"
    with pytest.raises(RequestRefused, match="say something"):
        await ask("treadle/summary/write", text="  ")
    assert (await ask("treadle/notes/list"))["notes"] == []
    assert (await ask("treadle/notes/write", notes=["Answer in French."]))["notes"] == ["Answer in French."]
    assert (await ask("treadle/notes/list"))["notes"] == ["Answer in French."]
    with pytest.raises(BadParams):
        await ask("treadle/notes/write", notes="one")
    with pytest.raises(RequestRefused, match="no call"):
        await ask("treadle/output/read", itemId="nothing")
