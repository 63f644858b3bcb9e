"""Two minutes of everything at once: memory, descriptors, processes and threads end where they began, and the store is whole."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from soak.run import options, soak, table

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(float(os.environ.get("SOAK_SECONDS", "120")) + 600)]


def test_what_a_sidecar_takes_does_not_grow_with_the_work_that_it_does(tmp_path: Path) -> None:
    report = asyncio.run(soak(tmp_path, **options()))
    sys.stdout.write(f"{table(report)}\n{report.write()}\n")
    again = f"SOAK_SEED={report.seed} SOAK_SECONDS={report.seconds:.0f} make soak"
    assert not report.problems, "\n".join([*report.problems, again])
