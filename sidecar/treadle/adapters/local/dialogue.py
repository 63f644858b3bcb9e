"""A Treadle request -> the body for llama.cpp's /v1/responses. Pure.

A fold over the input items: what it makes of an item depends on that item and those before it, never on later ones, so a request
that extends another one stays an extension of it. It must never read the clock, a file or a setting.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ...core.items import JsonObject
from . import grammar

MOST_COMMANDS = 12
"Commands between two messages of the user; then the model has to answer. Small models do not stop by themselves."
MAX_OUTPUT_TOKENS = 1024


def body(request: JsonObject) -> JsonObject:
    """The whole body, streaming."""
    messages, must_answer = translate(request.get("input") or [])
    tools: list[JsonObject] = request.get("tools") or []
    if not any(tool.get("name") == "exec_command" for tool in tools):
        must_answer = True
    instructions = str(request.get("instructions") or "").strip()
    return {
        "model": "local",
        "instructions": f"{instructions}\n\n{grammar.FORM}" if instructions else grammar.FORM,
        "input": messages,
        "stream": True,
        "store": False,
        "temperature": 0,
        "max_output_tokens": MAX_OUTPUT_TOKENS,
        "return_progress": True,
        # Small models fall into loops: the longer a repetition of the recent text, the less likely it is to go on.
        "dry_multiplier": 0.8,
        "dry_allowed_length": 10,
        "dry_penalty_last_n": 512,
        "grammar": grammar.ANSWER_ONLY if must_answer else grammar.STEP,
    }


def translate(items: Iterable[JsonObject]) -> tuple[list[JsonObject], bool]:
    """(messages, whether the model has to answer now because it goes round in circles)."""
    messages: list[JsonObject] = []
    commands: dict[str, str] = {}
    "call_id -> command, since the user last spoke."
    repeated: set[str] = set()
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            role = item.get("role")
            text = plain(item.get("content"))
            if role == "assistant":
                messages.append(_said(grammar.answer(text)))
            elif role in ("developer", "system"):
                messages.append(_told("system", text))
            else:
                commands.clear()
                repeated.clear()
                messages.append(_told("user", text))
        elif kind in ("function_call", "custom_tool_call"):
            call_id = str(item.get("call_id", ""))
            command = _command(item)
            if command in commands.values():
                repeated.add(call_id)
            commands[call_id] = command
            messages.append(_said(grammar.shell(command)))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            ending = grammar.ENOUGH if item.get("call_id") in repeated else grammar.NEXT
            messages.append(_told("user", grammar.OUTPUT + plain(item.get("output")).rstrip() + ending))
        # Reasoning and items of hosted tools say nothing to this model.
    return messages, bool(repeated) or len(commands) >= MOST_COMMANDS


def plain(content: Any) -> str:
    """All text of a content list or string; a picture is named, not shown: the embedded model reads text only."""
    if content is None or isinstance(content, str):
        return content or ""
    parts: list[str] = []
    for part in content:
        if "text" in part:
            parts.append(str(part["text"]))
        elif part.get("type") == "input_image":
            parts.append("[a picture, which this model cannot see]")
        elif part.get("refusal"):
            parts.append(str(part["refusal"]))
    return "".join(parts)


def _command(item: JsonObject) -> str:
    """The shell line of a call. A call that another model made with another tool is told as a line too."""
    raw = str(item.get("arguments", item.get("input", "")))
    if item.get("name") == "exec_command":
        try:
            return str(json.loads(raw)["cmd"])
        except (ValueError, TypeError, KeyError):
            return raw
    return f"{item.get('name', 'tool')} {raw}"


def _said(text: str) -> JsonObject:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def _told(role: str, text: str) -> JsonObject:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}
