"""A thread that is put away stops: real commands, real store; only the model's words are scripted."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from fakes import call, reply, text
from fakes.house import House, outputs
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.core.events import CardDelta
from treadle.core.items import Text
from treadle.core.ops import ArchiveThread, ResumeThread, StartTurn

SERVER = {"cmd": "setsid sleep 1000 & echo up; exec sleep 1000", "yield_time_ms": 250, "login": False}


def alive(folder: Path) -> list[str]:
    """Processes that work in `folder`."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(folder):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [line for line in found if line.startswith("sleep 1000")]


async def test_archiving_a_thread_ends_its_background_commands(tmp_path: Path, model_server: ModelServer) -> None:
    house = House(tmp_path, model_server)
    model_server.script([reply(call("exec_command", SERVER)), reply(text("It runs."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    assert "Process running with session ID" in outputs(model_server.requests[1].json)[0]
    async with asyncio.timeout(60):
        while not alive(house.workspace):  # noqa: ASYNC110 - another process, which may have only just begun
            await asyncio.sleep(0.01)
    await agent.submit(ArchiveThread(thread_id, True), client)
    assert alive(house.workspace) == []
    await agent.submit(ArchiveThread(thread_id, False), client)
    await agent.submit(ResumeThread(thread_id), client)
    model_server.script([reply(call("exec_command", {"cmd": "echo again"})), reply(text("Ok."))])
    turn = await agent.submit(StartTurn(thread_id, (Text("go on"),)), client)
    assert (await client.turn_end(turn.id)).status == "completed"  # type: ignore[union-attr]
    assert "again" in outputs(model_server.requests[3].json)[1]
    await agent.close()


async def test_archiving_a_thread_stops_its_turn(tmp_path: Path, model_server: ModelServer) -> None:
    house = House(tmp_path, model_server)
    model_server.script([reply(call("exec_command", SERVER | {"yield_time_ms": 30_000}))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    await client.until(lambda event: isinstance(event, CardDelta) and "up" in event.text)
    await agent.submit(ArchiveThread(thread_id, True), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    assert alive(house.workspace) == []
    await agent.close()
