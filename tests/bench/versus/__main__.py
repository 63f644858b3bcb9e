"""`python -m tests.bench.versus`: measures treadle and PEER by turns and prints the table. No verdict is passed on times.

PEER=codex, acp or exec; nothing: treadle alone. ROUNDS (default 15, alone 5); CURVE_ROUNDS (default 2) of them with all the steps
of commands; ONLY=start,turns picks groups; SHORT=1 is one small round. Writes tests/bench/out/versus.json and drawings.
"""

from __future__ import annotations

import os
import signal
import sys

from .rounds import Run


def main() -> None:
    short = os.environ.get("SHORT", "") not in ("", "0")
    only = tuple(name for name in os.environ.get("ONLY", "").split(",") if name)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    peer = os.environ.get("PEER", "")
    rounds = int(os.environ.get("ROUNDS") or (1 if short else 15 if peer else 5))
    Run(peer, rounds, only, short=short).measure()


if __name__ == "__main__":
    main()
