"""Skills as the model is told of them: the list with its budget, which ones a message names, and the body of a named one. Pure.

Finding and reading them is adapters/skills.py's. A list that is too long is made shorter in three steps: descriptions evenly,
then folders by alias, then whole entries, which is said to the user. The same skills always give the same text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal, TypeAlias

from . import tags
from .items import JsonObject, Section
from .pattern import late
from .record import frozen
from .tokens import BYTES_PER_TOKEN, size

SkillScope: TypeAlias = Literal["system", "admin", "repo", "user"]
_RANK: dict[SkillScope, int] = {"system": 0, "admin": 1, "repo": 2, "user": 3}

MAX_NAME, MAX_DESCRIPTION = 64, 1024
"Characters."
MAX_LIST_TOKENS = 10_000
"No setting lifts this."
WINDOW_SHARE = 50
"The list may take a fiftieth of the model's window: 2 %."
MAX_LIST_CHARACTERS = 8_000
"Where the window is not known."
MAX_BODY_BYTES = 8_000
MAX_BODIES_BYTES = 64_000
"Of all skills that one turn takes in; no more than a quarter of the model's window either."
_TELLING = 40
"Characters of a description that still tell something; shorter ones are worth a warning."
_ENVIRONMENT = frozenset(
    {"CI", "DISPLAY", "EDITOR", "HOME", "HOST", "HOSTNAME", "IFS", "LANG", "LOGNAME", "OLDPWD", "PAGER", "PATH", "PS1", "PWD"}
    | {"RANDOM", "SHELL", "SHLVL", "TEMP", "TERM", "TMP", "TMPDIR", "TZ", "UID", "USER", "USERNAME", "VISUAL"}
)
_LINK = late(r"\[\$([^\[\]\n]{1,64})\]\(([^()\n]{1,4096})\)")
_BARE = late(r"(?<![\w$\\])\$([\w:-]+)")


@frozen
class Skill:
    """One SKILL.md. `path` is its real path, `root` the real path of the skills folder that it was found in."""

    name: str
    description: str
    path: str
    scope: SkillScope
    root: str
    short_description: str | None = None
    enabled: bool = True
    "False: neither listed nor invocable."
    implicit: bool = True
    "False: not listed to the model, but the user may name it."
    interface: JsonObject = field(default_factory=dict[str, object])
    "How a client may show it, as the wire says it."


@frozen
class SkillError:
    """A file that could not be used, with a sentence for the user."""

    path: str
    message: str


@frozen
class FoundSkills:
    """What there is, in the order in which it is listed."""

    skills: tuple[Skill, ...] = ()
    errors: tuple[SkillError, ...] = ()


@frozen
class Budget:
    """Room for the list: bytes of UTF-8, or characters."""

    limit: int
    in_bytes: bool = True

    def fits(self, lines: Iterable[str]) -> bool:
        return sum((size(line) if self.in_bytes else len(line)) + 1 for line in lines) <= self.limit


@frozen
class Listing:
    """`roots` and `lines` as the model reads them."""

    lines: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    left_out: tuple[Skill, ...] = ()
    warning: str | None = None
    "For the user: something that matters did not fit."


def ordered(skills: Iterable[Skill]) -> tuple[Skill, ...]:
    """In the order of the list: by scope, then name, then path."""
    return tuple(sorted(skills, key=lambda skill: (_RANK[skill.scope], skill.name, skill.path)))


def budget(max_tokens: int | None, window: int | None) -> Budget:
    """Room under `skills.max_context_tokens` and the model's window, both in tokens; None where not known."""
    if max_tokens is not None:
        return Budget(min(max_tokens, MAX_LIST_TOKENS) * BYTES_PER_TOKEN)
    if window is not None:
        return Budget(min(window // WINDOW_SHARE, MAX_LIST_TOKENS) * BYTES_PER_TOKEN)
    return Budget(MAX_LIST_CHARACTERS, in_bytes=False)


def listing(skills: Sequence[Skill], room: Budget) -> Listing:
    """The list of the skills that the model may pick by itself. Give them in order."""
    shown = [skill for skill in skills if skill.enabled and skill.implicit]
    plain = {skill.path: skill.path for skill in shown}
    limit = _longest(shown, plain, (), room)
    if limit >= _TELLING:
        return Listing(tuple(_line(skill, skill.path, limit) for skill in shown))
    roots, short = _aliases(shown)
    limit = _longest(shown, short, roots, room)
    if limit >= 0:
        lines = tuple(_line(skill, short[skill.path], limit) for skill in shown)
        return Listing(lines, roots, warning=None if limit >= _TELLING else _too_short(len(shown)))
    return _cut(shown, room)


def list_text(listed: Listing, blocks: Mapping[str, str]) -> str:
    """The section of the prompt. `blocks`: heading -> text of prompts/skills.md."""
    more = len(listed.left_out)
    unlisted = [f"(Installed but not listed here, for want of room: {more}.)"] if more else []
    parts = [
        blocks["opening"],
        "\n".join([blocks["aliases"], *listed.roots]) if listed.roots else "",
        "\n".join([blocks["list"], *listed.lines, *unlisted]),
        blocks["usage"],
    ]
    text = tags.within("skills_instructions", "\n\n".join(part for part in parts if part))
    return f"<skills_instructions>\n{text}\n</skills_instructions>"


def _cut(shown: list[Skill], room: Budget) -> Listing:
    """As many entries as fit, without their descriptions; those at the end go first."""
    least, most = 0, len(shown)
    while least < most:
        middle = (least + most + 1) // 2
        roots, short = _aliases(shown[:middle])
        if _longest(shown[:middle], short, roots, room) >= 0:
            least = middle
        else:
            most = middle - 1
    roots, short = _aliases(shown[:least])
    gone = tuple(shown[least:])
    lines = tuple(_line(skill, short[skill.path], 0) for skill in shown[:least])
    return Listing(lines, roots, gone, _not_listed(gone, len(shown)))


def _too_short(count: int) -> str:
    return (
        f"There is little room in the prompt for {count} skills: their descriptions were cut to a few words or left out, so that "
        "the model may not find the right one. Disable some in [[skills.config]], or raise skills.max_context_tokens."
    )


def _not_listed(gone: Sequence[Skill], count: int) -> str:
    names = ", ".join(skill.name for skill in gone[:5]) + (", …" if len(gone) > 5 else "")
    return (
        f"{len(gone)} of {count} skills do not fit into the prompt and are not listed to the model ({names}); $name still works. "
        "Disable some in [[skills.config]], or raise skills.max_context_tokens."
    )


def _longest(shown: Sequence[Skill], paths: dict[str, str], roots: Sequence[str], room: Budget) -> int:
    """How many characters of every description fit; -1 when not even the names do."""

    def fits(limit: int) -> bool:
        return room.fits([*roots, *(_line(skill, paths[skill.path], limit) for skill in shown)])

    if fits(MAX_DESCRIPTION):
        return MAX_DESCRIPTION
    least, most = -1, MAX_DESCRIPTION - 1
    while least < most:
        middle = (least + most + 1) // 2
        if fits(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _line(skill: Skill, path: str, limit: int) -> str:
    text = skill.description
    if len(text) > limit:
        text = text[: limit - 1].rstrip() + "…" if limit > 1 else ""
    place = tags.named(path)
    return f"- {skill.name}: {text} (file: {place})" if text else f"- {skill.name} (file: {place})"


def _aliases(shown: Sequence[Skill]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Lines that name the skills folders, and every skill's path by alias where that is shorter."""
    folders: dict[str, list[Skill]] = {}
    for skill in shown:
        if skill.path.startswith(skill.root + "/"):
            folders.setdefault(skill.root, []).append(skill)
    lines: list[str] = []
    paths = {skill.path: skill.path for skill in shown}
    for root, inside in folders.items():
        alias = f"r{len(lines) + 1}"
        line = f"- {alias} = {tags.named(root)}"
        if len(inside) * (len(root) - len(alias)) > len(line):
            lines.append(line)
            paths |= {skill.path: alias + skill.path[len(root) :] for skill in inside}
    return tuple(lines), paths


@frozen
class Named:
    """A skill that the user asked for. `path` is empty for a bare $name."""

    name: str
    path: str = ""


def named_in(text: str) -> list[Named]:
    """What looks like a skill in the user's words, in order: `[$name](path)` and `$name`."""
    if "$" not in text:
        return []
    found: list[tuple[int, Named]] = []

    def take(link: re.Match[str]) -> str:
        path = link[2].strip().removeprefix("skill://")
        found.append((link.start(), Named(link[1], posixpath.normpath(path))))
        return " " * len(link[0])

    rest = _LINK.sub(take, text)
    found += [(bare.start(), Named(bare[1].rstrip(":-"))) for bare in _BARE.finditer(rest)]
    return [named for _, named in sorted(found, key=lambda pair: pair[0])]


def invoked(wanted: Iterable[Named], skills: Sequence[Skill]) -> tuple[list[Skill], list[Named]]:
    """The skills meant, each once, and those asked for by path that there are not. A bare name must fit exactly one skill."""
    by_path = {skill.path: skill for skill in skills if skill.enabled}
    by_name: dict[str, list[Skill]] = {}
    for skill in by_path.values():
        by_name.setdefault(skill.name, []).append(skill)
    found: dict[str, Skill] = {}
    missing: list[Named] = []
    for named in wanted:
        if named.path:
            skill = by_path.get(named.path) or by_path.get(posixpath.join(named.path, "SKILL.md"))
            if skill is None:
                missing.append(named)
        else:
            candidates = [] if _is_variable(named.name) else by_name.get(named.name, [])
            skill = candidates[0] if len(candidates) == 1 else None
        if skill is not None:
            found[skill.path] = skill
    return list(found.values()), missing


def _is_variable(name: str) -> bool:
    upper = name.upper()
    return upper in _ENVIRONMENT or upper.startswith(("XDG_", "LC_"))


def room_for_bodies(window: int | None) -> int:
    """Bytes of skills that one turn may take in. `window` in tokens."""
    return MAX_BODIES_BYTES if window is None else min(MAX_BODIES_BYTES, window * BYTES_PER_TOKEN // 4)


def body_section(skill: Skill, body: str) -> Section:
    """What the model reads when the user names a skill. `body` is the file without its front matter."""
    data = body.strip().encode("utf-8", "replace")
    text = data[:MAX_BODY_BYTES].decode("utf-8", "ignore")
    if len(data) > MAX_BODY_BYTES:
        text += f"\n[cut after {MAX_BODY_BYTES} bytes: read the rest in the file before you follow it]"
    name, path = _escaped(skill.name), _escaped(skill.path)
    inside = f"<name>{name}</name>\n<path>{path}</path>\n{tags.within('skill', text)}"
    return Section(f"skill:{skill.name}", f"<skill>\n{inside}\n</skill>", skill.path)


def split(text: str) -> tuple[str | None, str]:
    """The front matter between its `---` lines, None where there is none, and what follows it."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[0].rstrip() != "---":
        return None, text
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :])
    return None, text


def _escaped(text: str) -> str:
    return tags.named(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
