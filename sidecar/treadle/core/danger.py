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
from .shell_line import SHELLS, Line, Segment

_DEPTH = 6
_DOWNLOADERS = frozenset(("curl", "wget", "fetch", "http", "https", "aria2c"))
_RUNNERS = SHELLS | frozenset("python python3 perl ruby node php source . eval sudo doas".split())
_WRAPPERS = frozenset(
    "env command exec builtin nohup nice ionice time timeout stdbuf setsid chronic unbuffer xargs parallel watch".split()
)
_OPTIONS_WITH_VALUE = {
    "env": ("-u", "-C", "-S", "--unset", "--chdir"),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "timeout": ("-s", "-k", "--signal", "--kill-after"),
    "stdbuf": ("-i", "-o", "-e"),
    "xargs": ("-I", "-n", "-P", "-L", "-d", "-a", "-s", "-E"),
    "parallel": ("-j", "-I"),
    "watch": ("-n",),
    "exec": ("-a",),
}
_DEVICE = re.compile(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|dm-|md|loop)")
_SYSTEM = re.compile(
    r"(/|~|\$HOME|\$\{HOME\}|/(bin|boot|dev|etc|home|lib|opt|proc|root|sbin|srv|sys|usr|var|Users|System)[^/]*)/?\*?"
)
_FORK_BOMB = re.compile(r"(?<![\w:])([\w:]{1,32})\(\)\{[^}]{0,200}?\1\|\1&")


def danger(script: str) -> str | None:
    """What the line would do, as the end of "this command …"; None when nothing dangerous was recognised."""
    if _FORK_BOMB.search(re.sub(r"\s+", "", script)):
        return "starts copies of itself without end"
    return _line(shell_line.read(script), 0)


def _line(line: Line, depth: int) -> str | None:
    if depth > _DEPTH:
        return "is nested too deeply to be understood"
    downloading = False
    for segment in line.segments:
        downloading = downloading and segment.after in ("|", "|&")
        found = _segment(segment, downloading, depth)
        if found:
            return found
        downloading = downloading or bool(segment.words and _name(segment.words[0]) in _DOWNLOADERS)
    return None


def _segment(segment: Segment, downloading: bool, depth: int) -> str | None:
    if any(_DEVICE.search(r.target) for r in segment.redirects if ">" in r.operator):
        return "writes straight to a disk device"
    inner, _ = _unwrapped(segment.words)
    fed = (downloading and _runs_its_input(inner)) or any(_downloads(n) for n in segment.nested)
    if fed and inner and _name(inner[0]) in _RUNNERS:
        return "runs a program straight from the network"
    found = _words(segment.words, depth) if segment.words else None
    return found or next(filter(None, (_line(n, depth + 1) for n in segment.nested)), None)


def _downloads(line: Line) -> bool:
    return any(s.words and _name(s.words[0]) in _DOWNLOADERS for s in line.segments)


def _runs_its_input(words: Sequence[str]) -> bool:
    """`sh`, `bash -s x`, `python3 -`; not `python3 -m json.tool` or `node filter.js`, which only read it."""
    name, arguments = _name(words[0]) if words else "", words[1:]
    if name in ("sudo", "doas"):
        return True
    shell = name in SHELLS
    if shell and "-s" in arguments:
        return True
    given = any(re.fullmatch(r"-[a-zA-Z]*c" if shell else r"-[a-zA-Z]*[ceEm]", a) for a in arguments)
    return not given and all(a.startswith("-") for a in arguments)


def _name(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def _unwrapped(words: Sequence[str]) -> tuple[list[str], bool]:
    """The command behind env, timeout, xargs and the like; True when a word of it was such a wrapper."""
    rest, wrapped = list(words), False
    while rest and _name(rest[0]) in _WRAPPERS:
        wrapper, wrapped = _name(rest.pop(0)), True
        valued = _OPTIONS_WITH_VALUE.get(wrapper, ())
        while rest and (rest[0].startswith("-") or (wrapper == "env" and "=" in rest[0])):
            option = rest.pop(0)
            if wrapper == "env" and option in ("-S", "--split-string") and rest:
                return rest[0].split() + rest[1:], True
            if option == "--":
                break
            if option in valued:
                rest[:1] = []
        if wrapper == "timeout":
            rest[:1] = []
    return rest, wrapped


def _words(words: Sequence[str], depth: int) -> str | None:
    rest, wrapped = _unwrapped(words)
    if not rest:
        return None
    if depth > _DEPTH:
        return "is nested too deeply to be understood"
    name, arguments = _name(rest[0]), rest[1:]
    if name in ("sudo", "doas", "su", "pkexec", "runuser"):
        return f"runs as another user ({name})"
    if name in SHELLS or name == "eval":
        return _line(shell_line.read(_inner(name, arguments)), depth + 1)
    if name == "git":
        return _git(rest)
    if name == "find":
        return _find(arguments, depth)
    if name in ("then", "else", "do", "!"):
        return _words(arguments, depth + 1) if arguments else None
    found = _destroys(name, arguments)
    if found is None and wrapped and arguments:
        # What looked like the command may have been the value of an option that we do not know.
        return _words(arguments, depth + 1) or (_words(arguments[1:], depth + 1) if arguments[1:] else None)
    return found


def _inner(name: str, arguments: Sequence[str]) -> str:
    """The script that a shell is given with -c; eval joins its words."""
    if name == "eval":
        return " ".join(arguments)
    for index, word in enumerate(arguments):
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", word):
            following = [a for a in arguments[index + 1 :] if not a.startswith("-")]
            return following[0] if following else ""
        if not word.startswith(("-", "+")):
            break
    return ""


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


def _destroys(name: str, arguments: Sequence[str]) -> str | None:
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


def _find(arguments: Sequence[str], depth: int) -> str | None:
    for index, word in enumerate(arguments):
        if word == "-delete":
            return "deletes files for good (find -delete)"
        if word in ("-exec", "-execdir", "-ok", "-okdir") and arguments[index + 1 :]:
            found = _words(arguments[index + 1 :], depth + 1)
            if found:
                return found
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
