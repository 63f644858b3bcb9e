"""What every test of the Agent Client Protocol begins with: a house, and a session in it."""

from __future__ import annotations

from typing import Any

from acp.schema import NewSessionResponse

from .acp_editor import Editor
from .house import House


async def begun(editor: Editor, house: House, capabilities: dict[str, Any] | None = None, **more: Any) -> NewSessionResponse:
    """A session in the house, with the editor's capabilities."""
    await editor.agent.initialize(1, client_capabilities=capabilities)  # type: ignore[arg-type]
    return await editor.agent.new_session(str(house.workspace), **{"mcp_servers": [], **more})


def words(text: str) -> Any:
    return {"type": "text", "text": text}


def opener(house: House) -> Any:
    async def opened() -> Any:
        return house.agent()

    return opened
