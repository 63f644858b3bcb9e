"""What the user is asked, and what a user can answer. Asked of one client, which may take hours.

Whatever is unclear, and a client that is lost, counts as `DECLINE`: nothing runs because nobody answered.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, TypeAlias

from .grants import GrantScope, Offer
from .items import JsonObject
from .record import frozen
from .views import CallView


@frozen
class Approval:
    """A question to the user about one call, asked before it runs."""

    id: str
    thread_id: str
    turn_id: str
    card_id: str
    at: float
    kind: Literal["command", "file_change", "mcp_tool_call", "network"]
    reason: str
    "Why we ask, in words for the user; with the model's own justification when it gave one."
    view: CallView
    justification: str | None = None
    "The model's own words out of `reason`, for whoever sets them apart from ours."
    outside_sandbox: bool = False
    "True when the call would run unconfined."
    offers: tuple[Offer, ...] = ()
    "Ways to say yes for longer than once, the narrowest first."
    host: str | None = None
    "network: the host that a running command wants to reach."
    protocol: Literal["http", "https", "socks5"] | None = None


def apart(asked: Approval) -> tuple[str, str]:
    """Our reason, and the model's own words: for whoever shows both, so that the latter never pass for ours."""
    words = (asked.justification or "").strip()
    return (asked.reason.replace(f" It says: {words}", "", 1), words) if words else (asked.reason, "")


@frozen
class Choice:
    label: str
    description: str = ""


@frozen
class QuestionPart:
    """One question of the model. The user may always answer in own words instead."""

    id: str
    header: str
    question: str
    choices: tuple[Choice, ...] = ()
    secret: bool = False


@frozen
class Question:
    """The model asks the user (request_user_input). The answer's content: {part id: [label or words, ...]}."""

    id: str
    thread_id: str
    turn_id: str
    card_id: str
    at: float
    parts: tuple[QuestionPart, ...]


@frozen
class Elicitation:
    """An MCP server asks the user, in the middle of a call or of its own accord. The answer's content: {field: value}."""

    id: str
    thread_id: str
    turn_id: str | None
    at: float
    server: str
    message: str
    schema: JsonObject = field(default_factory=dict[str, Any])
    "JSON schema of a flat form; empty with `url`."
    url: str | None = None
    "The user is to open this address instead of filling in a form."
    elicitation_id: str | None = None
    "The server's own name for the request, with `url`."


Asked: TypeAlias = Approval | Question | Elicitation


@frozen
class Decision:
    """decline: it is not done and the turn goes on; cancel: the turn is interrupted."""

    verdict: Literal["accept", "decline", "cancel"]
    scope: GrantScope | None = None
    "accept: for how long; None is this once."
    rule: str | None = None
    "accept: the subject's text as the user edited it; None: as it was offered."
    exact: bool = False
    "accept, with a scope: of a command the very line only, though more was offered; who said so was shown no more."
    words: str = ""
    "decline: what the user says to the model."
    content: JsonObject | None = None
    "The answers to a Question or an Elicitation."


def kept(decision: Decision | None) -> JsonObject:
    """What an output keeps of the question about its call, for people to read: never what was said in secret. None: the question
    is open."""
    if decision is None:
        return {"verdict": None}
    said: JsonObject = {"verdict": decision.verdict}
    for name in ("scope", "rule", "words"):
        if value := getattr(decision, name):
            said[name] = value
    return said


def is_open(answer: JsonObject | None) -> bool:
    """Whether the user was asked, and has not said anything."""
    return answer is not None and answer.get("verdict") is None


ACCEPT, DECLINE, CANCEL = Decision("accept"), Decision("decline"), Decision("cancel")
ACCEPT_FOR_THREAD = Decision("accept", "thread")
