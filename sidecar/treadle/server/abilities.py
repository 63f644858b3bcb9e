"""What an editor said that it can do and wants, and what we offer it in turn. Pure, and loaded before initialize is answered.

Nothing that an editor says of itself may make us refuse it: what is not as the protocol has it counts as not said.
"""

from __future__ import annotations

from typing import Any, NamedTuple

ACTION_COMMANDS = ("treadle.explain", "treadle.fix", "treadle.tests", "treadle.document")
LENS_COMMANDS = ("treadle.hunk.keep", "treadle.hunk.undo")
ASK_COMMAND = "treadle.hunk.ask"
"The editor's own: what to ask is said where the user writes."
ACTION_KINDS = ("quickfix", "refactor.rewrite", "source.treadle")


class Abilities(NamedTuple):
    applies_edits: bool = False
    shows_documents: bool = False
    shows_progress: bool = False
    refreshes_lenses: bool = False
    literal_actions: bool = False
    "Takes code actions that are more than commands."
    cards: bool | None = None
    """Whether it draws threads and answers questions by our protocol. None: it did not say, and a thread that it opens by our
    protocol tells."""
    actions: bool = True
    "Whether it wants our code actions: an editor that has its own says no."
    lenses: bool = True
    asks: bool = False
    "Whether it has a command of that name, for a question about a hunk."


def abilities(params: Any) -> Abilities:
    """Of the parameters of initialize."""
    given = plain(params)
    capabilities, options = plain(given.get("capabilities")), plain(given.get("initializationOptions"))
    workspace, window = plain(capabilities.get("workspace")), plain(capabilities.get("window"))
    action = plain(plain(capabilities.get("textDocument")).get("codeAction"))
    cards = options.get("cards")
    return Abilities(
        applies_edits=workspace.get("applyEdit") is True,
        shows_documents=plain(window.get("showDocument")).get("support") is True,
        shows_progress=window.get("workDoneProgress") is True,
        refreshes_lenses=plain(workspace.get("codeLens")).get("refreshSupport") is True,
        literal_actions=isinstance(action.get("codeActionLiteralSupport"), dict),
        cards=cards if isinstance(cards, bool) else None,
        actions=options.get("codeActions") is not False,
        lenses=options.get("codeLenses") is not False,
        asks=options.get("hunkAsk") is True,
    )


def capabilities(of: Abilities) -> dict[str, Any]:
    """What we answer to initialize. pygls, which serves it, would say the same: a test holds the two together."""
    offered: dict[str, Any] = {
        "positionEncoding": "utf-16",
        "textDocumentSync": {"openClose": True, "change": 2, "save": False},
        "executeCommandProvider": {"commands": list(commands(of))},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}, "fileOperations": {}},
    }
    if of.actions:
        offered["codeActionProvider"] = {"codeActionKinds": list(ACTION_KINDS), "resolveProvider": False}
    if of.lenses:
        offered["codeLensProvider"] = {"resolveProvider": False}
    return offered | {"experimental": {"treadle": {"protocol": 2}}}


def commands(of: Abilities) -> tuple[str, ...]:
    return (ACTION_COMMANDS if of.actions else ()) + (LENS_COMMANDS if of.lenses else ())


def plain(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}  # type: ignore[return-value]
