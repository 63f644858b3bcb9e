"""Run as a program: starts a confined and an unconfined command, says so, and waits to be killed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from treadle.adapters.sandbox import pick
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import CommandSpec


async def main(state: Path) -> None:
    sandbox = pick(state)
    spec = CommandSpec(("/bin/sh", "-c", "setsid sleep 300 & echo up; sleep 300"), "/", dict(os.environ))
    for policy in (SandboxPolicy("read-only"), SandboxPolicy("danger-full-access")):
        process = await sandbox.spawn(spec, policy)
        async for _ in process.output():
            break
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
