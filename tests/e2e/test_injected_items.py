"""Whole agents whose prompts get items from a client: they are in the next request, byte for byte, and last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes import call, hold, reply, text
from fakes.house import House
from fakes.responses import ModelServer
from fakes.turning import resumed, say, turn_ids
from fakes.world import RecordingClient
from treadle.core.errors import RequestRefused
from treadle.core.ops import ReadPrompt, ResumeThread, RevertThread, StartThread, UndoRevert
from treadle.core.thread_ops import InjectItems

WORDS = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I looked ahead: ü"}]}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"at": 1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "seen"}
RAW = b",".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode() for item in (WORDS, CALL, OUTPUT))


async def test_what_a_client_adds_is_in_the_next_request_also_after_a_restart(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one"), text("two"), text("three")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await client.turn_end(first)
    await agent.submit(InjectItems(thread_id, (WORDS, CALL, OUTPUT)), client)
    shown: Any = await agent.submit(ReadPrompt(thread_id), client)
    assert [part.source for part in shown.parts if not part.turn_id][-4:-1] == ["added by a client"] * 3
    await agent.close()
    agent = house.agent()
    await resumed(agent, thread_id)
    second = await say(agent, client, thread_id, "two")
    assert RAW in model_server.requests[1].raw
    assert await turn_ids(agent, thread_id) == [first, second]
    with pytest.raises(RequestRefused, match=r"items\.0\.call_id: there is a call c1 already"):
        await agent.submit(InjectItems(thread_id, (CALL, OUTPUT)), client)
    with pytest.raises(RequestRefused, match=r"items\.0\.type"):
        await agent.submit(InjectItems(thread_id, ({"type": "compaction"},)), client)
    await agent.submit(RevertThread(thread_id, second), client)
    await agent.submit(InjectItems(thread_id, (WORDS,)), client)
    with pytest.raises(RequestRefused, match="nothing can be given back"):
        await agent.submit(UndoRevert(thread_id), client)
    model_server.taken_back(to=0)
    await say(agent, client, thread_id, "three")
    await agent.close()


async def test_a_thread_can_begin_with_what_a_client_adds(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([text("one")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    state: Any = await agent.submit(StartThread(), client)
    await agent.submit(InjectItems(state.meta.id, (WORDS,)), client)
    await say(agent, client, state.meta.id, "one")
    assert model_server.requests[0].json["input"][0] == WORDS
    await agent.close()


async def test_while_a_turn_runs_what_is_added_goes_with_its_next_step_or_waits_for_the_next_turn(
    tmp_path: Path, model_server: ModelServer
) -> None:
    echo = call("exec_command", {"cmd": "echo hi"})
    model_server.script([reply(hold("first"), echo), reply(hold("second"), text("one")), text("two")])
    house, client = House(tmp_path, model_server), RecordingClient()
    agent = house.agent()
    thread_id, first = await house.begin(agent, client, "one")
    await model_server.reached("first")
    await agent.submit(InjectItems(thread_id, (WORDS,)), client)
    model_server.release("first")
    await model_server.reached("second")
    assert model_server.requests[1].json["input"][-1] == WORDS
    late = WORDS | {"role": "user", "content": "too late for this turn"}
    await agent.submit(InjectItems(thread_id, (late,)), client)
    model_server.release("second")
    await client.turn_end(first)
    await agent.close()
    agent = house.agent()
    await agent.submit(ResumeThread(thread_id), client)
    await say(agent, client, thread_id, "two")
    assert late in model_server.requests[2].json["input"]
    await agent.close()
