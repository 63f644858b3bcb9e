"""Windows itself: no confinement here. Promises to say so; must never start a process."""

from __future__ import annotations

from ...core.errors import TreadleError
from ...core.settings import SandboxPolicy
from ...runtime.ports import CommandSpec, Process, SandboxStatus

_REASON = "Treadle runs commands on Windows only inside WSL 2: open the folder with VS Code's WSL extension."


class RefusingSandbox:
    async def status(self) -> SandboxStatus:
        return SandboxStatus("none", False, _REASON)

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> Process:
        raise TreadleError("The command was not started.", hint=_REASON)

    async def close(self) -> None:
        return
