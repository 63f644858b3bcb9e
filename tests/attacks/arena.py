"""Where attacks are made: a user's home, workspaces, services and a victim on the host, and one sidecar that runs the commands.

An attack is a script and a look from outside: what the host is like afterwards says whether it got through, not what the script
believes. The same script runs without confinement, too, wherever that is harmless: an attack that never works proves nothing.
"""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attacks.host import Host
from fakes.sidecar import Sidecar, interpreter

KEY = "sk-treadle-attack-key-4711"
OTHER_SECRET = "hunter2-treadle-attack"
AUTH = '{"OPENAI_API_KEY": "sk-treadle-stored-key-0815"}'
PRELUDE, FORBIDDING = Path(__file__).with_name("prelude.py"), Path(__file__).with_name("forbidding.py")
PROTECTED = (".git", ".codex", ".agents", ".vscode")

Mode: TypeAlias = Literal["read-only", "workspace-write"]
Told: TypeAlias = dict[str, Any]


class Arena:
    """One user's machine, and one sidecar of that user. Scripts find everything by variables: see Site.variables."""

    def __init__(self, uid: int, *settings: str, forbidding: bool = False) -> None:
        self.uid = uid
        self.base = Path(tempfile.mkdtemp(prefix="treadle-attacks-", dir="/var/tmp"))
        self.scratch = Path(tempfile.mkdtemp(prefix="treadle-attacks-", dir="/tmp"))
        self.codex, self.treadle = self.base / "codex", self.base / "treadle"
        self.codex.mkdir()
        (self.codex / "auth.json").write_text(AUTH)
        (self.codex / "config.toml").write_text('model = "gpt-5.5"\n')
        self.prelude = Path(shutil.copy(PRELUDE, self.base))
        python = interpreter(uid)
        assert python is not None
        self.python = python
        self._own(self.base)
        self._own(self.scratch)
        self.host = Host(self.base, uid)
        self._numbers = itertools.count(1)
        self.victims: list[Victim] = []
        through = [python, str(FORBIDDING)] if forbidding else []
        overrides = [word for setting in settings for word in ("-c", setting)]
        self.sidecar = Sidecar(self.environment(), "app-server", *overrides, uid=uid, cwd=str(self.base), through=through)

    def environment(self) -> dict[str, str]:
        """Of the sidecar."""
        return {
            "HOME": str(self.base),
            "CODEX_HOME": str(self.codex),
            "TREADLE_HOME": str(self.treadle),
            "SHELL": "/bin/bash",
            "OPENAI_API_KEY": KEY,
            "HARMLESS_LOOKING": f"prefix {KEY} suffix",
            "MY_SERVICE_PASSWORD": OTHER_SECRET,
            "SSH_AUTH_SOCK": self.host.variables["UNIX_STREAM"],
            "BASH_ENV": str(self.prelude),
            # it is the sandbox that is attacked here: the same attempts have to work without it
            "TREADLE_TRACEABLE": "1",
        }

    def site(self, where: Path | None = None) -> Site:
        return Site(self, next(self._numbers), where or self.base)

    def _own(self, folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)
        folder.chmod(0o755)

    def close(self) -> None:
        self.sidecar.close()
        for victim in self.victims:
            victim.close()
        self.host.close()
        for folder in (self.base, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)


class Site:
    """The scene of one attack: a workspace with a repository, and a folder beside it that is none of the command's business."""

    def __init__(self, arena: Arena, number: int, where: Path) -> None:
        self.arena = arena
        self.token = f"token-{number:04}-{os.urandom(4).hex()}"
        self.base = where / f"site-{number:04}"
        self.workspace, self.outside, self.home = self.base / "way" / "workspace", self.base / "outside", self.base / "home"
        for folder in (self.workspace, self.outside, self.home / ".ssh", self.home / ".config"):
            folder.mkdir(parents=True)
        (self.outside / "target.txt").write_text("untouched\n")
        (self.home / ".bashrc").write_text("# of the user\n")
        (self.home / ".ssh" / "authorized_keys").write_text("")
        self.make_repository(self.workspace)
        (self.workspace / "kept.txt").write_text("kept\n")
        self.victim = Victim(arena.uid)
        arena.victims.append(self.victim)
        self.unharmed = self.victim.state
        self.settle()

    def make_repository(self, folder: Path) -> None:
        """As `git init` leaves it, without its cost."""
        git = folder / ".git"
        for name in ("hooks", "objects/pack", "objects/info", "refs/heads", "refs/tags", "info"):
            (git / name).mkdir(parents=True)
        (git / "HEAD").write_text("ref: refs/heads/main\n")
        (git / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n")

    def settle(self) -> None:
        """All is the user's, and remembered as it is."""
        for path in (self.base, *self.base.rglob("*")):
            os.chown(path, self.arena.uid, self.arena.uid, follow_symlinks=False)
        self.before = self.look()

    def look(self) -> dict[str, tuple[object, ...]]:
        """What must not change: everything outside, and what is protected in the workspace."""
        seen: dict[str, tuple[object, ...]] = {}
        for folder in (self.outside, self.home, self.arena.codex):
            self._look_into(folder, seen)
        for found, folders, names in os.walk(self.workspace):
            for name in {*folders, *names} & {*PROTECTED}:
                self._look_into(Path(found, name), seen)
            folders[:] = [name for name in folders if name not in PROTECTED]
        return seen

    def _look_into(self, top: Path, seen: dict[str, tuple[object, ...]]) -> None:
        if top.is_dir() and not top.is_symlink() and not any(top.iterdir()) and top.name in PROTECTED:
            return  # a placeholder that is about to go
        for path in (top, *sorted(top.rglob("*"))):
            told = path.lstat()
            plain = stat.S_ISREG(told.st_mode)
            content = path.read_bytes() if plain else os.readlink(path) if path.is_symlink() else None
            attributes = tuple(os.listxattr(path, follow_symlinks=False))
            owner = (told.st_uid, told.st_gid, told.st_nlink if plain else 0, told.st_mtime_ns if plain else 0)
            seen[str(path)] = (told.st_mode, content, attributes, *owner)

    @property
    def changed(self) -> bool:
        return self.look() != self.before

    @property
    def variables(self) -> dict[str, str]:
        """Of every script."""
        return {
            **self.arena.host.variables,
            "WS": str(self.workspace),
            "OUT": str(self.outside),
            "HOME": str(self.home),
            "BASE": str(self.base),
            "ARENA": str(self.arena.base),
            "TOKEN": self.token,
            "SAY": self.token,
            "AGENT": str(self.arena.sidecar.process.pid),
            "VICTIM": str(self.victim.process.pid),
            "PY": self.arena.python,
        }

    def policy(self, mode: Mode, *, network: bool, tmp: bool) -> dict[str, Any]:
        if mode == "read-only":
            return {"type": "readOnly", "networkAccess": network}
        roots = {"writableRoots": [str(self.workspace)], "excludeSlashTmp": not tmp, "excludeTmpdirEnvVar": not tmp}
        return {"type": "workspaceWrite", "networkAccess": network, **roots}

    def argv(self, script: str, language: str) -> list[str]:
        if language == "sh":
            return ["/bin/bash", "-c", script]
        return [self.arena.python, "-I", "-c", f"exec(open({str(self.arena.prelude)!r}).read())\n{script}"]

    def begin(self, script: str, language: str, policy: dict[str, Any], **more: Any) -> int:
        variables = self.variables | more.pop("env", {})
        limits = more if more.get("disableTimeout") else {"timeoutMs": 60_000} | more
        argv, cwd = self.argv(script, language), str(self.workspace)
        return self.arena.sidecar.send("command/exec", command=argv, cwd=cwd, env=variables, sandboxPolicy=policy, **limits)

    def close(self) -> None:
        self.victim.close()
        if os.geteuid() != 0:
            subprocess.run(["chmod", "-R", "u+rwx", self.base], check=False)
        shutil.rmtree(self.base, ignore_errors=True)


def changed(site: Site, told: Told) -> bool:
    """Something is different that should not be."""
    return site.changed


def says(word: str) -> Callable[[Site, Told], bool]:
    """For what leaves no trace on the host, such as a system call that was let through."""

    def won(site: Site, told: Told) -> bool:
        return word.replace("$TOKEN", site.token) in told["stdout"] + told["stderr"]

    return won


def heard(site: Site, told: Told) -> bool:
    """A service of the host was reached."""
    return site.arena.host.has_heard(site.token)


@dataclass(frozen=True)
class Attempt:
    """One attack. `then` is a second command after the first; `user` says whose attack it is, where it is not everybody's."""

    name: str
    script: str
    won: Callable[[Site, Told], bool] = changed
    language: Literal["sh", "py"] = "sh"
    control: bool = True
    "Whether it is run without confinement, to see it work."
    mode: Mode = "workspace-write"
    network: bool = False
    tmp: bool = False
    "Whether /tmp and $TMPDIR may be written."
    below_tmp: bool = False
    "Whether the scene lies there."
    prepare: Callable[[Site], None] | None = None
    then: str | None = None
    user: Literal["any", "root"] = "any"
    env: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def run(arena: Arena, attempt: Attempt, *, confined: bool, mode: Mode | None = None) -> tuple[bool, Told]:
    """(whether it got through, what the last command said)."""
    site = arena.site(arena.scratch if attempt.below_tmp else None)
    try:
        if attempt.prepare is not None:
            attempt.prepare(site)
            site.settle()
        policy = (
            site.policy(mode or attempt.mode, network=attempt.network, tmp=attempt.tmp or attempt.below_tmp)
            if confined
            else {"type": "dangerFullAccess"}
        )
        env = {name: value.replace("$WS", str(site.workspace)) for name, value in attempt.env.items()}
        told: Told = {}
        for script in filter(None, (attempt.script, attempt.then)):
            told = arena.sidecar.answer(site.begin(script, attempt.language, policy, env=env))
        if attempt.won is heard or confined is False:
            arena.host.settle()
        end = time.monotonic() + (0 if confined else 30)
        while not (won := attempt.won(site, told)) and time.monotonic() < end:
            time.sleep(0.01)  # who hears of it may be busy
        return won, told
    finally:
        site.close()


class Victim:
    """A process of the user that no command may touch, see into or end."""

    def __init__(self, uid: int) -> None:
        options = {} if uid == os.geteuid() else {"user": uid, "group": uid, "extra_groups": []}
        environment = {"VICTIMS_SECRET": OTHER_SECRET, "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(["sleep", "86400"], env=environment, cwd="/", **options)

    @property
    def state(self) -> tuple[object, ...]:
        pid = self.process.pid
        if self.process.poll() is not None:
            return ("gone",)
        told = Path(f"/proc/{pid}/status").read_text()
        traced = next(line for line in told.splitlines() if line.startswith("TracerPid"))
        stopped = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
        score = Path(f"/proc/{pid}/oom_score_adj").read_text()
        return traced, stopped, score, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
