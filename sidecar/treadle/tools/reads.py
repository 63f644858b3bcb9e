"""What a command that only reads has shown to the model: remembered, so that a patch can tell a file that changed since."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from ..core.views import CallView, CommandView
from ..runtime.ports import Scope

MAX_FILES = 8
"Of one command."


async def note_reads(view: CallView, scope: Scope) -> None:
    """The command of this view has ended well: the model knows the files that it read, as they are on disk now."""
    actions = cast("CommandView", view).get("actions") or []
    for action in actions[:MAX_FILES]:
        path = action.get("path")
        if action.get("type") != "read" or not path:
            continue
        with suppress(OSError, ValueError):
            real = scope.files.resolve(path)
            scope.known.note(real, (await scope.files.read(real, on_disk=True)).data)
