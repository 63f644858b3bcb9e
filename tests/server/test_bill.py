"""The ledger and the inspector as clients and terminals see them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, get_args

import pytest

from fakes.samples import REQUEST, REQUESTS, T
from fakes.world import RecordingClient, ScriptedModel, begin, build, end, message
from treadle.core.errors import RequestRefused
from treadle.core.inspection import Inspection, parts, rebuild
from treadle.core.items import Opening, Text, ToolOutput, UserMessage
from treadle.core.ledger import Cause, Totals, explained
from treadle.core.prompt import Prompt
from treadle.runtime.accounting import summed
from treadle.runtime.answers import LedgerPage
from treadle.server import bill, terminal
from treadle.server.handshake import BadParams
from treadle.server.methods import Exchange, call
from treadle.server.wire import ledger

PAGE = LedgerPage(REQUESTS[::-1], "7", summed(REQUESTS[-1:]), summed(REQUESTS), Totals(), "2023-11-14")
ITEMS = [
    Opening("o", 1.0, "gpt-5", "openai", "Be\nkind.", '[{"type":"function","name":"x"}]'),
    UserMessage("u", 1.0, "turn-1", (Text("hi \u2028 \x1b[31mred"),)),
    ToolOutput("c", 1.0, "turn-1", "k", "bell \x07 and \x9b2J", custom=True),
]


def inspection(**more: Any) -> Inspection:
    prompt = Prompt(T)
    for item in ITEMS:
        prompt.append(item)
    tail = prompt.request({"reasoning": {"effort": "low"}}).tail.decode()
    return Inspection(T, 4, "gpt-5", "openai", parts(rebuild(T, ITEMS, tail), frozenset("c")), **more)


def test_a_page_of_the_ledger_is_what_the_contract_says() -> None:
    sent = ledger.LedgerReadResponse.model_validate(bill.page(PAGE))
    assert [row.number for row in sent.rows] == [5, 4, 3, 2, 1]
    assert sent.rows[-1].hit == 0
    assert sent.totals.thread is not None
    assert (sent.totals.thread.requests, sent.totals.thread.unpriced) == (5, 1)
    assert sent.rows[1].price_note is not None
    assert sent.rows[0].price_note is None


def test_the_contract_knows_every_cause_and_each_has_its_sentence() -> None:
    assert set(get_args(ledger.LedgerCause)) == set(get_args(Cause))
    sentences = {explained(row) for row in REQUESTS}
    assert len(sentences) == len({row.cause for row in REQUESTS})


def test_a_prompt_is_what_the_contract_says_and_its_pieces_are_the_body() -> None:
    shown = inspection(problem="Not quite.")
    sent = ledger.PromptReadResponse.model_validate(bill.prompt(shown))
    assert "".join(part.raw for part in sent.parts).encode() == shown.body()
    assert sent.size == len(shown.body())
    assert [part.index for part in sent.parts] == list(range(len(sent.parts)))
    assert [part.pending for part in sent.parts if part.where == "input"] == [False, True]


def test_the_table_has_a_line_a_request_and_the_sums_below() -> None:
    table = terminal.ledger(PAGE, of_thread=True)
    lines = table.splitlines()
    numbers = [line.split()[0] for line in itertools.takewhile(bool, lines)]
    assert numbers == ["request", "1", "2", "3", "4", "5"]
    assert "provider evicted" in lines[2]
    assert "failed" in lines[3]
    assert "thread: 5 requests, 40,000 tokens in (0% cached)" in table
    assert "$0.0381 and 1 without a known price" in table
    assert "after 15 min without a request" in table
    assert T in terminal.ledger(PAGE, of_thread=False)
    assert "No requests yet." in terminal.ledger(LedgerPage([], None, None, None, Totals(), "2023-11-14"), of_thread=False)


def test_the_pages_of_a_prompt_hold_nothing_that_moves_the_cursor() -> None:
    pages = terminal.prompt(inspection(problem="Not quite."))
    assert "! Not quite." in pages
    assert "Be\nkind." in pages
    assert "not sent yet" in pages
    assert not any(character in pages for character in "\x1b\x07\x9b")


@pytest.mark.parametrize(("cached", "given", "hit"), [(5, 10, 0.5), (20, 10, 1.0), (None, 10, None), (0, 0, None)])
def test_the_share_of_the_cache(cached: int | None, given: int, hit: float | None) -> None:
    assert replace(REQUEST, cached_input_tokens=cached, input_tokens=given).hit == hit


async def test_the_methods_read_what_was_counted() -> None:
    agent, _, _ = build(ScriptedModel([*message("hello"), *end(2_000)]))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    exchange = Exchange(agent, client, "test")
    page = ledger.LedgerReadResponse.model_validate(await call("treadle/ledger/read", {"threadId": thread_id}, exchange))
    assert [(row.number, row.turn_id, row.input_tokens) for row in page.rows] == [(1, turn_id, 2_000)]
    assert page.totals.day.requests == 1
    sent = await call("treadle/prompt/read", {"threadId": thread_id, "request": 1}, exchange)
    assert ledger.PromptReadResponse.model_validate(sent).problem is None
    coming = ledger.PromptReadResponse.model_validate(await call("treadle/prompt/read", {"threadId": thread_id}, exchange))
    assert coming.parts[-2].text == "hello"
    for params in ({}, {"threadId": thread_id, "request": "one"}):
        with pytest.raises(BadParams):
            await call("treadle/prompt/read", params, exchange)
    with pytest.raises(RequestRefused):
        await call("treadle/prompt/read", {"threadId": thread_id, "request": 9}, exchange)
    await agent.close()
