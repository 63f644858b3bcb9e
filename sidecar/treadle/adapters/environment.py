"""The environment of a command: what it inherits, what it never sees, what is fixed.

Promises that no key of a provider and nothing that is named like a secret reaches a command, that the sidecar's own settings of
Python and of the editor stay with the sidecar, and that output is plain text. The caller hands in its own environment as data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

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
_SECRET_PARTS = re.compile(r"(^|_)(PASS|PAT|AUTH|COOKIE)(_|$)|_PWD$")
"Shorter words, which are part of harmless names too: DB_PASS, GH_PAT, NPM_CONFIG__AUTH, MYSQL_PWD."
_NEVER = (
    # What gives a command a way to speak for the user, or makes a shell or a linker run something first.
    *("SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_ASKPASS", "SUDO_ASKPASS", "GPG_AGENT_INFO", "DBUS_*", "WSL_INTEROP"),
    *("LD_PRELOAD", "LD_AUDIT", "DYLD_*", "BASH_ENV", "ENV", "ZDOTDIR", "PROMPT_COMMAND", "BASH_FUNC_*"),
    # What the sidecar and the editor were started with.
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "TREADLE_*", "VSCODE_*", "ELECTRON_*"),
)
_PASSWORD_IN_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#@]*:[^\s/?#]+@")
"scheme://user:password@host; a password may hold an @."
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
        found += [value for name, value in server.env if _named_secret(name)]
    headers = [*settings.provider.http_headers, *(pair for server in settings.mcp_servers for pair in server.http_headers)]
    for name, value in headers:
        if _named_secret(name) or name.lower() in ("authorization", "proxy-authorization", "cookie"):
            found += [value, *value.split()[-1:]]
    found += [value for name, value in settings.provider.query_params if _named_secret(name)]
    found += [own.get(name, "").strip() for name in names]
    return {value for value in found if len(value) >= _SHORTEST_SECRET}


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


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.upper(), pattern.upper()) for pattern in patterns)
