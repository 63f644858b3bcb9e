"""Every method with parameters that are nearly right: each request is answered once, in words, and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.server.wire.methods import CLIENT_REQUESTS

from . import shapes
from .common import fuzzed
from .places import Place, placed

METHODS = sorted(set(CLIENT_REQUESTS) - {"initialize"})
one = st.sampled_from(METHODS).flatmap(lambda method: st.tuples(st.just(method), shapes.params(method)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed("app-server", tmp_path_factory.mktemp("methods")) as found:
        yield found


async def _ask(place: Place, asked: list[tuple[str, Any]]) -> None:
    line = place.line
    words = await place.said()
    for method, params in asked:
        _, whole = line.request(method, params)
        for name, stands_for in words.items():
            whole = whole.replace(name, stands_for)
        await line.write(line.framed(whole))
    await place.settled()


@given(st.lists(one, min_size=1, max_size=6))
@fuzzed(40, 0.5)
def test_every_method_answers_what_is_nearly_right(place: Place, asked: list[tuple[str, Any]]) -> None:
    place.run(_ask(place, asked))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_what_is_no_parameters_at_all(place: Place, method: str) -> None:
    wrong = [None, [], "x", 5, True, {}, [{}], {"threadId": None}, {"threadId": 5}, {"threadId": ["@thread"]}]
    place.run(_ask(place, [(method, params) for params in wrong]))
