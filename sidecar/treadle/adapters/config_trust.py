"""Whether a folder is trusted: what the user's configuration says of it, under what the editor says of the open workspace.

An editor's no outranks every yes, and nothing that a folder holds can answer for it. Under a no the settings are those of a
conversation: nothing is run, changed, started or read of what the folder brings along.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias, cast

from ..core.settings import SandboxPolicy, Settings
from .config_values import Values
from .file_read import read_small

Trust: TypeAlias = Literal["trusted", "untrusted"]


def trust_of(values: Values, cwd: Path, root: Path, editor: Trust | None) -> Trust | None:
    """None: nobody has decided. `editor`: what the editor's user said of the workspace that is open."""
    return "untrusted" if editor == "untrusted" else _configured(values, cwd, root) or editor


def editor_trust(cwd: str, *, restricted: bool, trusted: Iterable[str]) -> Trust | None:
    """What the editor's user said of `cwd`. `trusted`: the folders that are open. A thread may be of another folder."""
    if restricted:
        return "untrusted"
    real = Path(os.path.realpath(cwd))
    return "trusted" if any(real.is_relative_to(os.path.realpath(folder)) for folder in trusted) else None


def restricted(settings: Settings) -> Settings:
    """The same settings for a folder that the editor does not trust."""
    return replace(
        settings,
        restricted=True,
        sandbox=SandboxPolicy("read-only"),
        mcp_servers=(),
        hooks=(),
        network=None,
        doc_max_bytes=0,
    )


def without(values: Values, settings: Settings) -> Settings:
    """What [treadle] turns off as a whole: mcp_enabled, hooks_enabled."""
    if not values.flag("treadle", "mcp_enabled", default=True):
        settings = replace(settings, mcp_servers=())
    return settings if values.flag("treadle", "hooks_enabled", default=True) else replace(settings, hooks=())


def _configured(values: Values, cwd: Path, root: Path) -> Trust | None:
    for folder in dict.fromkeys((cwd, Path(os.path.realpath(cwd)), root, *_main_repository(root))):
        found = values.choice("projects", str(folder), "trust_level", among=("trusted", "untrusted"))
        if found:
            return cast(Trust, found)
    return None


def _main_repository(root: Path) -> Iterator[Path]:
    """A worktree is trusted when the repository that it belongs to is."""
    try:
        text = read_small(str(root / ".git"), 4096).decode("utf-8", "replace")
    except OSError:
        return
    if text.startswith("gitdir:"):
        git = Path(os.path.normpath(root / text[len("gitdir:") :].strip()))
        if git.parent.name == "worktrees" and git.parent.parent.name == ".git" and _knows(git, root):
            yield git.parent.parent.parent


def _knows(git: Path, root: Path) -> bool:
    """Whether the repository says so too: any folder can say whose worktree it is."""
    try:
        back = read_small(str(git / "gitdir"), 4096).decode("utf-8", "replace").strip()
    except OSError:
        return False
    return os.path.realpath(git / back) == os.path.realpath(root / ".git")
