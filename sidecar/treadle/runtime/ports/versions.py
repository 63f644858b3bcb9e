"""Contents of files as they were, by what they hold: for checkpoints and hunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ...core.record import frozen

if TYPE_CHECKING:
    from ...core.checkpoints import Restored


@frozen
class FileVersion:
    """What one turn did to one file: as it was when the turn first changed it, and as the turn left it. `before` and `after` are
    keys of contents; None: there was, or is, no file."""

    thread_id: str
    turn_id: str
    path: str
    before: str | None
    after: str | None
    at: float
    mode_before: int | None = None
    mode_after: int | None = None
    omitted: str | None = None
    "Why no contents are kept: a clause. The file cannot be restored then."


@frozen
class HunkBase:
    """Of a file that the agent changed: keys of the content that its hunks are measured against and of the one that it left."""

    path: str
    base: str | None
    left: str | None
    turns: tuple[str, ...] = ()
    "Those that changed it since the user kept all of it, oldest first."
    marks: str = ""
    "Which lines are hunks, with their ids and turns: the words of core/hunk_notes.py, stored as they are."


class Versions(Protocol):
    """Synchronous, as Store is; from any thread. Contents are kept once, compressed, for as long as a row of any thread names
    them. Everything here raises OSError, in words, when the disk cannot do it."""

    def put(self, data: bytes) -> str:
        """The content's key: SHA-256, in hex. Durable when it returns; record or set_base must name it within the hour."""
        ...

    def get(self, key: str) -> bytes:
        """Raises KeyError for what is not kept (any more)."""
        ...

    def record(self, versions: Sequence[FileVersion]) -> None:
        """All or nothing. Of one turn and path the first `before` stays and `after` is replaced; where somebody else has changed
        the file in between (`before` is not the last `after`), a second row begins."""
        ...

    def of(self, thread_id: str) -> list[FileVersion]:
        """Oldest first."""
        ...

    def add_restored(self, restored: Restored) -> None: ...
    def restored(self, thread_id: str) -> list[Restored]:
        """Oldest first."""
        ...

    def withdraw(self, thread_id: str, restore_id: str) -> None:
        """It did not happen: take its rows away."""
        ...

    def bases(self, thread_id: str) -> list[HunkBase]: ...
    def set_base(self, thread_id: str, path: str, base: HunkBase | None) -> None: ...
    def copy(self, thread_id: str, other: str, turns: Sequence[str]) -> None:
        """What these turns did, and what was restored after them, is another thread's as well."""
        ...

    def forget(self, thread_id: str) -> None:
        """Everything of a thread, and the contents that no other thread names."""
        ...

    def close(self) -> None: ...
