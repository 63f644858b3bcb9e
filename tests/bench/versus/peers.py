"""Who is measured. A peer is its words, the door that they open, and how to ask for its version; see `PEERS` to add one.

Every peer gets the same config.toml, workspace and scripted model; one that does not read a config.toml finds the model in
OPENAI_BASE_URL.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Door = Literal["app-server", "acp", "exec"]
NPM = Path(__file__).resolve().parents[2] / "peers" / "npm" / "node_modules" / ".bin" / "codex"
"`make setup` has installed it, of the version that the lock there names."


@dataclass(frozen=True)
class Peer:
    name: str
    door: Door
    argv: tuple[str, ...]
    asked_version: tuple[str, ...]
    private: bool = True
    "Gets nothing of our environment but the path; else all of it, keys too. HOME is another in either case."

    def environment(self, model_port: int) -> dict[str, str] | None:
        if self.private:
            return None
        return {**os.environ, "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1"}

    def version(self) -> str:
        """One line, or nothing."""
        if not self.asked_version:
            return ""
        said = subprocess.run(self.asked_version, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        return (said.stdout.strip() or said.stderr.strip()).partition("\n")[0]


def treadle(door: Door) -> Peer:
    """TREADLE names another than the one of this checkout."""
    program = os.environ.get("TREADLE") or str(Path(sys.executable).parent / "treadle")
    words = {"app-server": ("app-server",), "acp": ("acp",), "exec": ("exec", "--json")}[door]
    return Peer("treadle", door, (program, *words), (program, "--version"))


def native(program: Path) -> Path:
    """What the npm package's script starts in place of itself: a user waits for Node first, the measurement does not."""
    script = program.resolve()
    if script.suffix != ".js":
        return script
    found = sorted(script.parents[2].glob("codex-*/vendor/*/bin/codex"))
    return found[0] if found else script


def codex(door: Door) -> Peer:
    program = Path(os.environ.get("CODEX") or NPM)
    if not program.exists():
        raise SystemExit(f"{program} is not there. `make setup` installs Codex for tests; CODEX=path names another.")
    words = {"app-server": ("app-server",), "exec": ("exec", "--json", "--skip-git-repo-check")}[door]
    return Peer("codex", door, (str(native(program)), *words), (str(native(program)), "--version"))


def named(door: Door, variable: str) -> Peer:
    """A program that the user names, words and all."""
    words = tuple(shlex.split(os.environ.get(variable, "")))
    if not words:
        raise SystemExit(f"{variable} says which program, for example {variable}='some-agent {door}'.")
    name = Path(words[0]).name
    return Peer(name if name != "treadle" else "other treadle", door, words, (), private=False)


PEERS: dict[str, tuple[Callable[[], Peer], ...]] = {
    "codex": (lambda: codex("app-server"), lambda: codex("exec")),
    "acp": (lambda: named("acp", "ACP_COMMAND"),),
    "exec": (lambda: named("exec", "EXEC_COMMAND") if os.environ.get("EXEC_COMMAND") else codex("exec"),),
}


def pairs(wanted: str) -> list[tuple[Peer, ...]]:
    """Who runs against whom, one pair for each door; treadle alone without a peer."""
    if not wanted:
        return [(treadle("app-server"),), (treadle("acp"),), (treadle("exec"),)]
    if wanted not in PEERS:
        raise SystemExit(f"PEER={wanted} is not known: {', '.join(PEERS)}.")
    return [(treadle(peer.door), peer) for peer in (make() for make in PEERS[wanted])]
