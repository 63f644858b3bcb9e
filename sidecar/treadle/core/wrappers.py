"""What a command starts in its place: behind env, sudo, timeout, xargs, find -exec, sh -c, git rebase --exec and their kin. Pure.

Finds too much rather than too little: what only may be a command is given as well, since all that is found can only make a
verdict stricter. The exception is `transparent`: the command starts just this and adds nothing; that is never guessed.
"""

# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import re
import shlex
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice

from .pattern import late
from .record import frozen
from .shell_word import SHELLS

BECOMES_ANOTHER = frozenset(("sudo", "doas", "su", "pkexec", "runuser", "gosu", "su-exec"))
_PREFIXES = frozenset(
    "env command exec builtin nohup nice ionice time timeout stdbuf setsid chronic unbuffer xargs parallel sudo doas pkexec gosu "
    "su-exec strace ltrace chroot unshare nsenter flock systemd-run firejail bwrap xvfb-run dbus-run-session busybox toybox "
    "caffeinate taskset chrt prlimit setpriv fakeroot faketime proxychains proxychains4 torsocks entr rlwrap hyperfine "
    "- noglob nocorrect repeat and or not begin".split()
)
_POSITIONAL = {
    "timeout": 1,
    "chroot": 1,
    "flock": 1,
    "taskset": 1,
    "chrt": 1,
    "repeat": 1,
    "faketime": 1,
    "gosu": 1,
    "su-exec": 1,
}
_VALUED = {
    "env": ("-u", "-C", "--unset", "--chdir"),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "timeout": ("-s", "-k", "--signal", "--kill-after"),
    "stdbuf": ("-i", "-o", "-e"),
    "xargs": ("-I", "-n", "-P", "-L", "-d", "-a", "-s", "-E"),
    "parallel": ("-j", "-I"),
    "exec": ("-a",),
    "sudo": ("-u", "-g", "-h", "-p", "-C", "-T", "-U", "-r", "-t", "-D", "-R"),
    "doas": ("-u", "-C"),
    "flock": ("-w", "-E"),
    "time": ("-f", "-o"),
}
_HARMLESS = late(r"-n|-?\d+[smhd]?|--?[a-z-]*=?\d*")
_RUNNERS = {
    ("uv", "run"),
    ("poetry", "run"),
    ("pipenv", "run"),
    ("bundle", "exec"),
    ("npm", "exec"),
    ("npm", "x"),
    ("pnpm", "exec"),
    ("pnpm", "dlx"),
    ("yarn", "exec"),
    ("yarn", "dlx"),
    ("bun", "x"),
    ("rye", "run"),
    ("hatch", "run"),
    ("pdm", "run"),
    ("conda", "run"),
}
_GIT_VALUED = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env", "--super-prefix")


@frozen
class Started:
    """A command by its words, or a script that another shell reads."""

    words: tuple[str, ...] = ()
    unknown: frozenset[int] = frozenset()
    script: str | None = None
    transparent: bool = False


MOST = 32
"Commands that one command starts by its words. More of them, each with all that follow it, would be looked at in quadratic time."
UNSEEN = Started(script="x" * 140_000)
"Stands for what was not looked at: a script that is too long to be understood."


def name_of(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def started(words: Sequence[str], unknown: frozenset[int] = frozenset()) -> tuple[Started, ...]:
    """All that this command may start; nothing for an ordinary one."""
    if not words or 0 in unknown:
        return ()
    found = tuple(islice(_started(name_of(words[0]), words, unknown), MOST + 1))
    return found if len(found) <= MOST else (*found[:MOST], UNSEEN)


def _started(name: str, words: Sequence[str], unknown: frozenset[int]) -> Iterator[Started]:
    if name in _PREFIXES:
        yield from _prefixed(name, words, unknown)
    if name in SHELLS or name in ("su", "runuser"):
        yield from _shell(name, words, unknown)
    elif name in ("eval", "watch"):
        options = 1
        while name == "watch" and options < len(words) and words[options].startswith("-"):
            options += 2 if words[options] in ("-n", "--interval") else 1
        yield Started(script=" ".join(words[options:]))
    elif name == "trap" and len(words) > 2:
        yield Started(script=words[1])
    elif name == "find":
        yield from _after(words, unknown, ("-exec", "-execdir", "-ok", "-okdir"), until=(";", "+"))
    elif name in ("fd", "fdfind"):
        yield from _after(words, unknown, ("-x", "-X", "--exec", "--exec-batch"), until=(";",))
    elif name == "git":
        yield from _git(words, unknown)
    elif tuple(words[:2]) in _RUNNERS or name in ("npx", "bunx", "uvx", "pipx"):
        at = 2 if tuple(words[:2]) in _RUNNERS else 1
        while at < len(words) and words[at].startswith("-"):
            at += 1
        yield _rest(words, unknown, at)


def _is_the_systems(word: str) -> bool:
    """Not a program of that name from just anywhere."""
    return "/" not in word or word.rpartition("/")[0] in ("/bin", "/usr/bin")


def _rest(
    words: Sequence[str], unknown: frozenset[int], at: int, end: int | None = None, *, transparent: bool = False
) -> Started:
    chosen = tuple(words[at:end])
    return Started(chosen, frozenset(i - at for i in unknown if at <= i < at + len(chosen)), None, transparent)


def _prefixed(name: str, words: Sequence[str], unknown: frozenset[int]) -> Iterator[Started]:
    at, sure, odd = 1, name in ("time", "nohup", "nice", "timeout") and _is_the_systems(words[0]), False
    valued = _VALUED.get(name, ())
    while at < len(words) and (words[at].startswith("-") or (name in ("env", "sudo", "doas") and "=" in words[at])):
        option = words[at]
        at += 1
        sure = sure and _HARMLESS.fullmatch(option) is not None and at - 1 not in unknown
        if name == "env" and re.match(r"-[a-zA-Z]*S|--split-string", option):
            text = (
                option.split("=", 1)[1] if "=" in option else re.sub(r"^-[a-zA-Z]*?S", "", option) or " ".join(words[at : at + 1])
            )
            yield Started(_split(text) + tuple(words[at if "=" in option else at + 1 :]))
            return
        if option == "--":
            break
        if option in valued:
            sure = sure and at < len(words) and _HARMLESS.fullmatch(words[at]) is not None
            at += 1
        elif option.startswith("-"):
            odd = True
    for _ in range(_POSITIONAL.get(name, 0)):
        sure = sure and at < len(words) and re.fullmatch(r"\d+(\.\d+)?[smhd]?", words[at]) is not None and at not in unknown
        at += 1
    if at >= len(words):
        return
    yield _rest(words, unknown, at, transparent=sure)
    if odd:
        # What looks like the command may be the value of an option that is not known here.
        yield from (_rest(words, unknown, i) for i in range(at + 1, min(at + 3, len(words))))


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def _shell(name: str, words: Sequence[str], unknown: frozenset[int]) -> Iterator[Started]:
    """The script of -c; of a shell that is given nothing else, the very line that runs."""
    for index, word in enumerate(words[1:], 1):
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*|--command", word):
            place = next((i for i in range(index + 1, len(words)) if not words[i].startswith("-")), None)
            if place is not None:
                alone = len(words) == 3 and word in ("-c", "-lc") and not unknown and name in ("sh", "bash", "zsh", "dash")
                alone = alone and _is_the_systems(words[0])
                yield Started(script=words[place], transparent=alone)
            return
        if word.startswith("--command="):
            yield Started(script=word.split("=", 1)[1])
            return
        if not word.startswith(("-", "+")) and name in SHELLS:
            return


def _after(words: Sequence[str], unknown: frozenset[int], options: tuple[str, ...], until: tuple[str, ...]) -> Iterator[Started]:
    ends = [index for index, word in enumerate(words) if word in until] + [len(words)]
    for index, word in enumerate(words):
        if word in options and index + 1 < len(words):
            yield _rest(words, unknown, index + 1, ends[bisect_left(ends, index + 1)])


def _git(words: Sequence[str], unknown: frozenset[int]) -> Iterator[Started]:
    """The command without git's own options, and what its options run."""
    at = 1
    while at < len(words) and words[at].startswith("-"):
        setting = words[at + 1] if words[at] == "-c" and at + 1 < len(words) else ""
        if re.match(
            r"alias\.[^=]*=!|[\w.-]*(pager|editor|sshcommand|fsmonitor|helper|textconv|command|cmd)=", setting, re.IGNORECASE
        ):
            yield Started(script=setting.split("=", 1)[1].removeprefix("!"))
        elif found := re.match(r"alias\.[^=]*=(.*)", setting, re.IGNORECASE | re.DOTALL):
            yield Started(("git", *_split(found.group(1))))
        at += 2 if words[at] in _GIT_VALUED else 1
    if at >= len(words):
        return
    if at > 1:
        rest = _rest(words, unknown, at)
        yield Started(("git", *rest.words), frozenset(i + 1 for i in rest.unknown))
    sub, arguments = words[at], words[at + 1 :]
    if sub == "bisect" and tuple(arguments[:1]) == ("run",):
        yield _rest(words, unknown, at + 2)
    if sub == "submodule" and "foreach" in arguments:
        yield Started(script=" ".join(arguments[list(arguments).index("foreach") + 1 :]).removeprefix("--recursive "))
    if sub in ("rebase", "filter-branch", "difftool", "mergetool"):
        for index, word in enumerate(arguments):
            if word in ("-x", "--exec", "--extcmd") or word.endswith("-filter"):
                yield Started(script=" ".join(arguments[index + 1 : index + 2]))
            elif found := re.match(r"--(?:exec|extcmd|[a-z]+-filter)=(.*)|-x(.+)", word, re.DOTALL):
                yield Started(script=found.group(1) or found.group(2))
