"""Fakes of the runtime's ports: small, deterministic, and honest about order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from treadle import prompts
from treadle.core.asking import ACCEPT, ACCEPT_FOR_THREAD, CANCEL, DECLINE, Decision
from treadle.core.compaction import Room, room
from treadle.core.context import Document
from treadle.core.events import CardCompleted, CardStarted, Event, TurnCompleted
from treadle.core.history import TurnState
from treadle.core.items import Context, Item, JsonObject, Opening, Section, Text
from treadle.core.ops import StartThread, StartTurn
from treadle.core.policy import Harmless, Wish
from treadle.core.prompt import Request, dumps
from treadle.core.replies import Compacted, Delta, ItemBegun, ItemDone, ReplyCompleted, ReplyEvent, Usage
from treadle.core.settings import Provider, Sandboxed, SandboxPolicy, Settings
from treadle.core.skills import FoundSkills
from treadle.core.thread import Thread
from treadle.core.thread_ops import Background
from treadle.core.views import CallCard
from treadle.runtime.agent import Agent, ThreadState
from treadle.runtime.assembly import World
from treadle.runtime.listing import ListingChange, ToolsByName
from treadle.runtime.ports import Call, Files, Plan, SandboxStatus, Scope, Tool, ToolResult, Versions
from treadle.runtime.ports.watch import Watch
from treadle.runtime.skills import Invocations, NoSkills

from .stores import MemoryStore

PROVIDER = Provider("fake", "Fake", "http://127.0.0.1:9", request_max_retries=2, stream_max_retries=2)


class FrozenClock:
    """Time stands still but for `sleep`, which moves it at once."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.slept: list[float] = []
        self._ids = itertools.count(1)

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    def new_id(self) -> str:
        return f"id-{next(self._ids):05}"


Script = list[ReplyEvent | Exception | asyncio.Event]


class ScriptedModel:
    """Plays one script per request; an Event in it is waited for, an exception raised."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.requests: list[Request] = []
        self.compactions: list[list[JsonObject] | Exception] = []
        self.compacted: list[Request] = []

    async def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
        self.requests.append(request)
        for event in self.scripts.pop(0):
            if isinstance(event, asyncio.Event):
                await event.wait()
            elif isinstance(event, Exception):
                raise event
            else:
                yield [event]

    async def compact(self, request: Request) -> Compacted:
        """Plays `compactions` in the same way."""
        self.compacted.append(request)
        answer = self.compactions.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Compacted(tuple(answer), Usage(100, 0, 10, 0, 110))

    def get(self, provider: Provider, settings: Settings) -> ScriptedModel:
        return self

    async def close(self) -> None:
        pass


def message(text: str, key: str = "m") -> Script:
    payload = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    begun = ItemBegun(key, "message", {"type": "message"})
    return [begun, Delta(key, "text", text), ItemDone(key, "message", payload)]


def call(call_id: str, name: str = "echo", arguments: str = "{}") -> Script:
    payload = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    return [ItemBegun(call_id, "function_call", {}), ItemDone(call_id, "function_call", payload)]


def end(tokens: int = 10) -> Script:
    return [ReplyCompleted("r", Usage(tokens, 0, 1, 0, tokens + 1))]


class FakeTool:
    """A tool whose behaviour is a function of the call."""

    def __init__(
        self,
        name: str = "echo",
        *,
        run: Callable[[Call, Scope], Any] | None = None,
        wish: Wish | None = None,
        parallel: bool = True,
    ) -> None:
        self.name = name
        self.parallel = parallel
        self.wish = wish or Harmless()
        self.policies: list[SandboxPolicy] = []
        self._run = run

    def spec(self, custom_tools: bool) -> JsonObject:
        return {"type": "function", "name": self.name, "parameters": {"type": "object", "properties": {}}}

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        return Plan({"view": "tool", "tool": self.name, "arguments": call.arguments}, self.wish)

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        self.policies.append(scope.policy)
        text = "ok" if self._run is None else await self._run(call, scope)
        return ToolResult(text, plan.view)


SPOKEN = {"accept": ACCEPT, "accept_for_session": ACCEPT_FOR_THREAD, "decline": DECLINE, "cancel": CANCEL}


class RecordingClient:
    """Keeps all events; answers what it is asked by a function that gives a Decision, or one of SPOKEN's words."""

    def __init__(self, decide: Callable[[Any], Any] | None = None) -> None:
        self.events: list[Event] = []
        self.asked: list[Any] = []
        self._decide = decide
        self._changed = asyncio.Event()

    def notify(self, events: Sequence[Event]) -> None:
        self.events.extend(events)
        self._changed.set()

    async def ask(self, asked: Any) -> Decision:
        self.asked.append(asked)
        self._changed.set()
        if self._decide is None:
            return ACCEPT
        answer = self._decide(asked)
        answer = await answer if asyncio.iscoroutine(answer) else answer
        return SPOKEN[answer] if isinstance(answer, str) else answer

    async def until(self, seen: Callable[[Event], bool], timeout: float = 60) -> Event:
        """The first event, past or to come, for which `seen` is true."""
        async with asyncio.timeout(timeout):
            while True:
                for event in self.events:
                    if seen(event):
                        return event
                self._changed.clear()
                await self._changed.wait()

    async def until_asked(self, timeout: float = 60) -> Any:
        """The first approval that is asked for."""
        async with asyncio.timeout(timeout):
            while not self.asked:
                self._changed.clear()
                await self._changed.wait()
        return self.asked[0]

    async def turn_end(self, turn_id: str) -> TurnCompleted:
        event = await self.until(lambda e: isinstance(e, TurnCompleted) and e.turn_id == turn_id)
        assert isinstance(event, TurnCompleted)
        return event

    def calls_completed(self) -> list[CallCard]:
        cards = [event.card for event in self.events if isinstance(event, CardCompleted)]
        return [card for card in cards if isinstance(card, CallCard)]

    def check_cards(self) -> None:
        """Every card that was started is completed once, in that order."""
        started = [event.card.id for event in self.events if isinstance(event, CardStarted)]
        completed = [event.card.id for event in self.events if isinstance(event, CardCompleted)]
        assert len(set(started)) == len(started)
        assert sorted(started) == sorted(completed)


class FakeSandbox:
    def __init__(self, status: SandboxStatus | None = None) -> None:
        self._status = status or SandboxStatus("bubblewrap", available=True)

    async def status(self) -> SandboxStatus:
        return self._status

    async def close(self) -> None:
        pass


class FakeBriefing:
    """One Opening, one Context; the environment section follows `Settings.cwd`."""

    def __init__(self, clock: FrozenClock, tools: Sequence[Tool]) -> None:
        self._clock = clock
        self._tools = tools

    def tools(self, settings: Settings) -> Sequence[Tool]:
        return self._tools

    def news(self, thread: Thread, settings: Settings, *, sandboxed: Sandboxed, granted: tuple[str, ...] = ()) -> Sequence[Item]:
        items: list[Item] = []
        new_id, now = self._clock.new_id, self._clock.now()
        if thread.opening is None:
            tools = dumps([tool.spec(True) for tool in self._tools])
            items.append(Opening(new_id(), now, settings.model, settings.provider.id, "base", tools))
        if thread.told.get("environment") != settings.cwd:
            items.append(Context(new_id(), now, "user", (Section("environment", settings.cwd),)))
        return items

    async def ready(self, thread: Thread, settings: Settings) -> None:
        pass

    def tools_of(self, thread: Thread, settings: Settings) -> ToolsByName:
        return {tool.name: tool for tool in self._tools}

    def pending(self, thread: Thread, settings: Settings) -> ListingChange:
        return ListingChange((), (), ())

    def refresh(self, thread: Thread) -> None:
        pass

    def tail(self, settings: Settings) -> JsonObject:
        return {"reasoning": {"effort": settings.effort}}

    def sources(self, settings: Settings) -> tuple[str, ...]:
        return ()

    def documents(self, settings: Settings) -> tuple[Document, ...]:
        """AGENTS.md of the folder, which is read where the settings let it."""
        return (Document(f"{settings.cwd}/AGENTS.md", "Be kind."),) if settings.doc_max_bytes else ()

    def problems(self, settings: Settings) -> tuple[str, ...]:
        return ()

    def noticed(self, thread: Thread) -> Sequence[Event]:
        return ()

    def invocations(self, settings: Settings, warn: Callable[[str], None]) -> Invocations:
        return Invocations(FoundSkills, NoSkills().body, self._clock, warn)

    def window(self, settings: Settings) -> int | None:
        return settings.context_window or 1000

    def room(self, settings: Settings) -> Room:
        return room(settings.context_window or 1_000_000, settings.auto_compact_limit)

    def summary_instruction(self, settings: Settings) -> str:
        return settings.compact_prompt or "Sum it up."


class NoFiles:
    """A world without symlinks, and nothing to read."""

    def resolve(self, path: str) -> str:
        return path


class NoVariables:
    def variables(self, settings: Settings) -> tuple[dict[str, str], bool]:
        return {}, False

    def secrets(self, settings: Settings) -> tuple[str, ...]:
        return ()

    async def asked(self) -> None:
        pass

    async def close(self) -> None:
        pass


class NoSessions:
    def running(self) -> list[Background]:
        return []

    async def end_one(self, process_id: str) -> bool:
        return False

    async def end_turn(self, turn_id: str) -> None:
        pass

    async def close(self) -> None:
        pass


async def no_info(what: str, **args: Any) -> Any:
    return prompts.load(args["name"]) if what == "wording" else {}


def build(
    model: ScriptedModel,
    *tools: FakeTool,
    store: MemoryStore | None = None,
    sandbox: FakeSandbox | None = None,
    files: Files | None = None,
    versions: Versions | None = None,
    watch: Watch | None = None,
    policy: SandboxPolicy | None = None,
    **settings: Any,
) -> tuple[Agent, FrozenClock, MemoryStore]:
    """An agent on fakes."""
    clock, store = FrozenClock(), store or MemoryStore()
    store.close()  # whoever had it before is another process, which is no more

    def configure(cwd: str | None, keys: Mapping[str, Any]) -> tuple[Settings, tuple[str, ...]]:
        base: dict[str, Any] = {"cwd": cwd or "/ws", "model": keys.get("model", "m"), "provider": PROVIDER}
        if policy is not None:
            base["sandbox"] = policy
        return Settings(**{**base, **settings}), ()

    world = World(
        models=model,
        sandbox=sandbox or FakeSandbox(),  # type: ignore[arg-type]
        files=files or NoFiles(),  # type: ignore[arg-type]
        versions=versions,
        watch=watch,
        store=store,
        clock=clock,
        briefing=FakeBriefing(clock, tools or (FakeTool(),)),  # type: ignore[arg-type]
        configure=configure,
        environment=NoVariables(),
        new_sessions=NoSessions,
        info=no_info,
    )
    return Agent(world), clock, store


async def begin(agent: Agent, client: RecordingClient, text: str = "hi") -> tuple[str, str]:
    state = await agent.submit(StartThread(), client)
    assert isinstance(state, ThreadState)
    return state.meta.id, await more(agent, client, state.meta.id, text)


async def more(agent: Agent, client: RecordingClient, thread_id: str, text: str = "hi") -> str:
    turn = await agent.submit(StartTurn(thread_id, (Text(text),)), client)
    assert isinstance(turn, TurnState)
    return turn.id
