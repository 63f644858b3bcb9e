"""Names of the agent's own databases, which no command may read: they hold what was said in all threads and what files held in
all workspaces. Whoever may read a file may also lock it, and so hold up the agent.
"""

from __future__ import annotations

import os
from pathlib import Path

_DATABASES = ("threads.sqlite3", "versions.sqlite3")
_BESIDE = ("", "-wal", "-shm")
"SQLite's own files beside each."


def databases(state_dir: Path) -> tuple[str, ...]:
    folder = os.path.abspath(state_dir)
    return tuple(os.path.join(folder, name + end) for name in _DATABASES for end in _BESIDE)
