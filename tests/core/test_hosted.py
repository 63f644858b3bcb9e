"""Provider-hosted tools: only where they were asked for and the provider has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from treadle.core.hosted import hosted
from treadle.core.settings import Provider, Settings

SETTINGS = Settings("/w", "m", Provider("openai", "OpenAI", "https://api.openai.com/v1", web_search=True))


@pytest.mark.parametrize(("mode", "live"), [("cached", False), ("live", True)])
def test_web_search_is_listed_when_it_is_configured(mode: str, live: bool) -> None:
    settings = replace(SETTINGS, web_search=mode)  # type: ignore[arg-type]
    assert hosted(settings) == [{"type": "web_search", "external_web_access": live}]


def test_nothing_is_listed_where_it_is_turned_off_or_for_another_provider() -> None:
    assert hosted(replace(SETTINGS, web_search="disabled")) == []
    assert hosted(replace(SETTINGS, web_search="live", provider=Provider("mine", "Mine", "http://x"))) == []
