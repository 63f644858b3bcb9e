"""Models and configuration, for pickers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict

from .base import JsonMap, Limit, Params, Wire


class ReasoningEffortOption(Wire):
    reasoning_effort: str
    description: str


class Model(Wire):
    id: str
    model: str
    display_name: str
    description: str
    hidden: bool
    is_default: bool
    supported_reasoning_efforts: list[ReasoningEffortOption]
    default_reasoning_effort: str
    input_modalities: list[Literal["text", "image", "audio"]]
    upgrade: None
    upgrade_info: None
    availability_nux: None
    model_specialty: None
    supports_personality: Literal[False]
    multi_agent_version: None
    additional_speed_tiers: list[str]
    service_tiers: list[JsonMap]
    default_service_tier: None
    available_access_programs: None


class ModelListParams(Params):
    cursor: str | None = None
    limit: Limit | None = None
    include_hidden: bool | None = None
    model_provider: str | None = None


class ModelListResponse(Wire):
    data: list[Model]
    next_cursor: str | None


class ConfigReadParams(Params):
    include_layers: bool = False
    cwd: str | None = None


class Config(Wire):
    """Keys as in config.toml: snake_case. Those that we do not name may follow."""

    model_config = ConfigDict(alias_generator=None, extra="allow")

    model: str | None
    model_provider: str | None
    model_reasoning_effort: str | None
    approval_policy: str | None
    sandbox_mode: str | None


class ConfigReadResponse(Wire):
    config: Config
    origins: dict[str, Any]
    layers: list[Any] | None


class GetAccountParams(Params):
    refresh_token: bool = False


class GetAccountResponse(Wire):
    """Nobody is logged in, and nobody need be."""

    account: None
    requires_openai_auth: Literal[False]
