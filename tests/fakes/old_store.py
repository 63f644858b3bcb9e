"""A store's file as an earlier version of Treadle left it: made by the first steps of the migration."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from treadle.adapters.store import sqlite
from treadle.core.items import Item, encode

VERSIONS = range(1, len(sqlite._STEPS))  # pyright: ignore[reportPrivateUsage]
"Of files that are migrated."
_COLUMNS = "id, created_at, updated_at, cwd, model, provider, preview, name, archived, originator, settings"


def old_store(folder: Path, version: int, threads: Mapping[str, Sequence[Item]], preview: str = "") -> None:
    with contextlib.closing(sqlite3.connect(folder / "threads.sqlite3", isolation_level=None)) as database:
        for step in sqlite._STEPS[:version]:  # pyright: ignore[reportPrivateUsage]
            for statement in step.split(";"):
                database.execute(statement)
        for thread_id, items in threads.items():
            row = (thread_id, 1.0, 1.0, "/ws", "m", "p", preview, None, 0, "o", "{}")
            database.execute(f"INSERT INTO thread ({_COLUMNS}) VALUES ({','.join('?' * len(row))})", row)
            rows = [(thread_id, position, encode(item)) for position, item in enumerate(items)]
            database.executemany("INSERT INTO item (thread_id, position, body) VALUES (?, ?, ?)", rows)
        database.execute(f"PRAGMA user_version={version}")
