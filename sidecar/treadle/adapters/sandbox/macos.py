"""The macOS sandbox: a Seatbelt profile for /usr/bin/sandbox-exec, which every Mac has.

Promises: paths reach the profile as parameters, never as text, so no folder's name can change a rule; the last matching rule
wins, so what is protected comes after what is writable. Must never allow a write that no rule names.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ...core.errors import TreadleError
from ...core.settings import SandboxPolicy
from ...runtime.ports import CommandSpec, Process, SandboxStatus
from . import mounts
from .protected import ROOT_NAMES, TEMPORARY_NAMES, find, within
from .roots import Roots
from .unconfined import Unconfined, checked

SANDBOX_EXEC = "/usr/bin/sandbox-exec"

_BASE = """\
(version 1)
(deny default)
(allow process-exec)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow file-read*)
(allow file-write-data (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))
(allow file-write-data (literal "/dev/stdout") (literal "/dev/stderr"))
(allow file-ioctl (literal "/dev/tty") (regex #"^/dev/ttys[0-9]+$"))
(allow file-read* file-write* (regex #"^/dev/ttys[0-9]+$"))
(allow pseudo-tty)
(allow ipc-posix-sem)
(allow user-preference-read)
(allow mach-lookup
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.logger")
  (global-name "com.apple.PowerManagement.control"))
"""
_NETWORK = """\
(allow network-outbound (remote ip))
(allow network-inbound (local ip))
(allow network-bind (local ip))
(allow system-socket)
(allow mach-lookup
  (global-name "com.apple.dnssd.service")
  (global-name "com.apple.SystemConfiguration.configd")
  (global-name "com.apple.SystemConfiguration.DNSConfiguration")
  (global-name "com.apple.trustd.agent")
  (global-name "com.apple.networkd"))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
"""


class MacSandbox:
    def __init__(self, state_dir: Path, *, hidden: tuple[str, ...], own: tuple[str, ...]) -> None:
        self._unconfined = Unconfined()
        self._hidden = hidden
        self._own = (os.path.realpath(state_dir), *own)
        self._roots = Roots()

    async def status(self) -> SandboxStatus:
        if os.access(SANDBOX_EXEC, os.X_OK):
            return SandboxStatus("seatbelt", True)
        return SandboxStatus("none", False, f"{SANDBOX_EXEC} is missing, so every command asks before it runs.")

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> Process:
        if not policy.confines:
            return await self._unconfined.spawn(command, policy)
        status = await self.status()
        if not status.available:
            raise TreadleError("The command was not started.", hint=status.reason)
        checked(command)
        places = mounts.writable(policy, command.env, self._roots)
        argv = arguments(places, self._own, self._hidden, network=policy.network)
        return await self._unconfined.start(replace(command, argv=(*argv, *command.argv)))

    async def close(self) -> None:
        await self._unconfined.close()


def arguments(places: mounts.Writable, own: tuple[str, ...], hidden: tuple[str, ...], *, network: bool) -> list[str]:
    """The command line up to and including `--`."""
    rules = [_BASE]
    parameters: list[str] = []

    def parameter(path: str) -> str:
        name = f"P{len(parameters) // 2}"
        parameters.extend(["-D", f"{name}={path}"])
        return f'(param "{name}")'

    writable = (*places.roots, *places.temporary)
    rules += [f"(allow file-write* (subpath {parameter(path)}))" for path in writable]
    kept = [f"{root}/{name}" for root in places.roots for name in ROOT_NAMES]
    kept += [f"{folder}/{name}" for folder in places.temporary for name in TEMPORARY_NAMES]
    kept += [path for path in own if within(path, writable)]
    found = find(places.roots, places.temporary, own)
    kept = list(dict.fromkeys([*kept, *sorted(found.existing | found.missing)]))
    rules += [f"(deny file-write* (subpath {parameter(path)}))" for path in kept]
    rules += [f"(deny file-write-unlink (literal {parameter(path)}))" for path in _parents(kept, writable)]
    rules += [f"(deny file-read* file-write* (literal {parameter(os.path.realpath(path))}))" for path in hidden]
    if network:
        rules.append(_NETWORK)
    return [SANDBOX_EXEC, "-p", "\n".join(rules), *parameters, "--"]


def _parents(paths: list[str], writable: tuple[str, ...]) -> list[str]:
    """Every folder on the way from a writable root to a protected path: renaming one would take the protection away."""
    found: dict[str, None] = {}
    for path in (*paths, *writable):
        parent = os.path.dirname(path)
        while any(parent == root or mounts.below(parent, root) for root in writable):
            found[parent] = None
            parent = os.path.dirname(parent)
    return sorted(found)
