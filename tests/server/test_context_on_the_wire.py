"""What fills a context, and where a request stands among the others, as clients read it."""

from __future__ import annotations

from fakes.world import RecordingClient, ScriptedModel, begin, build, end, message, more
from treadle.server.methods import Exchange, call
from treadle.server.wire import ledger, treadle


async def two_turns(exchange: Exchange, client: RecordingClient) -> str:
    thread_id, turn_id = await begin(exchange.agent, client)
    await client.turn_end(turn_id)
    await client.turn_end(await more(exchange.agent, client, thread_id, "and on"))
    return thread_id


def talk(**settings: object) -> tuple[Exchange, RecordingClient]:
    model = ScriptedModel([*message("hello " * 40, "m1"), *end(2_000)], [*message("bye", "m2"), *end(3_000)])
    agent, _, _ = build(model, **settings)
    client = RecordingClient()
    return Exchange(agent, client, "test"), client


async def read(exchange: Exchange, **params: object) -> treadle.ContextReadResponse:
    return treadle.ContextReadResponse.model_validate(await call("treadle/context/read", params, exchange))


async def test_the_context_says_its_parts_its_room_and_what_is_only_estimated() -> None:
    exchange, client = talk(context_window=50_000)
    thread_id = await two_turns(exchange, client)
    found = await read(exchange, threadId=thread_id)
    parts = {part.kind: part.tokens for part in found.parts}
    assert (found.window, found.compact_at) == (50_000, 45_000)
    assert found.used == 3_001
    assert found.estimated == 0
    assert parts["agent"] > parts["user"] > 0
    assert "outputs" not in parts
    assert [(d.path, d.scope, d.in_force) for d in found.documents] == [("/ws/AGENTS.md", "project", True)]
    await exchange.agent.close()


async def test_before_the_first_word_a_folder_says_what_a_thread_would_be_told() -> None:
    exchange, _ = talk()
    found = await read(exchange, cwd="/other")
    assert found.thread_id is None
    assert found.used == found.estimated > 0
    assert {"base", "tools"} & {part.kind for part in found.parts}
    assert found.instruction_sources == ["/other/AGENTS.md"]
    await exchange.agent.close()


async def test_files_of_a_folder_that_is_not_trusted_are_named_and_not_in_force() -> None:
    exchange, _ = talk(doc_max_bytes=0)
    found = await read(exchange, cwd="/ws")
    assert found.instruction_sources == []
    assert [(d.path, d.in_force) for d in found.documents] == [("/ws/AGENTS.md", False)]
    await exchange.agent.close()


async def test_reading_the_context_changes_nothing_of_the_thread() -> None:
    exchange, client = talk()
    thread_id = await two_turns(exchange, client)
    before = await call("treadle/prompt/read", {"threadId": thread_id}, exchange)
    first = await read(exchange, threadId=thread_id)
    assert await read(exchange, threadId=thread_id) == first
    assert await call("treadle/prompt/read", {"threadId": thread_id}, exchange) == before
    await exchange.agent.close()


async def test_a_request_knows_its_neighbours_its_price_and_what_was_there_before() -> None:
    exchange, client = talk()
    thread_id = await two_turns(exchange, client)

    async def request(number: int | None) -> ledger.PromptReadResponse:
        params = {"threadId": thread_id, "request": number}
        return ledger.PromptReadResponse.model_validate(await call("treadle/prompt/read", params, exchange))

    first, second, coming = [await request(number) for number in (1, 2, None)]
    assert [(p.previous, p.next) for p in (first, second, coming)] == [(None, 2), (1, None), (2, None)]
    assert first.kept == 0
    assert second.row is not None
    assert second.kept == second.row.kept == len(first.parts) - 1
    assert coming.row is None
    assert coming.kept == len(second.parts) - 1
    assert coming.parts[coming.kept - 1].text == "and on"
    await exchange.agent.close()
