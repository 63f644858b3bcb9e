"""What is done to one thread besides its turns: items that a client adds, and the user's own commands."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .base import Empty, Params


class ThreadInjectItemsParams(Params):
    thread_id: str
    items: list[Any]
    "Input items of the Responses API, added to the prompt as they are. A call comes together with its output."


class ThreadInjectItemsResponse(Empty):
    pass


class ThreadShellCommandParams(Params):
    thread_id: str
    command: str
    "A line for the thread's shell. It runs outside of the sandbox: only the user's own words may get here."
    timeout_ms: Annotated[int, Field(ge=0)] | None = None
    "One hour when left out; 0 ends it at once."


class ThreadShellCommandResponse(Empty):
    pass
