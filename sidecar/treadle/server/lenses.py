"""The agent's hunks in a document, as code lenses to keep and to undo them, and to ask about them. Pure.

Each lens is a command with all that it needs; nothing is resolved later. Above the first line are those for the whole file, where
it has more than one hunk.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from lsprotocol import types

from ..core.hunks import Hunk
from ..runtime.answers import HunkFile
from .abilities import ASK_COMMAND, LENS_COMMANDS

MAX_HUNKS = 500
Verb: TypeAlias = Literal["Keep", "Undo", "Ask"]
_COMMANDS: dict[Verb, str] = dict(zip(("Keep", "Undo", "Ask"), (*LENS_COMMANDS, ASK_COMMAND), strict=True))
_WHOLE = {"add": "this new file", "delete": "the deletion of this file", "update": "this change"}


def lenses(thread_id: str, file: HunkFile, uri: str, last_line: int, *, ask: bool = False) -> list[types.CodeLens]:
    """`last_line` of the document, from 0: a hunk that took away the last lines is shown there. `ask`: of editors that can."""
    verbs: tuple[Verb, ...] = ("Keep",) if file.omitted else ("Keep", "Undo")
    argument = {"uri": uri, "threadId": thread_id}
    found: list[types.CodeLens] = []
    if len(file.hunks) > 1:
        found += [_lens(0, verb, f"{verb} all {len(file.hunks)} changes", argument) for verb in verbs]
    of_one: tuple[Verb, ...] = (*verbs, "Ask") if ask else verbs
    for hunk in file.hunks[:MAX_HUNKS]:
        line = max(0, min(hunk.start, last_line))
        chosen = argument | {"ids": [hunk.id]}
        found += [_lens(line, verb, _title(verb, hunk, file), chosen) for verb in of_one]
    return found


def _title(verb: Verb, hunk: Hunk, file: HunkFile) -> str:
    if verb == "Ask":
        return verb
    if file.omitted or hunk.whole:
        return f"{verb} {_WHOLE[file.kind]}"
    return f"{verb} change (+{len(hunk.added)} \u2212{len(hunk.removed)})" if verb == "Keep" else "Undo"


def _lens(line: int, verb: Verb, title: str, argument: dict[str, Any]) -> types.CodeLens:
    at = types.Position(line, 0)
    command = types.Command(title=title, command=_COMMANDS[verb], arguments=[argument])
    return types.CodeLens(range=types.Range(at, at), command=command)
