"""The network of every test here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fakes.network import Network, made_up_network


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    async with made_up_network() as made:
        yield made
