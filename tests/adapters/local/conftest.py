"""The real small weights, joined once for all tests of this folder and deleted at the end: they are half a gigabyte."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from treadle.adapters.local.weights import Search
from treadle.core.settings import LocalModel

SETTINGS = LocalModel(size="0.5b", context=2048)


@pytest.fixture(scope="session")
def weights_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="treadle-weights-") as folder:
        found = asyncio.run(Search(SETTINGS, Path(folder), sys.executable, lambda _: None, {"HF_HUB_OFFLINE": "1"}).find())
        assert found.source == "packages", "the tests need the packages of treadle[local-small]: make model"
        yield Path(folder)
