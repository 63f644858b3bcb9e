"""Which shell lines destroy what cannot be brought back, or hand the machine to others: asked about even inside the sandbox.

Looks through sudo, env, sh -c, xargs, find -exec, substitutions and here-documents. A net for accidents, not a wall: the wall is
the sandbox. May call a harmless line dangerous, which costs a question; must stay quick on any input.
"""
# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import re
from collections.abc import Sequence

from . import shell_line
from .command import git_subcommand
from .pattern import late
from .shell_word import SHELLS, Line, Segment
from .wrappers import BECOMES_ANOTHER, name_of, started

_DEPTH = 6
_MOST = 5_000
"Commands that are looked at in one line, those that others start among them."
_DOWNLOADERS = frozenset(("curl", "wget", "fetch", "http", "https", "aria2c"))
_RUNNERS = SHELLS | frozenset("python python3 perl ruby node php source . eval sudo doas".split())
_DEVICE = late(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|dm-|md|loop)")
_SYSTEM = late(r"(/|~|\$HOME|\$\{HOME\}|/(bin|boot|dev|etc|home|lib|opt|proc|root|sbin|srv|sys|usr|var|Users|System)[^/]*)/?\*?")
_FORK_BOMB = late(r"(?<![\w:])([\w:]{1,32})\(\)\{[^}]{0,200}?\1\|\1&")


def danger(script: str) -> str | None:
    """What the line would do, as the end of "this command …"; None when nothing dangerous was recognised."""
    if _FORK_BOMB.search(re.sub(r"\s+", "", script)):
        return "starts copies of itself without end"
    try:
        return _line(shell_line.read(script), 0, _Look())
    except _TooMuch:
        return shell_line.UNREAD


def _line(line: Line, depth: int, look: _Look) -> str | None:
    if depth > _DEPTH:
        return "is nested too deeply to be understood"
    if line.trouble == shell_line.UNREAD:
        return line.trouble
    downloading = False
    before: Segment | None = None
    for segment in line.segments:
        piped = segment.after in ("|", "|&")
        downloading = downloading and piped
        found = _segment(segment, downloading, depth, look) or (_fed(before, segment, depth, look) if piped and before else None)
        if found:
            return found
        before = segment
        downloading = downloading or bool(segment.words and name_of(segment.words[0]) in _DOWNLOADERS)
    return None


def _segment(segment: Segment, downloading: bool, depth: int, look: _Look) -> str | None:
    if any(_DEVICE.search(r.target) for r in segment.redirects if ">" in r.operator):
        return "writes straight to a disk device"
    all_of_it, scripts = look.reached(segment.words)
    fed = any(_downloads(n) for n in segment.nested)
    if any(name_of(w[0]) in _RUNNERS and (fed or (downloading and _runs_its_input(w))) for w in all_of_it):
        return "runs a program straight from the network"
    found = next(filter(None, (_destroys(name_of(w[0]), w) for w in all_of_it)), None)
    found = found or next(filter(None, (_line(n, depth + 1, look) for n in segment.nested)), None)
    return found or next(filter(None, (_line(shell_line.read(s), depth + 1, look) for s in scripts)), None)


def _fed(before: Segment, segment: Segment, depth: int, look: _Look) -> str | None:
    """What a shell is made to run by what is piped into it."""
    shells = (w for w in look.reached(segment.words)[0] if name_of(w[0]) in SHELLS and _runs_its_input(w))
    if not before.words or next(shells, None) is None:
        return None
    name = name_of(before.words[0])
    if name in ("base64", "base32", "xxd", "openssl", "uudecode", "rev", "tr"):
        return f"runs a script that is hidden in the line ({name})"
    if name in ("echo", "printf"):
        said = [w for w in before.words[1:] if not w.startswith("-")]
        return _line(shell_line.read(" ".join(said)), depth + 1, look)
    return None


class _TooMuch(Exception):
    """More than can be looked at while somebody waits."""


class _Look:
    """What one look at a line has cost so far."""

    def __init__(self) -> None:
        self.spent = 0

    def reached(self, words: tuple[str, ...]) -> tuple[list[tuple[str, ...]], list[str]]:
        """A command and those that it starts by their words, each once, the nearest first; and the scripts they are given."""
        found: dict[tuple[str, ...], int] = {words: 0} if words else {}
        scripts: list[str] = []
        waiting = list(found)
        for one in waiting:
            self.spent += 1 + len(one) // 64
            if self.spent > _MOST:
                raise _TooMuch
            for inner in started(one) if found[one] <= _DEPTH else ():
                if inner.script is not None:
                    scripts.append(inner.script)
                elif inner.words and inner.words not in found and found[one] < _DEPTH:
                    found[inner.words] = found[one] + 1
                    waiting.append(inner.words)
        return waiting, scripts


def _downloads(line: Line) -> bool:
    return any(s.words and name_of(s.words[0]) in _DOWNLOADERS for s in line.segments)


def _runs_its_input(words: Sequence[str]) -> bool:
    """`sh`, `bash -s x`, `python3 -`; not `python3 -m json.tool` or `node filter.js`, which only read it."""
    name, arguments = name_of(words[0]), words[1:]
    shell = name in SHELLS
    if shell and "-s" in arguments:
        return True
    given = any(re.fullmatch(r"-[a-zA-Z]*c" if shell else r"-[a-zA-Z]*[ceEm]", a) for a in arguments)
    return not given and all(a.startswith("-") for a in arguments)


def _flags(arguments: Sequence[str]) -> set[str]:
    """Short options one by one, long ones as they are, without their values."""
    found: set[str] = set()
    for word in arguments:
        if word == "--":
            break
        if word.startswith("--"):
            found.add(word.split("=", 1)[0])
        elif word.startswith("-"):
            found.update(word[1:])
    return found


def _destroys(name: str, words: Sequence[str]) -> str | None:
    arguments = words[1:]
    if name in BECOMES_ANOTHER:
        return f"runs as another user ({name})"
    if name == "git":
        return _git(words)
    if name == "find" and "-delete" in arguments:
        return "deletes files for good (find -delete)"
    flags = _flags(arguments)
    operands = [a for a in arguments if not a.startswith("-")]
    if name == "rm" and flags & {"f", "r", "R", "--force", "--recursive"}:
        return f"deletes files for good (rm {' '.join(arguments)[:80]})"
    if name.startswith("mkfs") or name in (
        "mke2fs",
        "mkswap",
        "fdisk",
        "sfdisk",
        "parted",
        "wipefs",
        "shred",
        "blkdiscard",
        "diskutil",
    ):
        return f"erases or formats disks or files ({name})"
    if name == "dd" and any(a.startswith("of=") and a not in ("of=/dev/null", "of=/dev/stdout") for a in arguments):
        return "overwrites a file or a device byte by byte (dd)"
    if name in ("shutdown", "reboot", "halt", "poweroff") or (name in ("init", "telinit") and operands[:1] in (["0"], ["6"])):
        return f"turns the machine off or restarts it ({name})"
    if name == "systemctl" and operands[:1] and operands[0] in ("poweroff", "reboot", "halt", "suspend", "hibernate", "kexec"):
        return f"turns the machine off or restarts it (systemctl {operands[0]})"
    if name in ("chmod", "chown", "chgrp") and flags & {"R", "--recursive"}:
        open_to_all = name == "chmod" and any(re.fullmatch(r"0?777|(a|ugo|o)?\+[rwxX]*w[rwxX]*|a=rwx", o) for o in operands)
        if open_to_all or any(_SYSTEM.fullmatch(o) for o in operands[1:]):
            return f"changes the permissions of a whole tree ({name} -R)"
    if name == "kill" and "-1" in arguments[1:]:
        return "ends every process it can reach (kill -1)"
    if name == "crontab" and "r" in flags:
        return "removes all scheduled jobs (crontab -r)"
    if name == "truncate" and flags & {"s", "--size"} and any(_SYSTEM.match(o) and _DEVICE.search(o) for o in operands):
        return "writes straight to a disk device"
    if name == "tee" and any(_DEVICE.search(o) for o in operands):
        return "writes straight to a disk device"
    return None


def _git(words: Sequence[str]) -> str | None:
    name, rest = git_subcommand(words)
    flags = _flags(rest)
    operands = [a for a in rest if not a.startswith("-")]
    lost: str | None = None
    match name:
        case "reset":
            lost = "throws away uncommitted changes" if "--hard" in flags else None
        case "clean":
            lost = "deletes files that git does not track" if not flags & {"n", "--dry-run"} else None
        case "checkout":
            discards = flags & {"f", "--force"} or "--" in rest or "." in operands
            lost = "throws away uncommitted changes" if discards else None
        case "restore":
            lost = "throws away uncommitted changes" if not flags & {"S", "--staged"} or flags & {"W", "--worktree"} else None
        case "switch":
            lost = "throws away uncommitted changes" if flags & {"f", "--force", "--discard-changes"} else None
        case "push":
            forced = flags & {"f", "--force", "--force-with-lease", "--mirror", "--delete", "d"}
            lost = (
                "rewrites or deletes branches on the server"
                if forced or any(o.startswith(("+", ":")) for o in operands)
                else None
            )
        case "branch":
            lost = "deletes a branch" if flags & {"D", "--force"} else None
        case "stash":
            lost = "deletes stashed changes" if operands[:1] in (["drop"], ["clear"]) else None
        case "filter-branch" | "filter-repo":
            lost = "rewrites the history"
        case "reflog" | "worktree":
            lost = (
                "deletes what git kept" if operands[:1] == ["expire"] or (operands[:1] == ["remove"] and "f" in flags) else None
            )
        case _:
            lost = None
    return f"{lost} (git {name})" if lost else None
