"""Keep and undo over the editor's door, with a user who goes on typing in the same file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fakes import custom, reply, text
from fakes.house import House
from fakes.lsp_editor import WAIT, Editor, editor, span
from fakes.responses import ModelServer

pytestmark = pytest.mark.e2e
PATCH = """*** Begin Patch
*** Update File: poem.py
@@
-roses = "red"
+roses = "white"
@@
-sugar = "sweet"
+sugar = "brown"
+salt = "white"
*** End Patch"""
POEM = 'roses = "red"\nviolets = "blue"\nsugar = "sweet"\nand_so = "are you"\n'


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> House:
    house = House(tmp_path, model_server)
    house.configure('sandbox_mode = "workspace-write"\napproval_policy = "never"\n' + house.configuration)
    (house.workspace / "poem.py").write_text(POEM)
    return house


class Reviewer:
    """Our protocol, spoken by an editor."""

    def __init__(self, there: Editor) -> None:
        self.there = there
        self.thread = ""
        self.changed: asyncio.Queue[Any] = asyncio.Queue()

        @there.client.feature("treadle/hunk/changed")
        def told(params: Any) -> None:
            self.changed.put_nowait(params)

    async def ask(self, method: str, **params: Any) -> Any:
        asked = self.there.client.protocol.send_request_async(method, params)
        return await asyncio.wait_for(asked, WAIT)

    async def turn(self) -> None:
        if not self.thread:
            self.thread = (await self.ask("thread/start", cwd=str(self.there.folder))).thread.id
        self.there.over.clear()
        await self.ask("turn/start", threadId=self.thread, input=[{"type": "text", "text": "go"}])
        await asyncio.wait_for(self.there.over.wait(), WAIT)

    async def files(self) -> list[Any]:
        return (await self.ask("treadle/hunk/list", threadId=self.thread)).files

    async def undo(self, *ids: str) -> Any:
        return await self.ask("treadle/hunk/undo", threadId=self.thread, ids=list(ids))


async def test_what_is_typed_between_list_and_undo_survives(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done.")), reply(text("I see."))])
    path = house.workspace / "poem.py"
    async with editor(house) as there:
        uri, review = there.open(path), Reviewer(there)
        there.type(uri, "# unsaved\n", span(0, 0, 0, 0))
        await review.turn()
        assert there.texts[uri].startswith('# unsaved\nroses = "white"\nviolets')
        assert path.read_text() == POEM
        await asyncio.wait_for(review.changed.get(), WAIT)
        (file,) = await review.files()
        assert (file.path, file.unsaved, file.version) == (str(path), True, there.versions[uri])
        first, second = file.hunks
        assert ((first.start, first.lines), (second.start, second.lines)) == ((1, 1), (3, 2))
        there.type(uri, "# typed\n", span(0, 0, 0, 0))
        there.type(uri, ", mine", span(3, len("violets = "), 3, len("violets = ")))
        there.type(uri, "# \U0001f339 the end\n", span(7, 0, 7, 0))
        left = await review.undo(first.id)
        assert [hunk.id for hunk in left.files[0].hunks] == [second.id]
        assert left.files[0].hunks[0].start == 4
        assert there.texts[uri].splitlines() == [
            "# typed",
            "# unsaved",
            'roses = "red"',
            'violets = , mine"blue"',
            'sugar = "brown"',
            'salt = "white"',
            'and_so = "are you"',
            "# \U0001f339 the end",
        ]
        with pytest.raises(Exception, match=f"no such hunk .any more.: {first.id}"):
            await review.undo(first.id)
        await review.ask("treadle/hunk/keep", threadId=review.thread, ids=[second.id])
        assert await review.files() == []
        assert path.read_text() == POEM
        await review.turn()
    told = str(model_server.requests[2].json["input"])
    assert told.count("undid these parts") == 1
    assert f'{path}, at line 3:\\n-roses = "white"\\n+roses = "red"' in told


async def test_a_saved_document_is_written_on_disk_and_its_hunks_move_with_what_is_typed(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Done."))])
    path = house.workspace / "poem.py"
    async with editor(house) as there:
        uri, review = there.open(path), Reviewer(there)
        await review.turn()
        assert len((await review.files())[0].hunks) == 2
        # the editor loads the file anew
        there.type(uri, path.read_text(), span(0, 0, 4, 0))
        there.type(uri, "\n\n", span(0, 0, 0, 0))
        (file,) = await review.files()
        assert [hunk.start for hunk in file.hunks] == [2, 4]
        left = await review.ask("treadle/hunk/undo", threadId=review.thread, path=str(path))
        assert left.files == []
        assert there.texts[uri] == "\n\n" + POEM
