"""Commands without confinement: after the user said so, or where something else confines already.

Promises that even then a command can be ended with all that it started: a supervisor process adopts what daemonises, and ends
everything when asked or when the sidecar dies. Must never be reached by a policy that confines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

from ...core.errors import ToolFailure, TreadleError
from ...core.settings import SandboxPolicy
from ...runtime.ports import CommandSpec, Process, SandboxStatus
from .channel import Channel, open_channel
from .limits import Watchdog, bounds
from .process import ChildProcess
from .spawner import Spawner

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))


def checked(command: CommandSpec) -> CommandSpec:
    """Raises ToolFailure for what no sandbox could start."""
    if not command.argv or not command.argv[0]:
        raise ToolFailure("The command is empty.")
    if not os.path.isdir(command.cwd):
        raise ToolFailure(f"The working folder {command.cwd} does not exist.")
    return command


class SupervisedTree:
    """Speaks to the supervisor: k ends everything, i is Ctrl-C; it answers with the command's exit code."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        control.setblocking(False)

    def attach(self, process: ChildProcess) -> None:
        loop = asyncio.get_running_loop()

        def heard() -> None:
            try:
                data = self._control.recv(64)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                process.set_exit(int(data.split()[0]))
            else:
                loop.remove_reader(self._control)
                process.reap()

        loop.add_reader(self._control, heard)
        process.when_gone(partial(self._close, loop))

    def interrupt(self) -> None:
        self._send(b"i")

    async def end(self, child: subprocess.Popen[bytes]) -> None:
        self._send(b"k")

    def _send(self, word: bytes) -> None:
        with contextlib.suppress(OSError):
            self._control.send(word)

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._control.fileno() >= 0:
            loop.remove_reader(self._control)
            self._control.close()


class Unconfined:
    """Also the base for sandboxes that only prepend to the command line."""

    def __init__(self, watchdog: Watchdog | None = None) -> None:
        self._watchdog = watchdog or Watchdog()
        self._spawner = Spawner(confined=False)
        self._live: set[ChildProcess] = set()
        self._killing: set[asyncio.Task[None]] = set()

    async def status(self) -> SandboxStatus:
        return SandboxStatus("none", False, "Commands cannot be confined on this system, so every command asks before it runs.")

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> Process:
        if policy.confines:
            raise TreadleError("The command was not started.", hint=(await self.status()).reason)
        return await self.start(checked(command))

    async def start(self, command: CommandSpec) -> ChildProcess:
        """Without asking any policy."""
        channel = open_channel(command)
        control, remote = socket.socketpair()

        def abandon(child: subprocess.Popen[bytes]) -> None:
            task = asyncio.ensure_future(self._adopt(child, channel, control, command.tty).kill())
            self._killing.add(task)
            task.add_done_callback(self._killing.discard)

        def failed() -> None:
            channel.close()
            control.close()

        child = await self._spawner.run(partial(_supervise, command, channel, remote), abandon, failed)
        process = self._adopt(child, channel, control, command.tty)
        folders = (command.cwd, "/", "/tmp", command.env.get("HOME", "/"))
        self._watchdog.watch(process, bounds(command.limits), folders)
        return process

    async def close(self) -> None:
        await self._spawner.settle()
        await asyncio.gather(*(process.kill() for process in tuple(self._live)), *self._killing)
        await self._watchdog.close()
        await asyncio.to_thread(self._spawner.close)

    def _adopt(self, child: subprocess.Popen[bytes], channel: Channel, control: socket.socket, tty: bool) -> ChildProcess:
        tree = SupervisedTree(control)
        process = ChildProcess(child, channel, tty=tty, tree=tree)
        tree.attach(process)
        self._live.add(process)
        process.when_gone(lambda: self._live.discard(process))
        return process


def _supervise(command: CommandSpec, channel: Channel, remote: socket.socket) -> subprocess.Popen[bytes]:
    terminal = "tty" if command.tty else "pipe"
    locale = "keep" if "LC_CTYPE" in command.env else "drop"  # Python sets it on its own when it starts
    argv = [sys.executable, "-I", "-S", "-B", _SUPERVISOR, str(remote.fileno()), terminal, locale, *command.argv]
    try:
        return subprocess.Popen(
            argv,
            stdin=channel.theirs.get(0, subprocess.DEVNULL),
            stdout=channel.theirs[1],
            stderr=channel.theirs[2],
            env=command.env,
            cwd=command.cwd,
            pass_fds=(remote.fileno(),),
            start_new_session=True,
        )
    except OSError as error:
        raise TreadleError(f"The command could not be started: {error.strerror}.") from error
    except ValueError as error:
        raise ToolFailure(f"The command could not be started: {error}.") from error
    finally:
        channel.give()
        remote.close()
