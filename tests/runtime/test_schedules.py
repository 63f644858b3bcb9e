"""Random schedules of turns, parallel calls, approvals, steers, interrupts, changes of settings and restarts, on fakes.

Whatever happens: within an epoch every request extends the one before byte for byte, every call has one output, and a process
that is started anew before every turn asks the model for exactly the same bytes as one that never stopped.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.world import PROVIDER, FakeTool, MemoryStore, RecordingClient, Script, ScriptedModel, build, call, end, message
from treadle.core.asking import Approval
from treadle.core.errors import ModelError
from treadle.core.history import TurnState
from treadle.core.items import ModelItem, Text, ToolOutput
from treadle.core.ops import InterruptTurn, Overrides, ResumeThread, StartThread, StartTurn, SteerTurn
from treadle.core.policy import RunCommand
from treadle.core.thread import Thread
from treadle.runtime.agent import Agent, ThreadState

PATIENT = dataclasses.replace(PROVIDER, stream_max_retries=20)
ASKS = FakeTool("asks", wish=RunCommand("make", "/ws", escalated=True))
PLAIN = FakeTool("plain")
ALONE = FakeTool("alone", parallel=False)


@dataclass(frozen=True)
class Step:
    calls: tuple[str, ...]
    cut: bool = False
    "The stream dies after the calls and is asked for again."


@dataclass(frozen=True)
class PlannedTurn:
    steps: tuple[Step, ...]
    cwd: str | None = None
    model: str | None = None
    decisions: tuple[str, ...] = ()
    steer: bool = False
    hangs: bool = False
    "The last reply never ends; the user interrupts it."


steps = st.builds(
    Step, st.lists(st.sampled_from(["plain", "asks", "alone", "unknown"]), min_size=1, max_size=3).map(tuple), st.booleans()
)
planned = st.builds(
    PlannedTurn,
    st.lists(steps, max_size=3).map(tuple),
    st.sampled_from([None, None, "/a", "/b"]),
    st.sampled_from([None, None, "m2"]),
    st.lists(st.sampled_from(["accept", "accept_for_session", "decline"]), max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
)


@dataclass
class Play:
    """One run of a schedule; `restart` begins a new agent before every turn."""

    schedule: list[PlannedTurn]
    restart: bool
    store: MemoryStore = field(default_factory=MemoryStore)
    bodies: list[bytes] = field(default_factory=list)
    prefixes: list[bytes] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def run(self) -> str:
        agent, thread_id = None, ""
        for number, turn in enumerate(self.schedule):
            model = ScriptedModel(*self._scripts(turn))
            if agent is None or self.restart:
                if agent is not None:
                    await agent.close()
                agent = self._agent(model)
                thread_id = await self._open(agent, thread_id)
            agent._world.models = model
            await self._turn(agent, model, thread_id, turn, number)
            self.bodies.extend(request.body() for request in model.requests)
            self.prefixes.extend(request.prefix() for request in model.requests)
        assert agent is not None
        await agent.close()
        return thread_id

    def _agent(self, model: ScriptedModel) -> Agent:
        agent, _, _ = build(model, PLAIN, ASKS, ALONE, store=self.store, provider=PATIENT)
        return agent

    async def _open(self, agent: Agent, thread_id: str) -> str:
        op = ResumeThread(thread_id) if thread_id else StartThread()
        state = await agent.submit(op, RecordingClient())
        assert isinstance(state, ThreadState)
        return state.meta.id

    def _scripts(self, turn: PlannedTurn) -> list[Script]:
        scripts: list[Script] = []
        for step in turn.steps:
            script: Script = list(message(f"words {next(self.numbers)}"))
            for name in step.calls:
                script.extend(call(f"c{next(self.numbers)}", name))
            cut = ModelError("cut", kind="stream_cut", retryable=True)
            scripts.append([*script, cut] if step.cut else [*script, *end()])
        last = f"last {next(self.numbers)}"
        # a steer may make one more request necessary
        closing: list[Script] = [[*message(last)[:2], asyncio.Event()]] if turn.hangs else [[*message(last), *end()]] * 2
        return [*scripts, *closing]

    async def _turn(self, agent: Agent, model: ScriptedModel, thread_id: str, turn: PlannedTurn, number: int) -> None:
        decisions = iter(turn.decisions)

        def decide(approval: Approval) -> str:
            return next(decisions, "accept")

        client = RecordingClient(decide)
        overrides = Overrides(cwd=turn.cwd, model=turn.model)
        state = await agent.submit(StartTurn(thread_id, (Text(f"turn {number}"),), overrides), client)
        assert isinstance(state, TurnState)
        if turn.steer:
            await agent.submit(SteerTurn(thread_id, state.id, (Text(f"steer {number}"),)), client)
        if turn.hangs:
            await client.until(lambda event: "last" in getattr(event, "text", ""))
            await agent.submit(InterruptTurn(thread_id, state.id), client)
        done = await client.turn_end(state.id)
        assert done.status == ("interrupted" if turn.hangs else "completed"), done
        client.check_cards()


@settings(max_examples=60, deadline=None)
@given(st.lists(planned, min_size=1, max_size=4))
def test_prompts_only_grow_calls_are_answered_and_a_restart_changes_nothing(schedule: list[PlannedTurn]) -> None:
    steady, restarted = Play(schedule, restart=False), Play(schedule, restart=True)
    thread_id = asyncio.run(steady.run())
    asyncio.run(restarted.run())
    for before, after in itertools.pairwise(steady.prefixes):
        assert after.startswith(before)
    assert restarted.bodies == steady.bodies
    items = steady.store.load(thread_id)[1]
    calls = [item.call_id for item in items if isinstance(item, ModelItem) and item.is_call]
    answers = [item.call_id for item in items if isinstance(item, ToolOutput)]
    assert sorted(map(str, calls)) == sorted(answers)
    assert Thread(thread_id, items).unanswered == ()
