"""`treadle mcp`: the MCP servers of the configuration, and logging in to those over HTTP. Opens no thread and starts no server.

A login is kept for every Treadle of this user; one that runs already uses it from its next connection on. Prints no secret.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from .command_line import Usage

if TYPE_CHECKING:
    from .adapters.mcp import TokenFile
    from .core.settings import McpServer, Settings

HELP = """\
treadle mcp: the MCP servers of config.toml

  treadle mcp list [--json]            which there are, whether they are on, and whether you are logged in
  treadle mcp get NAME [--json]        all about one
  treadle mcp login NAME               log in to one that is reached over HTTP
      --scopes A,B                     what to ask for; else what its table says, else what it asks for itself
      --no-browser                     only print the address
  treadle mcp logout NAME              forget the login

  -h, --help

MCP servers are not in the sandbox of the agent's commands: they run with your rights and your network.
"""
ACTIONS = ("list", "get", "login", "logout")
WARNING = "MCP servers are not in the command sandbox: they run with your rights and your network."


@dataclass
class McpLine:
    """The words after `treadle mcp`, understood."""

    action: str = ""
    name: str = ""
    json: bool = False
    browser: bool = True
    help: bool = False
    scopes: tuple[str, ...] = ()


def parse(words: list[str]) -> McpLine:
    line, plain, rest = McpLine(), list[str](), list(words)
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if word in ("-h", "--help"):
            line.help = True
        elif word == "--json":
            line.json = True
        elif word == "--no-browser":
            line.browser = False
        elif word == "--scopes":
            if not equals and not rest:
                raise Usage("--scopes: a value is missing")
            value = value if equals else rest.pop(0)
            line.scopes = tuple(scope for scope in value.replace(",", " ").split() if scope)
        elif word.startswith("-"):
            raise Usage(f"mcp: no such option: {word}")
        else:
            plain.append(word)
    if line.help:
        return line
    if not plain or plain[0] not in ACTIONS:
        raise Usage(f"mcp: expected {', '.join(ACTIONS)}" + (f", not {plain[0]}" if plain else ""))
    line.action, *names = plain
    if line.action == "list" and names:
        raise Usage(f"mcp list: one word too many: {names[0]}")
    if line.action != "list":
        if len(names) != 1:
            raise Usage(f"mcp {line.action}: give the name of one server; `treadle mcp list` shows them")
        line.name = names[0]
    return line


def main(words: list[str], overrides: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> int:
    try:
        line = parse(words)
    except Usage as error:
        return _complain(f"{error}\nTry: treadle mcp --help", 2)
    if line.help:
        sys.stdout.write(HELP)
        return 0
    from .adapters.config import load  # noqa: PLC0415
    from .adapters.homes import homes  # noqa: PLC0415
    from .adapters.mcp import TokenFile  # noqa: PLC0415
    from .core.errors import TreadleError  # noqa: PLC0415

    folders = homes(environ)
    loaded = load(codex_home=folders.codex, cwd=os.path.realpath(os.getcwd()), overrides=overrides, environ=environ)
    for problem in loaded.warnings:
        _complain(f"warning: {problem.sentence()}", 0)
    settings, tokens = loaded.settings, TokenFile(folders.treadle / "mcp_logins.json")
    try:
        if line.action == "list":
            return _list(settings, tokens, as_json=line.json)
        server = next((server for server in settings.mcp_servers if server.name == line.name), None)
        if server is None:
            return _complain(f"there is no MCP server {line.name!r} in config.toml; `treadle mcp list` shows those that are.", 1)
        if line.action == "get":
            return _get(server, tokens, as_json=line.json)
        if line.action == "login":
            return asyncio.run(_log_in(server, settings, tokens, line, environ))
        known = tokens.read(server) is not None
        tokens.write(server, None)
        return _print(f"Logged out of {server.name}." if known else f"You were not logged in to {server.name}.")
    except TreadleError as error:
        return _complain(error.sentence(), 1)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)


async def _log_in(server: McpServer, settings: Settings, tokens: TokenFile, line: McpLine, environ: Mapping[str, str]) -> int:
    from .adapters.mcp.oauth import log_in  # noqa: PLC0415 - the package is slow to import
    from .core.mcp import LoginWish  # noqa: PLC0415

    def opened(url: str) -> None:
        _print(f"Open this address to log in to {server.name}:\n\n  {url}\n")
        if line.browser:
            import webbrowser  # noqa: PLC0415

            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)

    await log_in(server, environ, tokens, LoginWish(line.scopes, settings.mcp_callback_port), opened)
    return _print(f"You are logged in to {server.name}.")


def _list(settings: Settings, tokens: TokenFile, *, as_json: bool) -> int:
    found = [_known(server, tokens) for server in settings.mcp_servers]
    if as_json:
        return _print(json.dumps(found, indent=2))
    if not found:
        return _print("There are no MCP servers in config.toml. Add one with [mcp_servers.NAME].")
    wide = max(len(server["name"]) for server in found)
    lines = [f"{s['name']:{wide}}  {'on ' if s['enabled'] else 'off'}  {_where(s)}  {s['login'] or ''}".rstrip() for s in found]
    return _print("\n".join([*lines, "", WARNING]))


def _get(server: McpServer, tokens: TokenFile, *, as_json: bool) -> int:
    found = _known(server, tokens)
    if as_json:
        return _print(json.dumps(found, indent=2))
    lines = (
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in found.items() if value is not None
    )
    return _print("\n".join([*lines, "", WARNING]))


def _known(server: McpServer, tokens: TokenFile) -> dict[str, Any]:
    """Names of variables and headers, never their values, nor what gives access among the arguments."""
    from .adapters.environment import secrets_in  # noqa: PLC0415

    secrets = secrets_in(server.args)
    shown = [reduce(lambda text, secret: text.replace(secret, "***"), secrets, argument) for argument in server.args]
    login = None
    if server.url is not None:
        own_token = server.bearer_token_env_var or any(name.lower() == "authorization" for name, _ in server.http_headers)
        login = "token" if own_token else "logged in" if tokens.read(server) else "not logged in"
    return {
        "name": server.name,
        "enabled": server.enabled,
        "required": server.required,
        "command": server.command,
        "args": shown if server.command else None,
        "env": [name for name, _ in server.env] + list(server.env_vars) if server.command else None,
        "cwd": server.cwd,
        "url": server.url,
        "headers": [name for name, _ in (*server.http_headers, *server.env_http_headers)] if server.url else None,
        "bearerTokenEnvVar": server.bearer_token_env_var,
        "login": login,
        "startupTimeoutSec": server.startup_timeout,
        "toolTimeoutSec": server.tool_timeout,
        "enabledTools": None if server.enabled_tools is None else list(server.enabled_tools),
        "disabledTools": list(server.disabled_tools),
        "defaultToolsApprovalMode": server.default_approval,
    }


def _where(server: dict[str, Any]) -> str:
    return server["url"] or " ".join([server["command"], *server["args"]])


def _print(text: str) -> int:
    from .core.visible import visible  # noqa: PLC0415

    sys.stdout.write(visible(text.rstrip("\n")) + "\n")
    sys.stdout.flush()
    return 0


def _complain(text: str, code: int) -> int:
    sys.stderr.write(f"treadle: {text}\n")
    return code
