"""Leaving an answer at its very beginning and at its very end: no connection stays open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from driving import failure, models, provider, stream

from fakes import fault, text
from fakes.responses import ModelServer
from treadle.adapters.responses import http
from treadle.adapters.responses.errors import Faults
from treadle.adapters.responses.events import ReplyReader
from treadle.adapters.responses.http import Answer
from treadle.core.replies import ReplyCompleted


class Response:
    """The head of an answer whose body nobody has begun to read."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


async def test_an_answer_that_is_left_before_its_reader_ran_is_closed() -> None:
    response, faults = Response(), Faults(provider(base_url="http://127.0.0.1:9"), "m")
    whole: Any = response
    await Answer(whole, ReplyReader(faults), faults).close()
    assert response.closed


async def test_a_cancel_while_a_complete_answer_comes_to_its_end_closes_the_connection(model_server: ModelServer) -> None:
    model_server.script([fault("stall", text("all of it"))])
    completed = asyncio.Event()

    async with models() as source:

        async def consume() -> None:
            async with stream(source, provider(model_server)) as opened:
                async for batch in opened:
                    if isinstance(batch[-1], ReplyCompleted):
                        completed.set()

        task = asyncio.create_task(consume())
        await completed.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model_server.until(lambda s: s.dropped == 1)


async def test_the_body_of_an_error_is_waited_for_no_longer_than_other_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ERROR_BODY_SECONDS", 3600.0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 No\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nhalf of it")
        await reader.read()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    place = provider(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", stream_idle_timeout=0.4)
    async with models() as source:
        error = await failure(source, place)
        assert (error.kind, error.status, error.retryable) == ("server", 500, True)
        assert "half of it" in error.message
    server.close()
