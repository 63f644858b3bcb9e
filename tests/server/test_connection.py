"""One client: what it asks, what it is told, and in which order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import scripts
from fakes.agent import ScriptedAgent, Stage
from fakes.peer import HELLO, Peer
from treadle.core.asking import ACCEPT, ACCEPT_FOR_THREAD, CANCEL, DECLINE, Approval, Decision
from treadle.core.errors import TreadleError
from treadle.core.events import HunksChanged, ThreadClosed
from treadle.core.items import Image, Text
from treadle.core.ops import ListThreads, ResumeThread, StartThread, StartTurn
from treadle.core.settings import SandboxPolicy
from treadle.server import connection as module
from treadle.server.connection import Connection
from treadle.server.framing import Headers


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer(ScriptedAgent())
    await peer.result("initialize", HELLO)
    yield peer
    await peer.connection.close()


async def test_nothing_is_served_before_initialize_and_initialize_is_served_once() -> None:
    peer = Peer(ScriptedAgent())
    assert (await peer.ask("thread/list"))["error"] == {"code": -32600, "message": "Not initialized"}
    wrong = await peer.ask("initialize", {"clientInfo": {"name": 5}})
    assert (wrong["error"]["code"], wrong["error"]["data"]) == (-32602, {"path": "clientInfo.name"})
    said = await peer.result("initialize", HELLO)
    assert said["userAgent"].startswith("tests/")
    assert (await peer.ask("initialize", HELLO))["error"] == {"code": -32600, "message": "Already initialized"}


async def test_a_turn_is_told_in_the_promised_order(peer: Peer) -> None:
    thread_id = await peer.thread()
    turn_id = await peer.turn(thread_id)
    await peer.method("turn/completed")
    await peer.until(lambda m: m.get("params", {}).get("status") == {"type": "idle"})
    names = [m.get("method", "answer") for m in peer.told]
    assert names[1:4] == ["answer", "thread/started", "thread/status/changed"]
    assert names[4:] == [
        "answer",
        "thread/status/changed",
        "turn/started",
        "item/started",
        "item/completed",
        "item/started",
        *["item/agentMessage/delta"] * 3,
        "item/completed",
        "thread/tokenUsage/updated",
        "turn/completed",
        "thread/status/changed",
    ]
    deltas = [m["params"]["delta"] for m in peer.told if m.get("method") == "item/agentMessage/delta"]
    completed = [m["params"]["item"] for m in peer.told if m.get("method") == "item/completed"]
    assert "".join(deltas) == completed[-1]["text"] == "Hello, world"
    assert all(m["params"]["turn"]["id"] == turn_id for m in peer.told if m.get("method", "").startswith("turn/"))


async def test_a_resumed_thread_comes_with_its_turns(peer: Peer) -> None:
    thread_id = await peer.thread()
    await peer.turn(thread_id)
    await peer.method("turn/completed")
    resumed = await peer.result("thread/resume", {"threadId": thread_id})
    assert [turn["status"] for turn in resumed["thread"]["turns"]] == ["completed"]
    assert (await peer.result("thread/read", {"threadId": thread_id}))["thread"]["turns"] == []
    assert (await peer.result("thread/list", {}))["data"][0]["turns"] == []


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ("accept", "accept"),
        ("acceptForSession", "accept for thread"),
        ({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["make"]}}, "accept for always: make"),
        ("decline", "decline"),
        ("cancel", "cancel"),
        ("perhaps", "decline"),
        (None, "decline"),
    ],
)
async def test_a_question_waits_for_its_answer_and_is_then_settled(decision: Any, told: str) -> None:
    peer = Peer(ScriptedAgent(scripts.approval))
    await peer.result("initialize", HELLO)
    await peer.turn(await peer.thread())
    question = await peer.method("item/commandExecution/requestApproval")
    assert "item/completed" not in peer.methods()
    peer.connection.receive({"id": question["id"], "result": {"decision": decision}})
    await peer.method("turn/completed")
    names = peer.methods()
    at = names.index("item/commandExecution/requestApproval")
    assert names[at - 1 : at + 3] == [
        "item/started",
        "item/commandExecution/requestApproval",
        "serverRequest/resolved",
        "item/completed",
    ]
    resolved = await peer.method("serverRequest/resolved")
    assert resolved["params"]["requestId"] == question["id"]
    assert any(m["params"]["item"].get("aggregatedOutput") == told for m in peer.told if m.get("method") == "item/completed")
    await peer.connection.close()


@pytest.mark.parametrize(
    ("answer", "decided"),
    [
        ({"action": "accept", "content": {}}, ACCEPT),
        ({"action": "accept", "content": {}, "_meta": {"persist": "session"}}, ACCEPT_FOR_THREAD),
        ({"action": "accept", "_meta": 3}, ACCEPT),
        ({"action": "decline", "_meta": {"persist": "session"}}, DECLINE),
        ({"action": "cancel"}, CANCEL),
        ({"action": ["accept"]}, DECLINE),
    ],
)
async def test_an_mcp_call_is_asked_about_by_an_elicitation(answer: Any, decided: Decision) -> None:
    said: list[Decision] = []

    async def script(stage: Stage) -> None:
        view: Any = {"view": "mcp", "server": "docs", "tool": "wipe", "arguments": {"path": "/w"}}
        said.append(await stage.client.ask(Approval("a", stage.thread_id, stage.turn_id, "c", 0.0, "mcp_tool_call", "", view)))

    peer = Peer(ScriptedAgent(script))
    await peer.result("initialize", HELLO)
    await peer.turn(await peer.thread())
    question = await peer.method("mcpServer/elicitation/request")
    assert question["params"]["_meta"]["tool_params"] == {"path": "/w"}
    peer.connection.receive({"id": question["id"], "result": answer})
    await peer.method("turn/completed")
    assert said == [decided]
    await peer.connection.close()


@pytest.mark.parametrize("answer", [{"error": {"code": 1, "message": "no"}}, {}], ids=["an error", "neither result nor error"])
async def test_an_answer_without_a_result_declines(answer: dict[str, Any]) -> None:
    peer = Peer(ScriptedAgent(scripts.approval))
    await peer.result("initialize", HELLO)
    await peer.turn(await peer.thread())
    question = await peer.method("item/commandExecution/requestApproval")
    peer.connection.receive({"id": question["id"], **answer})
    await peer.method("turn/completed")
    assert "decline" in [m["params"]["delta"] for m in peer.told if m.get("method") == "item/agentMessage/delta"]


async def test_a_client_that_is_gone_declines_and_ends_the_agent() -> None:
    decided: list[Decision] = []

    async def script(stage: Stage) -> None:
        decided.append(await stage.client.ask(Approval("a", stage.thread_id, stage.turn_id, "c", 0.0, "file_change", "why", {})))
        decided.append(await stage.client.ask(Approval("b", stage.thread_id, stage.turn_id, "c", 0.0, "file_change", "why", {})))

    peer = Peer(ScriptedAgent(script))
    await peer.result("initialize", HELLO)
    await peer.turn(await peer.thread())
    await peer.method("item/fileChange/requestApproval")
    turn = next(iter(peer.agent.turns.values()))
    peer.agent.turns.clear()
    await peer.connection.close()
    await turn
    assert decided == [DECLINE, DECLINE]
    assert peer.agent.closed and peer.agent.dropped == [peer.connection]


async def test_an_editor_is_told_that_a_question_is_withdrawn() -> None:
    told: list[str] = []

    async def opened() -> Any:
        return ScriptedAgent()

    connection = Connection(Headers(), lambda data: told.append(data.decode().partition("\r\n\r\n")[2]), opened)
    asking = asyncio.ensure_future(connection.ask(Approval("a", "t", "u", "c", 0.0, "file_change", "why", {})))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    question, withdrawn = (json.loads(text) for text in told)
    assert withdrawn == {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": question["id"]}}


async def test_what_changed_before_an_editor_was_served_is_remembered() -> None:
    async def opened() -> Any:
        raise AssertionError("not needed")

    connection = Connection(Headers(), lambda data: None, opened)
    connection.notify([ThreadClosed("t")])
    assert not connection.unheard
    connection.notify([HunksChanged("t", ("/w/a",))])
    assert connection.unheard
    heard: list[Any] = []
    listening = Connection(Headers(), lambda data: None, opened)
    listening.overhear = heard.append
    listening.notify([HunksChanged("t", ("/w/a",))])
    assert (len(heard), listening.unheard) == (1, False)


async def test_steering_and_interrupting_reach_the_turn() -> None:
    peer = Peer(ScriptedAgent(scripts.endless))
    await peer.result("initialize", HELLO)
    thread_id = await peer.thread()
    turn_id = await peer.turn(thread_id)
    await peer.method("item/completed")
    steer = {"threadId": thread_id, "expectedTurnId": turn_id, "input": [{"type": "text", "text": "more"}]}
    assert await peer.result("turn/steer", steer) == {"turnId": turn_id}
    assert await peer.result("turn/interrupt", {"threadId": thread_id, "turnId": turn_id}) == {}
    ended = await peer.method("turn/completed")
    assert ended["params"]["turn"]["status"] == "interrupted"
    refused = await peer.ask("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
    assert refused["error"] == {"code": -32600, "message": "no turn is running in this thread"}


@pytest.mark.parametrize(
    ("method", "params", "code", "path"),
    [
        ("no/such", {}, -32601, None),
        ("thread/read", {}, -32602, "threadId"),
        ("thread/read", {"threadId": 5}, -32602, "threadId"),
        ("thread/read", [], -32602, "params"),
        ("thread/start", {"sandbox": "bogus"}, -32602, "sandbox"),
        ("turn/start", {"threadId": "t", "input": [{"type": "text"}]}, -32602, "input.0.text.text"),
        ("turn/start", {"threadId": "t", "input": []}, -32602, "input"),
        ("turn/start", {"threadId": "t", "input": [{"type": "image", "url": "file:///etc/passwd"}]}, -32602, "input.0.url"),
        ("turn/start", {"threadId": "t", "input": [{"type": "localImage", "path": "/no/such"}]}, -32602, "input.0.path"),
        ("turn/start", {"threadId": "unknown", "input": [{"type": "text", "text": "x"}]}, -32600, None),
    ],
)
async def test_what_cannot_be_served_is_refused_with_the_reason(
    peer: Peer, method: str, params: Any, code: int, path: str | None
) -> None:
    error = (await peer.ask(method, params))["error"]
    assert error["code"] == code, error
    if path is not None:
        assert error["data"] == {"path": path}


@pytest.mark.parametrize(
    "message", [[], 5, None, {"id": 1, "method": 5}, {"id": {}, "method": "thread/list"}, {"id": True, "method": "x"}]
)
async def test_what_is_no_request_is_refused_and_the_conversation_goes_on(peer: Peer, message: Any) -> None:
    peer.connection.receive(message)
    assert peer.told[-1]["id"] is None and peer.told[-1]["error"]["code"] == -32600
    assert (await peer.result("thread/list", None))["data"] == []


async def test_too_many_requests_at_once_are_refused(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IN_FLIGHT", 3)
    thread_id = await peer.thread()
    peer.agent.hold.clear()
    for _ in range(3):
        peer.send("thread/archive", {"threadId": thread_id})
    refused = await peer.ask("thread/list")
    assert refused["error"] == {"code": -32001, "message": "Server overloaded; retry later."}
    peer.agent.hold.set()
    await peer.until(lambda m: peer.methods().count("thread/archived") == 3)
    assert (await peer.ask("thread/list"))["result"]


async def test_a_flood_of_requests_is_bounded_and_each_is_answered_once(peer: Peer) -> None:
    thread_id = await peer.thread()
    peer.agent.hold.clear()
    asked = [peer.send("thread/archive", {"threadId": thread_id}) for _ in range(module.MAX_IN_FLIGHT * 4)]
    codes = [message["error"]["code"] for message in peer.told if "error" in message]
    assert codes == [-32001] * (module.MAX_IN_FLIGHT * 3)
    peer.agent.hold.set()
    await peer.until(lambda m: m.get("id") == asked[module.MAX_IN_FLIGHT - 1])
    assert sorted(m["id"] for m in peer.told if m.get("id") in asked) == asked


async def test_a_cancelled_request_is_answered_as_cancelled(peer: Peer) -> None:
    thread_id = await peer.thread()
    peer.agent.hold.clear()
    id = peer.send("thread/archive", {"threadId": thread_id})
    await asyncio.sleep(0)
    peer.connection.receive({"method": "$/cancelRequest", "params": {"id": id}})
    assert (await peer.until(lambda m: m.get("id") == id))["error"]["code"] == -32800


async def test_a_failure_to_load_the_agent_is_told_and_tried_again() -> None:
    agent, full = ScriptedAgent(), True

    async def opened() -> Any:
        if full:
            raise TreadleError("The folder is full.", hint="Empty it.")
        return agent

    peer = Peer(agent, opened)
    await peer.result("initialize", HELLO)
    assert (await peer.ask("thread/list"))["error"] == {"code": -32000, "message": "The folder is full. Empty it."}
    full = False
    assert (await peer.ask("thread/list"))["result"]["data"] == []


async def test_our_own_bug_is_answered_without_its_insides(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(op: Any, client: Any) -> Any:
        raise ZeroDivisionError("secret")

    peer.agent.submit = broken  # type: ignore[method-assign]
    error = (await peer.ask("thread/list"))["error"]
    assert error["code"] == -32603 and "secret" not in error["message"]
    assert "secret" in caplog.text


async def test_parameters_become_ops(peer: Peer, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n rest")
    start = {"cwd": "/w", "sandbox": "workspace-write", "approvalPolicy": "untrusted", "config": {"a.b": 1}, "ephemeral": True}
    thread = (await peer.result("thread/start", start))["thread"]
    assert thread["ephemeral"] is True
    policy = {"type": "workspaceWrite", "writableRoots": ["/x"], "networkAccess": True, "unknownField": 1}
    said = [
        {"type": "text", "text": "look", "text_elements": []},
        {"type": "localImage", "path": str(picture)},
        {"type": "skill", "name": "s", "path": "/s/SKILL.md"},
        {"type": "mention", "name": "a.py", "path": "/w/a.py"},
    ]
    schema = {"type": "object"}
    params = {"threadId": thread["id"], "input": said, "sandboxPolicy": policy, "effort": "high", "outputSchema": schema}
    await peer.result("turn/start", params | {"clientUserMessageId": "mine", "approvalPolicy": "never"})
    await peer.result("thread/list", {"cwd": "/w", "sortKey": "updated_at", "searchTerm": "x", "limit": 5000})
    await peer.result("thread/resume", {"threadId": thread["id"], "sandbox": "read-only"})
    started, turn, listed, resumed = (
        next(op for op in peer.agent.ops if isinstance(op, kind)) for kind in (StartThread, StartTurn, ListThreads, ResumeThread)
    )
    assert started.overrides.config == {"a.b": 1, "sandbox_mode": "workspace-write"}
    assert (started.overrides.approval_policy, started.ephemeral, started.originator) == ("on-request", True, "tests")
    named = (Text("$s", skill="/s/SKILL.md"), Text("[@a.py](/w/a.py)", mention="/w/a.py"))
    assert turn.content[0] == Text("look") and turn.content[2:] == named
    assert isinstance(turn.content[1], Image) and turn.content[1].url.startswith("data:image/png;base64,")
    assert turn.overrides.sandbox == SandboxPolicy("workspace-write", ("/x",), True)
    assert (turn.overrides.effort, turn.overrides.approval_policy) == ("high", "never")
    assert (turn.output_schema, turn.client_id) == (schema, "mine")
    assert (listed.cwds, listed.by_update, listed.search, listed.limit) == (("/w",), True, "x", 100)
    assert resumed.overrides.sandbox == SandboxPolicy("read-only")


async def test_the_smaller_methods_answer_as_declared(peer: Peer) -> None:
    thread_id = await peer.thread()
    assert (await peer.result("thread/loaded/list", {}))["data"] == [thread_id]
    await peer.result("thread/name/set", {"threadId": thread_id, "name": "  new name "})
    assert (await peer.method("thread/name/updated"))["params"]["threadName"] == "new name"
    assert (await peer.result("thread/unarchive", {"threadId": thread_id}))["thread"]["name"] == "new name"
    assert await peer.result("thread/unsubscribe", {"threadId": thread_id}) == {"status": "unsubscribed"}
    assert await peer.result("thread/unsubscribe", {"threadId": "other"}) == {"status": "notLoaded"}
    models = await peer.result("model/list", {"limit": 1})
    assert ([row["id"] for row in models["data"]], models["nextCursor"]) == (["model-a"], "1")
    assert [row["id"] for row in (await peer.result("model/list", {"cursor": "1"}))["data"]] == ["model-b"]
    assert (await peer.result("config/read", {}))["config"]["model"] == "model-a"
    assert (await peer.result("treadle/doctor", {}))["report"] == {"sandbox": "bubblewrap"}
    read = await peer.result("treadle/context/read", {"threadId": thread_id})
    assert read["instructionSources"] == ["/workspace/AGENTS.md"]


async def test_a_picture_that_is_none_is_refused(peer: Peer, tmp_path: Path) -> None:
    thread_id = await peer.thread()
    (tmp_path / "a.txt").write_text("text")
    said = {"threadId": thread_id, "input": [{"type": "localImage", "path": str(tmp_path / "a.txt")}]}
    assert "not a PNG" in (await peer.ask("turn/start", said))["error"]["message"]


async def test_a_request_that_is_cancelled_before_it_began_is_answered_all_the_same(peer: Peer) -> None:
    id = peer.send("thread/list", {})
    peer.connection.receive({"method": "$/cancelRequest", "params": {"id": id}})
    assert (await peer.until(lambda m: m.get("id") == id))["error"]["code"] == -32800
    assert not peer.connection.serves(id)


async def test_a_request_that_is_cancelled_while_the_agent_loads_leaves_it_to_the_others() -> None:
    gate, agent = asyncio.Event(), ScriptedAgent()

    async def opened() -> Any:
        await gate.wait()
        return agent

    peer = Peer(agent, opened)
    await peer.result("initialize", HELLO)
    ids = [peer.send("thread/start", {"cwd": "/"}) for _ in range(2)]
    await asyncio.sleep(0)
    peer.connection.receive({"method": "$/cancelRequest", "params": {"id": ids[0]}})
    assert (await peer.until(lambda m: m.get("id") == ids[0]))["error"]["code"] == -32800
    gate.set()
    assert "result" in await peer.until(lambda m: m.get("id") == ids[1])
    assert await peer.result("thread/list", {})
    await peer.connection.close()


@pytest.mark.parametrize("id", [[], {}, None, True, 1.5, "nobody"])
async def test_a_cancellation_of_what_is_no_request_is_passed_over(peer: Peer, id: Any) -> None:
    peer.connection.receive({"method": "$/cancelRequest", "params": {"id": id}})
    assert await peer.result("thread/list", {})
