"""What tests of commands need: a clock that a test lets go on, and a scope in which real commands run."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from treadle.adapters.clock import SystemClock
from treadle.adapters.environment import child_environment
from treadle.adapters.files import DiskFiles
from treadle.core.settings import Provider, SandboxPolicy, Settings, ShellEnvironment
from treadle.core.views import CommandView
from treadle.runtime.ports import Call, Clock, Outputs, Sandbox, Scope, Tool, ToolResult
from treadle.tools.sessions import Sessions

FULL = SandboxPolicy("danger-full-access")


class PatientClock(SystemClock):
    """Waits of ten seconds or more, which a command that ends by itself is given, are a minute: the machine may be busy."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(max(seconds, 60.0) if seconds >= 10.0 else seconds)


class HeldClock(SystemClock):
    """`sleep` ends when the test says so: a wait that would end by time ends by event."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked: list[float] = []
        self.sleeping = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.sleeping.set()
        await self.go.wait()


@dataclass
class Shell:
    """A thread's commands, as its tools see them."""

    cwd: Path
    sandbox: Sandbox
    policy: SandboxPolicy = FULL
    clock: Clock = field(default_factory=PatientClock)
    sessions: Sessions = field(default_factory=Sessions)
    emitted: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    outputs: Outputs | None = None
    secrets: tuple[str, ...] = ()
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def scope(self) -> Scope:
        own = {"PATH": os.environ["PATH"], "HOME": str(self.cwd), "SHELL": "/bin/bash"}
        settings = Settings(str(self.cwd), "m", Provider("p", "P", ""), sandbox=self.policy, **self.settings)
        environment = child_environment(own, ShellEnvironment())
        policy = SandboxPolicy(self.policy.mode, (str(self.cwd),), exclude_slash_tmp=True)
        return Scope(
            settings,
            self.sandbox,
            DiskFiles(),
            self.clock,
            self.emit,
            policy,
            environment,
            self.sessions,
            self.outputs,
            secrets=self.secrets,
        )

    def emit(self, text: str) -> None:
        self.emitted.append(text)
        self._news.set()

    async def seen(self, text: str) -> str:
        """All live output, once `text` is in it."""
        async with asyncio.timeout(60):
            while text not in (shown := "".join(self.emitted)):
                self._news.clear()
                await self._news.wait()
        return shown

    async def call(self, tool: Tool, **arguments: Any) -> ToolResult:
        asked = Call("item", "call", tool.name, json.dumps(arguments), False, "thread", "turn")
        plan = await tool.prepare(asked, self.scope())
        return await tool.run(asked, plan, self.scope())


def drawn(result: ToolResult) -> CommandView:
    assert result.view.get("view") == "command"
    return result.view  # type: ignore[return-value]
