"""Runs the user's hooks around a thread's events, and tells clients that they ran.

A hook is the user's own program: it runs outside the sandbox, with the environment that commands get, and is ended with all that
it started when its time is up or the turn is stopped. Hooks of one event run at the same time; a hook that fails is named to the
user and has no say.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import field
from typing import Any, Protocol

from ..core import hooks
from ..core.errors import TreadleError
from ..core.events import HookRan
from ..core.hooks import Hook, HookAnswer, HookEvent
from ..core.items import Context, Item, JsonObject, Opening, Section
from ..core.record import mutable
from ..core.settings import SandboxPolicy, Settings
from ..core.thread import Thread
from .audience import Audience
from .ports import Clock, CommandSpec, Process, Sandbox

OUTPUT_BYTES = 1024 * 1024
"Of what a hook prints; more ends it."
MOST_CONTINUATIONS = 10
"How often a Stop hook may send the agent back to work in one turn."


class Greeted(Protocol):
    """A loaded thread."""

    thread: Thread
    greeted: bool


@mutable
class Hooks:
    """Of one turn."""

    settings: Settings
    sandbox: Sandbox
    clock: Clock
    environment: dict[str, str] = field(repr=False)
    audience: Audience
    thread_id: str
    turn_id: str
    continued: int = 0
    "How often a Stop hook has sent the agent back to work."

    async def pre_tool(self, tool: str, call_id: str, arguments: str, custom: bool) -> HookAnswer:
        about = self._of_call(tool, call_id, arguments, custom)
        return await self._event("PreToolUse", about, hooks.tool_names(tool))

    async def post_tool(self, tool: str, call_id: str, arguments: str, custom: bool, response: str) -> HookAnswer:
        about = self._of_call(tool, call_id, arguments, custom) if self.any("PostToolUse") else {}
        return await self._event("PostToolUse", about | {"tool_response": response}, hooks.tool_names(tool))

    async def prompt(self, text: str) -> HookAnswer:
        return await self._event("UserPromptSubmit", {"prompt": text})

    async def stop(self, last_message: str | None) -> HookAnswer:
        if self.continued >= MOST_CONTINUATIONS:
            return HookAnswer()
        about: JsonObject = {"stop_hook_active": self.continued > 0, "last_assistant_message": last_message}
        return await self._event("Stop", about)

    async def session_start(self, source: str) -> HookAnswer:
        return await self._event("SessionStart", {"source": source}, (source,))

    async def greeting(self, loaded: Greeted, news: Sequence[Item]) -> list[Item]:
        """What SessionStart hooks say to the model: when a thread begins or goes on in this process, and in each new epoch.

        Raises TreadleError when one does not want it to."""
        if loaded.greeted and not any(isinstance(item, Opening) for item in news):
            return []
        source = "compact" if loaded.greeted else "resume" if loaded.thread.count > 1 else "startup"
        said = await self.session_start(source)
        loaded.greeted = True
        if (no := said.blocked or said.stopped) is not None:
            loaded.greeted = False
            raise TreadleError(f"A SessionStart hook stopped the thread: {no}")
        return self.told("hook_session_start", said.context)

    def told(self, name: str, texts: Sequence[str]) -> list[Item]:
        """What hooks say to the model, as Context."""
        if not texts:
            return []
        sections = tuple(Section(name, text, "a hook") for text in texts)
        return [Context(self.clock.new_id(), self.clock.now(), "developer", sections)]

    def any(self, event: HookEvent) -> bool:
        return any(hook.event == event for hook in self.settings.hooks)

    def _of_call(self, tool: str, call_id: str, arguments: str, custom: bool) -> JsonObject:
        if not self.any("PreToolUse") and not self.any("PostToolUse"):
            return {}
        given = hooks.tool_input(tool, arguments, custom)
        return {"tool_name": hooks.tool_names(tool)[0], "tool_input": given, "tool_use_id": call_id}

    async def _event(self, event: HookEvent, about: JsonObject, names: Sequence[str] = ()) -> HookAnswer:
        found = hooks.concerned(self.settings.hooks, event, names)
        if not found:
            return HookAnswer()
        told = self._common(event) | about
        if event == "SessionStart":
            del told["turn_id"]
        payload = json.dumps(told).encode()
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(self._run(hook, payload)) for hook in found]
        return hooks.together([run.result() for run in runs])

    def _common(self, event: HookEvent) -> JsonObject:
        settings = self.settings
        unattended = settings.approval_policy == "never"
        free = unattended and not settings.sandbox.confines
        return {
            "session_id": self.thread_id,
            "transcript_path": None,
            "cwd": settings.cwd,
            "hook_event_name": event,
            "model": settings.model,
            "permission_mode": "bypassPermissions" if free else "dontAsk" if unattended else "default",
            "turn_id": self.turn_id,
        }

    async def _run(self, hook: Hook, payload: bytes) -> HookAnswer:
        began, id = self.clock.now(), self.clock.new_id()
        self._tell(hook, id, began, "running", HookAnswer())
        answer = HookAnswer(error="it was stopped")
        try:
            answer = await self._answered(hook, payload)
        finally:
            status = "failed" if answer.error else "blocked" if answer.blocked else "stopped" if answer.stopped else "completed"
            self._tell(hook, id, began, status, answer)
        return answer

    async def _answered(self, hook: Hook, payload: bytes) -> HookAnswer:
        spec = CommandSpec(("/bin/sh", "-c", hook.command), self.settings.cwd, self.environment, stdin=True, split=True)
        try:
            process = await self.sandbox.spawn(spec, SandboxPolicy("danger-full-access"))
        except (OSError, TreadleError) as error:
            return HookAnswer(error=f"it could not be started: {error}")
        try:
            async with asyncio.timeout(hook.timeout), asyncio.TaskGroup() as group:
                group.create_task(_feed(process, payload))
                out, err = group.create_task(_all(process.output())), group.create_task(_all(process.errors()))
                status = await process.wait()
        except TimeoutError:
            return HookAnswer(error=f"it took longer than {hook.timeout:g} seconds and was ended")
        except BaseExceptionGroup as failures:
            if failures.split(_TooMuch)[1] is not None:
                raise
            return HookAnswer(error=f"it printed more than {OUTPUT_BYTES // 1024} KiB and was ended")
        finally:
            await process.kill()
        return hooks.understood(hook, status, out.result(), err.result())

    def _tell(self, hook: Hook, id: str, began: float, status: str, answer: HookAnswer) -> None:
        done = status != "running"
        took = max(0.0, self.clock.now() - began) if done else None
        entries = [{"kind": "warning", "text": text} for text in answer.message]
        entries += [{"kind": "context", "text": text} for text in answer.context]
        if answer.blocked or answer.stopped:
            entries.append({"kind": "stop" if answer.stopped else "feedback", "text": answer.stopped or answer.blocked or ""})
        if answer.error:
            entries.append({"kind": "error", "text": f"{hook.event} hook `{hook.command[:200]}`: {answer.error}"})
        run: dict[str, Any] = {
            "id": id,
            "eventName": hook.event[0].lower() + hook.event[1:],
            "handlerType": "command",
            "executionMode": "sync",
            "scope": "thread" if hook.event == "SessionStart" else "turn",
            "sourcePath": hook.source,
            "source": "project" if hook.project else "user",
            "displayOrder": 0,
            "status": status,
            "statusMessage": hook.status_message,
            "startedAt": int(began * 1000),
            "completedAt": int((began + took) * 1000) if took is not None else None,
            "durationMs": int(took * 1000) if took is not None else None,
            "entries": entries if done else [],
        }
        self.audience.notify(HookRan(self.thread_id, self.turn_id, run))


class _TooMuch(Exception):
    """A hook prints without end."""


async def _all(chunks: AsyncIterator[bytes]) -> str:
    found = bytearray()
    async for chunk in chunks:
        found += chunk
        if len(found) > OUTPUT_BYTES:
            raise _TooMuch
    return found.decode("utf-8", "replace")


async def _feed(process: Process, payload: bytes) -> None:
    # a hook need not read what it is told
    with contextlib.suppress(OSError):
        await process.write(payload)
        await process.close_input()
