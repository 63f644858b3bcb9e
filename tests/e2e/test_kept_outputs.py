"""The whole sidecar in one process: an output that was cut for the model is read in ranges, by a command in the sandbox and by a
client through the door."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fakes import call, reply, text
from fakes.place import Place
from fakes.replies import Reply
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.server.methods import Exchange
from treadle.server.methods import call as answer
from treadle.server.wire.methods import CLIENT_REQUESTS

COUNT = "for i in $(seq 1 5000); do echo line-$i; done"


def told(request: dict[str, Any]) -> str:
    return [entry["output"] for entry in request["input"] if entry["type"].endswith("_output")][-1]


def path_in(output: str) -> str:
    found = re.search(r"^Full output: (\S+) ", output, re.MULTILINE)
    assert found is not None
    return found.group(1)


async def test_a_cut_output_is_read_in_ranges_in_the_sandbox_and_by_clients(tmp_path: Path, model_server: ModelServer) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if number == 0:
            return reply(call("exec_command", {"cmd": COUNT, "max_output_tokens": 200, "login": False}))
        if number == 1:
            path = path_in(told(request))
            return reply(call("exec_command", {"cmd": f"sed -n '2500,2501p' {path}; echo x >> {path}", "login": False}))
        return reply(text("Done."))

    model_server.script(script)
    place, client = Place(tmp_path, model_server), RecordingClient()
    agent = place.agent()
    thread_id = await place.open(agent, client)
    turn = await more(agent, client, thread_id, "count")
    assert (await client.turn_end(turn)).status == "completed"
    first, second = (told(request.json) for request in model_server.requests[1:])
    assert "tokens truncated" in first
    assert "line-2500\nline-2501\n" in second
    assert "Read-only file system" in second
    path = Path(path_in(first))
    assert path.is_relative_to(place.homes.treadle)
    exchange = Exchange(agent, client, "tests")
    card = client.calls_completed()[0]
    joined, at, size = "", 0, 1
    while at < size:
        params = {"threadId": thread_id, "itemId": card.id, "offset": at, "limit": 10_000}
        part = await answer("treadle/output/read", params, exchange)
        CLIENT_REQUESTS["treadle/output/read"][1].model_validate(part)
        joined, at, size = joined + part["text"], part["end"], part["size"]
    assert joined == "".join(f"line-{number}\n" for number in range(1, 5_001))
    short = await answer("treadle/output/read", {"threadId": thread_id, "itemId": client.calls_completed()[1].id}, exchange)
    assert short["text"].startswith("line-2500\nline-2501\n")
    await agent.close()
