"""Reviews, commit messages and problems that are handed back, in a whole agent with a scripted model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fakes.turning import causes, resumed
from fakes.world import PROVIDER, FakeTool, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.core.commit_message import CommitMessage
from treadle.core.editor_ops import ReportProblems, StartReview, WriteCommitMessage
from treadle.core.errors import RequestRefused
from treadle.core.events import CardCompleted, ProblemsTold
from treadle.core.handed_back import Problem
from treadle.core.items import Context, UserMessage
from treadle.core.mcp import approval_mode
from treadle.core.ops import StartThread
from treadle.core.policy import NO_GRANTS, Allow, CallMcp, Deny, RunCommand, Verdict, decide
from treadle.core.review import AgainstBranch, Uncommitted
from treadle.core.rules import PrefixRule, RuleBook
from treadle.core.settings import McpServer, SandboxPolicy, Settings
from treadle.core.views import ReviewCard
from treadle.runtime.agent import Agent
from treadle.runtime.turns import reading_only

WRONG = Problem("/w/a.json", 3, 5, "error", "Expected comma", "json")
MORE = Problem("/w/a.json", 9, 1, "error", "End of file expected", "json")
DIFF = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-one\n+two\n"
FOUND = json.dumps(
    {
        "findings": [
            {"path": "a.py", "first_line": 1, "last_line": 1, "priority": 0, "title": "Wrong", "body": "It is.", "confidence": 1}
        ],
        "verdict": "incorrect",
        "summary": "Changes a number.",
    }
)


def told(request: Any) -> str:
    return json.dumps([one for one in request.parsed()["input"] if one.get("role") == "developer"])


class Editing:
    """A turn that edits; while its tool runs, the editor reports problems."""

    def __init__(self, *reports: tuple[Problem, ...]) -> None:
        self.reports = list(reports)
        self.taken: list[int] = []
        self.thread, self.turn = "", ""
        self.client = RecordingClient()
        rounds = [[*call(f"c{number}", "edit"), *end()] for number in range(len(reports))]
        self.model = ScriptedModel(*rounds, [*message("done"), *end()], [*message("done"), *end()])
        self.agent, _, self.store = build(self.model, FakeTool("edit", run=self.edit))

    async def edit(self, _call: Any, scope: Any) -> str:
        for event in self.client.events:
            self.thread = getattr(event, "thread_id", None) or self.thread
            self.turn = getattr(event, "turn_id", None) or self.turn
        self.taken.append(await self.report(self.reports.pop(0)))
        return "ok"

    async def report(self, problems: tuple[Problem, ...]) -> int:
        taken = await self.agent.submit(ReportProblems(self.thread, self.turn, problems), self.client)
        assert isinstance(taken, int)
        return taken

    async def run(self) -> None:
        self.thread, self.turn = await begin(self.agent, self.client, "go")
        assert (await self.client.turn_end(self.turn)).status == "completed"


async def test_new_problems_are_told_once_before_the_next_request_and_the_prompt_only_grows() -> None:
    editing = Editing((WRONG,), (WRONG, MORE), (WRONG,))
    await editing.run()
    assert editing.taken == [1, 1, 0]
    first, second, third, fourth = editing.model.requests
    assert "Expected comma" not in told(first)
    assert told(second).count("Expected comma") == 1
    assert (told(third).count("Expected comma"), told(third).count("End of file expected")) == (1, 1)
    assert told(fourth) == told(third)
    assert fourth.prefix().startswith(third.prefix())
    assert third.prefix().startswith(second.prefix())
    assert await causes(editing.agent, editing.thread) == ["first_request", "extended", "extended", "extended"]
    events = [event for event in editing.client.events if isinstance(event, ProblemsTold)]
    assert [event.problems for event in events] == [(WRONG,), (MORE,)]
    assert all(event.turn_id == editing.turn for event in events)


async def test_what_comes_after_the_last_request_is_told_to_nobody_and_does_not_haunt_the_next_turn() -> None:
    editing = Editing(())
    await editing.run()
    assert await editing.report((WRONG,)) == 0
    turn = await more(editing.agent, editing.client, editing.thread, "go on")
    await editing.client.turn_end(turn)
    assert "Expected comma" not in told(editing.model.requests[-1])
    assert not any(isinstance(event, ProblemsTold) for event in editing.client.events)


async def test_a_moved_problem_is_the_same_one_and_floods_are_bounded() -> None:
    moved = Problem("/w/a.json", 7, 1, "error", "Expected comma", "json")
    flood = tuple(Problem("/w/b.json", 1, 1, "error", f"wrong {number}") for number in range(1_000))
    editing = Editing((WRONG, moved), flood)
    await editing.run()
    assert editing.taken == [1, 100]
    assert len(told(editing.model.requests[-1])) < 20_000
    assert any(isinstance(item, Context) for item in editing.store.load(editing.thread)[1])


async def write(agent: Agent, **given: Any) -> CommitMessage:
    answer = await agent.submit(WriteCommitMessage(**({"diff": DIFF} | given)), RecordingClient())
    assert isinstance(answer, CommitMessage)
    return answer


async def test_a_commit_message_is_asked_for_without_tools_and_no_thread_keeps_it() -> None:
    model = ScriptedModel([*message("```\nfix: count from two\n```"), *end()])
    agent, _, store = build(model, FakeTool("edit"), effort="high")
    assert (await write(agent, subjects=("fix: a", "feat: b"), begun="fix")).text == "fix: count from two"
    (request,) = [request.parsed() for request in model.requests]
    assert (request.get("tools"), request.get("prompt_cache_key"), request["reasoning"]) == (None, None, {"effort": "low"})
    assert "+two" in request["input"][0]["content"][0]["text"]
    assert (agent.loaded_ids(), store.metas) == ((), {})


async def test_a_commit_message_can_be_stopped_and_what_is_no_change_or_no_message_is_said() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate], [*message("  "), *end()])
    agent, *_ = build(model)
    asked = asyncio.ensure_future(write(agent))
    while not model.requests:  # noqa: ASYNC110 - a list that is not awaited
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    with pytest.raises(RequestRefused, match="no message"):
        await write(agent)
    with pytest.raises(RequestRefused, match="no changes"):
        await write(agent, diff=" \n")


async def test_a_review_only_reads_answers_under_its_schema_and_ends_with_findings_that_last() -> None:
    tool = FakeTool("look")
    model = ScriptedModel([*call("c", "look"), *end()], [*message(FOUND), *end()])
    agent, _, store = build(model, tool)
    client = RecordingClient()
    thread: Any = await agent.submit(StartThread(), client)
    turn: Any = await agent.submit(StartReview(thread.meta.id, Uncommitted()), client)
    await client.turn_end(turn.id)
    client.check_cards()
    assert [policy.mode for policy in tool.policies] == ["read-only"]
    cards = [event.card for event in client.events if isinstance(event, CardCompleted)]
    began, ended = [card for card in cards if isinstance(card, ReviewCard)]
    assert (began.text, began.findings, cards[0], cards[-1]) == ("uncommitted changes", None, began, ended)
    assert ended.findings is not None
    assert [(one.priority, one.title) for one in ended.findings.found] == [(0, "Wrong")]
    cards = (await resumed(agent, thread.meta.id)).turns[0].cards
    assert [card for card in cards if isinstance(card, ReviewCard)] == [began, ended]
    said = next(item for item in store.load(thread.meta.id)[1] if isinstance(item, UserMessage))
    assert (said.review, "git diff HEAD" in str(said.content)) == ("uncommitted changes", True)


def test_a_review_has_nothing_of_what_its_user_allows_to_be_done_elsewhere() -> None:
    rules = RuleBook((PrefixRule((("make",),), "allow"), PrefixRule((("rm",),), "forbidden")))
    server = McpServer(
        "files", command="files", default_approval="approve", approval_modes=(("write", "auto"), ("ask", "prompt"))
    )
    usual = Settings(
        cwd="/w", model="m", provider=PROVIDER, rules=rules, mcp_servers=(server,), sandbox=SandboxPolicy("danger-full-access")
    )
    settings = reading_only(usual)
    assert decide(RunCommand("make", "/w"), usual, NO_GRANTS, True) == Allow(confined=False)
    assert decide(RunCommand("make", "/w"), settings, NO_GRANTS, True) == Allow(confined=True)
    assert isinstance(decide(RunCommand("rm a", "/w"), settings, NO_GRANTS, True), Deny)

    def called(tool: str, read_only: bool) -> Verdict:
        mode = approval_mode(settings.mcp_servers[0], tool)
        return decide(CallMcp("files", tool, read_only, False, False, mode), settings, NO_GRANTS, True)

    assert isinstance(called("read", True), Allow)
    assert [type(called(tool, read_only)) for tool, read_only in (("any", False), ("write", False), ("ask", True))] == [Deny] * 3


async def test_a_review_that_does_not_end_well_has_no_findings_and_a_wrong_name_starts_none() -> None:
    gate = asyncio.Event()
    agent, *_ = build(ScriptedModel([gate]))
    client = RecordingClient()
    thread: Any = await agent.submit(StartThread(), client)
    with pytest.raises(RequestRefused, match="no name"):
        await agent.submit(StartReview(thread.meta.id, AgainstBranch("--output=x")), client)
    turn: Any = await agent.submit(StartReview(thread.meta.id, Uncommitted()), client)
    await agent.close()
    assert (await client.turn_end(turn.id)).status == "interrupted"
    ended = [event.card for event in client.events if isinstance(event, CardCompleted) and isinstance(event.card, ReviewCard)][-1]
    assert (ended.text, ended.findings and ended.findings.found) == ("The review was not finished.", ())
