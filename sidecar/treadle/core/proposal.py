"""Which first words of a command an approval offers to remember, and which may never stand for a yes. Pure.

Never proposes an interpreter, a shell, a wildcard, or a program that only starts others: a yes to one would be a yes to all.
"""
# ruff: noqa: SIM905  lists of words read best as words

from __future__ import annotations

import re
from collections.abc import Sequence

from . import shell_line
from .judging import Part, judge
from .pattern import late
from .policy import RunCommand
from .reach import reaches_further
from .rules import NO_RULES, PrefixRule, RuleBook
from .wrappers import name_of, started

MOST_WORDS, LONGEST = 12, 300
_INTERPRETERS = late(
    r"(python|pypy|ruby|perl|lua|php|node|nodejs|guile|julia|tclsh|wish|java|groovy|scala|ipython|irb|Rscript|gawk|awk|mawk|nawk)"
    r"[\d.]*|deno|bun|R|ghci|osascript|pwsh|powershell|cmd|tsx|ts-node|jshell|ocaml|erl|elixir|iex|swipl|sqlite3|psql|mysql|gdb|lldb"
)
_SHELLS = late(r"(ba|z|da|k|mk|c|tc|a|rba|fi|nu|el)?sh|xonsh|pwsh|busybox|toybox")
_STARTERS = frozenset(
    "env sudo doas su pkexec runuser gosu xargs parallel watch nohup nice ionice time timeout stdbuf setsid chroot unshare "
    "nsenter flock systemd-run exec eval command builtin source . trap coproc entr strace ltrace script expect ssh at batch "
    "npx bunx uvx pipx crontab tmux screen rlwrap hyperfine firejail bwrap vim vi nvim nano emacs ed less more man "
    "export declare typeset readonly local alias unalias set unset shopt enable hash docker-compose".split()
)
_DESTROYERS = frozenset(
    "rm rmdir shred dd mkfs wipefs fdisk parted truncate unlink mv chmod chown chgrp kill pkill killall shutdown reboot halt "
    "poweroff init mount umount iptables nft insmod modprobe useradd usermod passwd visudo tee".split()
)
_DEPTHS: dict[str, int] = {
    **dict.fromkeys(
        "git npm pnpm yarn cargo docker podman kubectl helm gh glab go pip pip3 uv poetry pipenv conda brew".split(), 2
    ),
    **dict.fromkeys(
        "apt apt-get dnf yum pacman apk snap systemctl journalctl terraform tofu az gcloud heroku fly vercel".split(), 2
    ),
    **dict.fromkeys("rustup dotnet mix gem bundle composer flutter dart swift bazel just task rake nx turbo".split(), 2),
    **dict.fromkeys("ansible-playbook pre-commit hatch pdm rye tox nox firebase supabase netlify wrangler".split(), 2),
    "aws": 3,
}
"Programs with commands of their own, and how many words name one."
_DEEPER = {
    *(
        ("npm", "run"),
        ("pnpm", "run"),
        ("yarn", "run"),
        ("bun", "run"),
        ("uv", "pip"),
        ("docker", "compose"),
        ("docker", "image"),
    ),
    *(("docker", "container"), ("gh", "pr"), ("gh", "issue"), ("gh", "repo"), ("gh", "run"), ("git", "remote"), ("git", "stash")),
    *(
        ("git", "worktree"),
        ("git", "submodule"),
        ("go", "mod"),
        ("cargo", "run"),
        ("poetry", "run"),
        ("uv", "run"),
        ("bundle", "exec"),
    ),
    *(("pipenv", "run"), ("hatch", "run"), ("kubectl", "rollout"), ("gh", "workflow"), ("gh", "release")),
}
_OPEN = {
    *(("npm", "exec"), ("npm", "x"), ("pnpm", "exec"), ("pnpm", "dlx"), ("yarn", "exec"), ("yarn", "dlx"), ("bun", "x")),
    *(("npm", "run"), ("pnpm", "run"), ("yarn", "run"), ("bun", "run"), ("uv", "run"), ("poetry", "run"), ("pipenv", "run")),
    *(("bundle", "exec"), ("hatch", "run"), ("pdm", "run"), ("rye", "run"), ("conda", "run"), ("uv", "tool"), ("go", "run")),
    *(("docker", "run"), ("docker", "exec"), ("podman", "run"), ("podman", "exec"), ("kubectl", "exec"), ("cargo", "install")),
    *(("git", "config"), ("git", "bisect"), ("git", "rebase"), ("git", "submodule"), ("git", "filter-branch"), ("gh", "api")),
    *(("gh", "alias"), ("gh", "extension"), ("git", "clone"), ("git", "difftool"), ("git", "mergetool"), ("docker", "compose")),
}
"Commands that run whatever stands behind them, or decide what runs later."


_SUBJECTS = frozenset(
    "cat head tail nl bat wc file stat xxd hexdump jq ls tree exa eza dir du df rg grep egrep fgrep ag ack sort uniq "
    "cut tr column diff pwd which echo printf true false test [ date pytest ruff mypy pyright black isort flake8 "
    "pylint eslint prettier tsc biome jest vitest mocha gcc g++ cc c++ clang clang++ javac rustc rustfmt gofmt cmake "
    "ninja meson sphinx-build find fd fdfind curl wget cd mkdir touch cp ln sed".split()
)
"Programs whose words after the name are files and texts."


def proposal(wish: RunCommand | str, rules: RuleBook = NO_RULES) -> tuple[str, ...] | None:
    """The prefix whose rule would answer this question the next time, beside the rules in force; None when no sane one would."""
    script, asked = (wish, None) if isinstance(wish, str) else (wish.script, wish.prefix_rule)
    roots = () if isinstance(wish, str) else (wish.cwd,)
    judged = judge(script, rules, (), roots)
    if judged.decision == "forbidden":
        return None
    if any(s.words and _SHELLS.fullmatch(name_of(s.words[0])) for s in shell_line.read(script).segments):
        return None
    candidates = [tuple(asked)] if asked else []
    missing = [_own(part) for part in judged.parts if part.decision != "allow" and not part.neutral]
    if missing and len(set(missing)) == 1:
        candidates.append(missing[0])
    for words in candidates:
        if words and banned(words, proposed=True) is None and _answers(script, words, rules, roots):
            return words
    return None


def _answers(script: str, words: tuple[str, ...], rules: RuleBook, roots: tuple[str, ...]) -> bool:
    return judge(script, rules, (PrefixRule.of(words),), roots).decision == "allow"


def _own(part: Part) -> tuple[str, ...]:
    """The command and the words that say what it does: npm test, git push, docker compose up."""
    words = part.words
    name = name_of(words[0])
    depth = _DEPTHS.get(name, 0)
    if not depth:
        narrow = name not in _SUBJECTS and len(words) > 1 and re.fullmatch(r"[a-z][a-z0-9:_-]*", words[1])
        return words[:2] if narrow else words[:1]
    if tuple(words[:2]) in _DEEPER:
        depth += 1
    chosen = words[:depth]
    plain = next((i for i, w in enumerate(chosen) if w.startswith("-")), len(chosen))
    return chosen[:plain]


def parse_pattern(text: str) -> tuple[str, ...]:
    """`npm test`, as a user edits it, shell quoting allowed -> its words. ValueError, in words for the user, if it cannot."""
    if len(text) > LONGEST:
        raise ValueError(f"A rule has at most {LONGEST} characters.")
    if not text.strip():
        raise ValueError("A rule needs at least one word, as in: npm test")
    line = shell_line.read(text.strip())
    if line.trouble:
        raise ValueError(f"This cannot be a rule: it {line.trouble}.")
    if len(line.segments) != 1 or line.segments[0].redirects or line.segments[0].assignments or not line.segments[0].words:
        raise ValueError("A rule stands for one command: its first words, without && ; | > or variables.")
    segment = line.segments[0]
    if segment.unknown or line.forms:
        odd = segment.words[min(segment.unknown)] if segment.unknown else text.strip()
        raise ValueError(
            f"A rule holds plain words; {odd} is only known to the shell. (It covers whatever follows these words anyway.)"
        )
    if reason := banned(segment.words):
        raise ValueError(reason)
    return segment.words


def banned(words: Sequence[str], *, proposed: bool = False) -> str | None:
    """Why these first words may not stand for a yes, as a sentence; None when they may. `proposed`: by the agent, not a user."""
    if not words or not all(words) or len(words) > MOST_WORDS or sum(map(len, words)) > LONGEST:
        return "A rule has between one and twelve words, none of them empty."
    if any(re.search(r"[*?\[\]{}\0\n\r]|\$[\w({]|`", word) for word in words):
        return "A rule holds plain words: the shell's signs mean nothing in it."
    name, text = name_of(words[0]), " ".join(words)
    if _SHELLS.fullmatch(name) and (proposed or len(words) == 1 or words[1].startswith("-")):
        return f"`{text}` would allow every command: {name} is a shell."
    if _INTERPRETERS.fullmatch(name) and (proposed or not _names_a_program(words)):
        return f"`{text}` would allow any program: {name} runs what it is given."
    if name in _STARTERS:
        return f"`{text}` would allow any program: {name} starts others, or changes what they are."
    if name in _DESTROYERS or name.startswith("mkfs"):
        return f"`{text}` would allow more than these words say: what follows {name} is what counts."
    if further := reaches_further(words, 1):
        return f"`{text}` would allow a reading command to write or to run something, by {further}."
    if tuple(words) in _OPEN or (tuple(words[:2]) in _OPEN and len(words) > 2 and words[2].startswith("-")):
        return f"`{text}` would allow whatever stands behind it; name that as well."
    if name in _DEPTHS and (len(words) == 1 or words[1].startswith("-")):
        return f"`{text}` names no command of {name}; say which, as in: {name} {_EXAMPLES.get(name, 'COMMAND')}"
    for one in started(words):
        if one.words and one.words != tuple(words) and (reason := banned(one.words, proposed=proposed)):
            return reason
    return None


_EXAMPLES = {"git": "status", "npm": "test", "pnpm": "test", "yarn": "test", "cargo": "build", "go": "test", "docker": "ps"}


def _names_a_program(words: Sequence[str]) -> bool:
    """python3 -m pytest, node build.js: a module or a file, and nothing that reads a program from the line."""
    if len(words) < 2:
        return False
    if words[1] == "-m" and len(words) > 2:
        return words[2] not in ("code", "pdb", "timeit", "runpy", "cProfile", "trace", "idlelib", "IPython", "pip")
    return not words[1].startswith("-") and ("." in words[1] or "/" in words[1])
