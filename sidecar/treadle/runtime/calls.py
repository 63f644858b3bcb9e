"""One tool call, top to bottom: understand -> draw -> decide -> ask -> run -> output. And the set of calls of one step.

A call starts the moment it is complete in the stream; calls that do not bear company wait for those before them and hold up
those after them. A call that is not allowed is not run. Before one is run a draft of its output says that it has begun, so that
none is run twice, whatever happens to the process; about one that waits for the user another process can ask again. Whatever
goes wrong in a tool becomes an output that the model reads; what is our own bug is logged and becomes an output too, so that the
thread stays valid.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from dataclasses import field
from functools import partial
from typing import cast

from ..core import mcp
from ..core.asking import Asked, Decision, Question, is_open, kept
from ..core.errors import ToolFailure, TreadleError
from ..core.events import CardCompleted, CardDelta, CardStarted, TurnDiffUpdated
from ..core.history import likely_view
from ..core.hooks import HookAnswer, updated_arguments
from ..core.items import Image, Item, JsonObject, ModelItem, OutputStatus, ToolOutput
from ..core.record import mutable
from ..core.views import CallCard, CallView, FileChangeView
from .audience import Audience
from .hooks import Hooks
from .listing import ToolsByName
from .permission import CancelTurn, Permission, Refused
from .ports import Call, Plan, Scope, Tool, ToolResult
from .previews import Previews
from .repair import ASKING, LOST, NOT_BEGUN
from .watching import TurnWatch

_log = logging.getLogger(__name__)
_PARTIAL_OUTPUT = 64 * 1024
"Characters of live output kept for a call that is aborted."
_ABORTED_TAIL = 2_000
"Characters of it that the model is shown."
_DRAFTED = 8 * 1024
"Characters of it that are kept should the process die."


@mutable
class _Running:
    """A call under way."""

    item: ModelItem
    task: asyncio.Task[ToolOutput]
    began: float
    alone: bool
    card: CallCard | None = None
    partial: str = ""
    answer: JsonObject | None = None
    "See ToolOutput."
    begun: bool = False

    @property
    def waits(self) -> bool:
        """For the user: nothing of it was run."""
        return is_open(self.answer)


@mutable
class Calls:
    """The calls of one turn."""

    turn_id: str
    tools: ToolsByName
    scope: Scope
    "Of the turn; each call gets a copy with its own `emit` and, when approved, its own `policy`."
    audience: Audience
    thread_id: str
    permission: Permission
    hooks: Hooks
    record: Callable[[Item], None]
    draft: Callable[[str, Callable[[], Item | None]], None]
    "There is more output of the call that has this call id."
    keep: Callable[[Item], None]
    "Keep a draft at once."
    cancel_turn: Callable[[], None]
    variables: Callable[[], tuple[dict[str, str], bool]]
    "For child processes, and whether they are those of a login shell by now."
    secrets: Callable[[], tuple[str, ...]]
    "That must not be seen in what a call gives, as they are now."
    previews: Previews
    watch: TurnWatch | None = None
    "Finds out what commands do to files."
    outputs: list[ToolOutput] = field(default_factory=list[ToolOutput])
    "Recorded since the last `collect` began; read by the runner when it is stopped."
    _running: dict[str, _Running] = field(default_factory=dict[str, _Running])
    _diffs: list[str] = field(default_factory=list[str])

    def start(self, item: ModelItem) -> None:
        """Begin a call. Its output waits for `collect`."""
        tool = self.tools.get(item.name or "")
        alone = tool is not None and not tool.parallel
        before = [r.task for r in self._running.values() if alone or r.alone]
        task = asyncio.create_task(self._output(item, before), name=f"call {item.name}")
        self._running[item.call_id or ""] = _Running(item, task, self.scope.clock.monotonic(), alone)

    async def collect(self, calls: tuple[ModelItem, ...]) -> list[ToolOutput]:
        """Outputs of these calls in the order in which they finish; each is recorded, then announced, as it does."""
        self.outputs = []
        for item in calls:
            if (item.call_id or "") not in self._running:
                self.start(item)
        waiting = {running.task for running in self._running.values()}
        while waiting:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            self._take_finished()
        return self.outputs

    @property
    def waits(self) -> bool:
        """Whether one waits for the user, who can be asked again by another process."""
        return any(running.waits and not running.task.done() for running in self._running.values())

    def _take_finished(self) -> None:
        for call_id, running in list(self._running.items()):
            if running.task.done() and not running.task.cancelled():
                del self._running[call_id]
                self._finish(running.card, running.task.result(), running.item)

    def _finish(self, card: CallCard | None, output: ToolOutput, item: ModelItem) -> None:
        self.record(output)
        self.outputs.append(output)
        card = card or self._draw(item, self._likely(item))
        view = cast("CallView", output.detail) if output.detail else card.view
        done = dataclasses.replace(card, view=view, status=output.status, answer=output.answer)
        self.audience.notify(CardCompleted(self.thread_id, self.turn_id, done, self.scope.clock.now()))
        if view.get("view") == "file_change" and output.status == "completed":
            self._diffs.extend(change.get("diff", "") for change in cast("FileChangeView", view).get("changes", []))
            self.audience.notify(TurnDiffUpdated(self.thread_id, self.turn_id, "\n".join(self._diffs)))

    async def stop(self) -> None:
        """As `halt`. Those that had finished are recorded."""
        await self.halt()
        self._take_finished()

    async def halt(self) -> None:
        """End every call under way and wait until they are gone; records nothing."""
        for running in self._running.values():
            running.task.cancel()
        if self._running:
            await asyncio.wait([running.task for running in self._running.values()])

    def left(self, calls: tuple[ModelItem, ...], why: str) -> list[ToolOutput]:
        """Outputs of these calls once they are halted, not recorded: for a turn whose store has failed."""
        outputs = [self._left(item, why) for item in calls]
        self._running.clear()
        return outputs

    def _left(self, item: ModelItem, why: str) -> ToolOutput:
        running = self._running.get(item.call_id or "")
        if running is None:
            return self._aborted(item, None, why, "")
        done = not running.task.cancelled()
        return running.task.result() if done else self._aborted(item, running.card, why, running.partial)

    async def end(self) -> None:
        """The turn is over. May be called again."""
        if self.watch is not None:
            await self.watch.end()

    async def abort(self, calls: tuple[ModelItem, ...], why: str) -> list[ToolOutput]:
        """End everything that runs; the outputs of all these calls, those that finished in the last moment included."""
        self.outputs = []
        await self.stop()
        answered = {output.call_id for output in self.outputs}
        for item in calls:
            if item.call_id not in answered:
                self._abort(item, why)
        return self.outputs

    async def leave(self, calls: tuple[ModelItem, ...], why: str) -> list[ToolOutput]:
        """End everything that runs, for the turn to go on in another process: the outputs of those calls that had begun."""
        begun = {call_id for call_id, running in self._running.items() if running.begun}
        return await self.abort(tuple(item for item in calls if item.call_id in begun), why)

    def _abort(self, item: ModelItem, why: str) -> None:
        begun = self._running.get(item.call_id or "")
        card, shown = (begun.card, begun.partial) if begun is not None else (None, "")
        if begun is not None:
            why += f" after {self.scope.clock.monotonic() - begun.began:.1f}s"
        output = self._aborted(item, card, why, shown)
        self._running.pop(item.call_id or "", None)
        self._finish(card, output, item)

    def _aborted(self, item: ModelItem, card: CallCard | None, why: str, shown: str) -> ToolOutput:
        text = f"{why}\nOutput so far (its end):\n{shown[-_ABORTED_TAIL:]}" if shown else why
        view = dict(card.view) if card else dict(self._likely(item))
        if view.get("view") == "command":
            view["output"] = shown
        return self._made(item, text, cast("CallView", view), "aborted")

    def _lost(self, running: _Running) -> ToolOutput:
        """Its output if the process died now."""
        return self._aborted(running.item, running.card, LOST if running.begun else NOT_BEGUN, running.partial[-_DRAFTED:])

    def _made(
        self, item: ModelItem, text: str, view: CallView, status: OutputStatus, images: tuple[Image, ...] = ()
    ) -> ToolOutput:
        clock = self.scope.clock
        custom, running = item.kind == "custom_tool_call", self._running.get(item.call_id or "")
        return ToolOutput(
            clock.new_id(),
            clock.now(),
            self.turn_id,
            item.call_id or "",
            text,
            custom,
            status,
            cast("JsonObject", view),
            images,
            running.answer if running is not None else None,
        )

    def _asked(self, running: _Running, decision: Decision | None) -> None:
        """The user is asked about a call, or has answered."""
        running.answer = kept(decision)
        if decision is None:
            self.keep(self._lost(running))

    async def _ask(self, item: ModelItem, asked: Asked) -> Decision:
        """For a tool. What is asked in the middle of a call that has begun cannot be asked again."""
        running = self._running.get(item.call_id or "")
        if running is None or running.begun or not isinstance(asked, Question):
            return await self.permission.ask(asked)
        self._asked(running, None)
        decision = await self.permission.ask(asked)
        self._asked(running, decision)
        return decision

    def _over(self, running: _Running, output: ToolOutput) -> ToolOutput:
        """What the user said is not to be asked again, also when the output waits for the stream to end."""
        if running.waits:
            running.answer = None
            output = dataclasses.replace(output, answer=None)
        self.keep(output)
        return output

    def _begin(self, running: _Running) -> None:
        """From here on it is not to be run again."""
        running.begun = True
        if running.waits:  # what was allowed meanwhile has answered the question
            running.answer = None
        self.keep(self._lost(running))

    def _likely(self, item: ModelItem) -> CallView:
        """What to draw of a call that no tool has understood."""
        return self.previews.view(item.id) or likely_view(item)

    def _draw(self, item: ModelItem, view: CallView) -> CallCard:
        if (begun := self.previews.take(item.id, view)) is not None:
            self.audience.notify(begun[1])
            return begun[0]
        card = CallCard(item.id, item.name or "", item.call_id or "", view, "inProgress")
        self.audience.notify(CardStarted(self.thread_id, self.turn_id, card, self.scope.clock.now()))
        return card

    async def _output(self, item: ModelItem, before: list[asyncio.Task[ToolOutput]]) -> ToolOutput:
        if before:
            await asyncio.wait(before)
        view = self._likely(item)
        try:
            tool = self.tools.get(item.name or "")
            if tool is None:
                kind = "custom tool call" if item.kind == "custom_tool_call" else "call"
                unlisted = mcp.unlisted(item.name or "", self.scope.settings.mcp_servers)
                raise ToolFailure(unlisted or f"unsupported {kind}: {item.name}")
            call, scope = self._call(item), self._scope(item)
            plan = await tool.prepare(call, scope)
            view = plan.view
            running = self._running[call.call_id]
            running.card = self._draw(item, view)
            call, plan, before_it = await self._hooked(tool, call, plan, scope)
            view = plan.view
            policy = await self.permission.of(item, plan, scope, before_it.ask, partial(self._asked, running))
            if isinstance(policy, Refused):
                return self._over(running, self._made(item, policy.words, view, "declined"))
            scope = dataclasses.replace(scope, policy=policy)
            if tool.name in ASKING:
                return self._over(running, await self._run(tool, item, call, plan, scope, before_it))
            self._begin(running)
            return await self._run(tool, item, call, plan, scope, before_it)
        except TreadleError as failure:
            return self._made(item, failure.sentence(), view, "failed")
        except CancelTurn:
            self.cancel_turn()
            return self._made(item, "the user declined this call and stopped the turn", view, "declined")
        except Exception:
            _log.exception("tool %s failed", item.name)
            return self._made(item, f"{item.name} failed inside Treadle; this was not caused by the arguments", view, "failed")

    async def _run(  # noqa: PLR0917
        self, tool: Tool, item: ModelItem, call: Call, plan: Plan, scope: Scope, before_it: HookAnswer
    ) -> ToolOutput:
        if self.watch is None or not await self.watch.before(tool.name, plan, scope.policy):
            return await self._heard(item, call, await tool.run(call, plan, scope), before_it)
        view: object = None
        try:
            result: ToolResult = await tool.run(call, plan, scope)
            view = result.view
            output = await self._heard(item, call, result, before_it)
        finally:
            self.watch.left(view)
        await self.watch.look()
        return output

    async def _hooked(self, tool: Tool, call: Call, plan: Plan, scope: Scope) -> tuple[Call, Plan, HookAnswer]:
        """The call as the user's hooks leave it. Raises ToolFailure when one says no."""
        said = await self.hooks.pre_tool(call.name, call.call_id, call.arguments, call.custom)
        if said.stopped is not None:
            self.cancel_turn()
        if (no := said.blocked or said.stopped) is not None:
            raise ToolFailure(f"Tool call blocked by PreToolUse hook: {no}")
        if said.updated_input is not None:
            changed = updated_arguments(call.name, said.updated_input, call.custom)
            if changed is None:
                raise ToolFailure("Tool call blocked: a PreToolUse hook changed its input into what is no input of this tool")
            call = dataclasses.replace(call, arguments=changed)
            plan = await tool.prepare(call, scope)
        return call, plan, said

    async def _heard(self, item: ModelItem, call: Call, result: ToolResult, before_it: HookAnswer) -> ToolOutput:
        """The output, with what the hooks before and after it say to the model."""
        said = await self.hooks.post_tool(call.name, call.call_id, call.arguments, call.custom, result.text)
        notes = [f"PreToolUse hook: {text}" for text in before_it.context]
        notes += [f"PostToolUse hook: {text}" for text in (said.blocked, *said.context) if text]
        if said.stopped is not None:
            notes.append(f"PostToolUse hook stopped the turn: {said.stopped}")
            self.cancel_turn()
        text = "\n".join([result.text.rstrip("\n"), "", *notes]) + "\n" if notes else result.text
        return self._made(item, text, result.view, result.status, result.images)

    def _call(self, item: ModelItem) -> Call:
        payload = item.payload
        custom = item.kind == "custom_tool_call"
        arguments = payload.get("input" if custom else "arguments") or ""
        return Call(item.id, item.call_id or "", item.name or "", arguments, custom, self.thread_id, self.turn_id)

    def _scope(self, item: ModelItem) -> Scope:
        def emit(text: str) -> None:
            running = self._running.get(item.call_id or "")
            if running is not None:
                running.partial = (running.partial + text)[-_PARTIAL_OUTPUT:]
                self.draft(item.call_id or "", partial(self._lost, running))
            self.audience.notify(CardDelta(self.thread_id, self.turn_id, item.id, "output", text))

        if not self.scope.login_done:  # a first turn begins before the login shell has answered
            environment, done = self.variables()
            self.scope = dataclasses.replace(self.scope, environment=environment, login_done=done)
        # another program may have renewed its tokens since the call before
        secrets = self.secrets()
        return dataclasses.replace(
            self.scope, emit=emit, ask=partial(self._ask, item), announce=self.audience.notify, secrets=secrets
        )
