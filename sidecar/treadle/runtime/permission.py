"""Whether one call may run, and under which policy: decide -> ask -> remember. Nothing runs here.

A call that is not allowed gets words for the model in place of its output. Fails closed: a lost client is a no. What the user
wants to be remembered and cannot be counts as this once, and the user is told why.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Literal

from ..core.asking import Approval, Asked, Decision
from ..core.errors import TreadleError
from ..core.events import WarningReported
from ..core.grants import GrantScope, Offer, Subject
from ..core.items import ModelItem
from ..core.offers import host_offers, offers
from ..core.policy import Allow, Ask, CallMcp, Deny, RunCommand, Verdict, Wish, WriteFiles, decide
from ..core.record import frozen, mutable
from ..core.settings import SandboxPolicy
from ..core.subjects import checked
from .audience import Audience
from .grants import ThreadGrants
from .ports import Plan, Scope

DECLINED = "the user declined this call; do not try it again in another form, ask what they want instead"


class CancelTurn(Exception):
    """The user answered an approval with "cancel"."""


@frozen
class Refused:
    words: str
    "For the model."


@mutable
class Permission:
    """Of one turn."""

    thread_id: str
    turn_id: str
    audience: Audience
    grants: ThreadGrants
    own: tuple[str, ...] = ()
    "Folders from which the agent itself starts."

    async def of(
        self, item: ModelItem, plan: Plan, scope: Scope, hook: str | None, heard: Callable[[Decision | None], None]
    ) -> SandboxPolicy | Refused:
        """The policy to run under, or why not. `hook`: why a hook wants the user to be asked. `heard` is told when the user is
        asked (None), and what they say. Raises CancelTurn."""
        status = await scope.sandbox.status()
        judge = _Judge(self, plan.wish, scope, status.available, status.degraded, hook)
        verdict = judge.verdict()
        if isinstance(verdict, Ask):
            verdict = await self._asked(item, plan, judge, verdict, heard)
        match verdict:
            case Allow(confined=True):
                return scope.policy
            case Allow():
                return dataclasses.replace(scope.policy, mode="danger-full-access")
            case Deny(reason=reason):
                return Refused(reason)

    async def ask(self, asked: Asked) -> Decision:
        """For a tool, or what runs under it: the user's answer. An approval gets the offers that it lacks, and a yes, or a no to
        a host, is remembered as the user says."""
        if isinstance(asked, Approval) and asked.kind == "network" and asked.host and not asked.offers:
            asked = dataclasses.replace(asked, offers=host_offers(asked.host))
        decision = await self.audience.ask(asked)
        if isinstance(asked, Approval):
            self._remember(asked, decision)
        return decision

    async def _asked(
        self, item: ModelItem, plan: Plan, judge: _Judge, ask: Ask, heard: Callable[[Decision | None], None]
    ) -> Allow | Deny:
        wish, clock = plan.wish, judge.scope.clock
        approval = Approval(
            clock.new_id(),
            self.thread_id,
            self.turn_id,
            item.id,
            clock.now(),
            _kind(wish),
            ask.reason,
            plan.view,
            justification=(wish.justification or "").strip() or None if isinstance(wish, RunCommand) else None,
            outside_sandbox=ask.outside_sandbox,
            offers=judge.offers(ask),
        )
        heard(None)
        decision = await self._answer(approval, judge)
        if isinstance(decision, (Allow, Deny)):
            return decision
        offer = next((offer for offer in approval.offers if offer.scope == decision.scope), None)
        heard(dataclasses.replace(decision, rule=decision.rule or offer.subject.text) if offer is not None else decision)
        if decision.verdict == "cancel":
            raise CancelTurn
        if decision.verdict == "decline":
            words = decision.words.strip()
            return Deny(f"the user declined this call and says: {words}" if words else DECLINED)
        if ask.degraded:  # nobody is asked that before every command
            decision = dataclasses.replace(decision, scope=decision.scope or "thread", exact=False)
        self._remember(approval, decision, wish, judge.cwd)
        return Allow(confined=not ask.outside_sandbox)

    async def _answer(self, approval: Approval, judge: _Judge) -> Decision | Allow | Deny:
        """What the user says; or what a change of the grants said first, when another answer settled this question as well."""
        answer = asyncio.ensure_future(self.audience.ask(approval))
        try:
            while True:
                change = asyncio.ensure_future(self.grants.book.changed.wait())
                try:
                    await asyncio.wait((answer, change), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    change.cancel()
                if answer.done():
                    return answer.result()
                verdict = judge.verdict()
                if not isinstance(verdict, Ask):
                    return verdict
        finally:
            if not answer.done():
                answer.cancel()
                await asyncio.wait((answer,))

    def _remember(self, approval: Approval, decision: Decision, wish: Wish | None = None, cwd: str | None = None) -> None:
        """Keep what the user said for longer than once, or say why it was not kept."""
        scope = decision.scope
        if scope is None or (decision.verdict != "accept" and approval.kind != "network"):
            return
        try:
            subject = _subject(approval, decision, scope, wish)
            self.grants.add(scope, checked(subject, self.own), cwd)
        except (ValueError, TreadleError) as error:
            why = error.sentence() if isinstance(error, TreadleError) else error
            said = f"Your answer counts this once and was not remembered: {why}"
            self.audience.notify(WarningReported(said, self.thread_id))


@frozen
class _Judge:
    """What the policy says of one wish, as often as it is asked: the grants may change meanwhile."""

    permission: Permission
    wish: Wish
    scope: Scope
    sandboxed: bool
    degraded: bool
    hook: str | None = None
    "Why a hook wants the user to be asked, whatever the policy and the grants say."

    @property
    def cwd(self) -> str | None:
        """The real folder in which the command would run."""
        return self.scope.files.resolve(self.wish.cwd) if isinstance(self.wish, RunCommand) else None

    def verdict(self) -> Verdict:
        tmpdir, grants = self.scope.environment.get("TMPDIR"), self.permission.grants.at(self.cwd)
        own = self.permission.own
        found = decide(self.wish, self.scope.settings, grants, self.sandboxed, tmpdir, own=own, degraded=self.degraded)
        if self.hook is None or not isinstance(found, Allow):
            return found
        if self.scope.settings.approval_policy == "never" or not isinstance(self.wish, (RunCommand, WriteFiles, CallMcp)):
            return Deny(f"Tool call blocked: a PreToolUse hook wants the user to be asked, who cannot be asked here: {self.hook}")
        return Ask(f"A hook asks you to look at this first: {self.hook}", outside_sandbox=not found.confined)

    def offers(self, ask: Ask) -> tuple[Offer, ...]:
        if self.hook is not None:  # it asks again the next time
            return ()
        grants, own = self.permission.grants.at(self.cwd), self.permission.own
        return offers(self.wish, ask, self.scope.settings, grants, sandboxed=self.sandboxed, own=own)


def _kind(wish: Wish) -> Literal["command", "file_change", "mcp_tool_call"]:
    match wish:
        case RunCommand():
            return "command"
        case CallMcp():
            return "mcp_tool_call"
        case _:
            return "file_change"


def _subject(approval: Approval, decision: Decision, scope: GrantScope, wish: Wish | None) -> Subject:
    """What is to be remembered. ValueError, in words for the user, when that cannot be told."""
    offer = next((offer for offer in approval.offers if offer.scope == scope), None)
    rule = (decision.rule or "").strip()
    deny = decision.verdict != "accept"
    if decision.exact and isinstance(wish, RunCommand) and (offer is None or offer.subject.kind != "degraded"):
        return Subject("exact_command", wish.script, approval.outside_sandbox, wish.cwd)
    fixed = offer is not None and (rule == offer.subject.text or offer.subject.kind == "degraded")
    if decision.rule is not None and not rule and not fixed:
        raise ValueError("an empty rule covers nothing.")
    if not rule or fixed:
        if offer is None:
            raise ValueError("nothing of this kind can be allowed for so long.")
        return dataclasses.replace(offer.subject, deny=deny)
    match approval.kind:
        case "command":
            return Subject("command", rule, approval.outside_sandbox)
        case "file_change":
            return Subject("files", rule)
        case "mcp_tool_call":
            return Subject("mcp", rule)
        case "network":
            return Subject("network", rule, deny=deny)
