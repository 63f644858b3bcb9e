"""Grants, rules of files and verdicts -> the wire, and the changes that a client asks for -> ops. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..core.grants import Grant, GrantKind, Subject
from ..core.items import JsonObject
from ..core.judging import Part
from ..core.ops import GrantChange
from ..core.policy import Allow, Ask, Deny, Verdict
from ..core.rules import NetworkRule, PrefixRule, RuleDecision
from .questions import subject

if TYPE_CHECKING:
    from ..runtime.answers import RuleCheck, RuleList
    from .wire.rules import GrantChange as WireChange
    from .wire.rules import SubjectParams

_KINDS: dict[str, GrantKind] = {"exactCommand": "exact_command"}
_VERDICTS: dict[RuleDecision, str] = {"allow": "allow", "prompt": "ask", "forbidden": "deny"}


def listed(found: RuleList) -> JsonObject:
    prefixes = [_rule(str(rule), rule) for rule in found.rules.prefixes]
    rules = prefixes + [_rule(f"{rule.host} ({rule.protocol})", rule) for rule in found.rules.networks]
    return {"grants": grants(found.grants), "rules": rules, "problems": list(found.problems)}


def grants(found: Iterable[Grant]) -> list[JsonObject]:
    return [
        {
            "id": grant.id,
            "scope": grant.scope,
            "subject": subject(grant.subject),
            "workspace": grant.workspace,
            "threadId": grant.thread_id,
            "createdAtMs": int(grant.created_at * 1000),
        }
        for grant in found
    ]


def checked(found: RuleCheck) -> JsonObject:
    said = found.explanation
    return {
        "verdict": _verdict(said.verdict) if said else None,
        "reason": said.sentence or _reason(said.verdict) if said else None,
        "outsideSandbox": bool(said) and _outside(said.verdict),
        "parts": [_part(part, said.verdict) for part in said.parts] if said else [],
        "problem": found.problem,
    }


def about(given: SubjectParams) -> Subject:
    """The subject that a client names."""
    return Subject(_KINDS.get(given.kind, given.kind), given.text, given.outside_sandbox, given.cwd, given.deny)  # type: ignore[arg-type]


def change(given: WireChange) -> GrantChange:
    named = about(given.subject) if given.subject else None
    return GrantChange(given.op, given.id, given.scope, named, given.workspace, given.thread_id)


def _rule(text: str, rule: PrefixRule | NetworkRule) -> JsonObject:
    said = {"decision": rule.decision, "justification": rule.justification}
    return {"text": text} | said | {"source": rule.source, "line": rule.line}


def _part(part: Part, whole: Verdict) -> JsonObject:
    """A part that no rule speaks of is as the line is."""
    rule, unruled = part.rule, "allow" if isinstance(whole, Allow) else "ask"
    return {
        "words": list(part.words),
        "verdict": _VERDICTS[part.decision] if part.decision else unruled,
        "reason": part.reason,
        "rule": str(rule) if rule else None,
        "source": (rule.place or None) if rule else None,
    }


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case Allow():
            return "allow"
        case Ask():
            return "ask"
        case Deny():
            return "deny"


def _reason(verdict: Verdict) -> str | None:
    return None if isinstance(verdict, Allow) else verdict.reason


def _outside(verdict: Verdict) -> bool:
    match verdict:
        case Allow(confined=confined):
            return not confined
        case Ask(outside_sandbox=outside):
            return outside
        case Deny():
            return False
