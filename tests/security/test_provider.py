"""A provider, or whoever answers in its name, gets what it was sent and cannot have the key taken elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import error
from fakes.house import House
from fakes.responses import ModelServer
from fakes.world import RecordingClient


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_no_key_to_another_place(tmp_path: Path, model_server: ModelServer, status: int) -> None:
    with ModelServer() as elsewhere:
        model_server.script(lambda request, number: error(status, b"", {"location": f"{elsewhere.base_url}/responses"}))
        house = House(tmp_path, model_server)
        agent, client = house.agent(), RecordingClient()
        _, turn = await house.begin(agent, client)
        end = await client.turn_end(turn)
        await agent.close()
        assert elsewhere.requests == []
    assert end.status == "failed" and end.error is not None
    assert "sk-scripted" not in repr(client.events)
