"""Questions to the user: requests from us that the client answers, possibly hours later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from .base import Params, RequestId, Wire
from .item import CommandAction
from .rules import GrantScope, Offer


class ExecpolicyAmendment(Params):
    execpolicy_amendment: Annotated[list[str], Field(alias="execpolicy_amendment")]


class AcceptWithExecpolicyAmendment(Params):
    """Accept, and accept from now on what begins with these words."""

    accept_with_execpolicy_amendment: ExecpolicyAmendment


class NetworkPolicyAmendment(Params):
    host: str
    action: Literal["allow", "deny"]


class NetworkPolicyAmendmentHolder(Params):
    network_policy_amendment: Annotated[NetworkPolicyAmendment, Field(alias="network_policy_amendment")]


class ApplyNetworkPolicyAmendment(Params):
    """Allow or deny this host from now on."""

    apply_network_policy_amendment: NetworkPolicyAmendmentHolder


class NetworkApprovalContext(Wire):
    """The host that a running command wants to reach."""

    host: str
    protocol: Literal["http", "https", "socks5Tcp", "socks5Udp"]


SimpleDecision = TypeAliasType("SimpleDecision", Literal["accept", "acceptForSession", "decline", "cancel"])
CommandExecutionApprovalDecision = TypeAliasType(
    "CommandExecutionApprovalDecision", SimpleDecision | AcceptWithExecpolicyAmendment | ApplyNetworkPolicyAmendment
)


class CommandExecutionRequestApprovalParams(Wire):
    kind: Literal["command", "humanCommand", "writeStdin"]
    thread_id: str
    turn_id: str
    item_id: str
    started_at_ms: int
    approval_id: str | None
    environment_id: None
    reason: str | None
    command: str | None
    cwd: str | None
    command_actions: list[CommandAction] | None
    proposed_execpolicy_amendment: list[str] | None
    available_decisions: list[CommandExecutionApprovalDecision] | None
    network_approval_context: NetworkApprovalContext | None
    justification: str | None
    "Ours: the model's own words, which `reason` quotes."
    outside_sandbox: bool
    "Ours: the command would run unconfined."
    offers: list[Offer]
    "Ours: ways to say yes for longer than once, the narrowest first."


class Said(Params):
    """What a client of ours may add to its decision."""

    scope: GrantScope | None = None
    "accept: for how long; one of the offers' scopes. Left out: this once."
    rule: str | None = None
    "accept with a scope: the subject's text as the user edited it."
    words: str | None = None
    "decline: what the user says to the model."


class CommandExecutionRequestApprovalResponse(Said):
    decision: CommandExecutionApprovalDecision


class FileChangeRequestApprovalParams(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    started_at_ms: int
    reason: str | None
    grant_root: str | None
    offers: list[Offer]
    "Ours: ways to say yes for longer than once, the narrowest first."


class FileChangeRequestApprovalResponse(Said):
    decision: SimpleDecision


class ServerRequestResolvedNotification(Wire):
    """The question needs no answer any more: it was answered, or its turn ended."""

    thread_id: str
    request_id: RequestId
