"""The two kinds of model: what we send must be exactly as declared, what we accept may carry fields that we do not know.

A field without a default is always on the wire, as null where it may be null; a field with a default may be left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """What we send."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", defer_build=True, protected_namespaces=()
    )


class Params(BaseModel):
    """What we accept. Unknown fields are passed over, so that a client of a newer protocol is still served."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", defer_build=True, protected_namespaces=()
    )


class Empty(Wire):
    """An answer that only says: done."""


JsonMap: TypeAlias = dict[str, Any]
RequestId: TypeAlias = str | int
Limit: TypeAlias = Annotated[int, Field(ge=0, le=4294967295)]
SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
ApprovalsReviewer: TypeAlias = Literal["user", "auto_review", "guardian_subagent"]
ReasoningSummary: TypeAlias = Literal["auto", "concise", "detailed", "none"]
