"""How the tests of this folder ask a model: once, or as the runner does, with retries but without the waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fakes.responses import ModelServer
from treadle.adapters.responses import ResponsesModels
from treadle.core.errors import ModelError
from treadle.core.prompt import Request
from treadle.core.replies import Delta, ReplyEvent
from treadle.core.settings import Provider, Settings
from treadle.runtime.retry import GiveUp, Retry


def request(*fragments: bytes, thread: str = "thread-1") -> Request:
    return Request(
        head=b'{"model":"m","stream":true,"prompt_cache_key":"%b","input":[' % thread.encode(),
        fragments=fragments or (b'{"role":"user","content":"hi"}',),
        tail=b'],"store":false}',
        model="m",
        thread_id=thread,
    )


def provider(server: ModelServer | None = None, **options: Any) -> Provider:
    given: dict[str, Any] = {"id": "fake", "name": "Fake"}
    if server is not None:
        given["base_url"] = server.base_url
    return Provider(**(given | options))


@asynccontextmanager
async def models(key: str | None = None, environ: dict[str, str] | None = None) -> AsyncIterator[ResponsesModels]:
    opened = ResponsesModels(lambda _: key, environ or {})
    try:
        yield opened
    finally:
        await opened.close()


def stream(source: ResponsesModels, place: Provider, prompt: Request | None = None) -> aclosing[Any]:
    model = source.get(place, Settings(cwd="/", model="m", provider=place))
    return aclosing(model.stream(prompt or request()))  # type: ignore[type-var]


async def ask(source: ResponsesModels, place: Provider, prompt: Request | None = None) -> list[ReplyEvent]:
    batches: list[Sequence[ReplyEvent]] = []
    async with stream(source, place, prompt) as opened:
        async for batch in opened:
            batches.append(batch)
    return [event for batch in batches for event in batch]


async def failure(source: ResponsesModels, place: Provider, prompt: Request | None = None) -> ModelError:
    try:
        events = await ask(source, place, prompt)
    except ModelError as error:
        return error
    raise AssertionError(f"no error but {events}")


@dataclass
class Outcome:
    events: list[ReplyEvent] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    error: ModelError | None = None

    @property
    def words(self) -> str:
        return "".join(e.text for e in self.events if isinstance(e, Delta) and e.kind == "text")


async def persist(source: ResponsesModels, place: Provider) -> Outcome:
    """As the runner: attempts until one succeeds or the rule gives up. Waits are noted, not waited."""
    outcome, retry = Outcome(), Retry(place, chance=lambda: 0.5)
    while True:
        outcome.events = []
        try:
            async with stream(source, place) as opened:
                async for batch in opened:
                    outcome.events += batch
            return outcome
        except ModelError as error:
            decision = retry.after(error, received=bool(outcome.events))
            if isinstance(decision, GiveUp):
                outcome.error = error
                return outcome
            outcome.waits.append(decision.seconds)
            outcome.notices.append(decision.notice)
