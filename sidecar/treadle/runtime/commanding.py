"""The commands that clients run for themselves, in no thread, under the same sandbox as the agent's.

Promises that a command ends with its client, that its output is told in order and before the answer, and that memory is bounded
whatever it prints. Must never let one client reach another's commands, nor run anything but under the policy that was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import field
from typing import Literal

from ..core.command_ops import CommandOp, EndCommand, Execute, ResizeTerminal, WriteInput
from ..core.confinement import marks
from ..core.errors import RequestRefused, ToolFailure, TreadleError
from ..core.events import CommandPrinted
from ..core.policy import NOT_TRUSTED, Grants
from ..core.record import unique
from ..core.settings import SandboxPolicy, Settings
from ..core.subjects import collect
from .answers import Executed
from .assembly import World, confinement
from .ports import Client, CommandSpec, Process

TIMED_OUT = 124
MOST_KEPT = 32 * 1024 * 1024
"Bytes of each stream that an answer holds, also where the client wants no cap: it can have more as it comes."


@unique
class _Execution:
    op: Execute
    client: Client
    task: asyncio.Task[object] | None
    process: asyncio.Future[Process]
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Commands:
    """Of all clients of one agent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: set[_Execution] = set()
        self._left: set[Client] = set()
        self._killing: set[asyncio.Task[None]] = set()

    async def answer(self, op: CommandOp, client: Client) -> Executed | None:
        """Raises RequestRefused, and what Sandbox.spawn raises."""
        match op:
            case Execute():
                return await self._execute(op, client)
            case WriteInput():
                await self._write(op, self._find(op.process_id, client))
            case ResizeTerminal():
                found = self._find(op.process_id, client)
                if not found.op.tty:
                    raise RequestRefused(f'the command with the process id "{op.process_id}" has no terminal')
                (await self._born(found)).resize(op.rows, op.cols)
            case EndCommand():
                self._kill(await self._born(self._find(op.process_id, client)))
        return None

    def drop(self, client: Client) -> None:
        """The client is gone, and its commands go."""
        self._left.add(client)
        for execution in self._running:
            if execution.client is client and execution.task is not None:
                execution.task.cancel()

    async def close(self) -> None:
        """Returns when all commands are gone."""
        tasks = [execution.task for execution in self._running if execution.task is not None]
        for task in tasks:
            task.cancel()
        if tasks or self._killing:
            await asyncio.wait([*tasks, *self._killing])

    async def _execute(self, op: Execute, client: Client) -> Executed:
        if client in self._left:
            raise RequestRefused("the client is gone")
        if op.process_id is not None and any(e.client is client and e.op.process_id == op.process_id for e in self._running):
            raise RequestRefused(f'a command with the process id "{op.process_id}" is running already')
        born: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        execution = _Execution(op, client, asyncio.current_task(), born)
        self._running.add(execution)
        try:
            spec, policy, settings = await self._prepared(op)
            await self._check(policy, settings)
            async with self._reaching(spec, policy, settings) as reaching:
                try:
                    process = await self._world.sandbox.spawn(reaching, policy)
                except ToolFailure as error:
                    raise RequestRefused(str(error)) from error
                except OSError as error:
                    raise TreadleError(f"The command could not be started: {error.strerror or error}.") from error
                born.set_result(process)
                try:
                    return await self._run(op, client, process)
                finally:
                    await asyncio.shield(self._kill(process))
        finally:
            born.cancel()
            self._running.discard(execution)

    async def _check(self, policy: SandboxPolicy, settings: Settings) -> None:
        """Nobody is asked here whether less protection will do; who has said so before has said it."""
        if policy.mode != "workspace-write":
            return
        status = await self._world.sandbox.status()
        if status.degraded and not self._grants(settings).degraded:
            raise TreadleError("The command was not started.", hint=status.reason)

    def _grants(self, settings: Settings) -> Grants:
        return collect(self._world.grants.counting(None, (settings.cwd, *settings.roots)))

    def _reaching(
        self, spec: CommandSpec, policy: SandboxPolicy, settings: Settings
    ) -> contextlib.AbstractAsyncContextManager[CommandSpec]:
        """By the network lists of the user, where there are any; nobody is asked."""
        if settings.network is None:
            return contextlib.nullcontext(spec)
        from .network import by_the_lists  # noqa: PLC0415

        world = self._world
        return by_the_lists(spec, policy, settings, sandbox=world.sandbox, proxy=world.proxy, grants=self._grants(settings))

    async def _prepared(self, op: Execute) -> tuple[CommandSpec, SandboxPolicy, Settings]:
        settings, _ = self._world.configure(op.cwd, {})
        if settings.restricted:
            raise RequestRefused(f"no command is run here. {NOT_TRUSTED}")
        policy = _policy(op.policy, settings)
        await self._world.environment.asked()
        variables, _ = self._world.environment.variables(settings)
        environment = {**variables, **marks(policy)}
        for name, value in op.environment:
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
        feeds, split = op.feeds and not op.tty, not op.tty
        spec = CommandSpec(op.argv, settings.cwd, environment, op.tty, op.rows, op.cols, feeds, split, settings.limits)
        return spec, policy, settings

    async def _run(self, op: Execute, client: Client, process: Process) -> Executed:
        out, err = _Stream(op, client, "stdout"), _Stream(op, client, "stderr")
        reading = asyncio.gather(out.read(process.output()), err.read(process.errors()))
        late = False
        try:
            await asyncio.wait([reading], timeout=op.timeout)
            if not reading.done():
                late = True
                await process.kill()
            await reading
        finally:
            reading.cancel()
        code = await process.wait()
        return Executed(TIMED_OUT if late else code, out.text(), err.text())

    def _find(self, process_id: str, client: Client) -> _Execution:
        for execution in self._running:
            if execution.client is client and execution.op.process_id == process_id:
                return execution
        raise RequestRefused(f'no command with the process id "{process_id}" is running')

    async def _born(self, execution: _Execution) -> Process:
        """Its process, once it has one."""
        await asyncio.wait([execution.process])
        if execution.process.cancelled():
            raise RequestRefused(f'no command with the process id "{execution.op.process_id}" is running')
        return execution.process.result()

    async def _write(self, op: WriteInput, execution: _Execution) -> None:
        if not (execution.op.feeds or execution.op.tty):
            raise RequestRefused(f'the command with the process id "{op.process_id}" was started without an input to write to')
        async with execution.writing:
            process = await self._born(execution)
            try:
                if op.data:
                    await process.write(op.data)
                if op.close:
                    await process.close_input()
            except BrokenPipeError as error:
                raise RequestRefused(f'the command with the process id "{op.process_id}" reads no more input') from error

    def _kill(self, process: Process) -> asyncio.Task[None]:
        task = asyncio.ensure_future(process.kill())
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)
        return task


def _policy(asked: SandboxPolicy | None, settings: Settings) -> SandboxPolicy:
    if asked is None:
        return confinement(settings)
    return asked if asked.writable_roots else dataclasses.replace(asked, writable_roots=(settings.cwd,))


class _Stream:
    """One stream of one command: told as it comes, or kept for the answer. What is past the cap is read and forgotten, so that
    the command goes on."""

    def __init__(self, op: Execute, client: Client, name: Literal["stdout", "stderr"]) -> None:
        self._client = client
        self._name: Literal["stdout", "stderr"] = name
        self._told_as = op.process_id if op.streams or op.tty else None
        self._left = op.cap
        if self._told_as is None:
            self._left = MOST_KEPT if op.cap is None else min(op.cap, MOST_KEPT)
        self._kept = bytearray()

    async def read(self, chunks: AsyncIterator[bytes]) -> None:
        async for data in chunks:
            if self._left == 0:
                continue
            piece = data if self._left is None else data[: self._left]
            if self._left is not None:
                self._left -= len(piece)
            if self._told_as is None:
                self._kept += piece
            else:
                self._client.notify([CommandPrinted(self._told_as, self._name, piece, self._left == 0)])

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")
