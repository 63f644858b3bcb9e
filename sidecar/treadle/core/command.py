"""What a shell line would do, as far as its words tell: its plain commands, what they mean to a reader, whether git changes.

`split` is exact or says None: policies build on it. All else here is a best guess for people to read. Pure; looks nothing up.
"""
# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from itertools import pairwise

from . import shell_line
from .pattern import late
from .record import frozen
from .views import CommandAction


@frozen
class Command:
    """A plain command. Two lines with equal commands do the same, unless a word `expands`."""

    words: tuple[str, ...]
    after: str = ""
    "The operator in front of it: empty for the first, else && || ; or |."
    expands: bool = False
    "A word holds a glob or a ~ that the shell will replace."


def split(script: str) -> tuple[Command, ...] | None:
    """The plain commands of a line of words joined by && || ; | and newlines; None for anything else (opaque)."""
    line = shell_line.read(script)
    if line.opaque or not line.segments:
        return None
    return tuple(Command(s.words, s.after, s.expands) for s in line.segments)


def actions(script: str, cwd: str) -> list[CommandAction]:
    """What each part of the line reads, lists or searches; a single `unknown` when a part does anything else."""
    whole: list[CommandAction] = [{"type": "unknown", "command": script}]
    line = shell_line.read(script)
    found: list[CommandAction] = []
    here = cwd
    for segment in line.segments:
        silent = all(_HARMLESS_REDIRECT.fullmatch(str(r)) for r in segment.redirects)
        if (
            segment.nested
            or segment.assignments
            or not silent
            or segment.after not in ("", "&&", "||", ";", "|")
            or not segment.words
        ):
            return whole
        name, arguments = segment.words[0].rsplit("/", 1)[-1], list(segment.words[1:])
        if name == "cd" and len(arguments) == 1 and not segment.expands:
            here = posixpath.normpath(posixpath.join(here, arguments[0]))
            continue
        inner = _script_of(segment.words)
        if inner is not None and len(line.segments) == 1 and not line.opaque:
            return whole if (found := actions(inner, cwd)) == [{"type": "unknown", "command": inner}] else found
        if segment.after == "|" and found and _only_formats(name, arguments):
            continue
        if name in ("true", "echo", "printf", ":") and len(line.segments) > 1 and segment.after != "|":
            continue
        action = _action(name, arguments, here)
        if action is None:
            return whole
        found.append(action)
    # A line that is read only in part (a comment, a loop, a test) may do more than its words say.
    return found if found and (line.redirected or not line.opaque) else whole


def mutates_git(script: str) -> bool:
    """Whether a part of the line is a git command other than those known to only read. Opaque lines are searched as well."""
    return any(mutating_git(words) for words in simple_commands(script))


def simple_commands(script: str) -> list[tuple[str, ...]]:
    """The words of every command of a line, those of its substitutions among them."""
    found: list[tuple[str, ...]] = []
    lines = [shell_line.read(script)]
    while lines:
        for segment in lines.pop().segments:
            found.append(segment.words)
            lines += segment.nested
    return [words for words in found if words]


def git_subcommand(words: Sequence[str]) -> tuple[str, list[str]]:
    """("checkout", the arguments after it) of a git command, its global options skipped; ("", []) when there is none."""
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word in ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"):
            rest[:1] = []
        elif not word.startswith("-"):
            return word, rest
    return "", []


_HARMLESS_REDIRECT = late(r"[12]?>>?/dev/null|&>/dev/null|2>&1|1>&2|>&2")
_READERS = frozenset("cat head tail nl less more bat batcat wc file stat xxd hexdump jq".split())
_LISTERS = frozenset("ls tree eza exa dir du".split())
_SEARCHERS = frozenset("rg grep egrep fgrep ag ack ugrep".split())
_FORMATTERS = frozenset("head tail wc sort uniq cut tr nl column cat less more rev paste fold fmt jq grep rg tac".split())
_READING_GIT = frozenset(
    "status log diff show blame grep ls-files ls-tree rev-parse rev-list describe shortlog cat-file merge-base whatchanged "
    "show-ref for-each-ref name-rev check-ignore var help version range-diff count-objects show-branch diff-tree".split()
)
_VALUED = {
    "head": ("-n", "-c", "--lines", "--bytes"),
    "tail": ("-n", "-c", "--lines", "--bytes"),
    "ls": ("-I", "-w", "--ignore"),
    "tree": ("-L", "-I", "-P", "-o"),
    "du": ("-d", "--max-depth"),
    "nl": ("-b", "-w", "-s"),
    "cut": ("-d", "-f", "-c"),
}
_SEARCH_VALUED = (
    "-A -B -C -m -g -t -T -j --glob --type --iglob --max-count --context --include --exclude --exclude-dir --color --max-depth -d"
).split()


def _script_of(words: Sequence[str]) -> str | None:
    """The script of `bash -lc SCRIPT`."""
    shell = len(words) == 3 and words[0].rsplit("/", 1)[-1] in shell_line.SHELLS
    return words[2] if shell and re.fullmatch(r"-l?c", words[1]) else None


def _only_formats(name: str, arguments: Sequence[str]) -> bool:
    if name == "sed":
        return "-n" in arguments and not any(a.startswith(("-i", "--in-place")) for a in arguments)
    return name in _FORMATTERS and not _operands(name, arguments)[0 if name not in ("grep", "rg", "jq", "tr") else 2 :]


def _action(name: str, arguments: list[str], here: str) -> CommandAction | None:
    text = " ".join([name, *arguments])
    if name == "sed":
        return _sed(arguments, here, text)
    if name in _READERS:
        operands = _operands(name, arguments)
        paths = operands[1:] if name == "jq" else operands
        return _read(paths[-1], here, text) if paths else None
    if name in _LISTERS or (name == "rg" and "--files" in arguments):
        operands = _operands(name, arguments)
        return {"type": "listFiles", "command": text, "path": operands[0] if operands else None}
    if name == "pwd":
        return {"type": "listFiles", "command": text, "path": None}
    if name in _SEARCHERS:
        return _search(arguments, text)
    if name == "git" and git_subcommand([name, *arguments])[0] == "grep":
        return _search(git_subcommand([name, *arguments])[1], text)
    if name == "git" and git_subcommand([name, *arguments])[0] == "ls-files":
        return {"type": "listFiles", "command": text, "path": None}
    if name in ("find", "fd", "fdfind"):
        return _find(name, arguments, text)
    return None


def _operands(name: str, arguments: Sequence[str]) -> list[str]:
    valued = _VALUED.get(name, ())
    found: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return found + rest
        if word in valued:
            rest[:1] = []
        elif not word.startswith("-") or word == "-":
            found.append(word)
    return found


def _read(path: str, here: str, text: str) -> CommandAction:
    absolute = posixpath.normpath(posixpath.join(here, path))
    return {"type": "read", "command": text, "name": posixpath.basename(absolute) or absolute, "path": absolute}


def _sed(arguments: Sequence[str], here: str, text: str) -> CommandAction | None:
    """Only the printing of lines by number: sed -n '1,20p' file."""
    rest = [a for a in arguments if a not in ("-n", "-e", "--quiet", "--silent")]
    quiet = "-n" in arguments or "--quiet" in arguments or "--silent" in arguments
    if quiet and len(rest) == 2 and re.fullmatch(r"[\d$]+(,[+~]?[\d$]+)?p", rest[0]):
        return _read(rest[1], here, text)
    return None


def _search(arguments: Sequence[str], text: str) -> CommandAction | None:
    query: str | None = None
    paths: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in ("--pre", "--hostname-bin") or word.startswith(("--pre=", "--hostname-bin=", "--open-files-in-pager", "-O")):
            return None
        if word in ("-e", "-f", "--regexp", "--file"):
            query = rest.pop(0) if rest else None
        elif word in _SEARCH_VALUED:
            rest[:1] = []
        elif word == "--":
            paths += rest
            break
        elif not word.startswith("-"):
            paths.append(word)
    if query is None and paths:
        query = paths.pop(0)
    return {"type": "search", "command": text, "query": query, "path": paths[0] if paths else None}


def _find(name: str, arguments: Sequence[str], text: str) -> CommandAction | None:
    acts = ("-exec", "-ok", "-delete", "-fprint", "-fls", "-x", "-X", "--exec")
    if any(a.startswith(acts) for a in arguments):
        return None
    if name != "find":
        operands = _operands(name, arguments)
        query, path = (operands[0] if operands else None), (operands[1] if len(operands) > 1 else None)
    else:
        path = next((a for a in arguments[:1] if not a.startswith(("-", "!", "("))), None)
        tests = pairwise(arguments)
        query = next((value for test, value in tests if test in ("-name", "-iname", "-path", "-ipath", "-regex")), None)
    if query is None:
        return {"type": "listFiles", "command": text, "path": path}
    return {"type": "search", "command": text, "query": query, "path": path}


def mutating_git(words: Sequence[str]) -> bool:
    """Whether a plain command is git and does more than read."""
    if words[0].rsplit("/", 1)[-1] != "git":
        return False
    name, rest = git_subcommand(words)
    flags = [a for a in rest if a.startswith("-")]
    match name:
        case "":
            return False
        case "branch" | "tag":
            names = [a for a in rest if not a.startswith("-")]
            reading = ("-l", "--list", "-a", "-r", "-v", "-vv", "--show-current", "--contains", "--merged", "--no-merged", "-n")
            return bool(names if not flags else [f for f in flags if f.split("=", 1)[0] not in reading])
        case "remote":
            return bool(rest) and rest[0] not in ("-v", "--verbose", "show", "get-url")
        case "stash" | "worktree" | "submodule" | "reflog" | "notes" | "bisect":
            return not (rest and rest[0] in ("list", "show", "status", "log")) and not (name == "reflog" and not rest)
        case "config":
            return not any(f in ("-l", "--list", "--get", "--get-all", "--get-regexp") for f in flags) and rest[:1] not in (
                ["get"],
                ["list"],
            )
        case _:
            return name not in _READING_GIT
