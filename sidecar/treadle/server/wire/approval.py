"""Questions to the user: requests from us that the client answers, possibly hours later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from .base import Params, RequestId, Wire
from .item import CommandAction


class ExecpolicyAmendment(Params):
    execpolicy_amendment: Annotated[list[str], Field(alias="execpolicy_amendment")]


class AcceptWithExecpolicyAmendment(Params):
    """Accept, and accept from now on what begins with these words."""

    accept_with_execpolicy_amendment: ExecpolicyAmendment


SimpleDecision = TypeAliasType("SimpleDecision", Literal["accept", "acceptForSession", "decline", "cancel"])
CommandExecutionApprovalDecision = TypeAliasType(
    "CommandExecutionApprovalDecision", SimpleDecision | AcceptWithExecpolicyAmendment
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
    outside_sandbox: bool
    "Ours: the command would run unconfined."


class CommandExecutionRequestApprovalResponse(Params):
    decision: CommandExecutionApprovalDecision


class FileChangeRequestApprovalParams(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    started_at_ms: int
    reason: str | None
    grant_root: str | None


class FileChangeRequestApprovalResponse(Params):
    decision: SimpleDecision


class ServerRequestResolvedNotification(Wire):
    """The question needs no answer any more: it was answered, or its turn ended."""

    thread_id: str
    request_id: RequestId
