"""The editor's door as a process, driven by pytest-lsp: the editor's ritual, our methods beside it, questions from us."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

TESTS = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.e2e


class Editor:
    """What the client was told and asked over our methods."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        for method in ("thread/started", "turn/started", "item/started", "item/agentMessage/delta", "item/completed"):
            self._listen(method)
        for method in ("turn/completed", "serverRequest/resolved", "thread/status/changed"):
            self._listen(method)

        @client.feature("item/commandExecution/requestApproval")
        async def approve(params: Any) -> dict[str, str]:
            self.told.put_nowait(("asked", params))
            return {"decision": "accept"}

    def _listen(self, method: str) -> None:
        @self.client.feature(method)
        def told(params: Any) -> None:
            self.told.put_nowait((method, params))

    async def ask(self, method: str, params: Any) -> Any:
        return await asyncio.wait_for(self.client.protocol.send_request_async(method, params), 60)

    async def until(self, method: str) -> list[tuple[str, Any]]:
        found = [await asyncio.wait_for(self.told.get(), 60)]
        while found[-1][0] != method:
            found.append(await asyncio.wait_for(self.told.get(), 60))
        return found


def server(script: str) -> ClientServerConfig:
    return ClientServerConfig(
        server_command=[sys.executable, "-m", "fakes.door", "serve", script], server_env=os.environ | {"PYTHONPATH": str(TESTS)}
    )


@pytest_lsp.fixture(config=server("approval"), params=["visual-studio-code", "neovim"])
async def client(request: pytest.FixtureRequest, lsp_client: LanguageClient) -> AsyncIterator[None]:
    params = types.InitializeParams(capabilities=client_capabilities(request.param), process_id=os.getpid())
    params.client_info = types.ClientInfo(name="Visual Studio Code", version="1")
    result = await lsp_client.initialize_session(params)
    assert result.server_info is not None and result.server_info.name == "treadle"
    assert result.capabilities.position_encoding == types.PositionEncodingKind.Utf16
    yield
    await lsp_client.shutdown_session()


async def test_a_turn_with_a_question_over_the_editors_door(client: LanguageClient) -> None:
    editor = Editor(client)
    started = await editor.ask("thread/start", {"cwd": "/w"})
    await editor.until("thread/started")
    said = {"threadId": started.thread.id, "input": [{"type": "text", "text": "go"}]}
    answer = await editor.ask("turn/start", said)
    told = await editor.until("turn/completed")
    names = [name for name, _ in told if name != "thread/status/changed"]
    assert names[:5] == ["turn/started", "item/started", "asked", "serverRequest/resolved", "item/completed"]
    assert told[-1][1].turn.id == answer.turn.id and told[-1][1].turn.status == "completed"


async def test_the_language_side_answers_beside_our_methods(client: LanguageClient) -> None:
    editor = Editor(client)
    document = types.TextDocumentItem(uri="file:///a.py", language_id="python", version=1, text="x = 1\n")
    client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=document))
    with pytest.raises(Exception, match="Method"):
        await editor.ask("textDocument/noSuchThing", {})
    with pytest.raises(Exception, match="threadId"):
        await editor.ask("thread/read", {})
    with pytest.raises(Exception, match="Method not found"):
        await editor.ask("thread/noSuchThing", {})
    assert (await editor.ask("thread/list", {})).data == []
