"""Prices in config.toml: what is whole counts, what is not is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.config_home import ConfigHome
from treadle.core.prices import Price


@pytest.fixture
def machine(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def test_a_model_gets_the_price_that_the_user_gives_it(machine: ConfigHome) -> None:
    machine.user("""
        [treadle.prices."gpt-5.5"]
        input = 2
        cached = 0.2
        output = 16.5
        [treadle.prices.mine]
        input = 1
        output = 0
    """)
    loaded = machine.load()
    assert loaded.warnings == ()
    assert dict(loaded.settings.prices) == {"gpt-5.5": Price(2.0, 0.2, 16.5), "mine": Price(1.0, 1.0, 0.0)}


@pytest.mark.parametrize(
    "table",
    [
        '[treadle.prices."m"]\ninput = 1',
        '[treadle.prices."m"]\ninput = "1"\noutput = 1',
        '[treadle.prices."m"]\ninput = -1\noutput = 1',
        '[treadle.prices."m"]\ninput = inf\noutput = 1',
        '[treadle.prices."m"]\ninput = nan\noutput = 1',
        '[treadle.prices."m"]\ninput = true\noutput = 1',
        "[treadle.prices]\nm = 3",
    ],
)
def test_a_price_that_is_not_whole_is_reported_and_not_guessed(machine: ConfigHome, table: str) -> None:
    machine.user(table)
    loaded = machine.load()
    assert loaded.settings.prices == ()
    assert loaded.warnings
    assert all("treadle.prices" in problem.sentence() for problem in loaded.warnings)


@pytest.mark.parametrize("text", ["treadle = 3", "[treadle]\nprices = 3", "[treadle]\nother = 1"])
def test_what_is_no_table_of_prices_does_no_harm(machine: ConfigHome, text: str) -> None:
    machine.user(text)
    assert machine.load().settings.prices == ()
