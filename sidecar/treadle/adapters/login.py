"""The variables that the user's login shell sets, found once per process, so that commands need not start a login shell each.

Profiles of real users take hundreds of milliseconds and print; asking once gives every command their PATH without either. Runs
the user's own shell as the user's terminal would, without secrets in its environment, and gives up after a while: commands then
start login shells themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Mapping

from ..core.redaction import known
from ..core.settings import Settings, ShellEnvironment
from .environment import child_environment, handed_keys, known_secrets

PATIENCE = 15.0
"Seconds for the profile to run."
_TIDYING = 1.0
"Seconds for it to tidy up when it is not wanted any more."
_MOST_BYTES = 1 << 20
_MARK = b"\0treadle-environment\0"
_SCRIPT = r"printf '\0treadle-environment\0'; exec /usr/bin/env -0"
_OF_THE_SHELL = ("_", "SHLVL", "PWD", "OLDPWD")


class CommandEnvironment:
    """Variables for commands: runtime.assembly.Environment. `secret_names` and `secrets` per thread never get through."""

    def __init__(
        self,
        own: Mapping[str, str],
        hidden: Callable[[Settings], tuple[set[str], list[str]]],
        stored: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`stored`: secrets that are kept on disk."""
        self._own = own
        self._hidden = hidden
        self._stored = stored
        self._handed = handed_keys(own)
        self._login: dict[str, str] | None = None
        self._asking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask the login shell. Needs a running loop."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="login environment")

    async def asked(self) -> None:
        """Wait until the login shell has answered or was given up."""
        if self._asking is not None:
            await asyncio.wait([self._asking])

    def variables(self, settings: Settings) -> tuple[dict[str, str], bool]:
        """The variables, and whether they are already those of a login shell."""
        names, secrets = self._hidden(settings)
        names = names | self._handed
        # the login shell was not told them, and may still know them by another name
        known = {name.upper() for name in names}
        secrets = [*secrets, *(value for name, value in self._own.items() if name.upper() in known)]
        login = self._login if settings.allow_login_shell else None
        source = self._own if login is None else login
        found = child_environment(source, settings.shell_environment, secret_names=names, secrets=secrets)
        return found, login is not None

    def secrets(self, settings: Settings) -> tuple[str, ...]:
        """What is taken out of the output of commands, see core/redaction.py."""
        handed = {self._own.get(name, "").strip() for name in self._handed} - {""}
        return known({*known_secrets(self._own, settings), *handed, *self._stored()})

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask(self) -> None:
        shell = self._own.get("SHELL", "")
        if os.path.basename(shell) not in ("bash", "zsh", "sh") or not os.access(shell, os.X_OK):
            shell = "/bin/bash"
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            self._login = await _answer(shell, child_environment(self._own, ShellEnvironment(), secret_names=self._handed))


async def _answer(shell: str, environment: Mapping[str, str]) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        *(shell, "-lc", _SCRIPT),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    )
    assert process.stdout
    data = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while len(data) < _MOST_BYTES and (chunk := await process.stdout.read(1 << 16)):
                data += chunk
            await process.wait()
    finally:
        await _end(process)
    _, mark, listed = data.rpartition(_MARK)
    if not mark:
        raise ValueError("the login shell did not answer")
    pairs = (entry.decode("utf-8", "surrogateescape").partition("=") for entry in listed.split(b"\0") if entry)
    return {name: value for name, _, value in pairs if name not in _OF_THE_SHELL}


async def _end(process: asyncio.subprocess.Process) -> None:
    """First as a terminal would that is closed: a profile may hold a lock, which the next login shell would wait for."""
    for number, seconds in ((signal.SIGHUP, _TIDYING), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
            return
