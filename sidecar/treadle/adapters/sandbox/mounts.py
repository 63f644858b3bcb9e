"""From a policy to bubblewrap's mount arguments.

Promises the order that confinement rests on: the whole disk read-only, then what may be written (parents first), then what is
protected inside it, then what is hidden. Every folder between a writable root and a protected path is bound onto itself, so that
it cannot be renamed away. Fails closed: a root that is missing or absurd raises, it is never skipped.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from dataclasses import field
from itertools import islice

from ...core.errors import TreadleError
from ...core.record import frozen, mutable
from ...core.settings import SandboxPolicy
from .protected import Protected, below, find, within
from .roots import Roots

_SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/run", "/sbin", "/srv", "/sys", "/usr")
_MAX_FROZEN_ENTRIES = 1000
_MAX_NEIGHBOURS = 50
"Of something hidden: each costs a mount."


@frozen
class Writable:
    """Real paths of what a command may write."""

    roots: tuple[str, ...] = ()
    temporary: tuple[str, ...] = ()


def writable(policy: SandboxPolicy, environment: dict[str, str], roots: Roots) -> Writable:
    if policy.mode != "workspace-write":
        return Writable()
    temporary: list[str] = []
    if not policy.exclude_slash_tmp and os.path.isdir("/tmp"):
        temporary.append(os.path.realpath("/tmp"))
    tmpdir = environment.get("TMPDIR", "")
    if not policy.exclude_tmpdir and (real := _usable_tmpdir(tmpdir)) and real not in temporary:
        temporary.append(real)
    places = Writable(roots.resolve_all(policy.writable_roots), tuple(temporary))
    roots.open(*places.roots, *places.temporary)
    return places


def _usable_tmpdir(path: str) -> str | None:
    """None for a $TMPDIR that would open the system or a whole home to writing."""
    if not os.path.isabs(path) or not os.path.isdir(path):
        return None
    real = os.path.realpath(path)
    if real in ("/", "/var", "/home", "/root") or within(real, _SYSTEM):
        return None
    return None if any(within(home, (real,)) for home in _homes()) else real


def _homes() -> list[str]:
    """By name and by environment; they may differ."""
    homes = [os.path.expanduser("~")]
    with contextlib.suppress(KeyError):
        homes.append(pwd.getpwuid(os.getuid()).pw_dir)
    return [os.path.realpath(home) for home in homes]


def look(places: Writable, own: tuple[str, ...]) -> Protected:
    return find(places.roots, places.temporary, own)


@mutable
class Pins:
    """Folders held by descriptor. Another command may be running: between our look and bubblewrap's mount it could put a link
    where a folder was, and would be given the link's target to write."""

    usable: bool
    "Whether this bubblewrap has --bind-fd."
    held: list[int] = field(default_factory=list[int])

    def bind(self, path: str) -> list[str]:
        if not self.usable:
            return ["--bind", path, path]
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.held.append(fd)
        if os.readlink(f"/proc/self/fd/{fd}") != path:
            raise TreadleError(f"The folder {path} was replaced while a command was about to start.", hint="Try again.")
        return ["--bind-fd", str(fd), path]

    def close(self) -> None:
        for fd in self.held:
            os.close(fd)
        self.held.clear()


def arguments(
    places: Writable, protected: Protected, standing: tuple[str, ...], hidden: tuple[str, ...], pins: Pins
) -> list[str]:
    """The part of the command line after the base. `standing` are the missing paths that have a placeholder now."""
    read_only = _outermost({*protected.existing, *standing})
    all_roots = {*places.roots, *places.temporary}
    binds = all_roots | _anchors(all_roots, {*read_only, *all_roots, *protected.frozen, *hidden}, read_only)
    argv: list[str] = []
    for path in sorted(binds | protected.frozen, key=_depth):
        if path in protected.frozen:
            argv += _frozen(path, binds) if path in all_roots else ["--ro-bind", path, path]
        else:
            argv += pins.bind(path)
    for path in read_only:
        argv += ["--ro-bind", path, path]
    for folder in sorted({os.path.dirname(path) for path in hidden}):
        argv += _without(folder, {path for path in hidden if os.path.dirname(path) == folder}, all_roots)
    return argv


def _without(folder: str, hidden: set[str], roots: set[str]) -> list[str]:
    """The folder as it is now, but for what is hidden. A cover over the thing itself would go when another takes its name: that
    is for large folders, and for those with something to write in them."""
    try:
        with os.scandir(folder) as entries:
            found = list(islice(entries, _MAX_NEIGHBOURS + 1))
    except OSError:
        return [word for path in sorted(hidden) for word in _cover(path)]
    if len(found) > _MAX_NEIGHBOURS or any(root == folder or below(root, folder) for root in roots):
        return [word for path in sorted(hidden) if os.path.lexists(path) for word in _cover(path)]
    argv = ["--tmpfs", folder]
    for entry in found:
        if entry.path in hidden:
            continue
        if entry.is_symlink():
            argv += ["--symlink", os.readlink(entry.path), entry.path]
        elif entry.is_dir() or entry.is_file():
            argv += ["--ro-bind-try", entry.path, entry.path]
    return [*argv, "--remount-ro", folder]


def _cover(path: str) -> list[str]:
    return ["--tmpfs", path, "--remount-ro", path] if os.path.isdir(path) else ["--ro-bind", "/dev/null", path]


def _frozen(folder: str, binds: set[str]) -> list[str]:
    """The folder's entries stay as they are; what is inside of them may be written."""
    argv = ["--ro-bind", folder, folder]
    with os.scandir(folder) as entries:
        for _, entry in zip(range(_MAX_FROZEN_ENTRIES), entries, strict=False):
            if not entry.is_symlink() and entry.path not in binds:
                argv += ["--bind-try", entry.path, entry.path]
    return argv


def _outermost(paths: set[str]) -> list[str]:
    kept: list[str] = []
    for path in sorted(paths, key=_depth):
        if not any(below(path, outer) for outer in kept):
            kept.append(path)
    return kept


def _anchors(roots: set[str], ends: set[str], read_only: list[str]) -> set[str]:
    anchors: set[str] = set()
    for end in ends:
        parent = os.path.dirname(end)
        while any(below(parent, root) for root in roots):
            if not within(parent, read_only):
                anchors.add(parent)
            parent = os.path.dirname(parent)
    return anchors - roots


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path
