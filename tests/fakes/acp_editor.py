"""An editor of the Agent Client Protocol: the package's own client, over pipes, in one process with the door."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

from acp import connect_to_agent
from acp.client.connection import ClientSideConnection
from acp.exceptions import RequestError
from acp.schema import (
    AllowedOutcome,
    DeniedOutcome,
    ReadTextFileResponse,
    RequestPermissionRequest,
    RequestPermissionResponse,
    WriteTextFileResponse,
)

from treadle.server import acp as door

CANCELLED = "cancelled"


class Editor:
    """Keeps what it is told, in the models of the package. `choose` answers permissions by a kind, an id, or CANCELLED."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.asked: list[RequestPermissionRequest] = []
        self.forms: list[tuple[str, Any, dict[str, Any]]] = []
        self.choose: Callable[[RequestPermissionRequest], str] = lambda _: "reject_once"
        self.fill: Callable[[str], Any] = lambda _: None
        self.hold: asyncio.Event | None = None
        "While it is there, permissions wait for it."
        self.files: dict[str, str] = {}
        "Text of open documents, by path."
        self.written: list[tuple[str, str]] = []
        self._news = asyncio.Event()
        self.agent: ClientSideConnection

    def on_connect(self, conn: Any) -> None:
        self.agent = conn

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.told.append((session_id, update))
        self._news.set()

    async def request_permission(self, session_id: str, tool_call: Any, options: Any, **_: Any) -> RequestPermissionResponse:
        asked = RequestPermissionRequest(session_id=session_id, tool_call=tool_call, options=options)
        self.asked.append(asked)
        self._news.set()
        if self.hold is not None:
            await self.hold.wait()
        wanted = self.choose(asked)
        chosen = next((option for option in options if wanted in (option.option_id, option.kind)), None)
        if chosen is None:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=chosen.option_id))

    async def create_elicitation(self, message: str, mode: Any, **more: Any) -> Any:
        self.forms.append((message, mode, more))
        return self.fill(message)

    async def read_text_file(self, session_id: str, path: str, **_: Any) -> ReadTextFileResponse:
        if path not in self.files:
            raise RequestError.resource_not_found(path)
        return ReadTextFileResponse(content=self.files[path])

    async def write_text_file(self, session_id: str, path: str, content: str, **_: Any) -> WriteTextFileResponse:
        self.written.append((path, content))
        self.files[path] = content
        return WriteTextFileResponse()

    # what tests ask of it

    def updates(self, kind: str, session_id: str | None = None) -> list[Any]:
        return [u for s, u in self.told if u.session_update == kind and session_id in (None, s)]

    def text(self, kind: str = "agent_message_chunk", session_id: str | None = None) -> str:
        return "".join(update.content.text for update in self.updates(kind, session_id))

    def call(self, id: str) -> dict[str, Any]:
        """A tool call as the editor draws it by now."""
        drawn: dict[str, Any] = {}
        for _, update in self.told:
            if update.session_update in ("tool_call", "tool_call_update") and update.tool_call_id == id:
                drawn |= {key: value for key, value in update.model_dump(by_alias=True, exclude_none=True).items()}
        return drawn

    def calls(self) -> list[dict[str, Any]]:
        ids = dict.fromkeys(update.tool_call_id for _, update in self.told if update.session_update == "tool_call")
        return [self.call(id) for id in ids]

    async def until(self, found: Callable[[], Any]) -> Any:
        async with asyncio.timeout(60):
            while not (seen := found()):
                self._news.clear()
                await self._news.wait()
            return seen


@asynccontextmanager
async def editing(open_agent: Callable[[], Any], editor: Editor | None = None):
    """An editor that is connected to a door with this agent behind it."""
    editor = editor or Editor()
    (door_in, to_door), (from_door, door_out) = os.pipe(), os.pipe()
    serving = asyncio.create_task(door.run(open_agent, stdin_fd=door_in, stdout_fd=door_out))
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_door, "rb"))
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(to_door, "wb"))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    connection = connect_to_agent(editor, writer, reader, use_unstable_protocol=True)
    try:
        yield editor
    finally:
        await connection.close()
        writer.close()
        await asyncio.wait_for(serving, 60)
        for fd in (door_in, door_out):
            os.close(fd)
