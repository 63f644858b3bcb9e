"""The adapter against a real HTTP server on loopback."""

from __future__ import annotations

from contextlib import aclosing

from fakes import ModelServer, reasoning, text
from treadle.adapters.responses import ResponsesModels
from treadle.core.prompt import Request
from treadle.core.replies import Delta, ReplyCompleted, ReplyEvent
from treadle.core.settings import Provider, SandboxPolicy, Settings


def request(*fragments: bytes, thread: str = "thread-1") -> Request:
    return Request(
        head=b'{"model":"m","stream":true,"prompt_cache_key":"%b","input":[' % thread.encode(),
        fragments=fragments or (b'{"role":"user","content":"hi"}',),
        tail=b'],"store":false}',
        model="m",
        thread_id=thread,
    )


def provider(server: ModelServer, **options: object) -> Provider:
    return Provider(id="fake", name="Fake", base_url=server.base_url, **options)  # type: ignore[arg-type]


async def answer(models: ResponsesModels, place: Provider, prompt: Request | None = None) -> list[ReplyEvent]:
    model = models.get(place, Settings(cwd="/", model="m", provider=place, sandbox=SandboxPolicy()))
    events: list[ReplyEvent] = []
    async with aclosing(model.stream(prompt or request())) as batches:  # type: ignore[type-var]
        async for batch in batches:
            events += batch
    return events


async def test_a_reply_streams_text_and_ends_with_the_finished_item(model_server: ModelServer) -> None:
    model_server.script([[reasoning(), text("hello there", deltas=3)]])
    models = ResponsesModels(lambda _: None)
    events = await answer(models, provider(model_server))
    assert "".join(e.text for e in events if isinstance(e, Delta) and e.kind == "text") == "hello there"
    assert isinstance(events[-1], ReplyCompleted)
    await models.close()
