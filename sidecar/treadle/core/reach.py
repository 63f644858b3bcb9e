"""Options by which a command that only reads writes a file or runs a program. Pure.

A rule that allows `git log` does not allow `git log --output=FILE`, unless its own words say so: who allowed it thought of
reading.
"""
# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .wrappers import name_of

_GIT = (
    "--output --ext-diff --textconv --open-files-in-pager --exec --upload-pack --receive-pack --config --template --extcmd "
    "--exec-path --git-dir --work-tree --config-env"
).split()
_LONG: Mapping[str, Sequence[str]] = {
    "git": _GIT,
    "find": (),
    "rg": ("--pre", "--hostname-bin", "--search-zip"),
    "sort": ("--output", "--compress-program"),
    "tar": ("--to-command", "--checkpoint-action", "--use-compress-program", "--rsh-command", "--info-script"),
    "rsync": ("--rsh", "--rsync-path"),
    "man": ("--pager", "--html"),
    "tree": (),
    "ssh": (),
    "sed": ("--in-place", "--file"),
    "fd": ("--exec", "--exec-batch"),
    "fdfind": ("--exec", "--exec-batch"),
}
_SHORT: Mapping[str, str] = {
    "find": r"-(exec|execdir|ok|okdir|delete|fprint\w*|fls)",
    "rg": r"-[a-zA-Z]*z[a-zA-Z]*",
    "sort": r"-[bdfgiMhnRrVcCmsuz]*o.*",
    "tar": r"-[a-zA-Z]*[IF].*",
    "rsync": r"-[a-zA-Z]*e.*",
    "man": r"-[PH].*",
    "tree": r"-o",
    "ssh": r"-[oF].*",
    "fd": r"-[a-zA-Z]*[xX]",
    "fdfind": r"-[a-zA-Z]*[xX]",
}
_GIT_SHORT = {"grep": r"-O.*", "clone": r"-[cu].*", "difftool": r"-x.*", "rebase": r"-x.*", "ls-remote": r"-u.*"}


def reaches_further(words: Sequence[str], named: int) -> str | None:
    """The option by which the command does more than read; those among the first `named` words are what the rule itself names."""
    name = name_of(words[0])
    if name not in _LONG:
        return None
    short = _SHORT.get(name)
    if name == "git":
        short = _GIT_SHORT.get(words[1]) if len(words) > 1 else None
    for index, word in enumerate(words):
        if index < max(named, 1):
            continue
        if name == "git" and "ext::" in word:
            return word
        if word == "--" and name != "find":
            return None
        flag = word.split("=", 1)[0]
        # Programs take long options that are cut short.
        if len(flag) > 3 and any(option.startswith(flag) for option in _LONG[name]):
            return flag
        if short and re.fullmatch(short, word, re.DOTALL):
            return word
    if name == "sed":
        return _edits(words, named)
    return None


def _edits(words: Sequence[str], named: int) -> str | None:
    """What of `sed -n` is not just printing: the rule said -n to mean that."""
    if "-n" not in words[:named]:
        return None
    for word in words[named:]:
        if word.startswith("-") and word not in ("-E", "-r"):
            return word
    script = next((w for w in words[named:] if not w.startswith("-")), "")
    return None if re.fullmatch(r"\d*(,[+~]?(\d+|\$))?p|\$p", script) else script[:40] or None
