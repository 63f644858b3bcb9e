"""Commands without confinement: after the user said so, or where something else confines already.

Promises that even then a command can be ended with all that it started: a supervisor (see keeper.py) adopts what daemonises, and
ends everything when asked or when the sidecar dies. Must never be reached by a policy that confines.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import marshal
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ...core.errors import ToolFailure, TreadleError
from ...core.record import frozen
from ...core.settings import SandboxPolicy
from ...runtime.ports import CommandSpec, Process, SandboxStatus
from .channel import Channel, open_channel
from .limits import Watchdog, bounds, kernel_limits
from .process import Child, ChildProcess, KeptChild
from .spawner import Spawner

_KEEPER = str(Path(__file__).with_name("keeper.py"))


@frozen
class Confinement:
    """What a command puts on itself before it begins."""

    ruleset: int
    "A Landlock ruleset; closed by whoever made it."
    filters: tuple[bytes, ...]
    "Seccomp programs, the last of which has the last word."


def checked(command: CommandSpec) -> CommandSpec:
    """Raises ToolFailure for what no sandbox could start."""
    if not command.argv or not command.argv[0]:
        raise ToolFailure("The command is empty.")
    if any("\0" in text for text in (*command.argv, *command.env, *command.env.values())):
        raise ToolFailure("The command could not be started: it or its environment holds a NUL character.")
    if not os.path.isdir(command.cwd):
        raise ToolFailure(f"The working folder {command.cwd} does not exist.")
    return command


class SupervisedTree:
    """Speaks to the supervisor: k ends everything, i is Ctrl-C; it answers with the command's exit code."""

    def __init__(self, control: socket.socket, child: KeptChild) -> None:
        self._control = control
        self._child = child
        self._code = 255
        control.setblocking(False)

    def attach(self, process: ChildProcess, *, at_once: bool) -> None:
        """`at_once`: the command's end is told while its children may still live."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            try:
                data = self._control.recv(64)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self._code = int(data.split()[0])
                if at_once:
                    process.set_exit(self._code)
            else:
                loop.remove_reader(self._control)
                self._child.returncode = self._code
                process.reap()

        loop.add_reader(self._control, heard)
        process.when_gone(partial(self._close, loop))

    def interrupt(self) -> None:
        self._send(b"i")

    async def end(self, child: Child) -> None:
        self._send(b"k")

    def _send(self, word: bytes) -> None:
        with contextlib.suppress(OSError):
            self._control.send(word)

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._control.fileno() >= 0:
            loop.remove_reader(self._control)
            self._control.close()


class Keeper:
    """The process from which commands are born, started with the first. Used from one thread."""

    def __init__(self) -> None:
        self._link: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def bear(
        self, command: CommandSpec, channel: Channel, control: socket.socket, confinement: Confinement | None = None
    ) -> KeptChild:
        places = sorted(channel.theirs)
        asked: dict[str, object] = {
            "argv": list(command.argv),
            "env": dict(command.env),
            "cwd": command.cwd,
            "terminal": command.tty,
            "places": places,
            "limits": kernel_limits(bounds(command.limits)),
            "filters": list(confinement.filters) if confinement else [],
            "alone": confinement is not None,
        }
        fds = [*(channel.theirs[place] for place in places), control.fileno(), *([confinement.ruleset] if confinement else [])]
        try:
            pid = self._ask(marshal.dumps(asked), fds)
        except OSError:  # somebody has ended it
            self.close()
            pid = self._ask(marshal.dumps(asked), fds)
        if pid <= 0:
            raise OSError(-pid, os.strerror(-pid))
        return KeptChild(pid)

    def close(self) -> None:
        """What was born here is ended by its supervisor, when its own control is closed."""
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _ask(self, body: bytes, fds: list[int]) -> int:
        link = self._link = self._link or self._start()
        socket.send_fds(link, [struct.pack("=Q", len(body))], fds)
        link.sendall(body)
        answer = link.recv(4, socket.MSG_WAITALL)
        if len(answer) < 4:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        return int(struct.unpack("=i", answer)[0])

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", _KEEPER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        return ours


class Unconfined:
    """Also the base for sandboxes that only prepend to the command line."""

    def __init__(self, watchdog: Watchdog | None = None) -> None:
        self._watchdog = watchdog or Watchdog()
        self._spawner = Spawner(confined=False)
        self._keeper = Keeper()
        self._live: set[ChildProcess] = set()
        self._killing: set[asyncio.Task[None]] = set()

    async def status(self) -> SandboxStatus:
        return SandboxStatus("none", False, "Commands cannot be confined on this system, so every command asks before it runs.")

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> Process:
        if policy.confines:
            raise TreadleError("The command was not started.", hint=(await self.status()).reason)
        return await self.start(checked(command))

    async def start(
        self,
        command: CommandSpec,
        confine: Callable[[Channel], Confinement] | None = None,
        after: Callable[[], str | None] | None = None,
    ) -> ChildProcess:
        """Without asking any policy. Both are called in another thread: `confine` before, and it may raise; `after` when all is
        over, for last words in the output. A command with `confine` takes with it what it started when it ends."""
        channel = open_channel(command)
        control, remote = socket.socketpair()

        def abandon(child: KeptChild) -> None:
            task = asyncio.ensure_future(self._adopt(child, channel, control, command.tty, after).kill())
            self._killing.add(task)
            task.add_done_callback(self._killing.discard)

        def failed() -> None:
            channel.close()
            control.close()

        child = await self._spawner.run(partial(self._bear, command, channel, remote, confine), abandon, failed)
        process = self._adopt(child, channel, control, command.tty, after)
        folders = (command.cwd, "/", "/tmp", command.env.get("HOME", "/"))
        self._watchdog.watch(process, bounds(command.limits), folders)
        return process

    async def close(self) -> None:
        await self._spawner.settle()
        await asyncio.gather(*(process.kill() for process in tuple(self._live)), *self._killing)
        await self._watchdog.close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._keeper.close()
        self._spawner.close()

    def _bear(
        self, command: CommandSpec, channel: Channel, remote: socket.socket, confine: Callable[[Channel], Confinement] | None
    ) -> KeptChild:
        """In the spawner's thread."""
        self._spawner.make_room(bounds(command.limits).processes, len(self._live))
        confinement: Confinement | None = None
        try:
            confinement = confine(channel) if confine is not None else None
            return self._keeper.bear(command, channel, remote, confinement)
        except OSError as error:
            raise TreadleError(f"The command could not be started: {error.strerror}.") from error
        finally:
            channel.give()
            remote.close()
            if confinement is not None:
                os.close(confinement.ruleset)

    def _adopt(
        self, child: KeptChild, channel: Channel, control: socket.socket, tty: bool, after: Callable[[], str | None] | None
    ) -> ChildProcess:
        tree = SupervisedTree(control, child)

        async def finish(look: Callable[[], str | None], done: Callable[[], None]) -> None:
            try:
                process.say_last(await asyncio.to_thread(look))
            finally:
                done()

        def tidy(done: Callable[[], None]) -> None:
            assert after is not None
            task = asyncio.ensure_future(finish(after, done))
            self._killing.add(task)
            task.add_done_callback(self._killing.discard)

        process = ChildProcess(child, channel, tty=tty, tree=tree, tidy=tidy if after else None)
        tree.attach(process, at_once=after is None)
        self._live.add(process)
        process.when_gone(lambda: self._live.discard(process))
        return process
