"""What a database that fails means to the user: one sentence and the way out, never the words of SQLite alone.

A connection of `ToldConnection` raises TreadleError in place of sqlite3.Error once it is `told`, so that whoever appends an item
need not know what it is kept in.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from ...core.errors import TreadleError

_SCARCE = 256 * 1024
"Bytes. A disk with less room counts as full, whatever the failure is called: SQLite needs some for its log."
_PRIMARY = 0xFF
_NAMES = ("FULL", "IOERR", "BUSY", "LOCKED", "READONLY", "CANTOPEN", "CORRUPT", "NOTADB", "PERM", "NOMEM")
_WORLD = frozenset(getattr(sqlite3, f"SQLITE_{name}") for name in _NAMES)
_KEPT = "What was kept before is safe."


class ToldConnection(sqlite3.Connection):
    """See above. `told` is the folder of the file."""

    told: Path | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        try:
            return super().execute(sql, parameters)
        except sqlite3.Error as error:
            if self.told is None or not of_the_world(error):
                raise
            raise failure(self.told, error) from error

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        try:
            return super().executemany(sql, parameters)
        except sqlite3.Error as error:
            if self.told is None or not of_the_world(error):
                raise
            raise failure(self.told, error) from error


class Kept:
    """The database's file. Without its name SQLite writes on into what nobody will ever find."""

    def __init__(self, path: Path) -> None:
        self._path, found = str(path), path.stat()
        self._id = found.st_dev, found.st_ino

    def check(self) -> None:
        """Raises TreadleError where it is gone, or another is in its place."""
        try:
            found = os.stat(self._path)
            if (found.st_dev, found.st_ino) == self._id:
                return
            what, way_out = "another database is in the place of the one that was opened", "Start Treadle anew."
        except OSError as error:
            what, way_out = words(Path(self._path).parent, error)
        raise TreadleError(f"Threads cannot be kept in {os.path.dirname(self._path)}: {what}.", hint=way_out)


def of_the_world(error: sqlite3.Error) -> bool:
    """And no mistake of ours."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _WORLD


def failure(folder: Path, error: sqlite3.Error) -> TreadleError:
    """What to tell of a store that fails in the middle of the work."""
    what, way_out = words(folder, error)
    return TreadleError(f"Threads cannot be kept in {folder}: {what}.", hint=f"{way_out} {_KEPT}", details=str(error))


def words(folder: Path, error: OSError | sqlite3.Error) -> tuple[str, str]:
    """Why, as a clause; and the way out, as a sentence."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if str(error) == "written by a newer Treadle":
        return str(error), "Use that one, or set TREADLE_HOME to another folder."
    if is_full(folder, error):
        return "its disk is full", "Make room on that disk, then try again."
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        file = folder / "threads.sqlite3"
        return str(error), f"{file} is damaged: put a copy of it in its place, or move it away to begin anew."
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another program keeps its database locked", "Close other programs that use that folder, then try again."
    if isinstance(error, FileNotFoundError) or (code and not folder.exists()):
        what = "its database" if folder.exists() else "the folder"
        return f"{what} is gone", "Put it back, or start Treadle anew."
    if code == sqlite3.SQLITE_IOERR:
        return f"its disk fails ({error})", "See that the disk has room and is in order, then try again."
    return _plain(error), f"Make {folder} writable, or set TREADLE_HOME to a folder that is."


def is_full(folder: Path, error: OSError | sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code == sqlite3.SQLITE_FULL or "No space left" in str(error):
        return True
    return code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _room(folder) < _SCARCE


def _room(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return _SCARCE
    return found.f_bavail * found.f_frsize


def _plain(error: OSError | sqlite3.Error) -> str:
    """Without the number and the path that an OSError begins and ends with."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
