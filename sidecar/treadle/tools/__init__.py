"""What the model may do. One file per tool, its description as .md beside it.

The order of `builtin` is part of the prompt's prefix: a new tool goes where it costs the fewest caches, mostly at the end.
"""

from __future__ import annotations

from ..core.models import facts_for
from ..core.settings import Settings
from ..runtime.ports import Tool


def load() -> None:
    """Every built-in tool's module."""
    from . import (  # noqa: F401, PLC0415 # pyright: ignore[reportUnusedImport]
        apply_patch,  # pyright: ignore[reportUnusedImport]
        exec_command,  # pyright: ignore[reportUnusedImport]
        read_output,  # pyright: ignore[reportUnusedImport]
        request_user_input,  # pyright: ignore[reportUnusedImport]
        update_plan,  # pyright: ignore[reportUnusedImport]
        view_image,  # pyright: ignore[reportUnusedImport]
        write_stdin,  # pyright: ignore[reportUnusedImport]
    )


def builtin(settings: Settings) -> tuple[Tool, ...]:
    """The built-in tools under these settings, in the order of the prompt."""
    from .apply_patch import ApplyPatch  # noqa: PLC0415
    from .exec_command import ExecCommand  # noqa: PLC0415
    from .read_output import ReadOutput  # noqa: PLC0415
    from .request_user_input import RequestUserInput  # noqa: PLC0415
    from .update_plan import UpdatePlan  # noqa: PLC0415
    from .view_image import ViewImage  # noqa: PLC0415
    from .write_stdin import WriteStdin  # noqa: PLC0415

    patch = ApplyPatch()
    found: list[Tool] = [ExecCommand(patch, allow_login_shell=settings.allow_login_shell), WriteStdin(), patch, ReadOutput()]
    if settings.plan_tool:
        found.append(UpdatePlan())
    if settings.question_tool:
        found.append(RequestUserInput())
    if facts_for(settings).images:
        found.append(ViewImage())
    return tuple(found)
