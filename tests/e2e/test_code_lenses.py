"""Keep and Undo above each hunk, in an editor that knows LSP only, and in one that speaks our protocol too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from fakes import custom, reply, text
from fakes.house import House
from fakes.lsp_editor import WAIT, Editor, editor, span
from fakes.responses import ModelServer

pytestmark = pytest.mark.e2e
BEFORE = "".join(f"line {number}\n" for number in range(1, 21))
PATCH = """*** Begin Patch
*** Update File: lines.txt
@@
 line 1
-line 2
+LINE 2
+and more
 line 3
@@
 line 17
-line 18
-line 19
-line 20
*** End Patch"""


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> House:
    house = House(tmp_path, model_server)
    house.configure('sandbox_mode = "workspace-write"\napproval_policy = "never"\n' + house.configuration)
    (house.workspace / "lines.txt").write_text(BEFORE)
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done."))])
    return house


class Lenses:
    """Of one document; `changed` is set by each refresh that the server asks for."""

    def __init__(self, there: Editor, uri: str) -> None:
        self.there, self.uri = there, uri
        self.changed = asyncio.Event()

        @there.client.feature("workspace/codeLens/refresh")
        def refresh(params: Any) -> None:
            self.changed.set()

    async def now(self) -> list[types.CodeLens]:
        params = types.CodeLensParams(text_document=types.TextDocumentIdentifier(uri=self.uri))
        return list(await asyncio.wait_for(self.there.client.text_document_code_lens_async(params), WAIT) or ())

    async def next(self) -> list[tuple[int, str]]:
        """After the next refresh."""
        await asyncio.wait_for(self.changed.wait(), WAIT)
        self.changed.clear()
        return [(lens.range.start.line, lens.command.title) for lens in await self.now() if lens.command]

    async def click(self, title: str, line: int) -> None:
        (lens,) = [
            lens
            for lens in await self.now()
            if lens.command and lens.command.title.startswith(title) and lens.range.start.line == line
        ]
        assert lens.command is not None
        await self.there.run(lens.command)


async def worked(there: Editor) -> Lenses:
    """After a turn that changed the document, which was typed in before."""
    uri = there.open(there.folder / "lines.txt", "plaintext")
    lenses = Lenses(there, uri)
    there.type(uri, "typed\n", span(0, 0, 0, 0))
    await there.choose("Document 'line'", uri, span(1, 0, 1, 0))
    assert (await there.message()).message == "Done."
    return lenses


AFTER = "typed\n" + BEFORE.replace("line 2\n", "LINE 2\nand more\n", 1).partition("line 18")[0]
BOTH = [
    (0, "Keep all 2 changes"),
    (0, "Undo all 2 changes"),
    (2, "Keep change (+2 \u22121)"),
    (2, "Undo"),
    (18, "Keep change (+0 \u22123)"),
    (18, "Undo"),
]


async def test_hunks_of_an_unsaved_document_are_undone_and_kept_one_by_one(house: House) -> None:
    async with editor(house) as there:
        lenses = await worked(there)
        assert await lenses.next() == BOTH
        assert there.texts[lenses.uri] == AFTER
        await lenses.click("Undo", 2)
        assert there.texts[lenses.uri] == AFTER.replace("LINE 2\nand more\n", "line 2\n")
        assert await lenses.next() == [(17, "Keep change (+0 \u22123)"), (17, "Undo")]
        await lenses.click("Keep", 17)
        assert await lenses.next() == []
        assert there.texts[lenses.uri] == AFTER.replace("LINE 2\nand more\n", "line 2\n")
    assert (house.workspace / "lines.txt").read_text() == BEFORE


async def test_lenses_move_with_what_the_user_types_and_all_can_be_undone_at_once(house: House) -> None:
    async with editor(house) as there:
        lenses = await worked(there)
        assert await lenses.next() == BOTH
        there.type(lenses.uri, "above \U0001f600\n", span(0, 0, 0, 0))
        assert await lenses.next() == [(line + (line > 0), title) for line, title in BOTH]
        await lenses.click("Undo all", 0)
        assert there.texts[lenses.uri] == "above \U0001f600\ntyped\n" + BEFORE
        assert await lenses.next() == []


async def test_a_lens_that_names_nothing_any_more_says_so(house: House) -> None:
    async with editor(house) as there:
        lenses = await worked(there)
        await lenses.next()
        stale = (await lenses.now())[-1].command
        assert stale is not None
        await lenses.click("Keep all", 0)
        await lenses.next()
        await there.run(stale)
        assert (await there.message()).type is types.MessageType.Error
        await there.run(types.Command(title="", command="treadle.hunk.keep", arguments=[{"uri": lenses.uri}]))
        assert "does not know which change" in (await there.message()).message
        await there.run(types.Command(title="", command="treadle.hunk.undo", arguments=[]))
        assert "does not know which change" in (await there.message()).message
        assert there.texts[lenses.uri] == AFTER


async def test_turns_over_our_protocol_have_lenses_too(house: House) -> None:
    async with editor(house, "visual-studio-code", options={"cards": True, "codeActions": False}) as there:
        uri = there.open(there.folder / "lines.txt", "plaintext")
        lenses = Lenses(there, uri)
        ask = there.client.protocol.send_request_async
        thread = (await asyncio.wait_for(ask("thread/start", {"cwd": str(house.workspace)}), WAIT)).thread
        said = {"threadId": thread.id, "input": [{"type": "text", "text": "go"}]}
        await asyncio.wait_for(ask("turn/start", said), WAIT)
        assert (await lenses.next())[1:3] == [(0, "Undo all 2 changes"), (1, "Keep change (+2 \u22121)")]
        assert "turn/started" in there.foreign
        assert there.offered.code_action_provider is None


async def test_a_thread_that_is_opened_again_brings_its_lenses(house: House) -> None:
    async with editor(house, "visual-studio-code", options={"cards": True, "codeActions": False}) as there:
        ask = there.client.protocol.send_request_async
        thread = (await asyncio.wait_for(ask("thread/start", {"cwd": str(house.workspace)}), WAIT)).thread
        lenses = Lenses(there, there.open(there.folder / "lines.txt", "plaintext"))
        said = {"threadId": thread.id, "input": [{"type": "text", "text": "go"}]}
        await asyncio.wait_for(ask("turn/start", said), WAIT)
        assert len(await lenses.next()) == len(BOTH)
    async with editor(house, "visual-studio-code", options={"cards": True, "codeActions": False}) as there:
        lenses = Lenses(there, there.open(there.folder / "lines.txt", "plaintext"))
        assert await lenses.now() == []
        resumed = {"threadId": thread.id, "cwd": str(house.workspace)}
        await asyncio.wait_for(there.client.protocol.send_request_async("thread/resume", resumed), WAIT)
        # the last change took away the end of the file
        lines = (0, 0, 1, 1, 17, 17)
        assert await lenses.next() == [(line, title) for line, (_, title) in zip(lines, BOTH, strict=True)]
