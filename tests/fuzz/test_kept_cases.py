"""The committed cases of JSON-RPC: each at every door in this process, and all of them at a real process of each door.

A `headers_*` is bytes for the door with Content-Length headers, a `lines_*` for those with a JSON text a line; after a `cut_*`
nothing more comes. Every other file has a body a line, which each door gets in its own framing.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fakes import text
from fakes.house import House
from fakes.responses import ModelServer
from fakes.sidecar import program

from . import ordinary
from .common import CORPUS, pieces
from .doors import DOORS, Line, Name, doors
from .junk import told
from .test_bytes_at_doors import opened_on_a_script

FILES = sorted((CORPUS / "jsonrpc").glob("*.txt"))


def _is_raw(path: Path) -> bool:
    return path.stem.startswith(("headers_", "lines_", "cut_"))


def _is_for(path: Path, door: Name) -> bool:
    return not _is_raw(path) or ("headers" in path.stem) is (door == "serve")


def _named(value: Any) -> str:
    return value.stem if isinstance(value, Path) else value


async def _write(line: Line, path: Path) -> None:
    """All of a file, and the requests in it are answered."""
    if _is_raw(path):
        for piece in pieces(path):
            await line.write(piece)
        if not path.stem.startswith("cut_"):
            await line.fence()
            line.unnamed.clear()
        return
    sent = [told(body) for body in pieces(path)]
    await line.write(b"".join(line.framed(one.body) for one in sent))
    await line.fence()
    for one in sent:
        if one.id is not None:
            await line.answer(one.id)
    refusals = len(line.unnamed)
    assert sum(one.least for one in sent) <= refusals <= sum(one.most for one in sent), (path.name, line.unnamed)
    line.forget()


async def _replay(door: Name, path: Path) -> None:
    async with opened_on_a_script(door) as line:
        await line.greet()
        await _write(line, path)
        if not path.stem.startswith("cut"):
            await line.fence()
            await ordinary.turn(line)


@pytest.mark.parametrize(("door", "path"), [(door, path) for door in DOORS for path in FILES if _is_for(path, door)], ids=_named)
def test_a_kept_case_costs_no_more_than_itself(door: Name, path: Path) -> None:
    asyncio.run(_replay(door, path))


# real processes


@asynccontextmanager
async def process(door: Name, folder: Path, server: ModelServer):
    """A client of `treadle DOOR`. At the end of its input it ends, and has said nothing of its inside."""
    house = House(folder, server)
    argv, variables = program(os.geteuid())
    homes = {"CODEX_HOME": str(house.homes.codex), "TREADLE_HOME": str(house.homes.treadle)}
    env = {**os.environ, **variables, **house.environ, **homes}
    (door_in, to_door), (from_door, door_out) = os.pipe(), os.pipe()
    os.set_blocking(to_door, False)
    with tempfile.TemporaryFile() as stderr:
        streams = {"stdin": door_in, "stdout": door_out, "stderr": stderr}
        ran = subprocess.Popen([*argv, door], **streams, env=env, cwd=house.workspace)  # noqa: ASYNC220 - takes no time
        os.close(door_in)
        os.close(door_out)
        serving = asyncio.ensure_future(asyncio.to_thread(ran.wait))
        line = Line(door, to_door, from_door, serving)
        left = {to_door}
        try:
            yield line
            os.close(left.pop())
            assert await asyncio.wait_for(serving, 60) == 0
            line.rest()
            line.check()
            stderr.seek(0)
            said = stderr.read().decode(errors="replace")
            assert "Traceback" not in said and " ERROR " not in said, said[-4000:]
        finally:
            for fd in left:
                os.close(fd)
            ran.kill()
            await asyncio.gather(serving, return_exceptions=True)
            line.close()
            os.close(from_door)


async def _replay_all(door: Name, folder: Path, server: ModelServer) -> None:
    """Each case before the greeting and after it, and at last one that is cut."""
    mine = [path for path in FILES if _is_for(path, door)]
    whole, cut = ([path for path in mine if path.stem.startswith("cut_") is is_cut] for is_cut in (False, True))
    async with process(door, folder, server) as line:
        for path in whole:
            if not _is_raw(path):
                await _write(line, path)
        await line.greet()
        for path in whole:
            await _write(line, path)
        await ordinary.turn(line, str(folder / "home" / "ws"))
        await _write(line, cut[0])


@doors()
def test_a_process_lives_through_all_kept_cases(door: Name, tmp_path: Path) -> None:
    with ModelServer([text("Done.")]) as server:
        asyncio.run(_replay_all(door, tmp_path, server))
