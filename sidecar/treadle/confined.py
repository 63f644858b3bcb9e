"""Composition root of `treadle sandbox`: settings -> sandbox -> one command, under exactly what the agent's commands run under.

Beside app.py because no agent is needed: nothing heavy is imported, no thread is opened and nothing is stored. Must never run a
command that the sandbox would not have run: whatever is wrong ends with a sentence, and nothing has happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import cast

from .adapters.config import ConfigFiles, load, parse_override
from .adapters.environment import hidden
from .adapters.homes import Homes, homes
from .adapters.login import CommandEnvironment
from .adapters.sandbox import pick
from .command_line import SandboxLine, Usage
from .core.confinement import marks
from .core.errors import ToolFailure, TreadleError
from .core.settings import SandboxMode, SandboxPolicy, Settings
from .runtime.ports import CommandSpec, Sandbox
from .server import passthrough

NOT_RUN = 126


def main(line: SandboxLine) -> int:
    """Run the command of this line. Its exit code, or 126 when it could not be confined and was not run."""
    try:
        cwd = _folder(line.cwd or os.getcwd())
        roots = tuple(_folder(root) for root in line.roots)
        folders = homes()
        settings, policy = _settings(folders, cwd, line, roots)
    except (Usage, OSError, TreadleError) as error:
        return _complain(error, 2)
    try:
        folders = _usable(folders)
    except OSError as error:
        return _complain(
            f"{folders.treadle} cannot be used: {error.strerror}. Set TREADLE_HOME to a folder that can be.", NOT_RUN
        )
    code = asyncio.new_event_loop().run_until_complete(_run(folders, settings, policy, line, cwd))
    sys.stderr.flush()
    os._exit(code)  # a thread may wait for a reader who never comes


def _settings(folders: Homes, cwd: str, line: SandboxLine, roots: tuple[str, ...]) -> tuple[Settings, SandboxPolicy]:
    files = ConfigFiles()
    overrides = dict(parse_override(text) for text in line.config)
    loaded = load(codex_home=folders.codex, cwd=cwd, overrides=overrides, environ=os.environ, files=files)
    _, unread = files.read(folders.codex / "config.toml")
    configured = "sandbox_mode" in loaded.raw or unread is not None
    return loaded.settings, chosen(loaded.settings, line, roots, configured=configured)


def chosen(settings: Settings, line: SandboxLine, roots: tuple[str, ...], *, configured: bool) -> SandboxPolicy:
    """What the words say, else what config.toml says, else workspace-write. With --root those are the only roots, without it the
    working folder and what config.toml names, as for a thread."""
    policy = settings.sandbox
    mode = line.mode or (policy.mode if configured and not roots else "workspace-write")
    network = line.network or mode == "danger-full-access" or (policy.network and mode == policy.mode)
    where = roots or tuple(dict.fromkeys((settings.cwd, *policy.writable_roots)))
    return replace(policy, mode=cast("SandboxMode", mode), network=network, writable_roots=where)


def _usable(folders: Homes) -> Homes:
    """With a folder of ours that is there. Nothing that lasts is kept for one command, so without a home, as under cron or on a
    disk that cannot be written, one among the temporary files does; it is protected from the command like any other."""
    try:
        folders.treadle.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        if os.environ.get("TREADLE_HOME"):
            raise
        instead = Path("/tmp") / f"treadle-{os.geteuid()}"
        instead.mkdir(exist_ok=True, mode=0o700)
        found = instead.lstat()
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
            raise
        return replace(folders, treadle=instead)
    return folders


def _folder(path: str) -> str:
    full = os.path.abspath(path)
    if not os.path.isdir(full):
        raise Usage(f"no such folder: {full}")
    return full


def _complain(problem: object, code: int) -> int:
    sentence = problem.sentence() if isinstance(problem, TreadleError) else str(problem)
    sys.stderr.write(f"treadle: {sentence}\n")
    return code


async def _run(folders: Homes, settings: Settings, policy: SandboxPolicy, line: SandboxLine, cwd: str) -> int:
    environment = CommandEnvironment(dict(os.environ), hidden)
    sandbox = pick(folders.treadle)
    try:
        problem = await _problem(sandbox, policy, consents=line.degraded)
        if problem is not None:
            return _complain(problem, NOT_RUN)
        # not asked of a login shell: whoever types this has one, and its variables
        variables, _ = environment.variables(settings)
        command = CommandSpec(tuple(line.command), cwd, {**variables, **marks(policy)}, limits=settings.limits)
        async with _reaching(command, policy, settings, sandbox) as reaching:
            return await passthrough.run(sandbox, reaching, policy)
    except (TreadleError, ToolFailure, OSError) as error:
        return _complain(error, NOT_RUN)
    finally:
        await environment.close()
        await sandbox.close()


@contextlib.asynccontextmanager
async def _reaching(
    command: CommandSpec, policy: SandboxPolicy, settings: Settings, sandbox: Sandbox
) -> AsyncGenerator[CommandSpec]:
    """By the network lists of the user, where there are any. What was answered to questions counts in the agent only."""
    if settings.network is None:
        yield command
        return
    from .adapters.proxy import DeferredProxy  # noqa: PLC0415
    from .core.policy import Grants  # noqa: PLC0415
    from .runtime.network import by_the_lists  # noqa: PLC0415

    proxy = DeferredProxy()
    try:
        async with by_the_lists(command, policy, settings, sandbox=sandbox, proxy=proxy, grants=Grants()) as reaching:
            yield reaching
    finally:
        await proxy.close()


async def _problem(sandbox: Sandbox, policy: SandboxPolicy, *, consents: bool) -> str | None:
    if not policy.confines:
        return None
    status = await sandbox.status()
    if not status.available:
        return status.reason or "there is no sandbox on this machine"
    if status.degraded and policy.mode == "workspace-write" and not consents:
        return f"{status.reason} The command was not run; add --degraded to run it like this."
    return None
