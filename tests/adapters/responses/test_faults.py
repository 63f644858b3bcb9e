"""Every way a provider can fail: how often it is asked, how long we would wait, and what the user reads."""

from __future__ import annotations

import ssl
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from driving import ask, failure, models, persist, provider

from fakes import call, error, failed, fault, incomplete, raw, reply, said, text
from fakes.ports import reserved_port
from fakes.replies import Reply
from fakes.responses import ModelServer
from treadle.adapters.responses.errors import Faults, retry_after
from treadle.core.replies import ItemDone, ReplyCompleted

BACKOFF = [0.2, 0.4, 0.8, 1.6, 3.2]


def always(answer: Reply) -> Any:
    return lambda _asked, _number: answer


@pytest.mark.parametrize(
    ("answer", "kind", "waits"),
    [
        (error(429, said("Slow down.")), "rate_limited", BACKOFF[:4]),
        (error(429, said("Slow down."), {"retry-after": "2"}), "rate_limited", [2.1] * 4),
        (error(429, said("Limit reached. Please try again in 1.2s.")), "rate_limited", [1.26] * 4),
        (error(500, said("Oops.")), "server", BACKOFF[:4]),
        (error(502, "<html>bad gateway</html>"), "server", BACKOFF[:4]),
        (error(503, said("Busy.")), "overloaded", BACKOFF[:4]),
        (error(500, said("Oops."), {"retry-after": "3"}), "server", [3.15] * 4),
        (error(408, said("Late.")), "server", BACKOFF[:4]),
        (error(429, said("Come tomorrow."), {"retry-after": "86400"}), "rate_limited", []),
        (error(429, said("You exceeded your quota.", "insufficient_quota")), "quota", []),
        (error(400, said("Bad.")), "bad_request", []),
        (error(400, said("Too long.", "context_length_exceeded")), "context_overflow", []),
        (
            error(400, said("the request exceeds the available context size", kind="exceed_context_size_error")),
            "context_overflow",
            [],
        ),
        (error(401, said("Incorrect API key.")), "unauthorized", []),
        (error(403, said("No.")), "unauthorized", []),
        (error(404, said("Nothing here.")), "bad_request", []),
        (error(404, said("The model `m` does not exist.", "model_not_found")), "model_not_found", []),
        (error(413, said("Too much.")), "bad_request", []),
        (error(307, b"", {"location": "/elsewhere"}), "bad_request", []),
        (fault("cut", text("abc", deltas=3), after=5), "stream_cut", BACKOFF),
        (fault("reset", text("abc", deltas=3), after=5), "stream_cut", BACKOFF),
        (fault("eof", text("abc")), "stream_cut", BACKOFF),
        (fault("stall", text("abc", deltas=3), after=5), "stream_cut", BACKOFF),
        (fault("cut", after=0), "stream_cut", BACKOFF[:4]),
        (fault("silent"), "unreachable", BACKOFF[:4]),
        (fault("hangup"), "unreachable", BACKOFF[:4]),
        (failed("rate_limit_exceeded", "Limit. Please try again in 1.5s."), "rate_limited", [1.575] * 4),
        (failed("rate_limit_exceeded", "Limit. Please try again in 1.5s.", text("a")), "rate_limited", [1.575] * 5),
        (failed("server_error", "Something broke."), "server", BACKOFF[:4]),
        (incomplete("content_filter", text("a")), "policy", []),
    ],
)
async def test_a_fault_is_retried_as_often_as_it_makes_sense(
    model_server: ModelServer, answer: Reply, kind: str, waits: list[float]
) -> None:
    model_server.script(always(answer))
    # where a silence is meant to be noticed: time enough for what comes before it on a machine that has other work
    silence = {"stall": {"stream_idle_timeout": 1.0}, "silent": {"header_timeout": 0.4}}.get(answer.fault or "", {})
    place = replace(provider(model_server, stream_idle_timeout=60.0, header_timeout=60.0), **silence)
    async with models() as source:
        outcome = await persist(source, place)
    assert outcome.error is not None
    assert outcome.error.kind == kind
    assert outcome.waits == pytest.approx(waits)
    # a server that is slow reads the last one only now
    await model_server.until(lambda server: len(server.requests) > len(waits))
    assert len(model_server.requests) == len(waits) + 1
    assert outcome.error.message.startswith("Fake ")
    assert "\n" not in outcome.error.sentence()
    for words in ("Traceback", "httpx", "{", "<html"):
        assert words not in outcome.error.sentence()


@pytest.mark.parametrize("first", [error(503), fault("cut", text("half", deltas=2), after=5), fault("hangup")])
async def test_a_provider_that_recovers_is_answered_from(model_server: ModelServer, first: Reply) -> None:
    model_server.script([first, first, text("whole")])
    async with models() as source:
        outcome = await persist(source, provider(model_server))
    assert outcome.error is None
    assert outcome.words == "whole"
    assert [n.split("/")[0] for n in outcome.notices] == ["Reconnecting... 1", "Reconnecting... 2"]


async def test_connection_refused_is_bounded_and_names_the_address() -> None:
    place, port = reserved_port()
    url = f"http://127.0.0.1:{port}/v1"
    with closing(place):
        async with models() as source:
            outcome = await persist(source, provider(base_url=url))
    assert outcome.waits == pytest.approx(BACKOFF[:4])
    assert outcome.error is not None
    assert outcome.error.message == f"Fake cannot be reached at {url}: connection refused."


async def test_a_name_that_cannot_be_resolved_says_so_without_the_password_in_the_address() -> None:
    async with models() as source:
        wrong = await failure(source, provider(base_url="http://user:pass@nowhere.invalid/v1"))
    assert wrong.kind == "unreachable" and wrong.retryable
    assert "http://nowhere.invalid/v1" in wrong.message
    assert "pass" not in wrong.sentence()


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/v1", "http://[bad/v1", "http://127.0.0.1:99999/v1"])
async def test_a_base_url_that_is_none_is_a_sentence_too(url: str) -> None:
    async with models() as source:
        wrong = await failure(source, provider(base_url=url))
    assert wrong.kind == "unreachable"
    assert "base_url" in wrong.sentence()


async def test_tls_to_a_server_that_speaks_none_is_said_and_not_retried(model_server: ModelServer) -> None:
    async with models() as source:
        wrong = await failure(source, provider(base_url=model_server.base_url.replace("http:", "https:")))
    assert wrong.message.endswith("the TLS handshake failed.")
    assert not wrong.retryable


def test_a_certificate_that_is_not_trusted_names_the_way_out() -> None:
    cause = ssl.SSLCertVerificationError("certificate verify failed")
    cause.verify_message = "self-signed certificate"
    try:
        raise RuntimeError("wrapped") from cause
    except RuntimeError as wrapped:
        wrong = Faults(provider(base_url="https://x/v1")).transport(wrapped, began=False)
    assert "self-signed certificate" in wrong.message
    assert "SSL_CERT_FILE" in wrong.sentence()
    assert not wrong.retryable


async def test_certificates_that_cannot_be_read_name_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/bundle.pem")
    async with models() as source:
        wrong = await failure(source, provider(base_url="https://provider.invalid/v1"))
    assert "SSL_CERT_FILE" in wrong.sentence()
    assert not wrong.retryable


async def test_no_key_and_a_wrong_key_name_the_provider_and_the_variable(model_server: ModelServer) -> None:
    model_server.script([error(401, said("Incorrect API key provided."))])
    place = provider(model_server, env_key="FAKE_KEY")
    async with models(None) as source:
        missing = await failure(source, place)
    async with models("sk-wrong") as source:
        wrong = await failure(source, place)
    assert len(model_server.requests) == 1
    for problem in (missing, wrong):
        assert problem.kind == "unauthorized"
        assert "Fake" in problem.message and "FAKE_KEY" in problem.sentence()
    assert "Incorrect API key provided." in wrong.message


async def test_an_unknown_model_is_named_with_the_way_to_another(model_server: ModelServer) -> None:
    for status, body in ((404, said("The model `m` does not exist or you lack access.")), (400, said("No.", "model_not_found"))):
        model_server.script([error(status, body)])
        async with models() as source:
            wrong = await failure(source, provider(model_server))
        assert wrong.kind == "model_not_found"
        assert "'m'" in wrong.message and "model" in (wrong.hint or "")


async def test_an_answer_that_is_no_stream_says_what_it_is(model_server: ModelServer) -> None:
    model_server.script([error(200, "<html>Welcome to the hotel</html>", {"content-type": "text/html"})])
    async with models() as source:
        wrong = await failure(source, provider(model_server))
    assert "text/html" in wrong.message and "base_url" in wrong.sentence()
    assert not wrong.retryable


async def test_details_keep_the_request_id_and_are_bounded(model_server: ModelServer) -> None:
    model_server.script([error(500, "z" * 300_000, {"x-request-id": "req_7"})])
    async with models() as source:
        wrong = await failure(source, provider(model_server))
    assert wrong.details is not None
    assert "req_7" in wrong.details and len(wrong.details) < 3000
    assert len(wrong.message) < 600


async def test_items_that_were_finished_before_the_cut_are_delivered(model_server: ModelServer) -> None:
    model_server.script(always(fault("cut", call("exec_command", {"cmd": "true"}), text("half"), after=7)))
    async with models() as source:
        outcome = await persist(source, provider(model_server, stream_max_retries=1))
    assert outcome.error is not None and outcome.error.kind == "stream_cut"
    assert [e.kind for e in outcome.events if isinstance(e, ItemDone)] == ["function_call"]


async def test_comments_are_no_sign_of_life(model_server: ModelServer) -> None:
    model_server.script([reply(raw(b": ping\n\n" * 50), fault="stall", end="none")])
    async with models() as source:
        wrong = await failure(source, provider(model_server, stream_idle_timeout=0.05))
    assert wrong.kind == "stream_cut" and "silent" in wrong.message


async def test_the_output_limit_is_an_answer_that_says_so(model_server: ModelServer) -> None:
    model_server.script([incomplete("max_output_tokens", text("as far as it goes"))])
    async with models() as source:
        end = (await ask(source, provider(model_server)))[-1]
    assert isinstance(end, ReplyCompleted)
    assert end.incomplete == "max_output_tokens"


@pytest.mark.parametrize(
    ("headers", "words", "seconds"),
    [
        ({"retry-after": "7"}, "try again in 1s", 7.0),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, "", 1.5),
        ({"retry-after": "soon"}, "", None),
        ({}, "Please try again in 20ms. Visit us.", 0.02),
        ({}, "Please try again in 6m30s.", 390.0),
        ({}, "try again in 28 seconds", 28.0),
        ({}, "Please retry after 3 seconds.", 3.0),
        ({}, "try again later", None),
    ],
)
def test_the_wish_to_wait_is_read_from_header_or_words(headers: dict[str, str], words: str, seconds: float | None) -> None:
    assert retry_after(headers, words) == (None if seconds is None else pytest.approx(seconds))


def test_a_date_as_the_wish_is_counted_from_now() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after({"retry-after": format_datetime(now + timedelta(seconds=90), usegmt=True)}, "", now.timestamp()) == 90.0
    assert retry_after({"retry-after": format_datetime(now - timedelta(seconds=90), usegmt=True)}, "", now.timestamp()) == 0.0
