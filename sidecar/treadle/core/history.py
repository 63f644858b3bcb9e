"""Items -> turns with cards: what a client draws of a thread that it did not watch. Pure fold; the live events say the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from .effective import effective
from .events import ErrorInfo, PlanSteps
from .items import (
    Context,
    Injected,
    Item,
    JsonObject,
    ModelItem,
    Notes,
    Opening,
    Reverted,
    Summary,
    ToolOutput,
    TurnBegan,
    TurnEnded,
    TurnStatus,
    UsageReported,
    UserCommand,
    UserMessage,
)
from .prompt import DISCARDED
from .record import mutable
from .review import Findings, read, spoken
from .views import CallCard, CallView, Card, MessageCard, OtherCard, ReasoningCard, ReviewCard, SummaryCard, UserCard


@mutable
class TurnState:
    """One turn as a client sees it. Times are seconds since the epoch."""

    id: str
    status: TurnStatus = "inProgress"
    started_at: float | None = None
    completed_at: float | None = None
    error: ErrorInfo | None = None
    cards: list[Card] = field(default_factory=list[Card])
    cwd: str = ""


UNFINISHED = "compaction"
"Type of a discarded ModelItem that stands for a compaction which came to nothing."


def card(item: ModelItem) -> Card | None:
    """The card of an output item that is not a call; None for a reasoning item with nothing to show."""
    payload = item.payload
    if item.kind == DISCARDED and (view := payload.get("view")):
        return CallCard(item.id, payload["name"], payload["call_id"], view, "aborted")
    if item.kind == DISCARDED and payload.get("type") == UNFINISHED:
        return SummaryCard(item.id)
    if item.kind in ("message", DISCARDED):
        return MessageCard(item.id, message_text(payload), payload.get("phase"), item.complete)
    if item.kind == "reasoning":
        summary = tuple(part.get("text") or "" for part in payload.get("summary") or ())
        content = tuple(part.get("text") or "" for part in payload.get("content") or ())
        return ReasoningCard(item.id, summary, content)
    return OtherCard(item.id, item.kind, payload)


def message_text(payload: JsonObject) -> str:
    """All text of a message item, in order."""
    parts: Any = payload.get("content")
    if isinstance(parts, str):
        return parts
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts or ())


def turns(items: Sequence[Item]) -> list[TurnState]:
    """Every turn that counts, in order. A turn without an end is given as it stands: inProgress."""
    found: dict[str, TurnState] = {}
    open_calls: dict[str, tuple[TurnState, int, ModelItem]] = {}
    for item in effective(items):
        if isinstance(item, (Opening, Context, Notes, UsageReported, Reverted, Injected)):
            continue
        turn = found.get(item.turn_id)
        if turn is None:
            turn = found[item.turn_id] = TurnState(item.turn_id)
        match item:
            case TurnBegan():
                turn.started_at, turn.cwd = item.at, str(item.settings.get("cwd") or "")
            case TurnEnded():
                turn.status, turn.completed_at = item.status, item.at
                turn.error = ErrorInfo(**item.error) if item.error else None
                if ended := review_ended(turn.cards, item, turn.cwd):
                    turn.cards.append(ended)
            case UserMessage():
                turn.cards.append(said_card(item))
            case UserCommand():
                turn.cards.append(user_card(item))
            case ModelItem() if item.is_call:
                open_calls[item.call_id or ""] = (turn, len(turn.cards), item)
                turn.cards.append(_call_card(item, {}, "inProgress"))
            case ModelItem():
                drawn = card(item)
                if drawn is not None:
                    turn.cards.append(drawn)
            case ToolOutput():
                # most calls end with a view of their own: only for the others is one made up
                if place := open_calls.pop(item.call_id, None):
                    of, at, call = place
                    of.cards[at] = _call_card(call, item.detail or likely_view(call), item.status, item.answer)
            case Summary():
                if item.revises is None:
                    turn.cards.append(SummaryCard(item.id))
    for of, at, call in open_calls.values():
        of.cards[at] = _call_card(call, likely_view(call), "inProgress")
    return list(found.values())


def said_card(item: UserMessage) -> UserCard | ReviewCard:
    """A review is drawn by what it is of, and not by what the model was told."""
    return ReviewCard(item.id, item.review) if item.review else UserCard(item.id, item.content, item.client_id)


def review_ended(cards: Sequence[Card], end: TurnEnded, cwd: str) -> ReviewCard | None:
    """What a turn's review found, as the turn ends; None for a turn that reviewed nothing."""
    if not any(isinstance(card, ReviewCard) for card in cards):
        return None
    words = next((card.text for card in reversed(cards) if isinstance(card, MessageCard) and card.complete), "")
    if end.status != "completed" or not words:
        return ReviewCard(review_id(end), "The review was not finished.", Findings(None, ""))
    found = read(words, cwd)
    return ReviewCard(review_id(end), spoken(found, cwd), found)


def review_id(end: TurnEnded) -> str:
    """Of the card that a review ends with."""
    return f"{end.id}-review"


def likely_view(item: ModelItem) -> CallView:
    """A view of a call that no tool has drawn, from its arguments alone."""
    payload = item.payload
    if item.name == "exec_command":
        try:
            arguments: Any = json.loads(payload.get("arguments") or "")
            return {"view": "command", "command": str(arguments["cmd"]), "cwd": str(arguments.get("workdir") or "")}
        except (ValueError, LookupError, TypeError, AttributeError):
            pass
    return {"view": "tool", "tool": item.name or "", "arguments": payload.get("arguments", payload.get("input"))}


def user_card(item: UserCommand) -> CallCard:
    """Drawn as the agent's commands are, but for where it comes from."""
    return CallCard(item.id, "user_shell", item.id, item.detail, item.status)  # type: ignore[arg-type]


def _call_card(item: ModelItem, view: Any, status: Any, answer: JsonObject | None = None) -> CallCard:
    return CallCard(item.id, item.name or "", item.call_id or "", view, status, answer)


def last_message(items: Sequence[Item]) -> str | None:
    """The last words of the agent."""
    found = (item for item in reversed(effective(items)) if isinstance(item, ModelItem) and item.kind == "message")
    return next((message_text(item.payload) for item in found), None)


def last_plan(items: Sequence[Item]) -> tuple[str, PlanSteps] | None:
    """The plan that the model showed last, and the turn in which it did."""
    for item in reversed(effective(items)):
        if isinstance(item, ToolOutput) and item.status == "completed" and item.detail.get("tool") == "update_plan":
            steps: list[dict[str, Any]] = item.detail["arguments"]["plan"]
            return item.turn_id, tuple((entry["step"].strip(), entry["status"]) for entry in steps)
    return None
