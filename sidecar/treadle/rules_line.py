"""`treadle rules`: what the user has allowed for longer than once, and taking it back. Needs no server and claims no thread.

Prints the list that clients show; a change holds for running threads, of this and of other processes, from their next call on.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any, cast

from .command_line import Usage

HELP = """\
treadle rules: what may run without a question

  treadle rules list [--json] [--all]  what you have allowed here and everywhere, and the rules of files; --all: in all folders
  treadle rules revoke ID...           take it back; `treadle rules list` shows the ids

  -h, --help
"""
ACTIONS = ("list", "revoke")
_KINDS = {"exactCommand": "exactly", "command": "command", "files": "files", "mcp": "tool", "network": "host"}


@dataclass
class RulesLine:
    """The words after `treadle rules`, understood."""

    action: str = ""
    json: bool = False
    all: bool = False
    help: bool = False
    ids: tuple[str, ...] = ()


def parse(words: list[str]) -> RulesLine:
    line = RulesLine()
    plain: list[str] = []
    for word in words:
        match word:
            case "-h" | "--help":
                line.help = True
            case "--json":
                line.json = True
            case "--all":
                line.all = True
            case _ if word.startswith("-"):
                raise Usage(f"rules: no such option: {word}")
            case _:
                plain.append(word)
    if line.help:
        return line
    if not plain or plain[0] not in ACTIONS:
        raise Usage(f"rules: expected {' or '.join(ACTIONS)}" + (f", not {plain[0]}" if plain else ""))
    line.action, line.ids = plain[0], tuple(plain[1:])
    if line.action == "revoke" and not line.ids:
        raise Usage("rules revoke: give the id of a grant; `treadle rules list` shows them")
    if line.action == "list" and line.ids:
        raise Usage(f"rules list: one word too many: {line.ids[0]}")
    return line


def main(words: list[str], overrides: dict[str, Any]) -> int:
    try:
        line = parse(words)
    except Usage as error:
        return _complain(f"{error}\nTry: treadle rules --help", 2)
    if line.help:
        sys.stdout.write(HELP)
        return 0
    from . import app  # noqa: PLC0415 - all adapters come with it
    from .core.errors import TreadleError  # noqa: PLC0415
    from .core.grants import Grant  # noqa: PLC0415
    from .core.ops import GrantChange, ListRules, WriteRules  # noqa: PLC0415
    from .runtime.answers import RuleList  # noqa: PLC0415
    from .server import rules  # noqa: PLC0415

    options = app.Options(overrides, "rules")
    try:
        if line.action == "revoke":
            revoke = WriteRules(tuple(GrantChange("remove", id) for id in line.ids))
            left = cast("list[Grant]", asyncio.run(app.look(options, revoke)))
            return _print(f"{len(line.ids)} revoked; {len(left)} left.")
        found = asyncio.run(app.look(options, ListRules(cwd=None if line.all else os.getcwd())))
    except TreadleError as error:
        return _complain(error.sentence().removeprefix(f"{(getattr(error, 'data', None) or {}).get('path')}: "), 1)
    listed = rules.listed(cast(RuleList, found))
    return _print(json.dumps(listed, indent=2) if line.json else text(listed))


def text(listed: dict[str, Any]) -> str:
    """The list for a terminal."""
    lines: list[str] = []
    for grant in listed["grants"]:
        subject = grant["subject"]
        where = grant["workspace"] or grant["threadId"] or ""
        shown = " ".join(str(subject["text"]).split("\n"))
        notes = ["also outside the sandbox"] * subject["outsideSandbox"] + ["denied"] * subject["deny"]
        said = f"{_KINDS.get(subject['kind'], subject['kind'])} {shown}" + (f" ({', '.join(notes)})" if notes else "")
        lines.append(f"{grant['id']}  {grant['scope']:<9}  {said}" + (f"  in {where}" if where else ""))
    for rule in listed["rules"]:
        because = f"  {rule['justification']}" if rule["justification"] else ""
        lines.append(f"{rule['source']}:{rule['line']}  {rule['decision']:<9}  {rule['text']}{because}")
    lines.extend(listed["problems"])
    return "\n".join(_plain(line) for line in lines) or "Nothing is allowed for longer than once."


def _plain(line: str) -> str:
    """Without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def _print(text: str) -> int:
    # a lone surrogate or a narrow locale must not end in a traceback
    sys.stdout.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
    return 0


def _complain(sentence: str, code: int) -> int:
    sys.stderr.write(f"treadle: {sentence}\n")
    return code
