"""What there is to choose from: providers, permission profiles, hooks, and lists that are empty here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from .base import Limit, Params, Wire


class HooksListParams(Params):
    cwds: list[str] | None = None
    thread_id: str | None = None
    "A loaded thread, in place of folders."


class HookMetadata(Wire):
    key: str
    event_name: Literal["preToolUse", "postToolUse", "userPromptSubmit", "stop", "sessionStart"]
    matcher: str | None
    timeout_sec: int
    status_message: str | None
    additional_context_limit: None
    source_path: str
    source: Literal["system", "user", "project", "sessionFlags"]
    plugin_id: None
    environment_id: None
    display_order: int
    enabled: Literal[True]
    is_managed: Literal[False]
    current_hash: str
    "SHA-256 of the command."
    trust_status: Literal["trusted"]
    "A folder's own hooks are listed only where the folder is trusted."
    handler_type: Literal["command"]
    command: str
    is_async: Annotated[Literal[False], Field(alias="async")]


class HookErrorInfo(Wire):
    path: str
    message: str


class HooksListEntry(Wire):
    cwd: str
    hooks: list[HookMetadata]
    warnings: list[str]
    errors: list[HookErrorInfo]


class HooksListResponse(Wire):
    data: list[HooksListEntry]


class ModelProviderListParams(Params):
    """There is nothing to say."""


class NoAuth(Wire):
    mode: Literal["none"]


class EnvironmentAuth(Wire):
    mode: Literal["environmentVariable"]
    env_key: str


class OtherAuth(Wire):
    mode: Literal["externallyConfigured"]
    env_key: str | None


GatewayAuth = TypeAliasType("GatewayAuth", Annotated[NoAuth | EnvironmentAuth | OtherAuth, Field(discriminator="mode")])


class OpenAiProvider(Wire):
    type: Literal["openai"]


class CustomGateway(Wire):
    type: Literal["customGateway"]
    auth: GatewayAuth


ProviderSettings = TypeAliasType("ProviderSettings", Annotated[OpenAiProvider | CustomGateway, Field(discriminator="type")])


class ModelProviderSummary(Wire):
    id: str
    name: str
    can_edit: Literal[False]
    "config.toml is the user's to edit."
    base_url: str | None
    settings: ProviderSettings


class ModelProviderListResponse(Wire):
    data: list[ModelProviderSummary]
    default_provider_id: str
    can_change_default: Literal[False]


class ModelProviderCapabilitiesReadParams(Params):
    """Those of the provider that new threads use."""


class ModelProviderCapabilitiesReadResponse(Wire):
    image_generation: Literal[False]
    web_search: bool


class ExperimentalFeatureListParams(Params):
    cursor: str | None = None
    limit: Limit | None = None
    thread_id: str | None = None


class ExperimentalFeatureListResponse(Wire):
    """Empty: Treadle has no features that are switched on one by one."""

    data: list[Any]
    next_cursor: str | None


class CollaborationModeListParams(Params):
    """There is nothing to say."""


class CollaborationModeListResponse(Wire):
    """Empty: Treadle has no modes of collaboration."""

    data: list[Any]


class PermissionProfileListParams(Params):
    cursor: str | None = None
    limit: Limit | None = None
    cwd: str | None = None


class PermissionProfileSummary(Wire):
    id: str
    description: str | None
    allowed: bool


class PermissionProfileListResponse(Wire):
    data: list[PermissionProfileSummary]
    next_cursor: str | None


class ConfigRequirementsReadParams(Params):
    """There is nothing to say."""


class ConfigRequirementsReadResponse(Wire):
    """Nobody but the user sets requirements."""

    supports_independent_speed_modes: None
    requirements: None
