"""Which code actions there are for a place in a document. Pure.

Each is a command with all that it needs in its one argument, so nothing is resolved later. A request that the editor makes by
itself, as the cursor moves or a file is saved, is offered only what somebody may be looking for: a fix where something is wrong,
a rewrite where something is selected.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from ..core.pattern import late
from .abilities import Abilities
from .documents import Document, offset

MAX_DIAGNOSTICS = 20
MAX_MESSAGE = 500
_TITLE = 60
_KINDS = {
    "treadle.explain": "source.treadle.explain",
    "treadle.fix": "quickfix",
    "treadle.tests": "source.treadle.tests",
    "treadle.document": "refactor.rewrite",
}
_NAME = late(r"[^\W\d]\w*")


def offered(document: Document, params: types.CodeActionParams, of: Abilities) -> list[types.CodeAction | types.Command]:
    context, where = params.context, params.range
    empty = where.start == where.end
    name = symbol(document.text, where) if empty else ""
    automatic = context.trigger_kind is types.CodeActionTriggerKind.Automatic
    found = fixes(document, params)
    what = "selection" if not empty else f"'{name}'" if name else ""
    if what:
        rewrites = [("treadle.document", f"Document {what}")]
        sources = [("treadle.explain", f"Explain {what}"), ("treadle.tests", f"Write tests for {what}")]
        wanted = [] if automatic and empty else rewrites
        wanted += [] if automatic else sources
        found += [_action(command, title, document, where, ()) for command, title in wanted]
    chosen = [action for action in found if _is_asked_for(str(action.kind), context.only)]
    return [*chosen] if of.literal_actions else [action.command for action in chosen if action.command is not None]


def fixes(document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
    """One for each diagnostic, and where there are several, one for all."""
    given = list(params.context.diagnostics)[:MAX_DIAGNOSTICS]
    each = [_fix(f"Fix: {_short(diagnostic.message)}", document, params.range, [diagnostic]) for diagnostic in given]
    return [*each, _fix(f"Fix all {len(given)} problems here", document, params.range, given)] if len(given) > 1 else each


def symbol(text: str, where: types.Range) -> str:
    """The name at a position, or beside it; empty when there is none."""
    at = offset(text, {"line": where.start.line, "character": where.start.character})
    begin = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    line = re.split(r"[\r\n]", text[begin : begin + 10_000], maxsplit=1)[0]
    found = (name for name in _NAME.finditer(line) if name.start() <= at - begin <= name.end())
    return next((name.group()[:_TITLE] for name in found), "")


def _fix(title: str, document: Document, where: types.Range, diagnostics: list[types.Diagnostic]) -> types.CodeAction:
    return _action("treadle.fix", title, document, where, diagnostics)


def _action(
    command: str, title: str, document: Document, where: types.Range, diagnostics: Sequence[types.Diagnostic]
) -> types.CodeAction:
    argument: dict[str, Any] = {"uri": document.uri, "range": _range(where)}
    if diagnostics:
        argument["diagnostics"] = [_diagnostic(diagnostic) for diagnostic in diagnostics]
    title = f"{title} (Treadle)"
    return types.CodeAction(
        title=title,
        kind=_KINDS[command],
        diagnostics=list(diagnostics) or None,
        command=types.Command(title=title, command=command, arguments=[argument]),
    )


def _is_asked_for(kind: str, only: Sequence[str] | None) -> bool:
    """A kind stands for all below it, and the empty one for all there are."""
    return only is None or any(not wanted or kind == wanted or kind.startswith(f"{wanted}.") for wanted in map(_text, only))


def _text(kind: str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else str(kind)


def _short(message: str) -> str:
    line = message.strip().split("\n", 1)[0]
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


def _range(of: types.Range) -> dict[str, Any]:
    return {
        "start": {"line": of.start.line, "character": of.start.character},
        "end": {"line": of.end.line, "character": of.end.character},
    }


def _diagnostic(of: types.Diagnostic) -> dict[str, Any]:
    return {
        "range": _range(of.range),
        "severity": int(of.severity) if of.severity else None,
        "source": of.source,
        "code": of.code,
        "message": of.message[:MAX_MESSAGE],
    }
