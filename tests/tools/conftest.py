"""Real commands for the tests of tools: unconfined where confinement is not the point."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.commands import Shell
from treadle.adapters.sandbox.unconfined import Unconfined


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    sandbox = Unconfined()
    shell = Shell(tmp_path, sandbox)
    yield shell
    await shell.sessions.close()
    await sandbox.close()
