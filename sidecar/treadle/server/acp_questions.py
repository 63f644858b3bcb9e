"""What the user is asked, as requests of the Agent Client Protocol, and what the client answers. Pure.

Whatever of an answer we do not understand, and no answer at all, is a decline. An option says in its name what a yes would cover
and for how long; what its id stands for is looked up in what was offered, so that no client can widen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ..core.asking import Approval, Choice, Decision, Elicitation, Question, QuestionPart, apart
from ..core.grants import GrantScope, Offer
from ..core.items import JsonObject
from ..core.truncate import clip
from ..core.views import CommandView, FileChangeView
from ..core.visible import one_line, visible
from . import acp_calls

_ONCE, _NO, _NEVER = "allow-once", "reject-once", "reject-always"
_REACH: dict[GrantScope, str] = {"thread": "in this thread", "workspace": "in this workspace", "always": "always"}
_MAX_NAME = 300
_MAX_WORDS = 4_000


def permission(asked: Approval) -> JsonObject:
    """The parameters of session/request_permission, but for the session."""
    return {"toolCall": _call(asked), "options": _options(asked)}


def decided(asked: Approval, outcome: Any) -> Decision:
    """What the user chose. A client that says "cancelled" has stopped the turn."""
    chosen = _chosen(outcome)
    if chosen is None:
        return Decision("cancel") if _map(outcome).get("outcome") == "cancelled" else Decision("decline")
    if chosen == _ONCE:
        return Decision("accept")
    if chosen == _NEVER and asked.kind == "network":
        return Decision("decline", "always", asked.host)
    offered = next((offer for index, offer in enumerate(asked.offers) if _id(index, offer) == chosen), None)
    return Decision("accept", offered.scope) if offered else Decision("decline")


def closing(asked: Approval, decision: Decision) -> JsonObject | None:
    """What becomes of a call that was shown for the question alone."""
    if asked.kind != "network":
        return None
    status = "completed" if decision.verdict == "accept" else "failed"
    return {"sessionUpdate": "tool_call_update", "toolCallId": asked.id, "status": status}


def choosing(question: Question, part: QuestionPart) -> JsonObject:
    """One question of the model, with its choices as options."""
    options = [_option(f"choice-{index}", _choice(choice), "allow_once") for index, choice in enumerate(part.choices)]
    call = {
        "toolCallId": question.card_id,
        "title": clip(one_line(part.question), acp_calls.MAX_TITLE),
        "kind": "think",
        "status": "pending",
        "content": [acp_calls.text_content(visible(part.question))],
    }
    return {"toolCall": call, "options": [*options, _option(_NO, "Skip this question", "reject_once")]}


def answerable(parts: Sequence[QuestionPart]) -> bool:
    """Whether options can stand for all answers that are asked for. A secret must not be drawn as a choice."""
    return bool(parts) and all(part.choices and not part.secret for part in parts)


def choice(part: QuestionPart, outcome: Any) -> str | None:
    """The label that the user chose."""
    chosen = _chosen(outcome)
    return next((one.label for index, one in enumerate(part.choices) if f"choice-{index}" == chosen), None)


def cancelled(outcome: Any) -> bool:
    return _map(outcome).get("outcome") == "cancelled"


def agreeing(asked: Elicitation) -> JsonObject:
    """A question of an MCP server that wants no more than a yes, or that an address is opened."""
    said = asked.message if asked.url is None else f"{asked.message}\n\nOpen {asked.url}"
    call = {
        "toolCallId": asked.id,
        "title": clip(one_line(f"{asked.server} asks: {asked.message}"), acp_calls.MAX_TITLE),
        "kind": "other",
        "status": "pending",
        "content": [acp_calls.text_content(acp_calls.fenced(visible(said)))],
    }
    yes = "Yes" if asked.url is None else "I have opened it"
    return {"toolCall": call, "options": [_option(_ONCE, yes, "allow_once"), _option(_NO, "No", "reject_once")]}


def agreed(outcome: Any) -> Decision:
    if _chosen(outcome) == _ONCE:
        return Decision("accept", content={})
    return Decision("cancel") if cancelled(outcome) else Decision("decline")


def form(asked: Question | Elicitation) -> JsonObject:
    """The parameters of elicitation/create, but for the session, for a client that puts forms before the user."""
    if isinstance(asked, Elicitation):
        if asked.url is not None:
            return {"mode": "url", "message": asked.message, "url": asked.url, "elicitationId": asked.elicitation_id or asked.id}
        return {"mode": "form", "message": asked.message, "requestedSchema": asked.schema or {"type": "object", "properties": {}}}
    fields = {part.id: _field(part) for part in asked.parts}
    about = "\n".join(part.question for part in asked.parts)
    schema = {"type": "object", "properties": fields}
    return {"mode": "form", "message": about, "requestedSchema": schema, "toolCallId": asked.card_id}


def filled(asked: Question | Elicitation, answer: Any) -> Decision:
    """What a form came back with."""
    given = _map(answer)
    action = given.get("action")
    if action != "accept":
        return Decision("cancel" if action == "cancel" else "decline")
    content = _map(given.get("content"))
    if isinstance(asked, Elicitation):
        return Decision("accept", content=content)
    found: JsonObject = {}
    for part in asked.parts:
        said = content.get(part.id)
        if isinstance(said, str) and said.strip():
            found[part.id] = [said.strip()[:_MAX_WORDS]]
    return Decision("accept", content=found) if found else Decision("decline")


def _field(part: QuestionPart) -> JsonObject:
    field: JsonObject = {"type": "string", "title": part.header or part.question, "description": part.question}
    if not part.choices:
        return field
    return field | {"oneOf": [{"const": one.label, "title": _choice(one)} for one in part.choices]}


def _call(asked: Approval) -> JsonObject:
    """The call as the user has to see it to decide."""
    if asked.kind == "network":
        title, kind, id, view = f"Let the command reach {one_line(asked.host or '')}", "fetch", asked.id, None
    else:
        view = asked.view
        title, kind, id = acp_calls.title("", view), acp_calls.kind("", view), asked.card_id
    reason, theirs = apart(asked)
    said = [one_line(reason), f"The model says: {one_line(theirs)}" if theirs else ""]
    contents = [acp_calls.text_content(acp_calls.fenced(words)) for words in (_whole(asked), *said) if words]
    call: JsonObject = {"toolCallId": id, "title": title, "kind": kind, "status": "pending"}
    if view is not None and view.get("view") == "file_change":
        contents += acp_calls.diffs(cast("FileChangeView", view).get("changes") or [])
    if view is not None and (places := acp_calls.locations(view)):
        call["locations"] = places
    if view is not None and (raw := acp_calls.given(view)) is not None:
        call["rawInput"] = raw
    return call | ({"content": contents} if contents else {})


def _whole(asked: Approval) -> str:
    """A command that its title does not show to the end, or not line by line."""
    given = cast("CommandView", asked.view).get("command", "") if asked.kind == "command" else ""
    return visible(given) if len(given) > acp_calls.MAX_TITLE or "\n" in given else ""


def _options(asked: Approval) -> list[JsonObject]:
    outside = asked.kind == "command" and asked.outside_sandbox
    once = "Allow once, without the sandbox" if outside else "Allow once"
    lasting = [_option(_id(index, offer), _covers(offer), "allow_always") for index, offer in enumerate(asked.offers)]
    never: list[JsonObject] = []
    if asked.kind == "network" and asked.host:
        never = [_option(_NEVER, f"Never allow {asked.host}", "reject_always")]
    return [_option(_ONCE, once, "allow_once"), *lasting, _option(_NO, "Reject", "reject_once"), *never]


def _covers(offer: Offer) -> str:
    subject = offer.subject
    about = one_line(subject.text)
    match subject.kind:
        case "command":
            said = f"commands that begin with `{about}`"
        case "exact_command":
            said = f"just this command: `{about}`"
        case "files":
            said = f"changes to {about}"
        case "mcp":
            said = f"the tool {about}"
        case "network":
            said = f"access to {about}"
        case "degraded":
            said = about
    outside = ", without the sandbox" if subject.outside and subject.kind in ("command", "exact_command") else ""
    return clip(f"Allow {_REACH[offer.scope]}: {said}{outside}", _MAX_NAME)


def _id(index: int, offer: Offer) -> str:
    return f"allow-{offer.scope}-{index}"


def _option(id: str, name: str, kind: str) -> JsonObject:
    return {"optionId": id, "name": name, "kind": kind}


def _choice(choice: Choice) -> str:
    return one_line(f"{choice.label}: {choice.description}" if choice.description else choice.label)


def _chosen(outcome: Any) -> str | None:
    given = _map(outcome)
    return given.get("optionId") if given.get("outcome") == "selected" else None


def _map(value: Any) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}
