"""Skills as found -> the entries of skills/list. Pure."""

from __future__ import annotations

from ..core.items import JsonObject
from ..core.skills import FoundSkills, Skill


def entry(cwd: str, found: FoundSkills) -> JsonObject:
    """What there is for one folder, the disabled ones too, and every file that could not be used."""
    return {
        "cwd": cwd,
        "skills": [_metadata(skill) for skill in found.skills],
        "errors": [{"path": error.path, "message": error.message} for error in found.errors],
    }


def _metadata(skill: Skill) -> JsonObject:
    said: JsonObject = {
        "name": skill.name,
        "description": skill.description,
        "path": skill.path,
        "scope": skill.scope,
        "enabled": skill.enabled,
        "pluginId": None,
    }
    if skill.short_description:
        said["shortDescription"] = skill.short_description
    if skill.interface:
        said["interface"] = {**skill.interface, "iconSmallUrl": None, "iconLargeUrl": None}
    return said
