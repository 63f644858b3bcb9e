"""Sessions over the Agent Client Protocol: the package's own client, a whole agent, and only the model's words scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acp.schema import InitializeResponse

from fakes import reply, text
from fakes.acp_editor import Editor, editing
from fakes.house import House
from fakes.responses import ModelServer


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    yield House(tmp_path, model_server)


async def begun(editor: Editor, house: House, **more: object) -> str:
    """A session in the house."""
    await editor.agent.initialize(1, **more)  # type: ignore[arg-type]
    return (await editor.agent.new_session(str(house.workspace), mcp_servers=[])).session_id


def words(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


async def opened(house: House):
    return house.agent()


async def test_a_prompt_is_answered_in_pieces(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Hello, world.", deltas=3))])
    async with editing(lambda: opened(house)) as editor:
        said = await editor.agent.initialize(1)
        assert isinstance(said, InitializeResponse) and said.protocol_version == 1
        session = await editor.agent.new_session(str(house.workspace), mcp_servers=[])
        answer = await editor.agent.prompt(session.session_id, [words("hi")])
        assert answer.stop_reason == "end_turn"
        assert editor.text() == "Hello, world."
        assert len(editor.updates("agent_message_chunk")) == 3
        assert not editor.updates("user_message_chunk")
    assert model_server.requests[0].json["input"][-1]["content"] == [{"type": "input_text", "text": "hi"}]
