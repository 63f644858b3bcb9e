"""What the model is told besides the user's words: the wording and the size cap of each section. Pure.

Sections are compared with what was last told and appended when they differ; nothing told is ever rewritten. A section that is
told again says so itself, and `changes` recognises both of its forms, so asking twice tells nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Literal, TypeAlias

from . import skills, tags
from .items import Context, Section
from .record import frozen
from .settings import Sandboxed, Settings
from .skills import Listing

Role: TypeAlias = Literal["developer", "user"]
Message: TypeAlias = tuple[Role, tuple[Section, ...]]

CAPS = {
    "model_instructions": 256_000,
    "permissions": 8_000,
    "granted_commands": 2_000,
    "developer_instructions": 64_000,
    "agents_md": 100_000,
    "skills": 48_000,
    "pinned_notes": 20_000,
    "environment": 6_000,
}
"Characters, wording included."
COMPACT_CAPS = {
    **CAPS,
    "permissions": 600,
    "developer_instructions": 4_000,
    "agents_md": 6_000,
    "pinned_notes": 2_000,
    "environment": 1_500,
}
"For a model with a small window."

PROJECT_SEPARATOR = "\n\n--- project-doc ---\n\n"
_CUT = "\n[cut: too long]"
_SHOWN_PREFIXES = 40

_REPLACES = {
    "model_instructions": "Another model goes on from here. Its instructions replace those at the beginning.\n\n",
    "agents_md": "The AGENTS.md instructions changed. These replace all AGENTS.md instructions given before.\n\n",
    "developer_instructions": "These developer instructions replace the ones given before.\n\n",
    "skills": "The skills changed. This list replaces the one given before.\n\n",
    "pinned_notes": "The pinned notes changed. These replace the ones given before.\n\n",
}
_REMOVED = {
    "agents_md": "The AGENTS.md instructions given before no longer apply.",
    "developer_instructions": "The developer instructions given before no longer apply.",
    "skills": "The skills listed before are no longer there.",
    "pinned_notes": "The notes pinned before no longer apply.",
}


CONTINUED = (
    "<turn_continued>\nThe user asks you to go on where the last turn was cut off. Do not begin anew: look at what is done and "
    "at what may be half done, and finish it.\n</turn_continued>"
)
"What the model reads instead of words of the user."


@frozen
class Document:
    """An instruction file in force. `is_global`: the user's own, from $CODEX_HOME."""

    path: str
    text: str
    is_global: bool = False


@frozen
class Situation:
    """All that the sections are made from."""

    settings: Settings
    permissions: str
    "The text of prompts/permissions.md."
    documents: tuple[Document, ...] = ()
    shell: str = "bash"
    date: str = ""
    "YYYY-MM-DD, local."
    timezone: str = ""
    sandboxed: Sandboxed = True
    notes: tuple[str, ...] = ()
    "What the user has pinned to the thread."
    compact: bool = False
    base_instructions: str = ""
    "What belongs to the model in use; told by the Opening, and again when another model needs other words."
    skills: Listing = field(default_factory=Listing)
    skills_wording: str = ""
    "The text of prompts/skills.md."
    granted: tuple[str, ...] = ()
    "First words of commands that run outside the sandbox without a question."


def opening_context(now: Situation) -> tuple[Message, ...]:
    """One developer message, then one user message; a message without sections is left out."""
    return changes({}, now)


def changes(told: Mapping[str, str], now: Situation) -> tuple[Message, ...]:
    """The sections that differ from `told` (name -> text as last told), grouped by role."""
    current: tuple[Message, ...] = (
        ("developer", (_model_instructions(now), _permissions(now), *_granted(told, now), _developer(now))),
        ("user", (_agents_md(now), _skills(now), _pinned_notes(now), _environment(now))),
    )
    messages: list[Message] = []
    for role, sections in current:
        news = tuple(new for section in sections if (new := _news(told, section, now)) is not None)
        if news:
            messages.append((role, news))
    return tuple(messages)


def told(contexts: Iterable[Context]) -> dict[str, str]:
    """Section name -> its text as last told. Give the Context items of the current epoch."""
    return {section.name: section.text for context in contexts for section in context.sections}


def _news(told: Mapping[str, str], current: Section, now: Situation) -> Section | None:
    name, before = current.name, told.get(current.name)
    if not current.text:
        removed = _REMOVED.get(name)
        if before is None or removed is None or before == removed:
            return None
        return Section(name, removed, current.source)
    if name == "model_instructions" and before is None:
        return None  # the Opening has yet to tell them
    text = _capped(name, current.text, now)
    # After a removal the plain form says all; after an older text the new one has to say that it replaces it.
    again = _REPLACES.get(name, "") + text
    if before in (text, again):
        return None
    plain = before is None or before == _REMOVED.get(name)
    return Section(name, text if plain else again, current.source)


def _capped(name: str, text: str, now: Situation) -> str:
    cap = (COMPACT_CAPS if now.compact else CAPS)[name] - len(_REPLACES.get(name, ""))
    if len(text) <= cap:
        return text
    closing = text[text.rfind("\n") :] if name != "developer_instructions" else ""
    return text[: cap - len(_CUT) - len(closing)] + _CUT + closing


def _model_instructions(now: Situation) -> Section:
    return Section("model_instructions", now.base_instructions, f"model {now.settings.model}")


def _permissions(now: Situation) -> Section:
    settings, policy = now.settings, now.settings.sandbox
    blocks = _blocks(now.permissions)
    if now.compact:
        parts = [blocks[f"compact {policy.mode}"]]
    else:
        parts = [blocks["sandbox missing" if policy.confines and not now.sandboxed else f"sandbox {policy.mode}"]]
        if policy.confines and now.sandboxed == "in part":
            parts.append(blocks["sandbox in part"])
        if policy.mode != "external":
            open_network = policy.network or policy.mode == "danger-full-access"
            listed = settings.network is not None and policy.confines
            parts.append(blocks["network on" if open_network else "network listed" if listed else "network off"])
        if policy.mode == "workspace-write":
            parts.append(_roots(now))
        if policy.confines:
            parts.append(blocks[f"approval {settings.approval_policy}"])
            if any(server.enabled for server in settings.mcp_servers):
                parts.append(blocks["mcp"])
    body = "\n\n".join(parts)
    return Section(
        "permissions", f"<permissions instructions>\n{body}\n</permissions instructions>", "sandbox_mode, approval_policy"
    )


def _roots(now: Situation) -> str:
    settings, policy = now.settings, now.settings.sandbox
    roots = list(dict.fromkeys((settings.cwd, *settings.roots, *policy.writable_roots)))
    shown = roots[:20]
    more = [f"and {len(roots) - len(shown)} more"] if len(roots) > len(shown) else []
    temporary = [] if policy.exclude_slash_tmp else ["`/tmp`"]
    return "Writable folders: " + ", ".join([f"`{tags.named(root)}`" for root in shown] + more + temporary) + "."


def _granted(told: Mapping[str, str], now: Situation) -> tuple[Section, ...]:
    """What the user has allowed, told at the beginning of an epoch only. The list changes with every other answer of the user,
    and news of it would say what the model sees anyway: that its command ran, or that it was asked about. One that is allowed
    since costs no more than a justification that nobody reads, one that was revoked no more than a question."""
    unasked = now.settings.approval_policy == "never" or not now.settings.sandbox.confines
    if "permissions" in told or not now.granted or unasked or now.compact:
        return ()
    shown = now.granted[:_SHOWN_PREFIXES]
    while len(shown) > 1 and sum(map(len, shown)) > CAPS["granted_commands"] - 500:
        shown = shown[:-1]
    more = f" and {len(now.granted) - len(shown)} more" if len(shown) < len(now.granted) else ""
    listed = ", ".join(f"`{words}`" for words in shown)
    opening = _blocks(now.permissions)["granted commands"]
    body = f"<granted_commands>\n{opening} {listed}{more}.\n</granted_commands>"
    return (Section("granted_commands", body, "what the user allowed for longer than once, and *.rules files"),)


def _developer(now: Situation) -> Section:
    return Section("developer_instructions", (now.settings.developer_instructions or "").strip(), "developer_instructions")


def _agents_md(now: Situation) -> Section:
    text = joined(now.documents)
    source = ", ".join(document.path for document in now.documents)
    if not text:
        return Section("agents_md", "", source)
    opening = f"# AGENTS.md instructions for {tags.named(now.settings.cwd)}\n\n<INSTRUCTIONS>\n"
    return Section("agents_md", f"{opening}{tags.within('INSTRUCTIONS', text)}\n</INSTRUCTIONS>", source)


def joined(documents: Sequence[Document]) -> str:
    """The documents as one text: the user's own first, then the project's from its root down."""
    own = "\n\n".join(document.text for document in documents if document.is_global)
    project = "\n\n".join(document.text for document in documents if not document.is_global)
    return PROJECT_SEPARATOR.join(text for text in (own, project) if text)


def _skills(now: Situation) -> Section:
    # a small model would rather be confused by a list than helped
    if now.compact or not now.skills.lines:
        return Section("skills", "")
    return Section("skills", skills.list_text(now.skills, _blocks(now.skills_wording)), "SKILL.md files")


def _pinned_notes(now: Situation) -> Section:
    if not now.notes:
        return Section("pinned_notes", "", "treadle/notes/write")
    lines = tags.within("pinned_notes", "\n".join(f"- {note}" for note in now.notes))
    opening = "The user pinned these notes to the conversation; they hold until the user changes them."
    return Section("pinned_notes", f"<pinned_notes>\n{opening}\n{lines}\n</pinned_notes>", "treadle/notes/write")


def _environment(now: Situation) -> Section:
    settings = now.settings
    lines = [f"<cwd>{_escaped(settings.cwd)}</cwd>"]
    others = [root for root in dict.fromkeys(settings.roots) if root != settings.cwd][:20]
    if others:
        lines.append("<workspace_roots>" + "".join(f"<root>{_escaped(root)}</root>" for root in others) + "</workspace_roots>")
    lines.append(f"<shell>{_escaped(now.shell)}</shell>")
    if now.date:
        lines.append(f"<current_date>{_escaped(now.date)}</current_date>")
    if now.timezone:
        lines.append(f"<timezone>{_escaped(now.timezone)}</timezone>")
    if settings.sandbox.mode != "external":
        on = settings.sandbox.network or settings.sandbox.mode == "danger-full-access"
        lines.append(f'<network enabled="{"true" if on else "false"}"/>')
    body = "\n".join("  " + line for line in lines)
    return Section("environment", f"<environment_context>\n{body}\n</environment_context>")


def _escaped(text: str) -> str:
    return tags.named(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@cache
def _blocks(template: str) -> dict[str, str]:
    """Heading -> the text below it."""
    found: dict[str, str] = {}
    for block in ("\n" + template).split("\n# ")[1:]:
        heading, _, text = block.partition("\n")
        found[heading.strip()] = text.strip()
    return found
