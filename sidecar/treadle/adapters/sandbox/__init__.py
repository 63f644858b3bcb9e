"""Sandbox: where commands run. One file per system; `pick` chooses, once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ...runtime.ports import Sandbox
from .own_files import databases

MCP_LOGINS = "mcp_logins.json"
"In the agent's own folder."


def pick(state_dir: Path) -> Sandbox:
    """The sandbox of this system. `state_dir` is the agent's own folder, which commands may never write."""
    match sys.platform:
        case "linux":
            from .linux import LinuxSandbox  # noqa: PLC0415

            return LinuxSandbox(state_dir, hidden=_credentials(state_dir), own=_own_paths(state_dir))
        case "darwin":
            from .macos import MacSandbox  # noqa: PLC0415

            hidden = (*_credentials(state_dir), *databases(state_dir))
            return MacSandbox(state_dir, hidden=hidden, own=_own_paths(state_dir))
        case _:
            from .windows import RefusingSandbox  # noqa: PLC0415

            return RefusingSandbox()


def _credentials(state_dir: Path) -> tuple[str, ...]:
    """Files that hold the user's keys: commands may read the disk, not these."""
    return os.path.join(_codex_home(), "auth.json"), os.path.join(os.path.abspath(state_dir), MCP_LOGINS)


def _codex_home() -> str:
    return os.path.abspath(os.path.expanduser(os.environ.get("CODEX_HOME") or "~/.codex"))


def _own_paths(state_dir: Path) -> tuple[str, ...]:
    """What acts unconfined at the next start: the program, and the settings that name programs to run (mcp_servers) and what
    the model is told. A command that could change them would be free then."""
    package = Path(__file__).resolve().parents[2]
    folders = (*_ways(_codex_home()), *_ways(os.path.abspath(state_dir)))
    return tuple(dict.fromkeys((str(package), os.path.realpath(sys.prefix), *folders)))


def _ways(path: str) -> list[str]:
    """Where `path` leads, and every link on the way: one that was exchanged would lead elsewhere."""
    places = (path, *map(str, Path(path).parents))
    links = [os.path.join(os.path.realpath(os.path.dirname(p)), os.path.basename(p)) for p in places if os.path.islink(p)]
    return [os.path.realpath(path), *links]
