"""The Linux sandbox: bubblewrap for files, processes and network, seccomp for what reaches round them, Landlock scopes on top.

Promises: a policy that confines is carried out or refused, never softened; bubblewrap is found by absolute path, never on PATH;
nothing is probed per command. Must never pass a descriptor or an environment variable that the command was not given.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ...core.errors import ToolFailure, TreadleError
from ...core.record import frozen
from ...core.settings import CommandLimits, SandboxPolicy
from ...runtime.ports import CommandSpec, Process, SandboxStatus
from ..warden import Warden
from . import mounts, seccomp
from .channel import Channel, open_channel
from .limits import Watchdog, bounds, open_files
from .own_files import databases
from .placeholders import Placeholders
from .probe import NOT_INSTALLED, blocked, degraded, find_bubblewrap, has_bind_fd, writable_proc_entries
from .process import Child, ChildProcess
from .roots import Roots
from .spawner import Spawner
from .unconfined import Unconfined, checked

if TYPE_CHECKING:
    from .broker import Broker
    from .landlock import LandlockSandbox

_PRLIMIT, _SETSID = "/usr/bin/prlimit", "/usr/bin/setsid"
_LOCKED = ("placeholders", "locks", "commits", "baselines")
"In the agent's own folder: a command that locked one of these, which takes no more than reading, would hold up the agent."
_PAST_THE_WATCH = 64
"So many more than the watchdog allows, which says why it ends a command; the kernel only lets fork fail."
_PROBE_SECONDS = 60.0
_CHILD_SECONDS = 5.0
_POLL = 0.002


Born: TypeAlias = "tuple[subprocess.Popen[bytes], tuple[str, ...]]"
"The process that stands for a command, and the placeholders that it holds."


@frozen
class Base:
    """What does not change from command to command."""

    argv: tuple[str, ...]
    filter: int
    "A memory file with the seccomp program."
    pins: bool
    "Whether writable folders can be handed over by descriptor."


class NamespaceTree:
    """A command is everything in its pid namespace, and that ends with the namespace's first process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def interrupt(self) -> None:
        first = self._first()
        if first is not None:
            with contextlib.suppress(OSError):
                os.killpg(first, signal.SIGINT)

    async def end(self, child: Child) -> None:
        deadline = asyncio.get_running_loop().time() + _CHILD_SECONDS
        while (first := self._first()) is None and child.returncode is None:
            if asyncio.get_running_loop().time() > deadline:
                os.kill(child.pid, signal.SIGKILL)
                return
            await asyncio.sleep(_POLL)
        if first is not None:
            with contextlib.suppress(OSError):
                os.kill(first, signal.SIGKILL)

    def _first(self) -> int | None:
        """Bubblewrap's only child. Killed itself, bubblewrap would be gone before its namespace is."""
        try:
            children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_bytes().split()
        except OSError:
            return None
        return int(children[0]) if children else None


class LinuxSandbox:
    def __init__(
        self,
        state_dir: Path,
        *,
        hidden: tuple[str, ...],
        own: tuple[str, ...],
        bubblewrap: str | None = None,
        fallback: bool = True,
    ) -> None:
        """`fallback`: use Landlock where bubblewrap does not work."""
        self._bubblewrap = bubblewrap or find_bubblewrap()
        self._spawner = Spawner(confined=True, first=self._begin)
        self._broker: Broker | None = None
        self._no_broker: str | None = None
        self._watchdog = Watchdog()
        self._warden = Warden()
        self._unconfined = Unconfined(self._watchdog)
        self._placeholders = Placeholders(state_dir / "placeholders")
        self._state_dir = state_dir
        self._own = (os.path.realpath(state_dir), *own)
        self._hidden = hidden
        self._roots = Roots()
        self._fallback: LandlockSandbox | None = None
        self._may_fall_back = fallback
        self._base: Base | None = None
        self._live: set[ChildProcess] = set()
        self._probe: asyncio.Task[SandboxStatus] | None = None
        self._killing: set[asyncio.Task[None]] = set()

    async def status(self) -> SandboxStatus:
        if self._probe is None or (self._probe.done() and (self._probe.cancelled() or self._probe.exception() is not None)):
            # what went wrong in the trial itself, such as no descriptors to be had, says nothing of the next one
            self._probe = asyncio.create_task(self._try_out())
        return await asyncio.shield(self._probe)

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> Process:
        if not policy.confines:
            return await self._unconfined.spawn(command, policy)
        status = await self.status()
        if not status.available:
            raise TreadleError("The command was not started.", hint=status.reason)
        if self._fallback is not None:
            return await self._fallback.spawn(command, policy)
        return await self._spawn(checked(command), policy)

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._spawner.settle()
        await asyncio.gather(*(process.kill() for process in tuple(self._live)), *self._killing)
        await self._unconfined.close()
        await self._watchdog.close()
        await asyncio.to_thread(self._spawner.close)
        await asyncio.to_thread(self._warden.close)
        if self._broker is not None:
            await asyncio.to_thread(self._broker.close)
            self._broker = None
        if self._base is not None:
            os.close(self._base.filter)
            self._base = None

    async def _spawn(self, command: CommandSpec, policy: SandboxPolicy) -> ChildProcess:
        self._warden.start()
        channel = open_channel(command)

        def abandon(born: Born) -> None:
            """The caller was cancelled while the command was being born."""
            task = asyncio.ensure_future(self._adopt(born, channel, command.tty).kill())
            self._killing.add(task)
            task.add_done_callback(self._killing.discard)

        born = await self._spawner.run(partial(self._bear, command, policy, channel), abandon, channel.close)
        process = self._adopt(born, channel, command.tty)
        self._watchdog.watch(process, bounds(command.limits), _fillable(command, policy))
        return process

    def _adopt(self, born: Born, channel: Channel, tty: bool) -> ChildProcess:
        child, held = born

        def tidy(done: Callable[[], None]) -> None:
            self._spawner.tell(lambda: self._placeholders.release(held), done)

        process = ChildProcess(child, channel, tty=tty, tree=NamespaceTree(child.pid), tidy=tidy if held else None)
        self._live.add(process)
        process.when_gone(lambda: self._live.discard(process))
        if self._broker is not None:
            process.when_gone(partial(self._broker.forget, child))
        return process

    def _begin(self, scoped: bool) -> None:
        """In the confined thread, before its first command."""
        from .broker import Broker, explain  # noqa: PLC0415

        try:
            self._broker = Broker.start(scoped=scoped)
        except Exception as error:  # the thread goes on without it
            self._no_broker = explain(error)

    def _bear(self, command: CommandSpec, policy: SandboxPolicy, channel: Channel) -> Born:
        """In the confined thread."""
        held: tuple[str, ...] = ()
        self._spawner.make_room(bounds(command.limits).processes, len(self._live))
        try:
            self._placeholders.sweep()
            base = self._base = self._base or self._make_base()
            places = mounts.writable(policy, command.env, self._roots)
            protected = mounts.look(places, self._own)
            held = self._placeholders.acquire(sorted(protected.missing)) if protected.missing else ()
            hidden = tuple(path for path in map(os.path.realpath, self._hidden) if os.path.isdir(os.path.dirname(path)))
            hidden += tuple(map(os.path.realpath, _kept(self._state_dir)))
            pins = mounts.Pins(base.pins)
            try:
                argv = [*base.argv, *mounts.arguments(places, protected, held, hidden, pins)]
                pins.held.append(program := os.open(f"/proc/self/fd/{base.filter}", os.O_RDONLY | os.O_CLOEXEC))
                argv += [] if policy.network else ["--unshare-net"]
                environment, passed_on = _split_loader(command.env)
                argv += [*passed_on, "--unsetenv", self._warden.mark]  # means nothing to bubblewrap
                argv += ["--chdir", command.cwd, "--seccomp", str(program), "--", *_inner(command)]
                bear = partial(_popen, argv, environment, channel, tuple(pins.held))
                if self._broker is None:
                    return bear(), held
                with self._broker.birth(network=policy.network, bridges=command.bridges) as run:
                    run.child = bear()
                    return run.child, held
            finally:
                pins.close()
        except BaseException:
            if held:
                self._placeholders.release(held)
            raise
        finally:
            channel.give()

    def _make_base(self) -> Base:
        assert self._bubblewrap is not None
        with contextlib.suppress(OSError):  # where it cannot be made, by commands neither
            self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is missing cannot be protected
        argv = [self._bubblewrap, "--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid", "--unshare-ipc"]
        argv += ["--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL"]
        argv += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"]
        for path in writable_proc_entries():  # root still owns the kernel's knobs, whatever the namespace
            argv += ["--ro-bind", path, path]
        if os.path.isdir("/run/user"):
            argv += ["--tmpfs", "/run/user", "--remount-ro", "/run/user"]
        code = seccomp.program(os.uname().machine, unix_sockets=self._broker is not None)
        memory = os.memfd_create("seccomp", os.MFD_CLOEXEC)
        os.write(memory, code)
        os.lseek(memory, 0, os.SEEK_SET)
        return Base(tuple(argv), memory, has_bind_fd(self._bubblewrap))

    async def _try_out(self) -> SandboxStatus:
        status = await self._try_bubblewrap()
        if status.available or not self._may_fall_back:
            return status
        from . import landlock  # noqa: PLC0415
        from .guard import Guard  # noqa: PLC0415

        guard = Guard(self._own, self._state_dir / "set-aside")
        hidden = (*self._hidden, *_kept(self._state_dir))
        fallback = landlock.LandlockSandbox(self._unconfined, self._roots, guard, hidden=hidden)
        if await fallback.problem() is not None:
            return status
        self._fallback = fallback
        why = degraded(status.reason or "", signals=landlock.scopes_signals())
        return SandboxStatus("landlock", True, why, degraded=True)

    async def _try_bubblewrap(self) -> SandboxStatus:
        if self._bubblewrap is None:
            return SandboxStatus("none", False, NOT_INSTALLED)
        if not seccomp.supported(os.uname().machine):
            return SandboxStatus("none", False, f"Commands cannot be confined on a {os.uname().machine} machine yet.")
        command = CommandSpec(("/bin/sh", "-c", "exit 0"), "/", {}, limits=CommandLimits(processes=64))
        try:
            process = await self._spawn(command, SandboxPolicy("read-only"))
        except TreadleError as error:
            return SandboxStatus("none", False, blocked(error.message))
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                said = b"".join([chunk async for chunk in process.output()])
                code = await process.wait()
        except TimeoutError:
            return SandboxStatus("none", False, blocked("bubblewrap did not answer"))
        finally:
            await process.kill()
        if code != 0:
            return SandboxStatus("none", False, blocked(said.decode("utf-8", "replace")))
        return SandboxStatus("bubblewrap", True, broker=self._broker is not None, broker_reason=self._no_broker)


def _kept(state_dir: Path) -> tuple[str, ...]:
    """What no command may lock, nor read: the databases, and the copies that a migration left of one."""
    return (*(str(state_dir / name) for name in _LOCKED), *databases(state_dir), *map(str, state_dir.glob("*.sqlite3.version-*")))


def _popen(argv: list[str], env: dict[str, str], channel: Channel, fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=channel.theirs.get(0, subprocess.DEVNULL),
            stdout=channel.theirs[1],
            stderr=channel.theirs[2],
            env=env,
            cwd="/",
            pass_fds=fds,
            start_new_session=True,
        )
    except OSError as error:
        raise TreadleError(f"The command could not be started: {error.strerror}.") from error
    except ValueError as error:
        raise ToolFailure(f"The command could not be started: {error}.") from error


def _fillable(command: CommandSpec, policy: SandboxPolicy) -> list[str]:
    """Where it may write, for the watch over free space."""
    if policy.mode != "workspace-write":
        return []
    return [*policy.writable_roots, command.env.get("TMPDIR", "/tmp"), "/tmp"]


def _inner(command: CommandSpec) -> list[str]:
    argv: list[str] = []
    if os.path.exists(_PRLIMIT):
        most = bounds(command.limits)
        soft, hard = open_files()
        argv += [_PRLIMIT, "--core=0:0", f"--fsize={most.file_size}:{most.file_size}", f"--nofile={soft}:{hard}"]
        if os.geteuid() != 0:  # root is not counted
            tasks = most.processes + _PAST_THE_WATCH
            argv.append(f"--nproc={tasks}:{tasks}")
        argv.append("--")
    if command.tty and os.path.exists(_SETSID):
        argv += [_SETSID, "-c"]  # a controlling terminal, hence job control and Ctrl-C
    return [*argv, *command.argv]


def _split_loader(env: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """What steers the dynamic loader must reach the command but not bubblewrap, which is not confined yet."""
    outside = {name: value for name, value in env.items() if not _steers_loader(name)}
    inside: list[str] = []
    for name, value in env.items():
        if _steers_loader(name):
            inside += ["--setenv", name, value]
    return outside, inside


def _steers_loader(name: str) -> bool:
    return name.startswith("LD_") or name in ("GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH")
