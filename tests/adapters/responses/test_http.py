"""The adapter against a real HTTP server on loopback: what is sent, what comes back, what is closed."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys

import pytest
from driving import ask, failure, models, provider, request, stream

from fakes import call, error, fault, hold, item, raw, reasoning, reply, said, text
from fakes.responses import ModelServer
from treadle.adapters.responses import http
from treadle.core.replies import Delta, ItemDone, ReplyCompleted, ReplyEvent

KEY = "sk-test-0123456789abcdef"


async def test_a_reply_streams_and_ends_with_finished_items_and_usage(model_server: ModelServer) -> None:
    model_server.script([[reasoning("Hm."), text("hello there", deltas=3), call("exec_command", {"cmd": "ls"})]])
    async with models() as source:
        events = await ask(source, provider(model_server))
    assert "".join(e.text for e in events if isinstance(e, Delta) and e.kind == "text") == "hello there"
    assert [e.kind for e in events if isinstance(e, ItemDone)] == ["reasoning", "message", "function_call"]
    end = events[-1]
    assert isinstance(end, ReplyCompleted)
    assert end.usage is not None and end.usage.total_tokens > 0


async def test_reasoning_keeps_its_encrypted_content_byte_for_byte(model_server: ModelServer) -> None:
    payload = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAAB+/é=" * 5000, "content": None}
    model_server.script([[item(payload)]])
    async with models() as source:
        done = [e for e in await ask(source, provider(model_server)) if isinstance(e, ItemDone)]
    assert json.dumps(done[0].payload) == json.dumps(payload)


async def test_the_body_is_sent_untouched_with_the_headers_of_the_provider(model_server: ModelServer) -> None:
    model_server.script([text("ok")])
    place = provider(
        model_server,
        env_key="FAKE_KEY",
        http_headers=(("X-Team", "blue"), ("originator", "mine")),
        env_http_headers=(("X-Org", "FAKE_ORG"), ("X-None", "FAKE_UNSET")),
        query_params=(("api-version", "2026-01-01"),),
    )
    prompt = request('{"role":"user","content":"héllo 😀"}'.encode())
    async with models(KEY, {"FAKE_ORG": "acme"}) as source:
        await ask(source, place, prompt)
    sent = model_server.requests[0]
    assert sent.raw == prompt.body()
    assert sent.path == "/v1/responses?api-version=2026-01-01"
    expected = {
        "authorization": f"Bearer {KEY}",
        "accept": "text/event-stream",
        "content-type": "application/json",
        "session_id": "thread-1",
        "x-team": "blue",
        "x-org": "acme",
        "originator": "mine",
    }
    assert expected.items() <= sent.headers.items()
    assert sent.headers["user-agent"].startswith("treadle/")
    assert "x-none" not in sent.headers


async def test_five_requests_share_one_connection_even_after_an_error(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SOON_SECONDS", 60.0)  # on a busy machine a connection that is about to be free takes longer
    model_server.script([text("1"), text("2"), error(500, said("no")), text("4", deltas=50), reply(text("5"), done_marker=True)])
    async with models() as source:
        place = provider(model_server)
        for number in range(5):
            await (failure if number == 2 else ask)(source, place)
    assert len(model_server.requests) == 5
    assert model_server.connections == 1


async def test_parallel_requests_do_not_wait_for_each_other(model_server: ModelServer) -> None:
    model_server.script(lambda asked, _: [text(asked["prompt_cache_key"]), hold("all")])
    async with models() as source:
        place = provider(model_server)
        asked = [asyncio.create_task(ask(source, place, request(thread=f"t{n}"))) for n in range(8)]
        await model_server.until(lambda s: len(s.requests) == 8)
        model_server.release("all")
        replies = await asyncio.gather(*asked)
    assert [r[1].text for r in replies if isinstance(r[1], Delta)] == [f"t{n}" for n in range(8)]


async def test_what_came_is_delivered_while_the_stream_is_still_open(model_server: ModelServer) -> None:
    model_server.script([text("ab", deltas=2, hold={1: "gate"})])
    async with models() as source, stream(source, provider(model_server)) as batches:
        seen: list[ReplyEvent] = []
        while not (seen and isinstance(seen[-1], Delta)):
            seen += await anext(batches)
        assert isinstance(seen[-1], Delta) and seen[-1].text == "a"
        model_server.release("gate")
        async for batch in batches:
            seen += batch
        assert isinstance(seen[-1], ReplyCompleted)


async def test_leaving_a_stream_closes_its_connection_at_once(model_server: ModelServer) -> None:
    model_server.script([text("ab", deltas=2, hold={1: "never"}), text("next")])
    async with models() as source:
        place = provider(model_server)
        async with stream(source, place) as batches:
            await anext(batches)
        await model_server.until(lambda s: s.dropped == 1)
        assert isinstance((await ask(source, place))[-1], ReplyCompleted)


@pytest.mark.parametrize("script", [text("ab", deltas=2, hold={1: "never"}), fault("silent"), fault("stall", text("a"))])
async def test_cancelling_the_task_closes_the_connection_and_leaves_no_task(model_server: ModelServer, script: object) -> None:
    model_server.script([script])  # type: ignore[list-item]
    before = asyncio.all_tasks()
    async with models() as source:
        task = asyncio.create_task(ask(source, provider(model_server)))
        await model_server.until(lambda s: len(s.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model_server.until(lambda s: s.dropped == 1)
        assert asyncio.all_tasks() == before


async def test_a_slow_consumer_stops_the_reading_instead_of_filling_the_memory(model_server: ModelServer) -> None:
    model_server.script([text("x" * 8_000_000, deltas=8_000)])
    async with models() as source, stream(source, provider(model_server)) as batches:
        sizes = [sum(len(e.text) for e in batch if isinstance(e, Delta)) async for batch in batches]
    assert sum(sizes) == 8_000_000
    assert max(sizes) < 2_000_000


async def test_one_event_larger_than_the_read_ahead_still_arrives(model_server: ModelServer) -> None:
    model_server.script([[item({"type": "message", "id": "m", "content": "y" * 3_000_000})]])
    async with models() as source, asyncio.timeout(60):
        events = await ask(source, provider(model_server))
    assert isinstance(events[-1], ReplyCompleted)


async def test_malformed_events_are_counted_and_the_reply_completes(model_server: ModelServer) -> None:
    junk = raw(b"data: {nope\n\n: comment\n\nevent: x\ndata: \xff\n\ndata: [DONE]\n\n")
    model_server.script([[text("a"), junk, text("b")]])
    async with models() as source:
        end = (await ask(source, provider(model_server)))[-1]
    assert isinstance(end, ReplyCompleted)
    assert end.skipped == 2


async def test_a_late_end_of_the_stream_does_not_delay_the_reply(model_server: ModelServer) -> None:
    ended = raw(b'data: {"type":"response.completed","response":{"id":"r"}}\n\n')
    model_server.script([reply(ended, hold("late"), end="none"), text("next")])
    async with models() as source, asyncio.timeout(60):
        assert isinstance((await ask(source, provider(model_server)))[-1], ReplyCompleted)
        model_server.release("late")
        await ask(source, provider(model_server))


async def test_no_key_is_in_a_log_or_an_error_even_when_the_provider_echoes_it(
    model_server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = said(f"Incorrect API key provided: {KEY}, team hunter2hunter2", "invalid_api_key")
    model_server.script(
        [error(401, echo), error(500, f"{KEY}"), reply(end="failed", error={"code": "x", "message": KEY}), text("ok")]
    )
    place = provider(
        model_server, env_key="FAKE_KEY", http_headers=(("X-Secret", "hunter2hunter2"),), query_params=(("key", "q-secret-0123"),)
    )
    shown = repr(place)
    async with models(KEY) as source:
        for _ in range(3):
            wrong = await failure(source, place)
            shown += f"{wrong!r} {wrong} {wrong.sentence()} {wrong.details}"
        await ask(source, place)
    assert any(KEY in r.headers["authorization"] for r in model_server.requests)
    for secret in (KEY, "hunter2hunter2", "q-secret-0123"):
        assert secret not in caplog.text
    for secret in (KEY, "hunter2hunter2"):
        assert secret not in shown


@pytest.mark.parametrize("key", ["sk-secret-one\nX-Evil: 1", "sk-sécret-two"])
async def test_a_key_that_cannot_be_sent_is_named_but_not_quoted(model_server: ModelServer, key: str) -> None:
    async with models(key) as source:
        wrong = await failure(source, provider(model_server, env_key="FAKE_KEY"))
    assert wrong.kind == "unauthorized"
    assert "cret" not in f"{wrong!r}{wrong.sentence()}{wrong.details}"
    assert not model_server.requests


def test_importing_the_adapter_does_not_load_the_http_library() -> None:
    code = "import sys, treadle.adapters.responses; assert not {'httpx', 'httpcore', 'h11'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
async def test_a_proxy_of_the_environment_is_used_but_never_for_this_machine(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    model_server.script([text("far"), text("near")])
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(variable, model_server.base_url.removesuffix("/v1"))
    async with models() as source:
        await ask(source, provider(base_url="http://provider.invalid/v1"))
        await ask(source, provider(model_server), request(thread="thread-2"))
    assert [r.path for r in model_server.requests] == ["http://provider.invalid/v1/responses", "/v1/responses"]
