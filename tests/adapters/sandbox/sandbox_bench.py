"""A real sandbox over a scratch folder, and words to run things in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from treadle.adapters.sandbox.linux import LinuxSandbox
from treadle.core.settings import CommandLimits, SandboxMode, SandboxPolicy
from treadle.runtime.ports import CommandSpec, Process

SECRET = "a secret of the user"
NO_LIMITS = CommandLimits()


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Bench:
    """`outside` is not writable under any confining policy here; `workspace` is."""

    sandbox: LinuxSandbox
    workspace: Path
    outside: Path
    home: Path

    def policy(self, mode: SandboxMode = "workspace-write", *, network: bool = False, tmp: bool = False) -> SandboxPolicy:
        roots = (str(self.workspace),)
        return SandboxPolicy(mode, roots, network, exclude_tmpdir=True, exclude_slash_tmp=not tmp)

    async def start(
        self,
        script: str,
        policy: SandboxPolicy | None = None,
        *,
        tty: bool = False,
        limits: CommandLimits = NO_LIMITS,
        **env: str,
    ) -> Process:
        environment = {"PATH": os.environ["PATH"], **env}
        spec = CommandSpec(("/bin/bash", "-c", script), str(self.workspace), environment, tty=tty, limits=limits)
        return await self.sandbox.spawn(spec, policy or self.policy())

    async def run(
        self,
        script: str,
        policy: SandboxPolicy | None = None,
        *,
        tty: bool = False,
        limits: CommandLimits = NO_LIMITS,
        **env: str,
    ) -> Result:
        process = await self.start(script, policy, tty=tty, limits=limits, **env)
        try:
            text = b"".join([chunk async for chunk in process.output()])
            return Result(await process.wait(), text.decode())
        finally:
            await process.kill()
