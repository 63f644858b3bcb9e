"""What llama.cpp streams while it answers -> the reply events of core/replies.py. Pure.

The JSON wrapper never reaches the user; a command becomes a call only when it is whole; a reply that has no end is not completed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import field
from typing import Any, cast

from ...core.errors import ModelError
from ...core.items import JsonObject, dumps
from ...core.record import mutable
from ...core.replies import Delta, ItemBegun, ItemDone, ReplyCompleted, ReplyEvent, Usage
from .speech import Speech

KEY = "0"


@mutable
class Reply:
    """Feed it the parsed `data:` of each stream event."""

    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(12))
    completed: bool = False
    skipped: int = 0
    _speech: Speech = field(default_factory=Speech)
    _begun: bool = False
    _id: str = ""

    def feed(self, event: JsonObject) -> list[ReplyEvent]:
        match event.get("type"):
            case "response.output_text.delta":
                return self._say(self._speech.feed(str(event.get("delta", ""))))
            case "response.completed":
                return self._complete(event.get("response") or {})
            case "error" | "response.failed":
                raise refusal(0, event)
            case _ if "error" in event:
                raise refusal(0, event)
            case _:
                return []

    def _say(self, text: str) -> list[ReplyEvent]:
        if not text:
            return []
        events: list[ReplyEvent] = []
        if not self._begun:
            self._begun, self._id = True, f"msg_{self.new_id()}"
            events.append(ItemBegun(KEY, "message", self._message("", "in_progress")))
        events.append(Delta(KEY, "text", text))
        return events

    def _complete(self, response: JsonObject) -> list[ReplyEvent]:
        events = self._say(self._speech.finish())
        command = self._speech.command
        if command is not None:
            call = {
                "type": "function_call",
                "id": f"fc_{self.new_id()}",
                "call_id": f"call_{self.new_id()}",
                "name": "exec_command",
                "arguments": dumps({"cmd": command}),
                "status": "completed",
            }
            events += (ItemBegun(KEY, "function_call", call), ItemDone(KEY, "function_call", call))
        else:
            text = self._speech.text
            events.append(ItemDone(KEY, "message", self._message(text, "completed")))
        # The server says "completed" all the same when it stopped at the limit.
        incomplete = None if self._speech.whole else "max_output_tokens"
        self.completed = True
        events.append(ReplyCompleted(response.get("id"), usage(response.get("usage")), self.skipped, incomplete))
        return events

    def _message(self, text: str, status: str) -> JsonObject:
        content: list[JsonObject] = [{"type": "output_text", "text": text, "annotations": []}] if text else []
        return {"type": "message", "id": self._id, "role": "assistant", "status": status, "content": content}


def as_object(value: Any) -> JsonObject | None:
    """A JSON object, or None for anything else."""
    return cast(JsonObject, value) if isinstance(value, dict) else None


def usage(said: JsonObject | None) -> Usage | None:
    if not said:
        return None
    details = as_object(said.get("input_tokens_details")) or {}
    return Usage(
        input_tokens=said.get("input_tokens", 0),
        cached_input_tokens=details.get("cached_tokens", 0),
        output_tokens=said.get("output_tokens", 0),
        total_tokens=said.get("total_tokens", 0),
        cache_reported="cached_tokens" in details,
    )


def refusal(status: int, body: JsonObject) -> ModelError:
    """An error of the server as the user reads it."""
    error = as_object(body.get("error")) or body
    said = str(error.get("message") or "no reason given").rstrip(".")
    code = status or int(error.get("code") or 500)
    if error.get("type") == "exceed_context_size_error":
        return ModelError(
            f"The thread is too long for the embedded model: {error.get('n_prompt_tokens')} of {error.get('n_ctx')} tokens.",
            kind="context_overflow",
            status=code,
            hint="Start a new thread, or raise `context` under [local] in config.toml.",
        )
    if code >= 500:
        return ModelError(f"The embedded model failed: {said}.", kind="server", status=code, retryable=True)
    return ModelError(f"The embedded model refused the request: {said}.", kind="bad_request", status=code)
