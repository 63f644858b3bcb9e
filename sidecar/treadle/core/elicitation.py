"""What an MCP server asks the user in the middle of its work, and what it is answered. Pure.

A server is not trusted: what it says is cut to a size, a form has to be flat, an address has to be one of the web, and of an
answer it gets only the fields that it asked for. Whatever is unclear is a decline.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, cast

from .asking import Decision, Elicitation
from .items import JsonObject
from .record import frozen
from .truncate import clip

MAX_MESSAGE = 4_000
MAX_SCHEMA = 32 * 1024
MAX_URL = 8 * 1024
MAX_FIELDS = 64
MAX_ANSWER = 64 * 1024
Action = Literal["accept", "decline", "cancel"]


@frozen
class McpQuestion:
    """A form, or an address to open when there is a `url`."""

    server: str
    message: str
    schema: JsonObject = field(default_factory=dict[str, Any])
    url: str | None = None
    elicitation_id: str | None = None

    def asked(self, id: str, thread_id: str, turn_id: str | None, at: float) -> Elicitation:
        """The question as it is put to the user of a thread."""
        return Elicitation(id, thread_id, turn_id, at, self.server, self.message, self.schema, self.url, self.elicitation_id)


def question(server: str, params: Mapping[str, Any]) -> McpQuestion | None:
    """Out of the parameters of elicitation/create; None for what cannot be put to a user."""
    message = clip(str(params.get("message") or "").strip(), MAX_MESSAGE)
    if params.get("mode") == "url":
        url, id = params.get("url"), params.get("elicitationId")
        if not isinstance(url, str) or len(url) > MAX_URL or not url.startswith(("https://", "http://")) or not url.isprintable():
            return None
        return McpQuestion(server, message, url=url, elicitation_id=clip(id, 256) if isinstance(id, str) else None)
    given: Any = params.get("requestedSchema")
    fields: Any = cast("JsonObject", given).get("properties") if isinstance(given, dict) else None
    if not isinstance(fields, dict) or len(cast("JsonObject", fields)) > MAX_FIELDS:
        return None
    known = cast("JsonObject", fields)
    if not all(isinstance(entry, dict) and "properties" not in entry for entry in known.values()):
        return None
    wanted: Any = cast("JsonObject", given).get("required")
    names = cast("list[Any]", wanted) if isinstance(wanted, list) else []
    schema = {
        "type": "object",
        "properties": known,
        "required": [name for name in names if isinstance(name, str) and name in known],
    }
    return McpQuestion(server, message, schema) if len(json.dumps(schema)) <= MAX_SCHEMA else None


def answer(question: McpQuestion, decision: Decision) -> tuple[Action, JsonObject | None]:
    """What the server is told, and the fields of its form."""
    if decision.verdict != "accept":
        return decision.verdict, None
    if question.url is not None:
        return "accept", None
    fields: JsonObject = question.schema.get("properties", {})
    content = {name: value for name, value in (decision.content or {}).items() if name in fields and _is_plain(value)}
    if any(name not in content for name in question.schema.get("required", ())) or len(json.dumps(content)) > MAX_ANSWER:
        return "decline", None
    return "accept", content


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(entry, str) for entry in cast("list[Any]", value))
    return value is None or isinstance(value, str | int | float | bool)
