"""An editor that knows the Language Server Protocol and nothing of ours, over a pytest-lsp client."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Union

from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

from treadle.server.documents import offset

from .house import House

WAIT = 60
OURS = ("window/showMessage", "window/showDocument", "$/progress")
"What pytest-lsp would only collect."


class Editor:
    """`press` says which button answers a question with buttons: a title, or None to close it."""

    def __init__(self, client: LanguageClient, folder: Path) -> None:
        self.client, self.folder = client, folder
        self.offered = types.ServerCapabilities()
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.press: Callable[[types.ShowMessageRequestParams], Any] = lambda asked: None
        self.asked: list[types.ShowMessageRequestParams] = []
        self.shown: asyncio.Queue[types.ShowDocumentParams] = asyncio.Queue()
        self.said: asyncio.Queue[types.ShowMessageParams] = asyncio.Queue()
        self.bars: asyncio.Queue[tuple[Any, dict[str, Any]]] = asyncio.Queue()
        self.foreign: list[str] = []
        "What was told by our protocol, which most editors do not speak."
        self.over = asyncio.Event()
        "A turn that was told by our protocol."
        self._serve()

    def _serve(self) -> None:
        client = self.client

        @client.feature("workspace/applyEdit")
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            for change in params.edit.document_changes or ():
                for edit in reversed(change.edits):  # type: ignore[union-attr]
                    self.type(change.text_document.uri, edit.new_text, edit.range)  # type: ignore[union-attr]
            return types.ApplyWorkspaceEditResult(applied=True)

        @client.feature("window/showMessageRequest")
        async def ask(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
            self.asked.append(params)
            title = self.press(params)
            if asyncio.iscoroutine(title):
                title = await title
            return types.MessageActionItem(title=title) if title else None

        @client.feature("window/showMessage")
        def say(params: types.ShowMessageParams) -> None:
            self.said.put_nowait(params)

        @client.feature("window/showDocument")
        def show(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            self.shown.put_nowait(params)
            return types.ShowDocumentResult(success=True)

        @client.feature("$/progress")
        def progress(params: types.ProgressParams) -> None:
            self.bars.put_nowait((params.token, params.value))

        for method in ("thread/started", "turn/started", "item/started", "item/agentMessage/delta", "turn/completed"):
            self._overhear(method)

    def _overhear(self, method: str) -> None:
        @self.client.feature(method)
        def told(params: Any) -> None:
            self.foreign.append(method)
            if method == "turn/completed":
                self.over.set()

    @property
    def process(self) -> Any:
        """The sidecar's."""
        return self.client._server

    async def hang_up(self) -> int:
        """The editor is gone without a word; the sidecar's exit status."""
        self.process.stdin.close()
        return await asyncio.wait_for(self.process.wait(), WAIT)

    def open(self, path: Path, language: str = "python") -> str:
        uri, text = path.as_uri(), path.read_text()
        self.texts[uri], self.versions[uri] = text, 1
        document = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=document))
        return uri

    def type(self, uri: str, new: str, where: types.Range) -> None:
        text = self.texts[uri]
        start, end = (offset(text, {"line": at.line, "character": at.character}) for at in (where.start, where.end))
        self.texts[uri] = text[:start] + new + text[end:]
        self.versions[uri] += 1
        change = types.TextDocumentContentChangePartial(range=where, text=new)
        identifier = types.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[uri])
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(text_document=identifier, content_changes=[change])
        )

    async def actions(self, uri: str, where: types.Range, *diagnostics: types.Diagnostic, **context: Any) -> list[Any]:
        params = types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=uri),
            range=where,
            context=types.CodeActionContext(diagnostics=list(diagnostics), **context),
        )
        return list(await asyncio.wait_for(self.client.text_document_code_action_async(params), WAIT) or ())

    async def run(self, command: types.Command) -> None:
        params = types.ExecuteCommandParams(command=command.command, arguments=list(command.arguments or ()))
        await asyncio.wait_for(self.client.workspace_execute_command_async(params), WAIT)

    async def choose(self, title: str, uri: str, where: types.Range, *diagnostics: types.Diagnostic) -> None:
        """The action whose title begins so."""
        (action,) = [a for a in await self.actions(uri, where, *diagnostics) if a.title.startswith(title)]
        await self.run(action.command)

    async def bar(self, kind: str) -> tuple[Any, dict[str, Any]]:
        """The next progress of this kind: token, value."""
        while True:
            token, value = await asyncio.wait_for(self.bars.get(), WAIT)
            value = value if isinstance(value, dict) else {k: v for k, v in vars_of(value).items() if v is not None}
            if value.get("kind") == kind:
                return token, value

    async def message(self) -> types.ShowMessageParams:
        return await asyncio.wait_for(self.said.get(), WAIT)

    async def document(self) -> types.ShowDocumentParams:
        return await asyncio.wait_for(self.shown.get(), WAIT)


def converter() -> Any:
    """That of lsprotocol takes every code action that has a command for a command."""
    made = default_converter()

    def either(given: Any, _: Any) -> Any:
        return made.structure(given, types.Command if isinstance(given.get("command"), str) else types.CodeAction)

    made.register_structure_hook(types.Command | types.CodeAction, either)
    made.register_structure_hook(Union[types.Command, types.CodeAction], either)  # noqa: UP007 - another type to the converter
    return made


def vars_of(value: Any) -> dict[str, Any]:
    if hasattr(value, "_asdict"):
        return value._asdict()
    return {name: getattr(value, name) for name in getattr(value, "__slots__", ()) or vars(value)}


def span(first: int, start: int, last: int, end: int) -> types.Range:
    """Lines and characters from 0, as an editor counts."""
    return types.Range(types.Position(first, start), types.Position(last, end))


def problem(where: types.Range, message: str, **more: Any) -> types.Diagnostic:
    return types.Diagnostic(range=where, message=message, severity=types.DiagnosticSeverity.Error, **more)


@asynccontextmanager
async def editor(house: House, kind: str = "neovim", options: Any = None, **window: Any) -> AsyncIterator[Editor]:
    """A real `treadle serve` with this editor at its other end. `window`: capabilities of its window."""
    client = LanguageClient(converter_factory=converter)
    register_lsp_features(client, {name: serve for name, serve in DEFAULT_CLIENT_FEATURES.items() if name not in OURS})
    env = {**os.environ, **house.environ, "CODEX_HOME": str(house.homes.codex), "TREADLE_HOME": str(house.homes.treadle)}
    await client.start_io(sys.executable, "-m", "treadle", "serve", env=env)
    there = Editor(client, house.workspace)
    capabilities = client_capabilities(kind)
    capabilities.window = types.WindowClientCapabilities(work_done_progress=True, **window)
    capabilities.workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
    capabilities.workspace.code_lens = types.CodeLensWorkspaceClientCapabilities(refresh_support=True)
    folder = types.WorkspaceFolder(uri=house.workspace.as_uri(), name="ws")
    params = types.InitializeParams(capabilities=capabilities, process_id=os.getpid(), workspace_folders=[folder])
    params.initialization_options = options
    there.offered = (await client.initialize_session(params)).capabilities
    try:
        yield there
        if there.process.returncode is None:
            await asyncio.wait_for(client.shutdown_session(), WAIT)
    except BaseException:
        if there.process.returncode is None:
            there.process.kill()
        raise
    finally:
        # pygls cannot end a question that is still open
        with suppress(RuntimeError):
            await client.stop()
