"""What the model may do. One file per tool, its description as .md beside it.

The order of `builtin` is part of the prompt's prefix: a new tool goes where it costs the fewest caches, mostly at the end.
"""

from __future__ import annotations

from ..core.settings import Settings
from ..runtime.ports import Tool


def builtin(settings: Settings) -> tuple[Tool, ...]:
    """The built-in tools under these settings, in the order of the prompt."""
    from .apply_patch import ApplyPatch  # noqa: PLC0415
    from .exec_command import ExecCommand  # noqa: PLC0415
    from .write_stdin import WriteStdin  # noqa: PLC0415

    patch = ApplyPatch()
    return (ExecCommand(patch, allow_login_shell=settings.allow_login_shell), WriteStdin(), patch)
