"""A real sandbox over a scratch folder, and words to run things in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from treadle.adapters.sandbox.linux import LinuxSandbox
from treadle.core.settings import SandboxMode, SandboxPolicy
from treadle.runtime.ports import CommandSpec, Process

SECRET = "a secret of the user"


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

    async def start(self, script: str, policy: SandboxPolicy | None = None, *, tty: bool = False, **env: str) -> Process:
        spec = CommandSpec(("/bin/bash", "-c", script), str(self.workspace), {"PATH": os.environ["PATH"], **env}, tty=tty)
        return await self.sandbox.spawn(spec, policy or self.policy())

    async def run(self, script: str, policy: SandboxPolicy | None = None, *, tty: bool = False, **env: str) -> Result:
        process = await self.start(script, policy, tty=tty, **env)
        try:
            text = b"".join([chunk async for chunk in process.output()])
            return Result(await process.wait(), text.decode())
        finally:
            await process.kill()
