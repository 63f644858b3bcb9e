"""The bill: old bytes are not looked at again, every miss has its cause, and prices are never guessed."""

from __future__ import annotations

import dataclasses
import hashlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import forks
from treadle.core.inspection import parts, rebuild
from treadle.core.items import (
    Context,
    Item,
    ModelItem,
    Opening,
    Reverted,
    Section,
    Summary,
    Text,
    ToolOutput,
    TurnBegan,
    UserMessage,
)
from treadle.core.ledger import CACHE_MINIMUM, Ledger, LedgerRow, Moment, digest, explained, price_note, recipe
from treadle.core.prices import PRICES, Price, cost, price_of
from treadle.core.prompt import Request
from treadle.core.replies import Usage
from treadle.core.thread import Thread

LONG = "word " * 4 * CACHE_MINIMUM


def opening(**changes: str) -> Opening:
    fields = {"model": "m", "provider": "p", "instructions": LONG, "tools": "[]", **changes}
    return Opening("o", 1.0, **fields)  # type: ignore[arg-type]


def said(text: str) -> UserMessage:
    return UserMessage("u", 1.0, "t1", (Text(text),))


class Desk:
    """A thread whose requests are counted; the provider caches what it was sent."""

    def __init__(self, *items: Item) -> None:
        self.thread = Thread("thread", items or (opening(), said("hello")))
        self.ledger = Ledger()
        self.at = 100.0

    def send(self, *items: Item, model: str = "m", provider: str = "p", **close: object) -> LedgerRow:
        self.thread.append(*items)
        request = self.thread.prompt.request({"model": model})
        return self.count(request, provider, **close)

    def count(self, request: Request, provider: str = "p", **close: object) -> LedgerRow:
        self.at += 10
        row = self.ledger.open(request, Moment("t1", self.at, "2026-01-02", provider, self.thread))
        usage = Usage(row.size // 4, row.kept_tokens, 5, 2, row.size // 4 + 5)
        given = {"status": "completed", "seconds": 1.0, "answered": True, "usage": usage, "price": None, **close}
        return self.ledger.close(row, request, **given)  # type: ignore[arg-type]


def test_the_first_request_has_nothing_to_keep_and_the_next_one_keeps_it_all() -> None:
    desk = Desk()
    first, second = desk.send(), desk.send(said("more"))
    assert (first.number, first.cause, first.kept, first.kept_tokens, first.idle) == (1, "first_request", 0, 0, None)
    assert (second.number, second.cause, second.kept, second.idle) == (2, "extended", first.fragments, 10.0)
    assert second.kept_tokens == pytest.approx(first.input_tokens, rel=0.01)
    assert second.differs_at == first.fragments
    assert second.differs_source == "user, turn t1"
    assert second.hit == pytest.approx(1.0, abs=0.01)


def test_the_same_request_again_differs_nowhere() -> None:
    desk = Desk()
    desk.send()
    again = desk.send()
    assert (again.cause, again.kept, again.differs_at) == ("extended", again.fragments, None)


def test_a_change_of_the_head_is_named_by_the_piece_that_moved() -> None:
    desk = Desk()
    desk.send()
    tools = desk.send(opening(tools='[{"type":"function"}]'))
    words = desk.send(opening(instructions="other", tools='[{"type":"function"}]'))
    head = desk.send(dataclasses.replace(opening(instructions="other", tools='[{"type":"function"}]'), parallel_tool_calls=False))
    assert [row.cause for row in (tools, words, head)] == ["tools_refreshed", "instructions_changed", "head_changed"]
    assert tools.differs_source.startswith("tool list")
    assert tools.kept == tools.differs_at
    assert words.kept_tokens < tools.kept_tokens
    assert "tool list" in explained(tools)


def test_compaction_is_a_new_epoch() -> None:
    desk = Desk()
    desk.send()
    summary = Summary("s", 1.0, "t1", "short", ('{"type":"message","role":"user","content":"short"}',))
    row = desk.send(summary, opening(), said("go on"))
    assert row.cause == "new_epoch"
    assert row.differs_source == "compaction, turn t1, entry 1"


def test_a_compaction_that_keeps_the_beginning_is_a_new_epoch_too() -> None:
    desk = Desk(opening(), said("hello"), said("there"))
    first = desk.send()
    kept, short = desk.thread.prompt.fragments[0].decode(), '{"type":"message","role":"user","content":"short"}'
    row = desk.send(Summary("s", 1.0, "t1", "short", (kept, short)), opening(), said("go on"))
    assert (row.cause, row.kept, row.differs_at) == ("new_epoch", first.fragments - 1, first.fragments - 1)


def test_turns_that_were_taken_back_are_a_cause_of_their_own_and_no_bug() -> None:
    began = TurnBegan("b", 1.0, "t2")
    desk = Desk(opening(), said("hello"))
    first = desk.send()
    desk.send(began, said("another way"))
    desk.thread = Thread("thread", [*desk.thread.items, Reverted("r", 2.0, "t2")])
    row = desk.send(said("this way"))
    assert (row.cause, row.kept, row.differs_source) == ("reverted", first.fragments, "user, turn t1")
    assert "taken back" in explained(row)
    assert desk.send(said("on")).cause == "extended"


def test_the_first_request_of_a_fork_is_compared_with_the_last_one_of_its_parent() -> None:
    parent = Desk()
    answered = parent.send()
    fork = Desk(*forks.copied(parent.thread.items, "thread"))
    fork.thread.id = "fork"
    fork.ledger = Ledger(None, answered, parent.thread.prompt.request({"model": "m"}))
    row = fork.send(said("more"))
    assert (row.number, row.cause, row.kept) == (1, "forked", answered.fragments)
    assert row.kept_tokens >= answered.size // 4 - 10
    assert "fork" in explained(row)
    cold = Desk(*forks.copied(parent.thread.items, "thread"))
    cold.thread.id = "fork"
    cold.ledger = Ledger(None, answered, parent.thread.prompt.request({"model": "m"}))
    assert (row := cold.send(model="other")).cause == "model_changed" and row.kept_tokens == 0


def test_another_model_or_provider_has_a_cold_cache_although_no_byte_moved() -> None:
    desk = Desk()
    first = desk.send()
    model = desk.send(said("a"), model="other")
    provider = desk.send(said("b"), model="other", provider="elsewhere")
    assert (model.cause, model.kept, model.kept_tokens) == ("model_changed", first.fragments, 0)
    assert (provider.cause, provider.kept_tokens) == ("provider_changed", 0)
    assert "other" in explained(model)
    assert "elsewhere" in explained(provider)


def test_a_cache_that_lost_what_it_should_hold_is_called_evicted_with_the_time_that_passed() -> None:
    desk = Desk()
    first = desk.send()
    desk.at += 3 * 3600
    row = desk.send(said("again"), usage=Usage(first.size // 4, 10, 1, 0, 0))
    assert row.cause == "provider_evicted"
    assert "after 3 h" in explained(row)


def test_a_provider_that_says_nothing_of_its_cache_is_not_accused() -> None:
    desk = Desk()
    first = desk.send()
    row = desk.send(said("again"), usage=Usage(first.size // 4, 0, 1, 0, 0, cache_reported=False))
    assert (row.cause, row.cached_input_tokens, row.hit) == ("cache_not_reported", None, None)


def test_a_prefix_too_short_to_be_cached_has_no_cause() -> None:
    desk = Desk(opening(instructions="short"), said("hello"))
    desk.send()
    assert desk.send(said("more"), usage=Usage(100, 0, 1, 0, 101)).cause == "extended"


def test_a_failed_request_is_a_row_without_tokens_and_promises_the_next_one_nothing() -> None:
    desk = Desk()
    failed = desk.send(status="failed", answered=False, usage=None)
    second = desk.send()
    assert (failed.status, failed.input_tokens, failed.price, failed.hit) == ("failed", None, None, None)
    assert (second.number, second.cause) == (2, "first_request")
    assert "did not report" in (price_note(failed) or "")


def test_input_that_was_rewritten_for_no_reason_is_called_a_bug() -> None:
    desk = Desk()
    desk.send(said("more"))
    whole = desk.thread.prompt.request({})
    row = desk.count(Request(whole.head, (b'{"type":"message","role":"user"}', *whole.fragments[1:]), whole.tail, "m", "thread"))
    assert row.cause == "input_rewritten"
    assert "please report" in explained(row)


class Untouchable(bytes):
    """Bytes that count how often somebody walks through them."""

    walks = 0

    def __eq__(self, other: object) -> bool:
        Untouchable.walks += 1
        return bytes.__eq__(self, other)

    __hash__ = bytes.__hash__

    def __len__(self) -> int:
        Untouchable.walks += 1
        return bytes.__len__(self)


class Counting:
    """A digest that counts the bytes that it is given."""

    given = 0

    def __init__(self, data: bytes = b"") -> None:
        self._all = b""
        self.update(data)

    def update(self, data: bytes) -> None:
        Counting.given += bytes.__len__(data)
        self._all += data

    def copy(self) -> Counting:
        twin = Counting()
        twin._all = self._all
        return twin

    def hexdigest(self) -> str:
        return hashlib.sha256(self._all).hexdigest()


def test_a_row_of_a_long_thread_looks_only_at_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treadle.core.ledger.hashlib", SimpleNamespace(sha256=Counting))
    desk = Desk()
    head, tail = desk.thread.prompt.request({}).head, b'],"model":"m"}'
    old = tuple(Untouchable(b'{"type":"message","role":"user","content":"%d"}' % n) for n in range(1000))
    own = desk.thread.prompt._fragments
    own[:] = old
    desk.count(Request(head, old, tail, "m", "thread"))
    Untouchable.walks = Counting.given = 0
    own.append(b'{"type":"message"}')
    row = desk.count(Request(head, tuple(own), tail, "m", "thread"))
    assert Untouchable.walks == 0
    assert Counting.given == len(b"," + own[-1] + tail)
    assert row.kept == row.fragments - 1
    assert row.digest == hashlib.sha256(Request(head, tuple(own), tail, "m").body()).hexdigest()


ITEMS = st.one_of(
    st.text(max_size=20).map(said),
    st.text(max_size=20).map(lambda text: Context("c", 1.0, "developer", (Section("permissions", text, "sandbox_mode"),))),
    st.text(max_size=20).map(lambda text: opening(instructions=text)),
    st.lists(st.text(max_size=5), max_size=3).map(
        lambda texts: Summary("s", 1.0, "t1", "", tuple(f'{{"type":"message","n":{n}}}' for n, _ in enumerate(texts)))
    ),
)


@given(st.lists(st.lists(ITEMS, max_size=4), min_size=1, max_size=8), st.sampled_from(["m", "é"]))
def test_every_request_is_rebuilt_from_its_row_byte_for_byte(steps: list[list[Item]], model: str) -> None:
    items: list[Item] = [opening(instructions="é\u2028")]
    desk = Desk(*items)
    for step in steps:
        items += step
        desk.thread.append(*step)
        if desk.thread.opening is None:
            items.append(opening())
            desk.thread.append(items[-1])
        request = desk.thread.prompt.request({"model": model})
        row = desk.count(request)
        rebuilt = rebuild("thread", items[: row.items], row.tail, row.recipe)
        assert rebuilt.request.body() == request.body()
        assert "".join(part.raw for part in parts(rebuilt)).encode() == request.body()
        assert row.digest == digest(request)
        assert row.size == len(request.body())
        assert rebuilt.request.model == model
        assert len(parts(rebuilt)) == row.fragments + 1


@given(st.lists(st.integers(0, 9), max_size=12))
def test_input_that_is_not_the_thread_s_own_is_rebuilt_from_its_recipe(chosen: list[int]) -> None:
    thread = Thread("thread", [opening(), *(said(str(n)) for n in range(8))])
    whole = thread.prompt.request({})
    own = thread.prompt.fragments
    sent = tuple(own[n] if n < len(own) else b'{"type":"message","role":"user","n":%d}' % n for n in chosen)
    made = recipe(own, sent)
    rebuilt = rebuild("thread", thread.items, whole.tail.decode(), made)
    if sent:
        assert rebuilt.request.fragments == sent


def test_each_piece_says_where_it_comes_from() -> None:
    sections = (Section("agents_md", "Use spaces.", "/ws/AGENTS.md"), Section("environment", "cwd"))
    call = ModelItem("i", 1.0, "t1", "function_call", '{"type":"function_call","call_id":"c","name":"look"}', "c", "look")
    items = [opening(), Context("c", 1.0, "user", sections), said("hi"), call, ToolOutput("x", 1.0, "t1", "c", "seen")]
    shown = parts(rebuild("thread", items, '],"model":"m","reasoning":{"effort":"low"}}'))
    told = {part.type: part for part in shown}
    assert [part.where for part in shown][:1] == ["head"]
    assert told["instructions"].text == LONG
    assert told["tools"].text == "[]"
    assert "agents_md (/ws/AGENTS.md); environment" in {part.source for part in shown}
    assert told["function_call"].source == "model, call of look, turn t1"
    assert told["function_call_output"].source == "output of look, turn t1"
    assert told["function_call_output"].text == "seen"
    assert "model_reasoning_effort" in shown[-1].source
    assert all(part.size == len(part.raw.encode()) for part in shown)


def test_cached_input_is_cheaper_and_reasoning_is_part_of_the_output() -> None:
    assert cost(Price(1.0, 0.1, 10.0), Usage(1_000_000, 400_000, 200_000, 150_000)) == pytest.approx(0.6 + 0.04 + 2.0)
    assert cost(Price(1.0, 0.1, 10.0), Usage(10, 20, 0)) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("gpt-5", "openai", PRICES["gpt-5"]),
        ("gpt-5-2025-08-07", "openai", PRICES["gpt-5"]),
        ("gpt-5", "a-gateway", None),
        ("gpt-5-someday", "openai", None),
        ("mine", "a-gateway", Price(1.0, 1.0, 1.0)),
    ],
)
def test_a_price_is_known_or_it_is_not(model: str, provider: str, expected: Price | None) -> None:
    assert price_of(model, provider, {"mine": Price(1.0, 1.0, 1.0)}) == expected


def test_what_runs_on_this_machine_is_free_and_the_user_has_the_last_word() -> None:
    assert price_of("qwen", "local", {}, local=True) == Price(0.0, 0.0, 0.0)
    assert price_of("gpt-5", "openai", {"gpt-5": Price(9.0, 9.0, 9.0)}) == Price(9.0, 9.0, 9.0)


def test_listed_prices_make_sense() -> None:
    for name, price in PRICES.items():
        assert 0 < price.cached < price.input < price.output, name


def test_a_row_without_a_price_says_how_to_set_one() -> None:
    assert '[treadle.prices."m"]' in (price_note(Desk().send()) or "")
    assert price_note(Desk().send(price=Price(1.0, 1.0, 1.0))) is None
