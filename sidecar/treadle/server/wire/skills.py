"""Skills, for pickers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Params, Wire


class SkillInterface(Wire):
    """How the skill wants to be shown. Icons are paths of local files."""

    display_name: str | None = None
    short_description: str | None = None
    icon_small: str | None = None
    icon_large: str | None = None
    icon_small_url: None
    icon_large_url: None
    brand_color: str | None = None
    default_prompt: str | None = None


class SkillMetadata(Wire):
    name: str
    description: str
    short_description: str | None = None
    interface: SkillInterface | None = None
    path: str
    scope: Literal["user", "repo", "system", "admin"]
    enabled: bool
    plugin_id: None


class SkillErrorInfo(Wire):
    path: str
    message: str


class SkillsListEntry(Wire):
    cwd: str
    skills: list[SkillMetadata]
    errors: list[SkillErrorInfo]


class SkillsListParams(Params):
    cwds: list[str] = Field(default_factory=list[str])
    "Empty: the folder that the sidecar runs in."
    force_reload: bool = False


class SkillsListResponse(Wire):
    data: list[SkillsListEntry]


class SkillsChangedNotification(Wire):
    """Other skills are there than before: ask for the list again."""
