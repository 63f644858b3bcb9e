"""What an editor asks over a connection: words for actions, a commit message that can be stopped, problems, a review."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fakes.peer import HELLO, Peer
from fakes.world import FakeTool, ScriptedModel, build, call, end, message

PLACE = {"path": "src/a.py", "language": "python", "firstLine": 3, "lastLine": 4, "code": "def f():\n    pass\n"}
DIFF = "diff --git a/.env b/.env\n--- a/.env\n+++ b/.env\n+KEY=x\ndiff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n+two\n"
PROBLEM = {"path": "/w/a.json", "line": 3, "column": 5, "severity": "error", "message": "Expected comma", "source": "json"}


class Desk:
    def __init__(self) -> None:
        self.model = ScriptedModel()
        self.during: Any = None
        agent, *_ = build(self.model, FakeTool("edit", run=self.run))
        self.peer = Peer(agent)

    async def run(self, _call: Any, _scope: Any) -> str:
        await self.during()
        return "ok"

    async def words(self, **given: Any) -> str:
        return (await self.peer.result("treadle/action/words", PLACE | given))["text"]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.peer.result("initialize", HELLO)
    yield desk
    await desk.peer.connection.close()


@pytest.mark.parametrize("action", ["explain", "fix", "tests", "document", "todo", "finding"])
async def test_every_action_has_its_task_and_the_place(desk: Desk, action: str) -> None:
    text = await desk.words(action=action, name="f")
    assert text.endswith("`src/a.py`, lines 3-4; this is about `f`:\n\n```python\ndef f():\n    pass\n```")
    assert len(text.split("\n\n")[0]) > 40


async def test_what_the_editor_and_a_review_say_of_the_place_is_told(desk: Desk) -> None:
    wrong = {
        "range": {"start": {"line": 2, "character": 0}},
        "severity": 1,
        "source": "ts",
        "code": 2304,
        "message": "Cannot find name.",
    }
    assert "- line 3: error (ts 2304): Cannot find name." in await desk.words(action="fix", diagnostics=[wrong])
    assert (await desk.words(action="finding", note="P1: divides by zero")).endswith("\n\nP1: divides by zero")
    text = await desk.words(action="problems", problems=[PROBLEM])
    assert text.endswith("\n\n/w/a.json:3:5: error (json): Expected comma")
    refused = await desk.peer.ask("treadle/action/words", PLACE | {"action": "sing"})
    assert refused["error"]["code"] == -32602


async def test_code_that_is_too_long_is_cut_and_the_model_is_told_so(desk: Desk) -> None:
    text = await desk.words(action="explain", code="x" * 20_000)
    assert len(text) < 17_000
    assert text.endswith("This is the beginning only: read the file for the rest.")


async def test_a_commit_message_names_what_was_left_out_and_is_stopped_by_its_id(desk: Desk) -> None:
    gate = asyncio.Event()
    desk.model.scripts += [[*message("Count from two"), *end()], [gate]]
    answer = await desk.peer.result("treadle/commitMessage", {"diff": DIFF, "subjects": ["Mend a"], "cwd": "/w"})
    assert answer == {"message": "Count from two", "leftOut": [".env"]}
    id = desk.peer.send("treadle/commitMessage", {"diff": DIFF})
    while len(desk.model.requests) < 2:  # noqa: ASYNC110 - a list that is not awaited
        await asyncio.sleep(0)
    desk.peer.connection.receive({"method": "$/cancelRequest", "params": {"id": id}})
    stopped = await desk.peer.until(lambda m: m.get("id") == id and "method" not in m)
    assert stopped["error"]["code"] == -32800


async def test_problems_are_taken_while_their_turn_runs_and_the_client_hears_when_they_are_told(desk: Desk) -> None:
    desk.model.scripts += [[*call("c", "edit"), *end()], [*message("done"), *end()]]
    thread = await desk.peer.thread()
    taken: list[int] = []

    async def report() -> None:
        turn = (await desk.peer.method("turn/started"))["params"]["turn"]["id"]
        said = {"threadId": thread, "turnId": turn, "problems": [PROBLEM]}
        taken.extend([(await desk.peer.result("treadle/diagnostics/report", said))["taken"] for _ in range(2)])

    desk.during = report
    turn = await desk.peer.turn(thread)
    told = await desk.peer.method("treadle/diagnostics/told")
    await desk.peer.method("turn/completed")
    assert taken == [1, 0]
    assert told["params"] == {"threadId": thread, "turnId": turn, "problems": [PROBLEM | {"code": ""}]}
    late = {"threadId": thread, "turnId": turn, "problems": [PROBLEM]}
    assert await desk.peer.result("treadle/diagnostics/report", late) == {"taken": 0}


async def test_a_review_enters_and_leaves_its_mode_with_findings(desk: Desk) -> None:
    found = {"path": "a.py", "first_line": 1, "last_line": 2, "priority": 0, "title": "Wrong", "body": "It is.", "confidence": 1}
    answer = json.dumps({"findings": [found], "verdict": "incorrect", "summary": "A number."})
    desk.model.scripts.append([*message(answer), *end()])
    thread = await desk.peer.thread()
    started = await desk.peer.result("review/start", {"threadId": thread, "target": {"type": "stagedChanges"}})
    assert started["reviewThreadId"] == thread
    await desk.peer.method("turn/completed")
    done = [m["params"]["item"] for m in desk.peer.told if m.get("method") == "item/completed"]
    assert (done[0]["type"], done[0]["review"]) == ("enteredReviewMode", "staged changes")
    assert (done[-1]["type"], done[-1]["verdict"], done[-1]["summary"]) == ("exitedReviewMode", "incorrect", "A number.")
    (finding,) = done[-1]["findings"]
    assert (finding["path"], finding["firstLine"], finding["lastLine"], finding["priority"]) == ("/w/a.py", 1, 2, 0)
    refused = await desk.peer.ask("review/start", {"threadId": thread, "target": {"type": "commit", "sha": "--x"}})
    assert "no name" in refused["error"]["message"]
