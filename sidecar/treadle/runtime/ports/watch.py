"""What commands change in the workspace, of which nobody says anything beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ...core.settings import CheckpointRules

if TYPE_CHECKING:
    from .versions import FileVersion

Owner: TypeAlias = tuple[str, str]
"Thread and turn."


class Watch(Protocol):
    """Keeps the contents of the files below some folders, so that those that a command changes are known from before. Looking is
    cheap when nothing has changed. Roots are real paths."""

    def begin(self, roots: Sequence[str], rules: CheckpointRules) -> None:
        """Look at these in the background from now on, if that is not done already. Returns at once."""
        ...

    async def ready(self, roots: Sequence[str], seconds: float, say: Callable[[str | None], None]) -> str | None:
        """When all that is below the roots is known, or after so long. Why it is known in part only, a clause; None: it is all
        known. `say` is told of the progress when it takes long, and None when that is over."""
        ...

    async def look(self, roots: Sequence[str], owner: Owner | None, at: float) -> list[FileVersion]:
        """What has changed since the last time: recorded for the owner, whose turn did it, and known from now on. Without an
        owner it was somebody else. Nothing where the roots are not ready. Raises OSError when it cannot be kept."""
        ...

    def note(self, path: str, key: str | None, mode: int | None = None) -> None:
        """This content (None: no file), with this mode if it is not as before, was put there by somebody who has told of it: it
        is not to be found again."""
        ...

    async def close(self) -> None: ...
