"""`treadle rules`: what the user has allowed for longer than once, and taking it back. Needs no server and claims no thread.

Prints the list that clients show; a change holds for running threads, of this and of other processes, from their next call on.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from .command_line import Usage

if TYPE_CHECKING:
    from .runtime.answers import RuleCheck

HELP = """\
treadle rules: what may run without a question

  treadle rules list [--json] [--all]  what you have allowed here and everywhere, and the rules of files; --all: in all folders
  treadle rules revoke ID...           take it back; `treadle rules list` shows the ids
  treadle rules check [options] -- CMD  what would happen to a command, part by part, and which rule says so
      --rules FILE                     judge by this file only, in a sandbox that may write the folder; may be given again
      --cwd FOLDER                     as if run there
      --json

  -h, --help
"""
ACTIONS = ("list", "revoke", "check")
_KINDS = {"exactCommand": "exactly", "command": "command", "files": "files", "mcp": "tool", "network": "host"}


@dataclass
class RulesLine:
    """The words after `treadle rules`, understood."""

    action: str = ""
    json: bool = False
    all: bool = False
    help: bool = False
    ids: tuple[str, ...] = ()
    command: str | None = None
    "Of check: the shell line."
    files: tuple[str, ...] = ()
    cwd: str | None = None


def parse(words: list[str]) -> RulesLine:
    line = RulesLine()
    plain: list[str] = []
    if "--" in words:
        command = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
        line.command = command[0] if len(command) == 1 else shlex.join(command)
    rest = list(words)
    while rest:
        word = rest.pop(0)
        match word:
            case "--rules" | "--cwd":
                if not rest:
                    raise Usage(f"rules check: {word} needs a value")
                line.files += (rest.pop(0),) if word == "--rules" else ()
                line.cwd = line.cwd if word == "--rules" else rest.pop(0)
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
    if (line.action == "check") != (line.command is not None) or (line.action == "check" and line.ids):
        raise Usage("rules check: write the command behind --, as in: treadle rules check -- git push")
    if line.action != "check" and (line.files or line.cwd):
        raise Usage(f"rules {line.action}: --rules and --cwd belong to check")
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
    if line.action == "check":
        return _check(line, overrides)
    from . import app  # noqa: PLC0415 - all adapters come with it
    from .core.errors import RequestRefused, TreadleError  # noqa: PLC0415
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
        place = error.data.get("path") if isinstance(error, RequestRefused) and error.data else None
        return _complain(error.sentence().removeprefix(f"{place}: "), 1)
    listed = rules.listed(cast(RuleList, found))
    return _print(json.dumps(listed, indent=2) if line.json else text(listed))


def _check(line: RulesLine, overrides: dict[str, Any]) -> int:
    from .core.errors import TreadleError  # noqa: PLC0415

    try:
        found = _judged(line) if line.files else _asked(line, overrides)
    except (TreadleError, OSError) as error:
        return _complain(error.sentence() if isinstance(error, TreadleError) else f"{error.filename}: {error.strerror}", 1)
    from .server import rules, rules_check  # noqa: PLC0415

    said = found.explanation
    if said is None:
        return _complain(found.problem or "nothing was judged", 1)
    if line.json:
        return _print(json.dumps(rules.checked(found) | {"decision": said.decision}, indent=2))
    return _print(rules_check.text(said))


def _judged(line: RulesLine) -> RuleCheck:
    """By some files alone: no configuration, no grants."""
    from pathlib import Path  # noqa: PLC0415

    from .core.explanation import explain  # noqa: PLC0415
    from .core.rules import NO_RULES, parse  # noqa: PLC0415
    from .core.settings import Provider, SandboxPolicy, Settings  # noqa: PLC0415
    from .runtime.answers import RuleCheck  # noqa: PLC0415

    book = NO_RULES
    for name in line.files:
        found, problems = parse(Path(name).read_text("utf-8", "replace"), name)
        book += found
        for problem in problems:
            sys.stderr.write(f"treadle: {problem}\n")
    cwd = os.path.abspath(line.cwd or os.getcwd())
    settings = Settings(cwd, "", Provider("", "", ""), sandbox=SandboxPolicy("workspace-write"), rules=book)
    return RuleCheck(explain(line.command or "", settings))


def _asked(line: RulesLine, overrides: dict[str, Any]) -> RuleCheck:
    from . import app  # noqa: PLC0415 - all adapters come with it
    from .core.ops import CheckRule  # noqa: PLC0415

    op = CheckRule(line.command, cwd=os.path.abspath(line.cwd or os.getcwd()))
    return cast("RuleCheck", asyncio.run(app.look(app.Options(overrides, "rules"), op)))


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
