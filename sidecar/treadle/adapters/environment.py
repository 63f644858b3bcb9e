"""The environment of a command: what it inherits, what it never sees, what is fixed.

Promises that no key of a provider and nothing that is named like a secret reaches a command, that the sidecar's own settings of
Python and of the editor stay with the sidecar, and that output is plain text. The caller hands in its own environment as data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from ..core.pattern import late
from ..core.settings import Settings, ShellEnvironment

FIXED = {
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "COLORTERM": "",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GH_PAGER": "cat",
    "CODEX_CI": "1",
    "TREADLE": "1",
}
CORE_NAMES = ("HOME", "LOGNAME", "PATH", "SHELL", "USER", "USERNAME", "TMPDIR", "TEMP", "TMP")
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "PRIVATE")
_SECRET_PARTS = late(r"(^|_)(PASS|PAT|AUTH|COOKIE)(_|$)|_PWD$")
"Shorter words, which are part of harmless names too: DB_PASS, GH_PAT, NPM_CONFIG__AUTH, MYSQL_PWD."
_NEVER = (
    # What gives a command a way to speak for the user, or makes a shell or a linker run something first.
    *("SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_ASKPASS", "SUDO_ASKPASS", "GPG_AGENT_INFO", "DBUS_*", "WSL_INTEROP"),
    *("LD_PRELOAD", "LD_AUDIT", "DYLD_*", "BASH_ENV", "ENV", "ZDOTDIR", "PROMPT_COMMAND", "BASH_FUNC_*"),
    # What the sidecar and the editor were started with.
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "TREADLE_*", "VSCODE_*", "ELECTRON_*"),
)
_SPECIAL = frozenset("*?[")
_PASSWORD_IN_ADDRESS = late(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#@]*:[^\s/?#]+@")
"scheme://user:password@host; a password may hold an @."
_TOKEN = late(r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abps]|hf)[-_][-_A-Za-z0-9]{8,}")
"What the makers of tokens have made easy to tell."
_OPTION = late(
    r"-{0,2}(?:.*[-_.])?(?:api)?(?:key|token|secret|pass|password|passwd|passphrase|credentials?|pat|auth)", re.IGNORECASE
)
"Of a program: its last word counts, for a --key-file or a --tokenizer is followed by no secret."
_HEADER = late(r"([A-Za-z0-9-]+):\s*(.+)")
_SHORTEST_SECRET = 8
"A provider's key of fewer characters is not looked for in other variables' values."


def hidden(settings: Settings) -> tuple[set[str], list[str]]:
    """Names and values that no command may see under these settings."""
    names = {"OPENAI_API_KEY", "CODEX_API_KEY", settings.provider.env_key or ""}
    names.update(name for _, name in settings.provider.env_http_headers)
    return names - {""}, [settings.provider.bearer_token] if settings.provider.bearer_token else []


def handed_keys(own: Mapping[str, str]) -> frozenset[str]:
    """Names of the variables in which an editor hands over keys out of its secret store, whatever they are called."""
    return frozenset(name for name in own.get("TREADLE_KEYS", "").split(",") if name)


def known_secrets(own: Mapping[str, str], settings: Settings) -> set[str]:
    """Values that give access to a provider or an MCP server, in any command's output."""
    names, found = hidden(settings)
    for server in settings.mcp_servers:
        names.update(name for _, name in server.env_http_headers)
        names.add(server.bearer_token_env_var or "")
        names.update(name for name in server.env_vars if _named_secret(name))
        found += secrets_in(server.args)
        found += [value for name, value in server.env if _named_secret(name)]
    headers = [*settings.provider.http_headers, *(pair for server in settings.mcp_servers for pair in server.http_headers)]
    for name, value in headers:
        if _named_secret(name) or name.lower() in ("authorization", "proxy-authorization", "cookie"):
            found += [value, *value.split()[-1:]]
    found += [value for name, value in settings.provider.query_params if _named_secret(name)]
    found += [own.get(name, "").strip() for name in names]
    return {value for value in found if len(value) >= _SHORTEST_SECRET}


def secrets_in(arguments: Sequence[str]) -> list[str]:
    """What gives access among the arguments of a program: by the name of its option, by its place in an address, by its form."""
    found: list[str] = []
    before = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and _OPTION.fullmatch(name):
            found.append(value)
        elif before.startswith("-") and _OPTION.fullmatch(before):
            found.append(argument)
        header = _HEADER.fullmatch(argument)
        if header and (_OPTION.fullmatch(header[1]) or header[1].lower() in ("authorization", "cookie")):
            found += [header[2], *header[2].split()[-1:]]
        found += [given[0].rpartition(":")[2].rstrip("@") for given in _PASSWORD_IN_ADDRESS.finditer(argument)]
        found += [given[0] for given in _TOKEN.finditer(argument)]
        before = argument
    return [value for value in found if value and not value.startswith("-")]


def child_environment(
    own: Mapping[str, str], policy: ShellEnvironment, *, secret_names: Iterable[str] = (), secrets: Iterable[str] = ()
) -> dict[str, str]:
    """`own`: the sidecar's. `secret_names`: the env_key of every provider; `secrets`: key values known from elsewhere.

    Later wins: inherited, fixed, then the user's `set`; `include_only` filters all but the fixed ones.
    """
    names = {name.upper() for name in secret_names}
    values = {v for v in (*secrets, *(v for n, v in own.items() if n.upper() in names)) if len(v) >= _SHORTEST_SECRET}
    inherited = {
        name: value
        for name, value in _inherited(own, policy).items()
        if name.upper() not in names and not _matches(name, _NEVER) and not any(secret in value for secret in values)
    }
    asked = dict(policy.set)
    if policy.include_only:
        inherited = {name: value for name, value in inherited.items() if _matches(name, policy.include_only)}
        asked = {name: value for name, value in asked.items() if _matches(name, policy.include_only)}
    return {**inherited, **FIXED, **asked}


def _inherited(own: Mapping[str, str], policy: ShellEnvironment) -> dict[str, str]:
    match policy.inherit:
        case "all":
            found = dict(own)
        case "core":
            found = {name: value for name, value in own.items() if name in CORE_NAMES}
        case "none":
            return {}
    if "LD_LIBRARY_PATH_ORIG" in found:
        # Whoever packed the program that started us put its own libraries first and kept the user's value here.
        found["LD_LIBRARY_PATH"] = found.pop("LD_LIBRARY_PATH_ORIG")
    if not policy.ignore_default_excludes:
        found = {
            name: value for name, value in found.items() if not _named_secret(name) and not _PASSWORD_IN_ADDRESS.search(value)
        }
    return {name: value for name, value in found.items() if not _matches(name, policy.exclude)}


def _named_secret(name: str) -> bool:
    upper = name.upper()
    return any(word in upper for word in SECRET_WORDS) or _SECRET_PARTS.search(upper) is not None


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    exact, beginnings, others = _sorted(patterns)
    upper = name.upper()
    return upper in exact or upper.startswith(beginnings) or any(fnmatchcase(upper, pattern) for pattern in others)


@lru_cache(maxsize=16)
def _sorted(patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """Names, beginnings of names, and what only fnmatch can tell: it compiles an expression for each pattern."""
    exact, beginnings, others = set[str](), list[str](), list[str]()
    for pattern in (given.upper() for given in patterns):
        if not _SPECIAL & set(pattern):
            exact.add(pattern)
        elif pattern.endswith("*") and not _SPECIAL & set(pattern[:-1]):
            beginnings.append(pattern[:-1])
        else:
            others.append(pattern)
    return frozenset(exact), tuple(beginnings), tuple(others)
