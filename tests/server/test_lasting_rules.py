"""A yes for longer than once over the wire: offered, answered, told, listed, changed, checked. The agent is the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fakes.peer import HELLO, Peer
from fakes.world import FakeTool, MemoryStore, ScriptedModel, build, call, end, message
from treadle.core.asking import Approval
from treadle.core.grants import Grant, Subject
from treadle.core.policy import CallMcp, RunCommand
from treadle.runtime.ports import Call, Plan, Scope
from treadle.server.wire.rules import RulesCheckResponse

APPROVAL = "item/commandExecution/requestApproval"


class Shell(FakeTool):
    """Wishes for the command that the call names."""

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        command: Any = {"view": "command", "command": call.arguments, "cwd": "/w", "actions": [], "status": "inProgress"}
        return Plan(command, RunCommand(call.arguments, "/w", escalated=True))


Opened = Callable[..., Any]


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    peers: list[Peer] = []

    async def open(*scripts: Any, store: MemoryStore | None = None, tools: tuple[FakeTool, ...] = (Shell("sh"),)) -> Peer:
        agent, *_ = build(ScriptedModel(*scripts), *tools, store=store, roots=())
        peers.append(Peer(agent))
        await peers[-1].result("initialize", HELLO)
        return peers[-1]

    yield open
    for peer in peers:
        await peer.connection.close()


def commands(*lines: str) -> list[Any]:
    return [*([*call(f"c{n}", "sh", line), *end()] for n, line in enumerate(lines)), [*message("done"), *end()]]


async def asked(peer: Peer, number: int = 0, method: str = APPROVAL) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def there(_: dict[str, Any]) -> bool:
        found[:] = [one for one in peer.told if one.get("method") == method]
        return len(found) > number

    await peer.until(there)
    return found[number]


def reply(peer: Peer, question: dict[str, Any], **answer: Any) -> None:
    peer.connection.receive({"id": question["id"], "result": answer})


async def test_a_yes_for_the_workspace_with_an_edited_rule_covers_the_next_command(opened: Opened) -> None:
    peer = await opened(*commands("npm run test -- x", "npm run build"))
    thread_id = await peer.thread()
    await peer.turn(thread_id)
    question = await asked(peer)
    offers = question["params"]["offers"]
    assert [(o["scope"], o["subject"]["text"], o["editable"]) for o in offers] == [
        (scope, "npm run test", True) for scope in ("thread", "workspace", "always")
    ]
    assert question["params"]["proposedExecpolicyAmendment"] == ["npm", "run", "test"]
    assert question["params"]["outsideSandbox"] is True
    reply(peer, question, decision="accept", scope="workspace", rule="npm run build")
    await peer.method("turn/completed")
    assert peer.methods().count(APPROVAL) == 1
    at = peer.methods().index("serverRequest/resolved")
    assert at < peer.methods().index("treadle/rules/changed") < peer.methods().index("turn/completed")
    (grant,) = (await peer.result("treadle/rules/list", {"threadId": thread_id}))["grants"]
    assert (grant["scope"], grant["workspace"], grant["subject"]["text"]) == ("workspace", "/w", "npm run build")


async def test_an_amendment_of_a_client_written_for_the_protocol_is_kept_for_always(opened: Opened) -> None:
    store = MemoryStore()
    peer = await opened(*commands("npm test x", "npm test y"), store=store)
    await peer.turn(await peer.thread())
    question = await asked(peer)
    (amendment,) = [d for d in question["params"]["availableDecisions"] if isinstance(d, dict)]
    reply(peer, question, decision=amendment)
    await peer.method("turn/completed")
    assert peer.methods().count(APPROVAL) == 1
    assert [(grant.scope, grant.subject) for grant in store.grants.all()] == [("always", Subject("command", "npm test", True))]


async def test_acceptance_for_the_session_covers_the_very_command_since_its_client_was_shown_no_more(opened: Opened) -> None:
    store = MemoryStore()
    peer = await opened(*commands("npm test x", "npm  test 'x'", "npm test y"), store=store)
    await peer.turn(await peer.thread())
    reply(peer, await asked(peer), decision="acceptForSession")
    reply(peer, await asked(peer, 1), decision="decline")
    await peer.method("turn/completed")
    items = [m["params"]["item"] for m in peer.told if m.get("method") == "item/completed"]
    statuses = {item["command"]: item["status"] for item in items if item["type"] == "commandExecution"}
    assert statuses == {"npm test x": "completed", "npm  test 'x'": "completed", "npm test y": "declined"}
    assert [(grant.scope, grant.subject.kind) for grant in store.grants.all()] == [("thread", "exact_command")]


async def test_words_of_a_decline_reach_the_model_and_a_cancel_interrupts(opened: Opened) -> None:
    peer = await opened(*commands("npm test", "npm ci"))
    await peer.turn(await peer.thread())
    reply(peer, await asked(peer), decision="decline", words="use yarn")
    question = await asked(peer, 1)
    reply(peer, question, decision="cancel")
    ended = await peer.method("turn/completed")
    assert ended["params"]["turn"]["status"] == "interrupted"
    statuses = [
        m["params"]["item"]["status"]
        for m in peer.told
        if m.get("method") == "item/completed" and "command" in m["params"]["item"]
    ]
    assert statuses == ["declined", "declined"]


async def test_questions_of_one_item_are_told_apart_and_each_is_settled(opened: Opened) -> None:
    verdicts: list[str] = []

    async def reach(one: Call, scope: Scope) -> str:
        async def host(name: str) -> None:
            view: Any = {"view": "command", "command": "curl", "cwd": "/ws"}
            assert scope.ask is not None
            new_id = scope.clock.new_id()
            about = Approval(new_id, one.thread_id, one.turn_id, one.item_id, 1.0, "network", "why", view, host=name)
            verdicts.append(f"{name} {(await scope.ask(about)).verdict}")

        await asyncio.gather(host("a.test"), host("b.test"), host("c.test"))
        return "ok"

    store = MemoryStore()
    peer = await opened([*call("a", "net"), *end()], [*message("x"), *end()], store=store, tools=(FakeTool("net", run=reach),))
    await peer.turn(await peer.thread())
    questions = [await asked(peer, number) for number in range(3)]
    first, second, third = questions
    assert len({question["params"]["approvalId"] for question in questions}) == 3
    assert len({question["params"]["itemId"] for question in questions}) == 1
    assert [question["params"]["networkApprovalContext"]["host"] for question in questions] == ["a.test", "b.test", "c.test"]
    amendments = [d for d in second["params"]["availableDecisions"] if isinstance(d, dict)]
    reply(peer, second, decision=next(a for a in amendments if "deny" in str(a)))
    reply(peer, third, decision="accept", scope="thread", rule="*.c.test")
    reply(peer, first, decision="accept")
    await peer.method("turn/completed")
    assert sorted(verdicts) == ["a.test accept", "b.test decline", "c.test accept"]
    resolved = [m["params"]["requestId"] for m in peer.told if m.get("method") == "serverRequest/resolved"]
    assert sorted(resolved) == sorted(question["id"] for question in questions)
    assert {(g.scope, g.subject.text, g.subject.deny) for g in store.grants.all()} == {
        ("always", "b.test", True),
        ("thread", "*.c.test", False),
    }


async def test_parallel_questions_of_a_thread_are_all_shown_and_one_answer_takes_back_the_others(opened: Opened) -> None:
    wish = CallMcp("docs", "wipe", destructive=True)
    peer = await opened(
        [*(part for n in range(3) for part in call(f"c{n}", "wipe")), *end()],
        [*message("x"), *end()],
        tools=(FakeTool("wipe", wish=wish),),
    )
    await peer.turn(await peer.thread())
    questions = [await asked(peer, number, "mcpServer/elicitation/request") for number in range(3)]
    assert "item/completed" not in [
        m["method"] for m in peer.told if m.get("params", {}).get("item", {}).get("type") == "dynamicToolCall"
    ]
    reply(peer, questions[1], action="accept", _meta={"persist": "always"})
    await peer.method("turn/completed")
    resolved = [m["params"]["requestId"] for m in peer.told if m.get("method") == "serverRequest/resolved"]
    assert sorted(resolved) == sorted(question["id"] for question in questions)


async def test_the_list_is_written_whole_or_not_at_all(opened: Opened) -> None:
    peer = await opened()
    host = {"op": "add", "scope": "always", "subject": {"kind": "network", "text": "Wheels.test"}}
    files = {"op": "add", "scope": "workspace", "workspace": "/w", "subject": {"kind": "files", "text": "/srv/a/"}}
    grants = (await peer.result("treadle/rules/write", {"changes": [host, files]}))["grants"]
    assert [grant["subject"]["text"] for grant in grants] == ["wheels.test", "/srv/a/"]
    bad = {"op": "change", "id": grants[1]["id"], "subject": {"kind": "files", "text": "/"}}
    error = (await peer.ask("treadle/rules/write", {"changes": [{"op": "remove", "id": grants[0]["id"]}, bad]}))["error"]
    assert error["code"] == -32602
    assert error["data"] == {"path": "changes.1.subject.text"}
    assert error["message"].startswith("changes.1.subject.text: / is too much to allow at once")
    assert (await peer.result("treadle/rules/list", {}))["grants"] == grants
    assert [g["id"] for g in (await peer.result("treadle/rules/list", {"cwd": "/elsewhere"}))["grants"]] == [grants[0]["id"]]


async def test_a_text_is_checked_before_it_is_kept_and_a_command_is_explained(opened: Opened) -> None:
    store = MemoryStore()
    store.grants.write([Grant("g", "always", Subject("command", "npm test"), 1.0)], [])
    peer = await opened(store=store)

    async def check(**params: Any) -> RulesCheckResponse:
        return RulesCheckResponse.model_validate(await peer.result("treadle/rules/check", params))

    assert (await check(rule={"kind": "command", "text": "npm test"})).problem is None
    assert "runs what it is given" in ((await check(rule={"kind": "command", "text": "python3"})).problem or "")
    found = await check(command="npm test; rm -rf x")
    assert (found.verdict, found.problem) == ("ask", None)
    assert [(part.words, part.verdict) for part in found.parts] == [(["npm", "test"], "allow"), (["rm", "-rf", "x"], "ask")]
    assert (await peer.ask("treadle/rules/check", {}))["error"]["code"] == -32602
