"""Whether one call may run, and under which policy: decide -> ask -> remember. Nothing runs here.

A call that is not allowed gets words for the model in place of its output. Fails closed: a lost client is a no.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..core.asking import Approval
from ..core.items import ModelItem
from ..core.policy import Allow, Ask, CallMcp, Deny, Grants, RunCommand, Wish, decide
from ..core.settings import SandboxPolicy
from .audience import Audience
from .ports import Plan, Scope

DECLINED = "the user declined this call; do not try it again in another form, ask what they want instead"


class CancelTurn(Exception):
    """The user answered an approval with "cancel"."""


@dataclass(frozen=True, slots=True)
class Refused:
    words: str
    "For the model."


@dataclass(slots=True)
class Permission:
    """Of one turn."""

    thread_id: str
    turn_id: str
    audience: Audience
    grants: Callable[[], Grants]
    grant: Callable[[Grants], None]
    own: tuple[str, ...] = ()
    "Folders from which the agent itself starts."

    async def of(self, item: ModelItem, plan: Plan, scope: Scope) -> SandboxPolicy | Refused:
        """The policy to run under, or why not. Raises CancelTurn."""
        wish = plan.wish
        status = await scope.sandbox.status()
        tmpdir = scope.environment.get("TMPDIR")
        verdict = decide(wish, scope.settings, self.grants(), status.available, tmpdir, own=self.own)
        match verdict:
            case Allow(confined=True):
                return scope.policy
            case Allow():
                return dataclasses.replace(scope.policy, mode="danger-full-access")
            case Deny(reason=reason):
                return Refused(reason)
            case Ask():
                return await self._asked(item, plan, scope, verdict)

    async def _asked(self, item: ModelItem, plan: Plan, scope: Scope, ask: Ask) -> SandboxPolicy | Refused:
        wish, clock = plan.wish, scope.clock
        approval = Approval(
            clock.new_id(),
            self.thread_id,
            self.turn_id,
            item.id,
            clock.now(),
            _kind(wish),
            ask.reason,
            plan.view,
            outside_sandbox=ask.outside_sandbox,
        )
        decision = await self.audience.ask(approval)
        if decision.verdict == "cancel":
            raise CancelTurn
        if decision.verdict == "decline":
            words = decision.words.strip()
            return Refused(f"the user declined this call and says: {words}" if words else DECLINED)
        if decision.scope is not None:
            self.grant(self.grants().remember(wish, outside=ask.outside_sandbox))
        return dataclasses.replace(scope.policy, mode="danger-full-access") if ask.outside_sandbox else scope.policy


def _kind(wish: Wish) -> Literal["command", "file_change", "mcp_tool_call"]:
    match wish:
        case RunCommand():
            return "command"
        case CallMcp():
            return "mcp_tool_call"
        case _:
            return "file_change"
