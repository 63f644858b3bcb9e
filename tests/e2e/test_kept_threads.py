"""Finding, exporting and deleting threads in a whole sidecar: real store, real files; only the model's words are scripted."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, custom, reply, text
from fakes.house import PATCH, House
from fakes.peer import HELLO, Peer
from fakes.responses import ModelServer
from treadle.adapters.store.sqlite import SqliteStore
from treadle.core.items import decode

LONG = {"cmd": "for n in $(seq 1 30000); do echo Zirkonium $n; done", "login": False}


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> House:
    return House(tmp_path, model_server)


@pytest.fixture
async def client(house: House) -> AsyncIterator[Peer]:
    agent = house.agent()
    peer = Peer(agent)
    await peer.result("initialize", HELLO)
    yield peer
    await agent.close()


async def said(client: Peer, house: House, words: str, **more: Any) -> str:
    """A thread with one turn that has ended."""
    thread = (await client.result("thread/start", {"cwd": str(house.workspace), **more}))["thread"]
    turn = await client.result("turn/start", {"threadId": thread["id"], "input": [{"type": "text", "text": words}]})
    await client.until(lambda m: m.get("method") == "turn/completed" and m["params"]["turn"]["id"] == turn["turn"]["id"])
    return thread["id"]


async def ids(client: Peer, method: str = "thread/search", **params: Any) -> list[str]:
    found = (await client.result(method, params))["data"]
    return [row.get("thread", row)["id"] for row in found]


async def test_threads_are_found_by_what_was_said_done_and_named(client: Peer, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "echo leopards", "login": False})), reply(text("They are spotted."))])
    first = await said(client, house, "look for tigers")
    model_server.script([reply(text("No tigers here."))])
    second = await said(client, house, "something else")
    await client.result("thread/name/set", {"threadId": second, "name": "Zoo visit"})
    assert await ids(client, searchTerm="tigers") == [second, first]
    assert await ids(client, searchTerm="tigers", sortDirection="asc") == [first, second]
    assert await ids(client, searchTerm="leopards") == [first]
    assert await ids(client, searchTerm='"zoo vis') == [second]
    assert await ids(client, searchTerm="->") == []
    assert await ids(client, searchTerm="tigers", sourceKinds=["exec"]) == []
    page = await client.result("thread/search", {"searchTerm": "tigers", "limit": 1})
    assert page["data"][0]["snippet"] == "No tigers here."
    rest = await client.result("thread/search", {"searchTerm": "tigers", "limit": 1, "cursor": page["nextCursor"]})
    assert ([row["thread"]["id"] for row in rest["data"]], rest["nextCursor"]) == ([first], None)
    back = {"searchTerm": "tigers", "sortDirection": "asc", "cursor": rest["backwardsCursor"]}
    assert await ids(client, **back) == [second]
    await client.result("thread/archive", {"threadId": first})
    assert await ids(client, searchTerm="tigers") == [second]
    assert await ids(client, searchTerm="tigers", archived=True) == [first]


async def test_lists_filter_and_go_backwards(client: Peer, house: House) -> None:
    threads = [(await client.result("thread/start", {"cwd": str(house.workspace)}))["thread"]["id"] for _ in range(4)]
    newest = await client.result("thread/list", {"limit": 2})
    assert [row["id"] for row in newest["data"]] == threads[:1:-1]
    older = await client.result("thread/list", {"limit": 2, "cursor": newest["nextCursor"]})
    assert [row["id"] for row in older["data"]] == threads[1::-1]
    back = {"limit": 9, "sortDirection": "asc", "cursor": older["backwardsCursor"]}
    assert await ids(client, "thread/list", **back) == threads[2:]
    assert await ids(client, "thread/list", excludedThreadIds=threads[1:]) == threads[:1]
    assert await ids(client, "thread/list", modelProviders=["scripted"]) == threads[::-1]
    assert await ids(client, "thread/list", modelProviders=["openai"]) == []
    assert await ids(client, "thread/list", sourceKinds=["vscode", "exec"]) == []
    assert await ids(client, "thread/list", sourceKinds=["appServer"]) == threads[::-1]
    assert await ids(client, "thread/list", cwd="/elsewhere") == []


async def test_places_in_a_thread_are_given_in_the_client_s_units(client: Peer, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("A \N{TIGER FACE} tiger, a TIGER."))])
    thread_id = await said(client, house, "tiger?")
    found = await client.result("thread/searchOccurrences", {"threadId": thread_id, "searchTerm": "tiger"})
    marks = [
        row["snippet"].encode("utf-16-le")[slice(*(2 * row["snippetMatchRange"][end] for end in ("start", "end")))]
        for row in found["data"]
    ]
    assert [mark.decode("utf-16-le") for mark in marks] == ["tiger", "tiger", "TIGER"]
    assert found["nextCursor"] is None
    page = await client.result("thread/searchOccurrences", {"threadId": thread_id, "searchTerm": "tiger", "limit": 2})
    rest = {"threadId": thread_id, "searchTerm": "tiger", "limit": 2, "cursor": page["nextCursor"]}
    assert (await client.result("thread/searchOccurrences", rest))["data"] == found["data"][2:]
    items = (await client.result("thread/read", {"threadId": thread_id, "includeTurns": True}))["thread"]["turns"][0]["items"]
    turns = {"threadId": thread_id, "sortDirection": "asc", "cursor": found["data"][0]["turnCursor"]}
    assert (await client.result("thread/turns/list", turns))["data"][0]["id"] == found["data"][0]["turnId"]
    assert [row["itemId"] for row in found["data"]] == [items[0]["id"], items[1]["id"], items[1]["id"]]
    refused = await client.ask("thread/searchOccurrences", {"threadId": thread_id, "searchTerm": ""})
    assert refused["error"]["code"] == -32602


async def test_nothing_of_a_deleted_thread_is_left_in_any_file(client: Peer, house: House, model_server: ModelServer) -> None:
    model_server.script(
        [
            reply(call("exec_command", LONG)),
            reply(custom("apply_patch", PATCH)),
            reply(text("Zirkonium is done.")),
        ]
    )
    gone = await said(client, house, "print Zirkonium")
    model_server.script([reply(text("Molybdaen is done."))])
    kept = await said(client, house, "print Molybdaen")

    def holding(word: str) -> set[str]:
        files = [path for path in house.homes.treadle.rglob("*") if path.is_file()]
        end = word[3:].lower().encode()
        return {str(path.relative_to(house.homes.treadle)) for path in files if end in path.read_bytes().lower()}

    assert any(name.startswith("outputs/") for name in holding("Zirkonium"))
    await client.result("thread/delete", {"threadId": gone})
    told = await client.method("thread/deleted")
    assert told["params"] == {"threadId": gone}
    assert holding("Zirkonium") == set()
    assert gone not in "".join(str(path) for path in house.homes.treadle.rglob("*"))
    assert await ids(client, "thread/list") == [kept]
    assert await ids(client, searchTerm="molybdaen") == [kept]
    for method in ("thread/delete", "thread/read", "thread/resume", "treadle/thread/export"):
        assert "no thread with the id" in (await client.ask(method, {"threadId": gone}))["error"]["message"]


async def test_what_others_do_later_brings_nothing_of_a_deleted_thread_back(
    client: Peer, house: House, model_server: ModelServer
) -> None:
    def edit(before: str, after: str) -> None:
        patch = f"*** Begin Patch\n*** Update File: hello.py\n@@\n-print('{before}')\n+print('{after}')\n*** End Patch"
        model_server.script([reply(custom("apply_patch", patch)), reply(text("Done."))])

    edit("helo", "one")
    kept = await said(client, house, "first")
    edit("one", "two")
    gone = await said(client, house, "second")
    await client.result("thread/delete", {"threadId": gone})
    edit("two", "three")
    turn = await client.result("turn/start", {"threadId": kept, "input": [{"type": "text", "text": "third"}]})
    await client.until(lambda m: m.get("method") == "turn/completed" and m["params"]["turn"]["id"] == turn["turn"]["id"])
    assert (house.workspace / "hello.py").read_text() == "print('three')\n"
    files = [path for path in house.homes.treadle.rglob("*") if path.is_file()]
    assert [path.name for path in files if gone.encode() in path.read_bytes()] == []


async def test_a_running_thread_is_stopped_and_deleted(client: Peer, house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "sleep 1000", "login": False}))])
    thread = (await client.result("thread/start", {"cwd": str(house.workspace)}))["thread"]["id"]
    await client.result("turn/start", {"threadId": thread, "input": [{"type": "text", "text": "wait"}]})
    await client.until(lambda m: m.get("method") == "item/started" and m["params"]["item"]["type"] == "commandExecution")
    await client.result("thread/delete", {"threadId": thread})
    assert await ids(client, "thread/list") == []
    assert (await client.result("thread/loaded/list", {}))["data"] == []


async def test_a_thread_that_another_process_has_open_is_not_deleted(
    client: Peer, house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("Done."))])
    thread_id = await said(client, house, "hello")
    code = """
import sys
from pathlib import Path
from treadle.adapters.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
print(store.claim(sys.argv[2]), flush=True)
sys.stdin.read()
"""
    await client.result("thread/archive", {"threadId": thread_id})
    arguments = [sys.executable, "-c", code, str(house.homes.treadle), thread_id]
    other = await asyncio.create_subprocess_exec(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout
    assert await other.stdout.readline() == b"True\n"
    refused = await client.ask("thread/delete", {"threadId": thread_id})
    assert "open in another process" in refused["error"]["message"]
    assert refused["error"]["data"] == {"reason": "openElsewhere"}
    await other.communicate(b"")
    await client.result("thread/delete", {"threadId": thread_id})


async def test_an_export_to_json_lines_holds_the_bytes_of_the_store(
    client: Peer, house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "echo h\u00e9 '\u2028'", "login": False})), reply(text("Done."))])
    thread_id = await said(client, house, "hello")
    found = await client.result("treadle/thread/export", {"threadId": thread_id, "format": "jsonl"})
    assert found["name"] == f"{thread_id}.jsonl"
    store = SqliteStore(house.homes.treadle)
    head, *lines, end = found["text"].split("\n")
    assert (json.loads(head)["id"], end) == (thread_id, "")
    assert lines == store.item_lines(thread_id)
    assert [decode(line) for line in lines] == store.load(thread_id)[1]
    store.close()
    read = await client.result("treadle/thread/export", {"threadId": thread_id})
    assert read["name"] == f"{thread_id}.md"
    assert "### You\n\nhello" in read["text"]
    assert "$ echo h\u00e9" in read["text"]


async def test_an_ephemeral_thread_can_be_exported_and_is_gone_when_deleted(
    client: Peer, house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(text("Done."))])
    thread_id = await said(client, house, "hello", ephemeral=True)
    found = await client.result("treadle/thread/export", {"threadId": thread_id, "format": "jsonl"})
    assert [decode(line).type for line in found["text"].splitlines()[1:]][-1] == "turn_ended"
    await client.result("thread/delete", {"threadId": thread_id})
    assert (await client.result("thread/loaded/list", {}))["data"] == []
