"""One SKILL.md, and the agents/openai.yaml beside it, as they are on disk. Reads small files, runs nothing.

Whatever somebody wrote into them ends in a Skill or in a sentence that says what is wrong. The YAML parser, slow to load, is
loaded with the first file that needs it: most are a few lines of plain words.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import Any, cast

from ..core.pattern import late
from ..core.record import frozen
from ..core.skills import MAX_BODY_BYTES, MAX_DESCRIPTION, MAX_NAME, Skill, SkillScope, split

MAX_FRONT_BYTES = 64 * 1024
_SMALL = 4096
"Bytes of YAML up to which the fast parser is safe: it has no limit of its own for nesting, and a deep one ends the process."
INTERFACE = "agents/openai.yaml"
_TEXTS = {
    "display_name": ("displayName", MAX_NAME),
    "short_description": ("shortDescription", MAX_DESCRIPTION),
    "brand_color": ("brandColor", 7),
    "default_prompt": ("defaultPrompt", MAX_DESCRIPTION),
}
_ICONS = {"icon_small": "iconSmall", "icon_large": "iconLarge"}


_PLAIN = late(r"([a-z][a-z_-]{0,99}): +([A-Za-z](?:[^:#]|:(?=[^\s])|(?<=[^\s])#)*(?<!\s))\s*")
_NO_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"Words that YAML takes for something else, as keys too."


class Unusable(Exception):
    """What is wrong with a file: words for the user."""


@frozen
class Parsed:
    """What a SKILL.md says, wherever it was found; `problem` is about the file beside it."""

    skill: Skill
    problem: str | None = None


def read_skill(path: str, scope: SkillScope, root: str, *, has_interface: bool) -> Parsed:
    """Raises Unusable."""
    front, _ = split(_text(path, MAX_FRONT_BYTES + 16))
    if front is None:
        raise Unusable("it does not begin with YAML front matter between two lines of ---")
    data = _yaml(front)
    name = _line(data, "name", MAX_NAME) or os.path.basename(os.path.dirname(path))[:MAX_NAME]
    description = _line(data, "description", MAX_DESCRIPTION)
    if not description:
        raise Unusable("its description is missing")
    metadata: Any = data.get("metadata")
    short = _line(cast("dict[str, Any]", metadata), "short-description", MAX_DESCRIPTION) if isinstance(metadata, dict) else None
    skill = Skill(name, description, path, scope, root, short)
    return _with_interface(skill) if has_interface else Parsed(skill)


def read_body(path: str) -> str:
    """The file without its front matter; a little more than the model may read when it is long. Raises OSError."""
    try:
        return split(_text(path, MAX_FRONT_BYTES + MAX_BODY_BYTES + 16))[1]
    except Unusable as wrong:
        raise OSError(str(wrong)) from wrong


def _with_interface(skill: Skill) -> Parsed:
    folder = os.path.dirname(skill.path)
    try:
        data = _yaml(_text(os.path.join(folder, INTERFACE), MAX_FRONT_BYTES))
        policy, shown = _table(data, "policy"), _table(data, "interface")
        implicit = policy.get("allow_implicit_invocation", True)
        if not isinstance(implicit, bool):
            raise Unusable("policy.allow_implicit_invocation must be true or false")
        interface: dict[str, Any] = {}
        for key, (field, most) in _TEXTS.items():
            text = _line(shown, key, most)
            if text:
                interface[field] = text
        for key, field in _ICONS.items():
            icon = _line(shown, key, 4096)
            if icon:
                interface[field] = os.path.normpath(os.path.join(folder, icon))
    except Unusable as wrong:
        return Parsed(skill, str(wrong))
    return Parsed(replace(skill, implicit=implicit, interface=interface))


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Unusable(f"{key} must be a table")
    return cast("dict[str, Any]", found)


def _text(path: str, limit: int) -> str:
    """The first `limit` bytes. A file that another program takes the place of must not hang us: a pipe is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unusable("it is not a regular file")
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(limit)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unusable(f"it cannot be read ({error.strerror})") from error
    if b"\0" in data:
        raise Unusable("it is not a text file")
    # cut inside a character: the rest of it is not an error of the file
    return data.decode("utf-8", "replace")


def plain(text: str) -> dict[str, Any] | None:
    """YAML that is nothing but `key: words` on single lines; None for all other YAML. Says the same as the parser would."""
    found: dict[str, Any] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line:
            continue
        match = _PLAIN.fullmatch(line)
        if match is None or not line.isprintable() or _NO_TEXT & {match[1], match[2].lower()}:
            return None
        found[match[1]] = match[2]
    return found


def _yaml(text: str) -> dict[str, Any]:
    simple = plain(text)
    if simple is not None:
        return simple
    import yaml  # noqa: PLC0415

    fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    small = len(text.encode("utf-8", "replace")) <= _SMALL
    try:
        data: Any = yaml.load(text, fast if small else yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark
        where = f" in line {mark.line + 2}" if mark else ""
        raise Unusable(f"its YAML is broken{where}: {error.problem}") from error
    except Exception as error:  # the constructors of the parser raise what they like for values such as 2024-13-45
        raise Unusable(f"its YAML cannot be used: {str(error)[:200] or type(error).__name__}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Unusable("its YAML is not a table of keys and values")
    return cast("dict[str, Any]", data)


def _line(data: dict[str, Any], key: str, most: int) -> str | None:
    """A text on one line; None where there is none."""
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unusable(f"its {key} must be a text; put it in quotes")
    text = " ".join(value.split())
    if len(text) > most:
        raise Unusable(f"its {key} is {len(text)} characters long; at most {most} are allowed")
    return text or None
