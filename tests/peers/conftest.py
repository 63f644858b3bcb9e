"""What the real program prints, once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.app_server_schemas import Schemas


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Schemas, Schemas]:
    """The stable schemas, and the whole ones."""
    folder: Path = tmp_path_factory.mktemp("schemas")
    return Schemas(folder, experimental=False), Schemas(folder, experimental=True)
