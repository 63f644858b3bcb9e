"""What the user is asked, as requests to the client, and what the client answers. Pure.

Whatever of an answer we do not understand, and no answer at all, is a decline: a scope that is not known never widens a yes.
"""

from __future__ import annotations

import shlex
from typing import Any, cast

from ..core.asking import Approval, Asked, Decision, Elicitation, Question
from ..core.grants import GrantScope, Offer, Subject
from ..core.items import JsonObject
from ..core.views import CommandView, McpView
from .cards import command_actions

_SCOPES: dict[str, GrantScope] = {"thread": "thread", "workspace": "workspace", "always": "always", "session": "thread"}
_WORDS = 4_000
"Characters of what a user says with a decline."
_RULE = 2_000


def request(asked: Asked) -> tuple[str, JsonObject]:
    """The method and parameters of the question to the client."""
    match asked:
        case Approval(kind="mcp_tool_call"):
            return "mcpServer/elicitation/request", _mcp_approval(asked, cast("McpView", asked.view))
        case Approval(kind="file_change"):
            params = _of_approval(asked) | {"grantRoot": None, "offers": [offer(o) for o in asked.offers]}
            return "item/fileChange/requestApproval", params
        case Approval():
            return "item/commandExecution/requestApproval", _command_approval(asked)
        case Question():
            return "item/tool/requestUserInput", _question(asked)
        case Elicitation():
            return "mcpServer/elicitation/request", _elicitation(asked)


def decision(asked: Asked, answer: Any) -> Decision:
    """What a client decided."""
    given = _map(answer)
    match asked:
        case Question():
            return _answers(asked, given)
        case Elicitation():
            return _elicited(given, with_content=True)
        case Approval():
            return _elicited(given) if "decision" not in given and "action" in given else _decided(asked, given)


def offer(offered: Offer) -> JsonObject:
    return {"scope": offered.scope, "subject": subject(offered.subject), "editable": offered.editable}


def subject(about: Subject) -> JsonObject:
    kind = {"exact_command": "exactCommand"}.get(about.kind, about.kind)
    return {"kind": kind, "text": about.text, "outsideSandbox": about.outside, "cwd": about.cwd, "deny": about.deny}


def _of_approval(approval: Approval) -> JsonObject:
    return {
        "threadId": approval.thread_id,
        "turnId": approval.turn_id,
        "itemId": approval.card_id,
        "startedAtMs": int(approval.at * 1000),
        "reason": approval.reason or None,
    }


def _command_approval(approval: Approval) -> JsonObject:
    view: CommandView = cast("CommandView", approval.view if approval.view.get("view") == "command" else {})
    prefix = next((shlex.split(o.subject.text) for o in approval.offers if o.subject.kind == "command"), None)
    decisions: list[Any] = ["accept"]
    if any(offer.scope == "thread" for offer in approval.offers):
        decisions.append("acceptForSession")
    if prefix:
        decisions.append({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": prefix}})
    if approval.host:
        decisions += [_network_amendment(approval.host, action) for action in ("allow", "deny")]
    network = approval.kind == "network"
    return _of_approval(approval) | {
        "kind": "command",
        # one command may ask for several hosts
        "approvalId": approval.id if network else None,
        "environmentId": None,
        "command": view.get("command"),
        "cwd": view.get("cwd"),
        "commandActions": command_actions(view),
        "networkApprovalContext": {"host": approval.host, "protocol": _PROTOCOLS[approval.protocol]} if network else None,
        "justification": approval.justification,
        "outsideSandbox": approval.outside_sandbox,
        "proposedExecpolicyAmendment": prefix,
        "availableDecisions": [*decisions, "decline", "cancel"],
        "offers": [offer(o) for o in approval.offers],
    }


_PROTOCOLS = {"http": "http", "https": "https", "socks5": "socks5Tcp", None: "https"}


def _network_amendment(host: str, action: str) -> JsonObject:
    return {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"host": host, "action": action}}}


def _mcp_approval(approval: Approval, view: McpView) -> JsonObject:
    """An elicitation, as the protocol asks before a call of an MCP tool. What it has no field for is in `_meta`."""
    scopes = [o.scope for o in approval.offers]
    return {
        "threadId": approval.thread_id,
        "turnId": approval.turn_id,
        "serverName": view.get("server", ""),
        "mode": "form",
        "message": f"Allow {view.get('server', '')} to run the tool {view.get('tool', '')}?",
        "requestedSchema": {"type": "object", "properties": {}},
        "_meta": {
            "codex_approval_kind": "mcp_tool_call",
            "persist": [*(["session"] if "thread" in scopes else []), *(["always"] if "always" in scopes else [])],
            "tool_name": view.get("tool", ""),
            "tool_params": view.get("arguments"),
            "treadle_item_id": approval.card_id,
            "treadle_reason": approval.reason or None,
            "treadle_offers": [offer(o) for o in approval.offers],
        },
    }


def _question(question: Question) -> JsonObject:
    return {
        "threadId": question.thread_id,
        "turnId": question.turn_id,
        "itemId": question.card_id,
        "questions": [
            {
                "id": part.id,
                "header": part.header,
                "question": part.question,
                "isOther": True,
                "isSecret": part.secret,
                "options": [{"label": c.label, "description": c.description} for c in part.choices] or None,
            }
            for part in question.parts
        ],
        "isBlocking": True,
        "autoResolutionMs": None,
    }


def _elicitation(asked: Elicitation) -> JsonObject:
    about: JsonObject = {"threadId": asked.thread_id, "turnId": asked.turn_id, "serverName": asked.server}
    if asked.url is not None:
        how: JsonObject = {"mode": "url", "url": asked.url, "elicitationId": asked.elicitation_id or asked.id}
    else:
        how = {"mode": "form", "requestedSchema": asked.schema or {"type": "object", "properties": {}}}
    return about | how | {"message": asked.message, "_meta": None}


def _decided(approval: Approval, given: JsonObject) -> Decision:
    said = given.get("decision")
    if said == "decline":
        return Decision("decline", words=_text(given.get("words"), _WORDS))
    if said == "cancel":
        return Decision("cancel")
    if said == "accept":
        scope = given.get("scope")
        return Decision("accept", _SCOPES.get(scope) if isinstance(scope, str) else None, _rule(given.get("rule")))
    if said == "acceptForSession":
        return Decision("accept", "thread", exact=True)
    return _amended(approval, _map(said))


def _amended(approval: Approval, said: JsonObject) -> Decision:
    """The decisions that come with a rule. One that is about something else than what was asked is not understood."""
    words = _map(said.get("acceptWithExecpolicyAmendment")).get("execpolicy_amendment")
    listed = cast("list[Any]", words) if isinstance(words, list) else []
    if approval.kind == "command" and listed and all(isinstance(word, str) for word in listed):
        return Decision("accept", "always", shlex.join(listed)[:_RULE])
    amendment = _map(_map(said.get("applyNetworkPolicyAmendment")).get("network_policy_amendment"))
    host = amendment.get("host")
    if approval.kind == "network" and isinstance(host, str) and amendment.get("action") in ("allow", "deny"):
        return Decision("accept" if amendment["action"] == "allow" else "decline", "always", host[:_RULE])
    return Decision("decline")


def _elicited(given: JsonObject, *, with_content: bool = False) -> Decision:
    """The same in the words of an elicitation, by which calls of MCP tools are asked about too."""
    meta = _map(given.get("_meta"))
    content = _map(given.get("content")) if with_content else None
    match given.get("action"):
        case "cancel":
            return Decision("cancel")
        case "accept":
            lasting = meta.get("persist")
            rule = _rule(meta.get("treadle_rule"))
            return Decision("accept", _SCOPES.get(lasting) if isinstance(lasting, str) else None, rule, content=content)
        case _:
            return Decision("decline", words=_text(meta.get("treadle_words"), _WORDS))


def _answers(question: Question, given: JsonObject) -> Decision:
    """No answer to any part is a decline."""
    answers = _map(given.get("answers"))
    found: JsonObject = {}
    for part in question.parts:
        said: Any = _map(answers.get(part.id)).get("answers")
        texts = [_text(text, _WORDS) for text in cast("list[Any]", said)] if isinstance(said, list) else []
        if kept := [text for text in texts if text]:
            found[part.id] = kept
    return Decision("accept", content=found) if found else Decision("decline")


def _rule(value: Any) -> str | None:
    """None: as it was offered. A text that was emptied is another one, and must not become the offer again."""
    return None if value is None else _text(value, _RULE)


def _text(value: Any, limit: int) -> str:
    return value.strip()[:limit] if isinstance(value, str) else ""


def _map(value: Any) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}
