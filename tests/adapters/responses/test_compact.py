"""The compaction endpoint over a real HTTP server: what is sent, what comes back, and every way in which it can be missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes import error, said
from fakes.responses import ModelServer
from treadle.adapters.responses import ResponsesModels
from treadle.core.errors import ModelError
from treadle.core.items import Opening, Text, UserMessage
from treadle.core.prompt import Request
from treadle.core.replies import Compacted
from treadle.core.settings import Provider, Settings
from treadle.core.thread import Thread


def request() -> Request:
    thread = Thread("thread-1", [Opening("o", 1.0, "m", "p", "be good", '[{"type":"function","name":"f"}]')])
    thread.append(UserMessage("u", 1.0, "t", (Text("hi ☃"),)))
    return thread.prompt.request({"model": "m", "reasoning": {"effort": "low"}})


async def compact(server: ModelServer, answer: Any) -> Compacted:
    server.compactions = [answer]
    provider = Provider("p", "Scripted", server.base_url, compact_endpoint=True)
    models = ResponsesModels(lambda _: "sk-secret-123456", {})
    try:
        return await models.get(provider, Settings("/ws", "m", provider)).compact(request())
    finally:
        await models.close()


async def test_the_endpoint_is_sent_the_model_the_instructions_and_the_input_and_nothing_else(model_server: ModelServer) -> None:
    items = [{"type": "compaction", "encrypted_content": "ENC", "unknown": {"z": 1, "a": [None]}}]
    answer = await compact(model_server, items)
    assert list(answer.items) == items
    assert answer.usage is not None
    assert answer.usage.output_tokens == 50
    (sent,) = model_server.compacted
    assert sent.path == "/v1/responses/compact"
    assert sorted(sent.json) == ["input", "instructions", "model", "prompt_cache_key"]
    assert sent.json["input"] == request().parsed()["input"]
    assert sent.headers["authorization"] == "Bearer sk-secret-123456"


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_missing_endpoint_is_told_by_its_status(model_server: ModelServer, status: int) -> None:
    with pytest.raises(ModelError) as caught:
        await compact(model_server, error(status, said("no such path")))
    assert caught.value.status == status
    assert caught.value.kind != "model_not_found"


async def test_an_unknown_model_is_told_from_a_missing_endpoint(model_server: ModelServer) -> None:
    with pytest.raises(ModelError) as caught:
        await compact(model_server, error(404, said("The model 'm' does not exist", "model_not_found")))
    assert caught.value.kind == "model_not_found"


GARBAGE = [
    b"",
    b"<html>",
    b"[]",
    b"null",
    b"{}",
    b'{"output":null}',
    b'{"output":"x"}',
    b'{"output":[1]}',
    b"[" * 100_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", GARBAGE, ids=[repr(body[:12]) for body in GARBAGE])
async def test_garbage_is_an_error_with_a_sentence(model_server: ModelServer, body: bytes) -> None:
    with pytest.raises(ModelError, match="did not answer its compaction endpoint"):
        await compact(model_server, error(200, body or b" "))


async def test_an_answer_without_end_is_given_up(model_server: ModelServer) -> None:
    with pytest.raises(ModelError, match="too"):
        await compact(model_server, error(200, b"x" * (17 * 1024 * 1024)))


async def test_an_error_of_the_server_never_shows_the_key(model_server: ModelServer) -> None:
    with pytest.raises(ModelError) as caught:
        await compact(model_server, error(500, json.dumps(said("bad key sk-secret-123456"))))
    assert caught.value.status == 500
    assert "sk-secret" not in f"{caught.value.sentence()} {caught.value.details}"
