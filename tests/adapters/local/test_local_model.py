"""The embedded model for real: one server with the small weights for the whole file."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from treadle.adapters.local import EmbeddedModel, dialogue
from treadle.core.errors import ModelError
from treadle.core.items import dumps
from treadle.core.prompt import Request
from treadle.core.replies import Delta, ItemDone, ReplyCompleted, ReplyEvent
from treadle.core.settings import LocalModel

pytestmark = [pytest.mark.local_model, pytest.mark.asyncio(loop_scope="module")]

SETTINGS = LocalModel(size="0.5b", context=2048)
INSTRUCTIONS = "You are Treadle, a coding agent that works in the user's folder with shell commands. Be brief."
COUNT = "Write the numbers from 1 to 900, separated by commas."
Item = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(weights_home: Path) -> AsyncIterator[EmbeddedModel]:
    os.environ["TREADLE_TEST_SECRET"] = "sk-secret"
    running = EmbeddedModel(SETTINGS, home=weights_home, environ={"HF_HUB_OFFLINE": "1"})
    yield running
    del os.environ["TREADLE_TEST_SECRET"]
    process = running.server.pid
    await running.close()
    assert process is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def told(text: str, role: str = "user") -> Item:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def request(*items: Item, instructions: str = INSTRUCTIONS, tools: tuple[str, ...] = ("exec_command",)) -> Request:
    """Without tools the model can only answer."""
    body = {"instructions": instructions, "tools": [{"type": "function", "name": name} for name in tools], "input": items}
    return Request(dumps(body).encode(), (), b"", "local")


async def reply(model: EmbeddedModel, asked: Request) -> list[ReplyEvent]:
    return [event async for batch in model.stream(asked) for event in batch]


def outcome(events: list[ReplyEvent]) -> tuple[Item, ReplyCompleted]:
    done, completed = events[-2:]
    assert isinstance(done, ItemDone)
    assert isinstance(completed, ReplyCompleted)
    assert completed.usage is not None
    return done.payload, completed


async def test_text_streams_in_pieces_and_is_whole_at_the_end(model: EmbeddedModel) -> None:
    events = await reply(model, request(told("Say hello to Anna."), tools=()))
    payload, completed = outcome(events)
    pieces = [event.text for event in events if isinstance(event, Delta)]
    assert len(pieces) > 1
    assert "".join(pieces) == payload["content"][0]["text"]
    assert "{" not in pieces[0]
    assert completed.usage
    assert completed.usage.output_tokens > len(pieces)


async def test_a_wish_to_run_something_is_an_ordinary_call(model: EmbeddedModel) -> None:
    payload, _ = outcome(await reply(model, request(told("Show the git status."))))
    assert (payload["type"], payload["name"]) == ("function_call", "exec_command")
    assert "git status" in json.loads(payload["arguments"])["cmd"]


async def test_an_exact_prefix_is_reused_and_a_changed_first_byte_is_not(model: EmbeddedModel) -> None:
    rules = told("Rules: " + " ".join(f"rule {n} is to be kept;" for n in range(8)), "developer")
    thread = [rules, told("Run git status, then answer with one word.")]
    call, first = outcome(await reply(model, request(*thread)))
    thread += [call, {"type": "function_call_output", "call_id": call["call_id"], "output": "nothing to commit"}]
    said, second = outcome(await reply(model, request(*thread)))
    thread += [said, told("Thank you. Now run ls.")]
    _, third = outcome(await reply(model, request(*thread)))
    _, changed = outcome(await reply(model, request(*thread, instructions="X" + INSTRUCTIONS)))
    assert first.usage and second.usage and third.usage and changed.usage
    # All that was read and generated before, but for the last token, which is read again: so it went back to the byte.
    assert second.usage.cached_input_tokens >= first.usage.total_tokens - 2
    assert third.usage.cached_input_tokens >= second.usage.total_tokens - 2
    assert changed.usage.input_tokens >= third.usage.input_tokens
    assert changed.usage.cached_input_tokens < 10


async def test_a_thread_that_is_too_long_is_said_to_be(model: EmbeddedModel) -> None:
    with pytest.raises(ModelError) as raised:
        await reply(model, request(told("word " * 3000)))
    assert raised.value.kind == "context_overflow"
    assert not raised.value.retryable


async def slot(model: EmbeddedModel) -> Item:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(f"{model.server.address}/slots", headers={"authorization": f"Bearer {model.server.key}"})
    return answer.json()[0]


async def test_leaving_the_stream_ends_the_computation(model: EmbeddedModel) -> None:
    stream = model.stream(request(told(COUNT), tools=()))
    async for batch in stream:
        if any(isinstance(event, Delta) for event in batch):
            break
    assert (await slot(model))["is_processing"]
    await stream.aclose()  # type: ignore[attr-defined]
    while (now := await slot(model))["is_processing"]:  # noqa: ASYNC110 - only polling tells
        await asyncio.sleep(0.02)
    assert now["next_token"][0]["n_decoded"] < dialogue.MAX_OUTPUT_TOKENS / 2


async def test_the_server_asks_for_its_key_and_keeps_it_to_itself(model: EmbeddedModel) -> None:
    await model.warm()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(f"{model.server.address}/v1/models", headers={"origin": "http://evil.example"})
        refused = await client.post(f"{model.server.address}/v1/responses", json={"input": "hi"})
    assert "evil.example" not in str(answer.headers)
    assert refused.status_code == 401
    about = Path(f"/proc/{model.server.pid}")
    assert model.server.key.encode() not in (about / "cmdline").read_bytes() + (about / "environ").read_bytes()
    assert b"sk-secret" not in (about / "environ").read_bytes()


async def test_a_server_killed_in_mid_answer_is_reported_and_started_again(model: EmbeddedModel) -> None:
    stream = model.stream(request(told(COUNT), tools=()))
    async for batch in stream:
        if any(isinstance(event, Delta) for event in batch):
            break
    killed = model.server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(ModelError) as raised:
        async for _ in stream:
            pass
    assert (raised.value.kind, raised.value.retryable) == ("stream_cut", True)
    payload, _ = outcome(await reply(model, request(told("Show the git status."))))
    assert payload["type"] == "function_call"
    assert model.server.pid != killed


async def test_a_start_is_shared_by_those_who_wait_for_it(model: EmbeddedModel) -> None:
    await model.server.close()
    leaver, stayer = asyncio.create_task(model.warm()), asyncio.create_task(model.warm())
    await asyncio.sleep(0)
    leaver.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leaver
    await stayer
    first = model.server.pid
    await model.warm()
    assert model.server.alive
    assert model.server.pid == first
