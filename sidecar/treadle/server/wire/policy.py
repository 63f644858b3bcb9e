"""What commands may touch and when the user is asked, as a client sets it and reads it back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from .base import Params


class DangerFullAccess(Params):
    type: Literal["dangerFullAccess"]


class ReadOnly(Params):
    type: Literal["readOnly"]
    network_access: bool = False


class ExternalSandbox(Params):
    type: Literal["externalSandbox"]
    network_access: Literal["restricted", "enabled"] = "restricted"


class WorkspaceWrite(Params):
    type: Literal["workspaceWrite"]
    writable_roots: list[str] = Field(default_factory=list[str])
    network_access: bool = False
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False


SandboxPolicy = TypeAliasType(
    "SandboxPolicy", Annotated[DangerFullAccess | ReadOnly | ExternalSandbox | WorkspaceWrite, Field(discriminator="type")]
)


class GranularAskFor(Params):
    sandbox_approval: Annotated[bool, Field(alias="sandbox_approval")]
    rules: bool
    skill_approval: Annotated[bool, Field(alias="skill_approval")] = False
    request_permissions: Annotated[bool, Field(alias="request_permissions")] = False
    mcp_elicitations: Annotated[bool, Field(alias="mcp_elicitations")]


class Granular(Params):
    """Accepted for the protocol's sake; in force it means on-request."""

    granular: GranularAskFor


AskForApproval = TypeAliasType("AskForApproval", Literal["untrusted", "on-request", "never"] | Granular)
