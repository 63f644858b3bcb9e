"""`make soak`: one hour, or SOAK_SECONDS; prints a table, writes out/soak.json, and ends with 1 when something is wrong."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from .run import options, soak, table


def main() -> int:
    os.environ.setdefault("SOAK_SECONDS", "3600")
    with tempfile.TemporaryDirectory(prefix="treadle-soak-", ignore_cleanup_errors=True) as name:
        report = asyncio.run(soak(Path(name), **options()))
    path = report.write()
    sys.stdout.write(f"{table(report)}\n{path}\n")
    if report.problems:
        sys.stdout.write(f"Again: SOAK_SECONDS={report.seconds:.0f} SOAK_SEED={report.seed} make soak\n")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
