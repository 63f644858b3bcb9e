"""What a yes for longer than once does: kept, counted where its scope says, seen at once, and taken back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.world import FakeTool, MemoryStore, NoFiles, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.core.asking import Approval, Decision
from treadle.core.errors import RequestRefused, TreadleError
from treadle.core.events import ApprovalSettled, GrantsChanged, WarningReported
from treadle.core.grants import Grant, Subject
from treadle.core.items import ToolOutput
from treadle.core.ops import GrantChange, ListRules, Overrides, ResumeThread, StartThread, WriteRules
from treadle.core.policy import CallMcp, RunCommand, Wish, WriteFiles
from treadle.runtime.agent import Agent
from treadle.runtime.answers import RuleList, ThreadState
from treadle.runtime.ports import Call, Plan, Scope

WIPE = CallMcp("docs", "wipe", destructive=True)
EXACT = RunCommand("bash -c 'make'", "/ws", escalated=True)
ELSEWHERE = WriteFiles(("/other/a.py",))


def steps(*names: str) -> list[Any]:
    return [[*(part for name in names for part in call(name)), *end()], [*message("done"), *end()]]


async def turn(agent: Agent, client: RecordingClient, thread_id: str | None = None) -> str:
    """Play one turn, in a new thread or in that one; the thread's id."""
    if thread_id is None:
        thread_id, turn_id = await begin(agent, client)
    else:
        turn_id = await more(agent, client, thread_id)
    await client.turn_end(turn_id)
    return thread_id


async def listed(agent: Agent, **of: str) -> list[Grant]:
    found = await agent.submit(ListRules(**of), RecordingClient())
    assert isinstance(found, RuleList)
    return found.grants


def saying(*decisions: Decision) -> RecordingClient:
    left = list(decisions)
    return RecordingClient(lambda asked: left.pop(0))


@pytest.mark.parametrize("wish", [WIPE, EXACT, ELSEWHERE])
@pytest.mark.parametrize("scope", ["thread", "workspace"])
async def test_a_yes_for_longer_is_not_asked_again_where_its_scope_holds(wish: Wish, scope: Any) -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(*steps("a") * 3), FakeTool(wish=wish), store=store)
    client = saying(Decision("accept", scope), Decision("decline"))
    thread_id = await turn(agent, client)
    await turn(agent, client, thread_id)
    assert len(client.asked) == 1
    await turn(agent, client)
    assert len(client.asked) == (1 if scope == "workspace" else 2)
    assert [grant.scope for grant in store.grants.all()] == [scope]
    client.check_cards()


async def test_a_yes_for_the_workspace_does_not_hold_in_another_folder_and_one_for_always_does() -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(*steps("a") * 3), FakeTool(wish=WIPE), store=store)
    client = saying(Decision("accept", "workspace"), Decision("accept", "always"))
    await turn(agent, client)
    for _ in range(2):
        state = await agent.submit(StartThread(Overrides(cwd="/elsewhere")), client)
        assert isinstance(state, ThreadState)
        await turn(agent, client, state.meta.id)
    assert len(client.asked) == 2
    assert [(grant.scope, grant.workspace) for grant in store.grants.all()] == [("workspace", "/ws"), ("always", None)]


async def test_a_resumed_thread_has_its_grants_again_in_another_process() -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(*steps("a")), FakeTool(wish=WIPE), store=store)
    client = saying(Decision("accept", "thread"))
    thread_id = await turn(agent, client)
    later, *_ = build(ScriptedModel(*steps("b")), FakeTool(wish=WIPE), store=store)
    watcher = RecordingClient()
    await later.submit(ResumeThread(thread_id), watcher)
    await turn(later, watcher, thread_id)
    assert watcher.asked == []


async def test_a_thread_that_is_not_kept_leaves_no_grant_behind() -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(*steps("a") * 2), FakeTool(wish=WIPE), store=store)
    client = saying(Decision("accept", "thread"))
    state = await agent.submit(StartThread(ephemeral=True), client)
    assert isinstance(state, ThreadState)
    await turn(agent, client, state.meta.id)
    await turn(agent, client, state.meta.id)
    assert len(client.asked) == 1
    assert store.grants.all() == []
    (grant,) = await listed(agent, thread_id=state.meta.id)
    await agent.submit(WriteRules((GrantChange("remove", grant.id),)), client)
    assert await listed(agent) == []


async def test_the_same_yes_twice_is_one_grant() -> None:
    store = MemoryStore()
    tools = (FakeTool("one", wish=WIPE), FakeTool("two", wish=CallMcp("docs", "wipe", destructive=True)))
    agent, *_ = build(ScriptedModel([*call("a", "one"), *call("b", "two"), *end()], [*message("x"), *end()]), *tools, store=store)

    together = asyncio.Barrier(2)

    async def both(asked: Approval) -> Decision:
        await together.wait()
        return Decision("accept", "always")

    client = RecordingClient(both)
    await turn(agent, client)
    assert len(store.grants.all()) == 1


# an edited rule


async def test_an_edited_rule_is_kept_and_covers_more_than_what_was_asked_about() -> None:
    store = MemoryStore()
    tools = (FakeTool("one", wish=WIPE), FakeTool("two", wish=CallMcp("docs", "write", destructive=True)))
    agent, *_ = build(
        ScriptedModel(*[[*call("a", "one"), *end()], [*call("b", "two"), *end()], [*message("x"), *end()]]), *tools, store=store
    )
    client = saying(Decision("accept", "always", "docs/*"))
    await turn(agent, client)
    assert len(client.asked) == 1
    assert [grant.subject for grant in store.grants.all()] == [Subject("mcp", "docs/*")]


@pytest.mark.parametrize("escalated", [False, True])
async def test_an_edited_rule_reaches_outside_the_sandbox_only_when_that_was_asked(escalated: bool) -> None:
    store = MemoryStore()
    agent, *_ = build(
        ScriptedModel(*steps("a")),
        FakeTool(wish=RunCommand("rm -rf build", "/ws", escalated)),
        store=store,
    )
    await turn(agent, saying(Decision("accept", "always", "git clean")))
    assert [grant.subject for grant in store.grants.all()] == [Subject("command", "git clean", escalated)]


async def test_an_edited_rule_that_does_not_cover_the_very_call_lets_it_run_once_and_is_kept() -> None:
    store = MemoryStore()
    tool = FakeTool(wish=WIPE)
    agent, *_ = build(ScriptedModel(*steps("a") * 2), tool, store=store)
    client = saying(Decision("accept", "always", "docs/read"), Decision("decline"))
    thread_id = await turn(agent, client)
    assert len(tool.policies) == 1
    await turn(agent, client, thread_id)
    assert len(client.asked) == 2
    assert [grant.subject.text for grant in store.grants.all()] == ["docs/read"]


@pytest.mark.parametrize(
    ("wish", "rule"),
    [(WIPE, "*/*"), (WIPE, "docs"), (WIPE, ""), (ELSEWHERE, "/"), (ELSEWHERE, "other/"), (ELSEWHERE, "/other/.git/")],
)
async def test_a_rule_that_cannot_be_kept_counts_as_this_once_and_the_user_is_told_why(wish: Wish, rule: str) -> None:
    store = MemoryStore()
    tool = FakeTool(wish=wish)
    agent, *_ = build(ScriptedModel(*steps("a")), tool, store=store)
    client = saying(Decision("accept", "workspace", rule))
    await turn(agent, client)
    assert len(tool.policies) == 1
    assert store.grants.all() == []
    (said,) = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert said.startswith("Your answer counts this once and was not remembered: ")


async def test_a_yes_that_the_disk_cannot_keep_counts_as_this_once() -> None:
    class Full(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.grants.write = self.refuse  # type: ignore[method-assign]

        def refuse(self, put: Any, remove: Any) -> None:
            raise TreadleError("What is allowed cannot be kept: disk full.")

    tool = FakeTool(wish=WIPE)
    agent, *_ = build(ScriptedModel(*steps("a")), tool, store=Full())
    client = saying(Decision("accept", "always"))
    await turn(agent, client)
    assert len(tool.policies) == 1
    assert any("disk full" in event.message for event in client.events if isinstance(event, WarningReported))


async def test_a_scope_that_was_not_offered_counts_as_this_once() -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(*steps("a")), FakeTool(wish=EXACT), store=store)
    client = saying(Decision("accept", "always"))
    await turn(agent, client)
    assert [offer.scope for offer in client.asked[0].offers] == ["thread", "workspace"]
    assert store.grants.all() == []
    assert any(isinstance(event, WarningReported) for event in client.events)


async def test_a_decline_is_not_remembered_and_its_words_reach_the_model() -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(*steps("a")), FakeTool(wish=WIPE), store=store)
    client = saying(Decision("decline", "always", words="use the archive instead"))
    thread_id = await turn(agent, client)
    (output,) = [item for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)]
    assert output.text == "the user declined this call and says: use the archive instead"
    assert store.grants.all() == []


class Shell(FakeTool):
    """Wishes for an escalated `npm test` in the folder that the call names."""

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        view: Any = {"view": "command", "command": "npm test", "cwd": call.arguments}
        return Plan(view, RunCommand("npm test", call.arguments, escalated=True))


@pytest.mark.parametrize("scope", ["thread", "workspace"])
async def test_a_yes_to_a_command_holds_in_its_folder_and_below_and_not_behind_a_link_out_of_it(
    scope: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NoFiles, "resolve", lambda self, path: path.replace("/ws/link", "/srv"))
    folders = ("/ws", "/ws/pkg", "/srv", "/ws/link", "/ws2", "/ws")
    scripts = [*([*call(f"c{n}", arguments=folder), *end()] for n, folder in enumerate(folders)), [*message("x"), *end()]]
    agent, *_ = build(ScriptedModel(*scripts), Shell())
    client = saying(Decision("accept", scope), *[Decision("decline")] * 3)
    await turn(agent, client)
    assert [asked.view["cwd"] for asked in client.asked] == ["/ws", "/srv", "/ws/link", "/ws2"]


# at once, and everywhere


async def test_one_answer_settles_the_other_questions_that_it_covers() -> None:
    store = MemoryStore()
    tool, other = FakeTool(wish=WIPE), FakeTool("other", wish=CallMcp("docs", "purge", destructive=True))
    calls = [*call("a"), *call("b"), *call("c"), *call("d", "other"), *end()]
    agent, *_ = build(ScriptedModel(calls, [*message("x"), *end()]), tool, other, store=store)
    answers: dict[str, asyncio.Future[Decision]] = {}
    all_shown = asyncio.Barrier(5)

    async def wait(asked: Approval) -> Decision:
        answers[asked.id] = asyncio.get_running_loop().create_future()
        await all_shown.wait()
        return await answers[asked.id]

    client = RecordingClient(wait)
    thread_id, turn_id = await begin(agent, client)
    async with asyncio.timeout(60):
        await all_shown.wait()
    first, *_ = answers
    answers[first].set_result(Decision("accept", "always"))
    await client.until(lambda event: sum(isinstance(e, ApprovalSettled) for e in client.events) == 3)
    (last,) = [asked for asked in client.asked if asked.view.get("tool") == "other"]
    assert not any(isinstance(e, ApprovalSettled) and e.approval_id == last.id for e in client.events)
    answers[last.id].set_result(Decision("decline"))
    await client.turn_end(turn_id)
    assert len(tool.policies) == 3
    assert other.policies == []
    assert len([item for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)]) == 4
    client.check_cards()


async def test_a_grant_that_is_revoked_asks_again_in_a_thread_that_runs() -> None:
    store = MemoryStore()

    async def revoke(one: Call, scope: Scope) -> str:
        ids = [GrantChange("remove", grant.id) for grant in store.grants.all()]
        await agent.submit(WriteRules(tuple(ids)), client)
        return "ok"

    agent, *_ = build(ScriptedModel(steps("a")[0], *steps("b")), FakeTool(wish=WIPE, run=revoke), store=store)
    client = saying(Decision("accept", "always"), Decision("decline"))
    await turn(agent, client)
    assert len(client.asked) == 2


async def test_what_another_process_wrote_counts_with_the_next_call() -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(*steps("a") * 2), FakeTool(wish=WIPE), store=store)
    client = saying(Decision("decline"))
    thread_id = await turn(agent, client)
    store.grants.write([Grant("g", "always", Subject("mcp", "docs/*"), 1.0)], [])
    await turn(agent, client, thread_id)
    assert len(client.asked) == 1


async def test_every_client_hears_once_that_the_list_changed() -> None:
    agent, *_ = build(ScriptedModel(*steps("a") * 2), FakeTool(wish=WIPE))
    client, watcher = saying(Decision("decline"), Decision("decline")), RecordingClient()
    thread_id = await turn(agent, client)
    await turn(agent, client)
    await agent.submit(ResumeThread(thread_id), watcher)
    add = GrantChange("add", scope="thread", subject=Subject("mcp", "docs/read"), thread_id=thread_id)
    await agent.submit(WriteRules((add,)), client)
    assert not any(isinstance(event, GrantsChanged) for event in (*client.events, *watcher.events))
    for one in (client, watcher):
        await one.until(lambda event: isinstance(event, GrantsChanged))
        assert [event.thread_id for event in one.events if isinstance(event, GrantsChanged)] == [thread_id]


# the list


ALWAYS = GrantChange("add", scope="always", subject=Subject("network", "Wheels.test"))


async def test_the_list_is_added_to_changed_and_taken_from() -> None:
    agent, *_ = build(ScriptedModel())
    client = RecordingClient()
    here = GrantChange("add", scope="workspace", subject=Subject("files", "/srv/a/"), workspace="/ws")
    await agent.submit(WriteRules((ALWAYS, here)), client)
    first, second = await listed(agent)
    assert (first.subject.text, second.workspace) == ("wheels.test", "/ws")
    assert await listed(agent, cwd="/ws") == [first, second]
    assert await listed(agent, cwd="/other") == [first]
    change = GrantChange("change", second.id, subject=Subject("files", "/srv/b/"))
    await agent.submit(WriteRules((GrantChange("remove", first.id), change)), client)
    (left,) = await listed(agent)
    assert (left.id, left.subject.text, left.scope, left.workspace) == (second.id, "/srv/b/", "workspace", "/ws")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (GrantChange("add"), "changes.1.scope"),
        (GrantChange("add", scope="always"), "changes.1.subject"),
        (GrantChange("add", scope="always", subject=Subject("network", "*")), "changes.1.subject.text"),
        (GrantChange("add", scope="workspace", subject=Subject("mcp", "a/b")), "changes.1.workspace"),
        (GrantChange("add", scope="workspace", subject=Subject("mcp", "a/b"), workspace="ws"), "changes.1.workspace"),
        (GrantChange("add", scope="thread", subject=Subject("mcp", "a/b")), "changes.1.threadId"),
        (GrantChange("add", scope="thread", subject=Subject("mcp", "a/b"), thread_id="gone"), "changes.1.threadId"),
        (GrantChange("change", "gone", scope="always"), "changes.1.id"),
        (GrantChange("remove", "gone"), "changes.1.id"),
    ],
)
async def test_a_change_that_cannot_be_made_refuses_all_and_says_where_and_why(change: GrantChange, path: str) -> None:
    store = MemoryStore()
    agent, *_ = build(ScriptedModel(), store=store)
    with pytest.raises(RequestRefused) as refused:
        await agent.submit(WriteRules((ALWAYS, change)), RecordingClient())
    assert refused.value.code == -32602
    assert refused.value.data == {"path": path}
    assert refused.value.message.startswith(f"{path}: ")
    assert store.grants.all() == []


async def test_under_never_nothing_is_asked_and_no_grant_helps() -> None:
    store = MemoryStore()
    store.grants.write([Grant("g", "always", Subject("mcp", "docs/*"), 1.0)], [])
    tool = FakeTool(wish=WIPE)
    agent, *_ = build(ScriptedModel(*steps("a")), tool, store=store, approval_policy="never")
    client = RecordingClient()
    await turn(agent, client)
    assert client.asked == []
    assert tool.policies == []
