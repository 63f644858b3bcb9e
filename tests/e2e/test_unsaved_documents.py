"""apply_patch over the editor's door: the text that the user has not saved is patched where the user sees it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

from fakes import custom, reply, text
from fakes.house import PATCH, House, outputs
from fakes.responses import ModelServer

pytestmark = pytest.mark.e2e


class Editor:
    """One document as an editor has it, over a pytest-lsp client."""

    def __init__(self, client: LanguageClient, path: Path) -> None:
        self.client, self.uri = client, path.as_uri()
        self.version, self.text = 1, path.read_text()
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.applied: list[Any] = []
        for method in ("turn/completed", "item/started", "item/completed", "item/fileChange/patchUpdated"):
            self._listen(method)

        @client.feature("workspace/applyEdit")
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            (change,) = params.edit.document_changes or ()
            self.applied.append(change)
            if change.text_document.version != self.version:  # type: ignore[union-attr]
                return types.ApplyWorkspaceEditResult(applied=False, failure_reason="another version")
            for edit in change.edits:  # type: ignore[union-attr]
                self.type(edit.new_text, edit.range)
            return types.ApplyWorkspaceEditResult(applied=True)

        @client.feature("workspace/codeLens/refresh")
        def refresh(params: None) -> None:
            """Asked of it a moment after a change, if the turn takes that long."""

        document = types.TextDocumentItem(uri=self.uri, language_id="python", version=1, text=self.text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=document))

    def _listen(self, method: str) -> None:
        @self.client.feature(method)
        def told(params: Any) -> None:
            self.told.put_nowait((method, params))

    def type(self, new: str, where: types.Range) -> None:
        lines = self.text.splitlines(keepends=True)
        before = "".join(lines[: where.start.line])
        offset = len(before) + where.start.character
        stop = len("".join(lines[: where.end.line])) + where.end.character
        self.text = self.text[:offset] + new + self.text[stop:]
        self.version += 1
        change = types.TextDocumentContentChangePartial(range=where, text=new)
        identifier = types.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(text_document=identifier, content_changes=[change])
        )

    async def turn(self, cwd: Path) -> list[tuple[str, Any]]:
        """One turn to its end; what was told meanwhile."""
        ask = self.client.protocol.send_request_async
        started = await asyncio.wait_for(ask("thread/start", {"cwd": str(cwd)}), 60)
        said = {"threadId": started.thread.id, "input": [{"type": "text", "text": "go"}]}
        await asyncio.wait_for(ask("turn/start", said), 60)
        told = [await asyncio.wait_for(self.told.get(), 60)]
        while told[-1][0] != "turn/completed":
            told.append(await asyncio.wait_for(self.told.get(), 60))
        return told


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> House:
    house = House(tmp_path, model_server)
    house.configure('sandbox_mode = "workspace-write"\napproval_policy = "never"\n' + house.configuration)
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[LanguageClient]:
    client = make_test_lsp_client()
    env = {**os.environ, **house.environ, "CODEX_HOME": str(house.homes.codex), "TREADLE_HOME": str(house.homes.treadle)}
    await client.start_io(sys.executable, "-m", "treadle", "serve", env=env)
    params = types.InitializeParams(capabilities=client_capabilities("visual-studio-code"), process_id=os.getpid())
    await client.initialize_session(params)
    yield client
    await client.shutdown_session()
    await client.stop()


TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


async def test_a_document_with_unsaved_changes_is_patched_in_the_editor(
    house: House, model_server: ModelServer, client: LanguageClient
) -> None:
    path = house.workspace / "hello.py"
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done."))])
    editor = Editor(client, path)
    editor.type("# typed: \U0001f600\n", TOP)
    told = await editor.turn(house.workspace)
    assert editor.text == "# typed: \U0001f600\nprint('hello')\n"
    assert path.read_text() == "print('helo')\n"
    assert editor.applied[0].text_document.version == 2
    assert "hello.py has unsaved changes in the user's editor" in outputs(model_server.requests[1].json)[0]
    diffs = [
        params.item.changes[0].diff for method, params in told if method == "item/completed" and hasattr(params.item, "changes")
    ]
    assert diffs == ["@@ -1,2 +1,2 @@\n # typed: \U0001f600\n-print('helo')\n+print('hello')\n"]


async def test_a_document_that_is_only_open_is_written_on_disk(
    house: House, model_server: ModelServer, client: LanguageClient
) -> None:
    path = house.workspace / "hello.py"
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done."))])
    editor = Editor(client, path)
    await editor.turn(house.workspace)
    assert path.read_text() == "print('hello')\n"
    assert editor.applied == []
    assert outputs(model_server.requests[1].json)[0] == "Success. Updated the following files:\nM hello.py\n"


async def test_an_editor_that_declines_leaves_all_as_it_was(
    house: House, model_server: ModelServer, client: LanguageClient
) -> None:
    path = house.workspace / "hello.py"
    with_new = PATCH.replace("*** End Patch", "*** Add File: new.py\n+x\n*** End Patch")
    model_server.script([reply(custom("apply_patch", with_new)), reply(text("Done."))])
    editor = Editor(client, path)
    editor.type("# typed\n", TOP)
    editor.version += 1
    await editor.turn(house.workspace)
    assert editor.text == "# typed\nprint('helo')\n"
    assert not (house.workspace / "new.py").exists()
    (answer,) = outputs(model_server.requests[1].json)
    assert answer.startswith("apply_patch failed, no file was changed: the editor, which has unsaved changes in it, declined")


async def test_a_patch_is_shown_while_it_is_written(house: House, model_server: ModelServer, client: LanguageClient) -> None:
    model_server.script([reply(custom("apply_patch", PATCH, deltas=6)), reply(text("Done."))])
    editor = Editor(client, house.workspace / "hello.py")
    told = await editor.turn(house.workspace)
    changes = [
        (method, params) for method, params in told if "patchUpdated" in method or hasattr(getattr(params, "item", 0), "changes")
    ]
    assert changes[0][0] == "item/started" and changes[-1][0] == "item/completed"
    assert {method for method, _ in changes[1:-1]} == {"item/fileChange/patchUpdated"}
    assert changes[1][1].itemId == changes[0][1].item.id
    assert changes[1][1].changes[0].path == str(house.workspace / "hello.py")
