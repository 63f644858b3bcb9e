"""Whatever we say under a name that the app-server protocol has is as the real program's schemas say: samples of everything, and
all that a client is told while whole turns run in a real sidecar."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, custom, error, item, reasoning, reply, samples, text
from fakes.app_server_schemas import Schemas
from fakes.mcp_house import GRACE, House
from fakes.mcp_server import PIXEL
from fakes.peer import HELLO, Peer
from fakes.responses import ModelServer
from treadle.server import project, questions
from treadle.server.wire.methods import CLIENT_REQUESTS, SERVER_REQUESTS

REVIEW = {f"{at}.{name}" for at in (".item", ".thread.turns[].items[]") for name in ("verdict", "summary", "findings")}
OURS = {
    ".justification",
    ".outsideSandbox",
    ".offers",
    ".askBeforeEdits",
    ".item.answer",
    ".data[].item.answer",
    ".thread.turns[].items[].answer",
    ".threadSettings.askBeforeEdits",
    *REVIEW,
}
"Fields of ours in messages of the protocol; protocol/README.md tells of them."
PATCH = "*** Begin Patch\n*** Update File: hello.py\n@@\n-print('helo')\n+print('hello')\n*** End Patch"
OUTSIDE = "*** Begin Patch\n*** Add File: ../outside.txt\n+x\n*** End Patch"
WISH = {"cmd": "echo out", "sandbox_permissions": "require_escalated", "justification": "to see"}
QUESTION = {"id": "a", "header": "A", "question": "Which?", "options": [{"label": "x", "description": "y"}] * 2}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}
ROGUE = Path(__file__).parents[1] / "fakes" / "mcp_rogue.py"


def check(printed: tuple[Schemas, Schemas], said: list[tuple[str, str, Any]]) -> None:
    """`said`: kind of message, its method, and parameters or answer."""
    stable, whole = printed
    for kind, method, content in said:
        for schemas in printed if method in stable.methods("ClientRequest") | stable.methods("ServerRequest") else [whole]:
            schema = schemas.answer(method) if kind == "answer" else schemas.params(kind, method)  # type: ignore[arg-type]
            assert not (wrong := schemas.wrong(schema, content)), (kind, method, wrong, content)
        assert whole.unnamed(schema, content) <= OURS, (kind, method)


def ours(method: str) -> bool:
    return method.startswith("treadle/")


def test_every_sample_is_as_the_schemas_say(printed: tuple[Schemas, Schemas]) -> None:
    told = [json.loads(line) for line in project.Projector().texts(samples.EVENTS, 1)]
    said: list[tuple[str, str, Any]] = [("ServerNotification", m["method"], m["params"]) for m in told if not ours(m["method"])]
    said += [("ServerRequest", *questions.request(asked)) for asked in samples.APPROVALS]
    for number, state in enumerate(samples.STATES):
        in_force = project.settings_in_force(state, with_turns=number == 0)
        said += [("answer", "thread/start", in_force), ("answer", "thread/resume", in_force)]
    for state in (samples.STATES[0], samples.ROW):
        said.append(("answer", "thread/read", {"thread": project.thread(state), "readState": None}))
    check(printed, said)


FINDING = {"path": "a.py", "first_line": 1, "last_line": 2, "priority": 1, "title": "x", "body": "x", "confidence": 0.5}


class Client(Peer):
    """Says yes to every question, in the words of the protocol."""

    def _put(self, data: bytes) -> None:
        super()._put(data)
        for line in data.splitlines():
            message = json.loads(line)
            if "id" in message and "method" in message:
                answer = {"id": message["id"], "result": self._yes(message)}
                asyncio.get_running_loop().call_soon(self.connection.receive, answer)

    def _yes(self, message: dict[str, Any]) -> dict[str, Any]:
        match message["method"]:
            case "mcpServer/elicitation/request":
                return {"action": "accept", "content": {"name": "Ada"}}
            case "item/tool/requestUserInput":
                return {"answers": {part["id"]: {"answers": ["x"]} for part in message["params"]["questions"]}}
            case _:
                return {"decision": "accept"}

    async def turn_of(self, thread_id: str, words: str, **params: Any) -> dict[str, Any]:
        """A whole turn: how it ended."""
        said = {"threadId": thread_id, "input": [{"type": "text", "text": words}], **params}
        turn_id = (await self.result("turn/start", said))["turn"]["id"]
        return await self.ended(turn_id)

    async def ended(self, turn_id: str) -> dict[str, Any]:
        is_it = lambda m: m.get("method") == "turn/completed" and m["params"]["turn"]["id"] == turn_id  # noqa: E731
        return (await self.until(is_it))["params"]["turn"]

    def said(self) -> list[tuple[str, str, Any]]:
        """All that it was told under names of the protocol."""
        said: list[tuple[str, str, Any]] = []
        for message in self.told:
            if "result" in message:
                said.append(("answer", self._asked[message["id"]], message["result"]))
            elif "method" in message:
                said.append(("ServerRequest" if "id" in message else "ServerNotification", message["method"], message["params"]))
        return [one for one in said if not ours(one[1])]


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    house = House(tmp_path, model_server)
    rogue = f"[mcp_servers.rogue]\ncommand = '{sys.executable}'\nargs = {json.dumps([str(ROGUE), 'asks', str(tmp_path)])}\n"
    outside = "sandbox_workspace_write = { exclude_slash_tmp = true, exclude_tmpdir_env_var = true }"
    house.configure({"fake": []}, f"{GRACE}\n{outside}\n", keys=rogue)
    hooks = {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "echo '{}'"}]}]}
    (house.homes.codex / "hooks.json").write_text(json.dumps({"hooks": hooks}))
    (house.workspace / "hello.py").write_text("print('helo')\n")
    (house.workspace / "a.png").write_bytes(PIXEL)
    yield house
    await house.close()


def script() -> list[Any]:
    return [
        reply(reasoning(), text("Looking.", deltas=2), call("exec_command", {"cmd": "cat hello.py; ls; false"}), item(SEARCH)),
        reply(custom("apply_patch", PATCH, deltas=4), custom("apply_patch", OUTSIDE)),
        reply(call("exec_command", WISH), call("view_image", {"path": "a.png"}), call("mcp__rogue__run", {})),
        reply(*[call(f"mcp__fake__{tool}", given) for tool, given in (("echo", {"text": "x"}), ("fail", {}), ("image", {}))]),
        reply(call("mcp__fake__sums", {"numbers": [1, 2]}), call("mcp__fake__wipe", {"path": "/x"}), call("no_such_tool", {})),
        reply(call("update_plan", {"plan": [{"step": "a", "status": "completed"}, {"step": "b", "status": "in_progress"}]})),
        reply(call("request_user_input", {"questions": [QUESTION]})),
        reply(text("Done.", deltas=3)),
        error(
            400, {"error": {"message": "Unsupported parameter.", "type": "invalid_request_error", "param": None, "code": None}}
        ),
        reply(text("Going on.")),
        reply(text("Never said.", deltas=2, hold={1: "gate"})),
        reply(text("From the queue.")),
        reply(text("A summary.")),
        reply(text(json.dumps({"findings": [FINDING], "verdict": "incorrect", "summary": "x"}))),
    ]


async def test_all_that_a_client_is_told_of_whole_turns_is_as_the_schemas_say(
    house: House, model_server: ModelServer, printed: tuple[Schemas, Schemas]
) -> None:
    model_server.script(script())
    client = Client(house.agent())
    await client.result("initialize", HELLO)
    thread_id = (await client.result("thread/start", {"cwd": str(house.workspace)}))["thread"]["id"]
    assert (await client.turn_of(thread_id, "go"))["status"] == "completed"
    assert (await client.turn_of(thread_id, "fail"))["status"] == "failed"
    await the_rest(client, house, model_server, thread_id)
    said = client.said()
    check(printed, said)
    told = {method for kind, method, _ in said if kind == "ServerNotification"}
    assert told >= {"hook/completed", "turn/plan/updated", "turn/diff/updated", "item/fileChange/patchUpdated", "error"}
    assert {method for kind, method, _ in said if kind == "ServerRequest"} == {name for name in SERVER_REQUESTS if not ours(name)}
    kinds = {content["item"]["type"] for _, method, content in said if method == "item/completed"}
    assert kinds >= {
        "commandExecution",
        "fileChange",
        "mcpToolCall",
        "dynamicToolCall",
        "webSearch",
        "imageView",
        "contextCompaction",
        "enteredReviewMode",
        "exitedReviewMode",
    }
    unanswered = {name for name in CLIENT_REQUESTS if not ours(name)} - {method for kind, method, _ in said if kind == "answer"}
    assert unanswered == {"mcpServer/oauth/login"}
    await client.connection.close()


async def the_queue(client: Client, thread_id: str) -> None:
    """While a turn runs. One message waits afterwards."""
    said = {"threadId": thread_id, "input": [{"type": "text", "text": "later"}]}
    add = said | {"clientUserMessageId": "mine", "responsesapiClientMetadata": {"k": "v"}}
    ids = [(await client.result("thread/queue/add", add))["queuedSubmission"]["id"] for _ in range(2)]
    await client.result("thread/queue/update", said | {"queuedSubmissionId": ids[0]})
    await client.result("thread/queue/reorder", {"threadId": thread_id, "queuedSubmissionIds": ids[::-1]})
    assert [row["id"] for row in (await client.result("thread/queue/list", {"threadId": thread_id}))["data"]] == ids[::-1]
    await client.result("thread/queue/delete", {"threadId": thread_id, "queuedSubmissionId": ids[0]})
    await client.method("thread/queue/changed")


async def the_rest(client: Client, house: House, model_server: ModelServer, thread_id: str) -> None:
    """Every other method, once."""
    went_on = (await client.result("treadle/turn/continue", {"threadId": thread_id}))["turn"]["id"]
    assert (await client.ended(went_on))["status"] == "completed"
    said = {"threadId": thread_id, "input": [{"type": "text", "text": "stop"}]}
    turn_id = (await client.result("turn/start", said))["turn"]["id"]
    await model_server.reached("gate")
    await client.result("turn/steer", said | {"expectedTurnId": turn_id})
    await the_queue(client, thread_id)
    await client.result("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
    assert (await client.ended(turn_id))["status"] == "interrupted"
    queued = (await client.result("thread/queue/start", {"threadId": thread_id}))["turn"]["id"]
    assert (await client.ended(queued))["status"] == "completed"
    await client.result("thread/compact/start", {"threadId": thread_id})
    compacted = lambda m: m.get("params", {}).get("item", {}).get("type") == "contextCompaction"  # noqa: E731
    await client.until(lambda m: m.get("method") == "item/completed" and compacted(m))
    is_other = lambda m: m["params"]["turn"]["id"] not in (turn_id, went_on, queued)  # noqa: E731
    await client.until(lambda m: m.get("method") == "turn/completed" and is_other(m))
    await client.result("thread/name/set", {"threadId": thread_id, "name": "a name"})
    await client.result("thread/resume", {"threadId": thread_id})
    await client.result("thread/read", {"threadId": thread_id, "includeTurns": True})
    for method in ("thread/list", "thread/loaded/list", "model/list", "config/read", "skills/list", "mcpServerStatus/list"):
        await client.result(method, {})
    await client.result("account/read", {})
    lists = ("modelProvider", "permissionProfile", "experimentalFeature", "collaborationMode", "hooks")
    for method in (*(f"{noun}/list" for noun in lists), "modelProvider/capabilities/read", "configRequirements/read"):
        await client.result(method, {})
    await client.result("hooks/list", {"threadId": thread_id})
    await client.result("mcpServer/resource/read", {"threadId": thread_id, "server": "fake", "uri": "notes://today"})
    await client.result(
        "mcpServer/tool/call", {"threadId": thread_id, "server": "fake", "tool": "echo", "arguments": {"text": "x"}}
    )
    await client.result("config/mcpServer/reload")
    await client.result("treadle/mcp/list", {"threadId": thread_id})
    await client.result("treadle/mcp/restart", {"threadId": thread_id, "name": "fake"})
    await client.result("treadle/mcp/log", {"threadId": thread_id, "name": "fake"})
    await client.result("treadle/context/read", {"threadId": thread_id})
    await client.result("treadle/prompt/read", {"threadId": thread_id})
    ask = client.send("command/exec", {"command": ["cat"], "processId": "p", "tty": True, "streamStdin": True})
    await client.result("command/exec/resize", {"processId": "p", "size": {"rows": 10, "cols": 40}})
    await client.result("command/exec/write", {"processId": "p", "deltaBase64": "aGkK"})
    await client.method("command/exec/outputDelta")
    await client.result("command/exec/terminate", {"processId": "p"})
    await client.until(lambda m: m.get("id") == ask and "method" not in m)
    model_server.taken_back(None)  # the thread was compacted
    await the_past(client, thread_id, turn_id)
    assert (await client.result("thread/search", {"searchTerm": "stop"}))["data"]
    assert (await client.result("thread/searchOccurrences", {"threadId": thread_id, "searchTerm": "o"}))["data"]
    for method in ("thread/archive", "thread/unarchive", "thread/unsubscribe", "thread/delete"):
        await client.result(method, {"threadId": thread_id})


async def the_past(client: Client, thread_id: str, turn_id: str) -> None:
    """What is done to a thread besides its turns, and what was said before: looked at, copied, taken back."""
    words = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "mind the gap"}]}
    await client.result("thread/inject_items", {"threadId": thread_id, "items": [words]})
    await client.result("thread/shellCommand", {"threadId": thread_id, "command": "echo by hand"})
    by_hand = lambda m: m["params"]["item"].get("source") == "userShell"  # noqa: E731
    done = await client.until(lambda m: m.get("method") == "item/completed" and by_hand(m))
    await client.ended(done["params"]["turnId"])
    await client.result("thread/turns/list", {"threadId": thread_id, "itemsView": "full", "limit": 1})
    page = await client.result("thread/items/list", {"threadId": thread_id, "limit": 1})
    entry = page["data"][0]
    await client.result("thread/items/list", {"threadId": thread_id, "cursor": page["nextCursor"]})
    await client.result("thread/items/read", {"threadId": thread_id, "turnId": entry["turnId"], "itemIds": [entry["item"]["id"]]})
    await client.result("thread/resume", {"threadId": thread_id, "initialTurnsPage": {"limit": 2, "itemsView": "notLoaded"}})
    await client.result("thread/settings/update", {"threadId": thread_id, "effort": "low"})
    await client.method("thread/settings/updated")
    await client.result("thread/metadata/update", {"threadId": thread_id, "gitInfo": {"branch": "main", "sha": None}})
    await client.result("turn/settings/update", {"threadId": thread_id, "turnId": turn_id, "effort": "low"})
    await client.result("thread/backgroundTerminals/list", {"threadId": thread_id})
    await client.result("thread/backgroundTerminals/terminate", {"threadId": thread_id, "processId": "1"})
    await client.result("thread/backgroundTerminals/clean", {"threadId": thread_id})
    await client.result("thread/fork", {"threadId": thread_id, "lastTurnId": turn_id})
    review = await client.result("review/start", {"threadId": thread_id, "target": {"type": "baseBranch", "branch": "main"}})
    assert (await client.ended(review["turn"]["id"]))["status"] == "completed"
    await client.result("thread/revert", {"threadId": thread_id, "beforeTurnId": turn_id})
