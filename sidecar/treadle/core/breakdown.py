"""What fills a thread's context, by kind: so many tokens of tools, of the user's words, of outputs. Pure.

All of it is estimated, as core/tokens.py does it: the parts need not sum up to what the provider counted for the whole.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from . import tokens
from .items import Context, Injected, Item, ModelItem, Section, Summary, ToolOutput, UserCommand, UserMessage
from .thread import Thread

Kind: TypeAlias = Literal[
    "base",
    "permissions",
    "instructions",
    "tools",
    "skills",
    "memory",
    "user",
    "agent",
    "reasoning",
    "calls",
    "outputs",
    "other",
]
"""`base`: instructions of the model; `permissions`: those and the environment; `memory`: summary and pinned notes; `calls`: what
the model wrote to call tools; `other`: what hooks, clients and Treadle added meanwhile."""

_SECTIONS: dict[str, Kind] = {
    "model_instructions": "base",
    "permissions": "permissions",
    "granted_commands": "permissions",
    "environment": "permissions",
    "developer_instructions": "instructions",
    "agents_md": "instructions",
    "skills": "skills",
    "pinned_notes": "memory",
}
_OF_MODEL: dict[str, Kind] = {"message": "agent", "reasoning": "reasoning"}


def breakdown(thread: Thread) -> dict[Kind, int]:
    """Kind -> tokens, for the next request, in the order of `Kind`; kinds that take nothing are left out."""
    found: dict[Kind, int] = dict.fromkeys(Kind.__args__, 0)
    if thread.opening is not None:
        found["base"] += tokens.estimate(thread.opening.instructions)
        found["tools"] += tokens.estimate(thread.opening.tools)
    for item in thread.epoch:
        if isinstance(item, Context):
            for section in item.sections:
                found[_of_section(section)] += tokens.estimate(section.text)
        elif (kind := _of_item(item)) is not None:
            found[kind] += tokens.of_item(item)
    return {kind: count for kind, count in found.items() if count}


def _of_section(section: Section) -> Kind:
    return "skills" if section.name.startswith("skill:") else _SECTIONS.get(section.name, "other")


def _of_item(item: Item) -> Kind | None:
    match item:
        case UserMessage() | UserCommand():
            return "user"
        case ModelItem():
            return _OF_MODEL.get(item.kind, "calls")
        case ToolOutput():
            return "outputs"
        case Summary():
            return "memory"
        case Injected():
            return "other"
        case _:
            return None
