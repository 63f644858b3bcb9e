"""The one rule of retries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.errors import ModelError
from treadle.core.settings import Provider
from treadle.runtime.retry import GiveUp, Retry, Wait


def place(before: int = 4, after: int = 5) -> Provider:
    return Provider(id="p", name="P", base_url="http://x", request_max_retries=before, stream_max_retries=after)


def broken(retryable: bool = True, retry_after: float | None = None) -> ModelError:
    return ModelError("No.", retryable=retryable, retry_after=retry_after)


def test_waits_double_from_200_ms_until_the_limit_and_then_it_gives_up() -> None:
    retry = Retry(place(), chance=lambda: 0.5)
    decisions = [retry.after(broken(), received=False) for _ in range(5)]
    assert decisions == [Wait(0.2, 1, 4), Wait(0.4, 2, 4), Wait(0.8, 3, 4), Wait(1.6, 4, 4), GiveUp(5)]


def test_what_asking_again_cannot_help_is_not_asked_again() -> None:
    assert Retry(place()).after(broken(retryable=False), received=False) == GiveUp(1)


def test_the_notice_counts_the_retries() -> None:
    decision = Retry(place()).after(broken(), received=True)
    assert isinstance(decision, Wait)
    assert decision.notice == "Reconnecting... 1/5"


@given(st.floats(0, 1), st.integers(1, 5))
def test_jitter_stays_within_a_tenth(chance: float, failures: int) -> None:
    retry = Retry(place(), chance=lambda: chance)
    decision = [retry.after(broken(), received=True) for _ in range(failures)][-1]
    assert isinstance(decision, Wait)
    plain = 0.2 * 2 ** (failures - 1)
    assert plain * 0.899 <= decision.seconds <= plain * 1.101


@given(st.floats(0.001, 300), st.floats(0, 1))
def test_a_wish_of_the_provider_is_never_undercut_and_hardly_exceeded(wish: float, chance: float) -> None:
    decision = Retry(place(), chance=lambda: chance).after(broken(retry_after=wish), received=False)
    assert isinstance(decision, Wait)
    assert wish <= decision.seconds <= wish * 1.1001


def test_a_wish_that_is_too_long_is_not_waited_for() -> None:
    assert Retry(place()).after(broken(retry_after=3600), received=False) == GiveUp(1)


@given(st.integers(0, 8), st.integers(0, 8), st.lists(st.booleans(), min_size=20, max_size=20))
def test_all_attempts_are_bounded_by_the_larger_limit_and_not_by_the_product(
    before: int, after: int, received: list[bool]
) -> None:
    retry = Retry(place(before, after))
    waits = 0
    for seen in received:
        if isinstance(retry.after(broken(), seen), GiveUp):
            break
        waits += 1
    assert waits <= max(before, after)


@pytest.mark.parametrize("received", [False, True])
def test_absurd_limits_are_brought_into_bounds(received: bool) -> None:
    retry = Retry(place(10_000, 10_000))
    decision = retry.after(broken(), received)
    assert isinstance(decision, Wait)
    assert decision.of == 100
    assert Retry(place(-1, -1)).after(broken(), received) == GiveUp(1)
