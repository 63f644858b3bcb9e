"""The bench of every test here: a real sandbox over a scratch folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sandbox_bench import SECRET, Bench

from treadle.adapters.sandbox.linux import LinuxSandbox


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    for name in ("workspace", "outside", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "home" / "auth.json").write_text(SECRET)
    sandbox = LinuxSandbox(tmp_path / "state", hidden=(str(tmp_path / "home" / "auth.json"),), own=())
    yield Bench(sandbox, tmp_path / "workspace", tmp_path / "outside", tmp_path / "home")
    await sandbox.close()
