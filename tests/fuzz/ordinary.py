"""An ordinary conversation over any door: what must still work after anything else."""

from __future__ import annotations

from .doors import Line


async def turn(line: Line, cwd: str = "/") -> tuple[str, str]:
    """A new thread and a turn in it, to its end: the ids of both."""
    if line.door == "acp":
        session = (await line.result("session/new", {"cwd": cwd, "mcpServers": []}))["sessionId"]
        said = {"sessionId": session, "prompt": [{"type": "text", "text": "go"}]}
        assert (await line.result("session/prompt", said))["stopReason"] == "end_turn"
        return session, ""
    thread = (await line.result("thread/start", {"cwd": cwd}))["thread"]["id"]
    said = {"threadId": thread, "input": [{"type": "text", "text": "go"}]}
    started = (await line.result("turn/start", said))["turn"]["id"]
    await line.until(lambda: any(_ended(message, started) for message in line.told), "the turn did not end")
    return thread, started


def _ended(message: dict[str, object], turn_id: str) -> bool:
    params = message.get("params")
    if message.get("method") != "turn/completed" or not isinstance(params, dict):
        return False
    if params["turn"]["id"] == turn_id:
        assert params["turn"]["status"] == "completed", params
        return True
    return False
