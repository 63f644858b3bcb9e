"""`make faults`: seeded runs of threads that work while a proxy between sidecar and model does its worst; then a table.

FAULT_RUNS says how many (default 1000), FAULT_SEED where the seeds begin. Also the worker: `--worker SEED...` runs these seeds
one after the other and prints a line of JSON for each.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import os

from faults.sweep import sweep, table, worker

if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        sys.exit(worker([int(seed) for seed in sys.argv[2:]]))
    first, count = int(os.environ.get("FAULT_SEED", "0")), int(os.environ.get("FAULT_RUNS", "1000"))
    reports = sweep(range(first, first + count), sys.stdout)
    sys.stdout.write(table(reports))
    sys.exit(any(report.wrong for report in reports))
