"""The fallback where bubblewrap cannot work: Landlock for files and signals, two seccomp programs for the rest, no namespaces.

Promises that read-only holds in full: nothing is written, nobody is signalled, no socket reaches anybody. workspace-write is less
than with bubblewrap, since Landlock has no "except": what is protected inside a writable folder is looked at before and after,
and what a command changed is put back and said loudly (see guard.py). Must never run a command when a right could not be taken.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import struct
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any

from ...core.errors import TreadleError
from ...core.settings import SandboxPolicy
from ...runtime.ports import CommandSpec, Process
from . import mounts, seccomp, strict
from .channel import Channel
from .guard import Guard
from .protected import within
from .roots import Roots
from .unconfined import Confinement, Unconfined, checked

OLDEST_ABI = 3
"Before it a file that may not be written could be truncated."
_SCOPE_ABI = 6
_CREATE_RULESET, _ADD_RULE, _VERSION = 444, 445, 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_DEVICES = 1 << 6 | 1 << 11
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_SCOPES = 1 << 0 | 1 << 1
"Abstract unix sockets, signals."

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
_ALL_DEVICES, _SHARED_MEMORY = "/dev", "/dev/shm"
"Root could read disks as devices, whatever the rights over files."
_PROBE_SECONDS = 60.0


class LandlockSandbox:
    """Runs commands for LinuxSandbox; what may not be confined is refused there."""

    def __init__(self, unconfined: Unconfined, roots: Roots, guard: Guard, *, hidden: tuple[str, ...]) -> None:
        self._unconfined = unconfined
        self._roots = roots
        self._guard = guard
        self._hidden = hidden

    async def problem(self) -> str | None:
        """Why it cannot be used, after trying; None when it can."""
        if abi() < OLDEST_ABI:
            return "this kernel has no Landlock, or too old a one"
        if not seccomp.supported(platform.machine()):
            return f"{platform.machine()} is not known here"
        tried = CommandSpec(("/bin/sh", "-c", "! (echo > /dev/shm/treadle-probe) 2>/dev/null"), "/", {})
        try:
            process = await self.spawn(tried, SandboxPolicy("read-only"))
        except TreadleError as error:
            return error.message
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                said = b"".join([chunk async for chunk in process.output()])
                return None if await process.wait() == 0 else said.decode("utf-8", "replace").strip() or "the trial failed"
        except TimeoutError:
            return "the trial did not end"
        finally:
            await process.kill()

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> Process:
        places = mounts.writable(policy, command.env, self._roots)
        confine = partial(self._confinement, places, policy)
        if not places.roots and not places.temporary:
            return await self._unconfined.start(checked(command), confine)
        for path in filter(os.path.exists, map(os.path.realpath, self._hidden)):
            if within(path, (*places.roots, *places.temporary)):  # Landlock could not keep it from the command
                raise TreadleError(
                    f"The command was not started: it could read your login in {path}, which lies in a folder that it may write.",
                    hint="Choose read-only, or a folder without it.",
                )
        watched = await asyncio.to_thread(self._guard.begin, places)
        try:
            return await self._unconfined.start(checked(command), confine, partial(self._guard.end, watched))
        except Exception:
            watched.close()
            raise

    def _confinement(self, places: mounts.Writable, policy: SandboxPolicy, channel: Channel) -> Confinement:
        machine = platform.machine()
        terminal = os.ttyname(channel.theirs[0]) if 0 in channel.theirs and os.isatty(channel.theirs[0]) else None
        hidden = tuple(path for path in map(os.path.realpath, self._hidden) if os.path.lexists(path))
        writable = (*places.roots, *places.temporary)
        shared = (_SHARED_MEMORY,) if writable and os.path.isdir(_SHARED_MEMORY) else ()
        further = strict.program(machine, read_only=not writable, network=policy.network)
        devices = (*_DEVICES, *([terminal] if terminal else ()))
        return Confinement(ruleset((*writable, *shared), hidden, devices), (seccomp.program(machine), further))


@cache
def abi() -> int:
    """The version of Landlock here; 0 when there is none."""
    return max(0, _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION))


def scopes_signals() -> bool:
    return abi() >= _SCOPE_ABI


def ruleset(writable: Iterable[str], hidden: tuple[str, ...], devices: Iterable[str]) -> int:
    """A descriptor: everything may be read but `hidden`, and `writable` be written. Raises OSError or TreadleError."""
    handled = _rights()
    attributes = struct.pack("=QQQ", handled, 0, _SCOPES) if scopes_signals() else struct.pack("=Q", handled)
    made = _must(_libc().syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))
    try:
        _allow(made, "/", _EXECUTE | _READ_DIR)
        for path in _beside((_ALL_DEVICES, *hidden)):
            _allow(made, path, _READ_FILE)
        for path in writable:
            _allow(made, path, handled & ~_MAKE_DEVICES, exactly=True)
        for path in devices:
            _allow(made, path, handled & (_READ_FILE | _WRITE_FILE | _IOCTL_DEVICE | _TRUNCATE))
    except BaseException:
        os.close(made)
        raise
    return made


def _rights() -> int:
    """All rights over files that this kernel knows."""
    newest = 15 if abi() >= 5 else 14
    return (1 << (newest + 1)) - 1


def _beside(hidden: tuple[str, ...]) -> Iterator[str]:
    """Paths that cover the whole disk but `hidden`: all neighbours of each, and of each folder that it is in."""
    ways = {parent for path in hidden for parent in _parents(path)}
    for folder in sorted(ways):
        with os.scandir(folder) as entries:
            yield from (entry.path for entry in entries if entry.path not in ways and entry.path not in hidden)


def _parents(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path


def _allow(made: int, path: str, rights: int, *, exactly: bool = False) -> None:
    """`exactly`: the path must be there, and not have become a link to another place."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        if exactly:
            raise
        return
    try:
        if exactly and os.readlink(f"/proc/self/fd/{fd}") != path:
            raise TreadleError(f"The folder {path} was replaced while a command was about to start.", hint="Try again.")
        if not os.path.isdir(f"/proc/self/fd/{fd}"):
            rights &= _ON_FILES
        if rights:
            beneath = struct.pack("=Qi", rights, fd)
            _must(_libc().syscall(_ADD_RULE, made, _PATH_BENEATH, beneath, 0))
    finally:
        os.close(fd)


def _must(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


@cache
def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc
