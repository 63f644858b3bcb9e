"""A login shell may answer while a turn runs: its variables are taken as soon as they are there, and then kept."""

from __future__ import annotations

from fakes.world import FakeTool, RecordingClient, ScriptedModel, begin, build, call, end, message
from treadle.core.settings import Settings
from treadle.runtime.ports import Call, Scope


class Answering:
    """Answers with the second call of the turn."""

    def __init__(self, calls: list[Scope]) -> None:
        self._calls = calls

    def variables(self, settings: Settings) -> tuple[dict[str, str], bool]:
        done = bool(self._calls)
        return {"PATH": "/of/the/login" if done else "/bin"}, done

    def secrets(self, settings: Settings) -> tuple[str, ...]:
        return ()

    async def close(self) -> None:
        pass


async def test_what_a_login_shell_says_counts_from_the_next_call() -> None:
    seen: list[Scope] = []

    async def look(asked: Call, scope: Scope) -> str:
        seen.append(scope)
        return "ok"

    model = ScriptedModel(*[[*call(name), *end()] for name in "abc"], [*message("done"), *end()])
    agent, _, _ = build(model, FakeTool(run=look))
    agent._world.environment = Answering(seen)  # type: ignore[assignment]
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    assert [scope.login_done for scope in seen] == [False, True, True]
    assert [scope.environment["PATH"] for scope in seen] == ["/bin", "/of/the/login", "/of/the/login"]
