"""MCP servers as they are: slow, silent, short-lived, gone; a caller always gets a result or a sentence."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from fakes.mcp_stand import LONG, Stand
from treadle.adapters.mcp.connection import Lost
from treadle.adapters.mcp.session import Desk, Session
from treadle.adapters.mcp.talk import Talk
from treadle.core.errors import ToolFailure, TreadleError
from treadle.core.settings import McpServer


def text(result: dict) -> str:
    return result["content"][0]["text"]


async def test_a_call_has_a_result_progress_structure_pictures_and_errors(stand: Stand) -> None:
    server = stand.server()
    await stand.pool.settle(stand.settings(server))
    names = {tool.name: tool for tool in stand.pool.tools(stand.settings(server))}
    assert names["echo"].read_only
    assert names["wipe"].destructive
    assert names["odd-name.tool"].read_only is None
    assert text(await stand.call(server, "echo", text="héllo")) == "héllo"
    assert (await stand.call(server, "sums", numbers=[1, 2]))["structuredContent"] == {"sum": 3}
    picture = (await stand.call(server, "image"))["content"][1]
    assert (picture["type"], picture["mimeType"]) == ("image", "image/png")
    assert (await stand.call(server, "fail"))["isError"]
    assert (await stand.call(server, "echo"))["isError"]
    (stand.folder / "quick").touch()
    said: list[str] = []
    assert text(await stand.call(server, "slow", said.append, name="quick")) == "waited"
    assert said == ["half way"]


async def test_many_calls_run_at_once_over_one_session(stand: Stand) -> None:
    server = stand.server()
    results = await asyncio.gather(*(stand.call(server, "echo", text=str(number)) for number in range(20)))
    assert [text(result) for result in results] == [str(number) for number in range(20)]
    assert len(stand.pids()) == 1


async def test_a_server_that_dies_in_a_call_says_so_and_is_back_for_the_next(stand: Stand) -> None:
    server = stand.server()
    with pytest.raises(ToolFailure, match="MCP server fake stopped while it worked on crash"):
        await stand.call(server, "crash")
    assert text(await stand.call(server, "echo", text="again")) == "again"
    assert len(stand.pids()) == 2


async def test_a_server_that_is_killed_while_idle_is_noticed_and_back_for_the_next_call(stand: Stand) -> None:
    server = stand.server()
    await stand.call(server, "echo", text="x")
    os.kill(stand.pids()[0], 9)
    assert "stopped unexpectedly" in ((await stand.heard("failed")).error or "")
    assert text(await stand.call(server, "echo", text="again")) == "again"


async def test_a_server_that_ends_at_once_is_told_with_its_last_words(stand: Stand) -> None:
    server = stand.server("--refuse")
    with pytest.raises(ToolFailure, match=r"MCP server fake is not connected: .*no license found"):
        await stand.call(server, "echo", text="x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"command": "/no/such/program"}, "there is no such program or folder: /no/such/program"),
        ({"cwd": "/no/such/folder"}, "there is no such program or folder"),
        ({"command": None, "url": "http://127.0.0.1:9/mcp"}, "cannot be reached"),
        (
            {"command": None, "url": "http://127.0.0.1:9/", "bearer_token_env_var": "UNSET"},
            "UNSET is not set; the header Authorization needs it",
        ),
    ],
)
async def test_a_server_that_cannot_be_had_is_told_in_one_sentence(stand: Stand, change: dict, words: str) -> None:
    server = replace(stand.server(), **change)
    with pytest.raises(ToolFailure, match=words) as failure:
        await stand.call(server, "echo")
    assert "\n" not in failure.value.sentence()


async def test_a_silent_server_is_given_up_in_time_and_its_process_ended(stand: Stand) -> None:
    server = stand.server("--silent", startup_timeout=1.0)
    with pytest.raises(ToolFailure, match=r"not ready within 1 s \(startup_timeout_sec\)"):
        await stand.call(server, "echo")
    await stand.close()
    # on a busy machine it was ended before it could say who it is
    for pid in stand.pids() if (stand.folder / "pids").exists() else ():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_call_that_takes_too_long_is_cancelled_in_the_server(stand: Stand, time_passes: Callable[[float], None]) -> None:
    server = stand.server()
    calling = asyncio.ensure_future(stand.call(replace(server, tool_timeout=LONG), "slow", name="never"))
    await stand.until("never.begun")
    time_passes(LONG)
    with pytest.raises(ToolFailure, match=r"slow of the MCP server fake did not answer within 60 s"):
        await calling
    await stand.until("never.cancelled")
    assert text(await stand.call(server, "echo", text="still there")) == "still there"


async def test_a_change_of_the_list_is_heard_and_kept_for_the_next_process(stand: Stand) -> None:
    server = stand.server()
    await stand.pool.settle(stand.settings(server))
    before = stand.pool.tools(stand.settings(server))
    stand.said.clear()
    await stand.call(server, "grow")
    await stand.heard("ready")
    after = stand.pool.tools(stand.settings(server))
    assert {tool.name for tool in after} - {tool.name for tool in before} == {"late"}
    assert {tool.name for tool in stand.new_pool().tools(stand.settings(server))} == {tool.name for tool in after}


async def test_a_server_inherits_nothing_but_what_its_table_names(stand: Stand) -> None:
    server = stand.server(env_vars=("WANTED", "NOT_SET"))
    given = text(await stand.call(server, "environment"))
    assert "WANTED=handed on" in given
    assert "SECRET_KEY" not in given


async def test_changing_what_is_allowed_restarts_nothing(stand: Stand) -> None:
    server = stand.server()
    await stand.call(server, "echo", text="x")
    stricter = replace(server, default_approval="prompt", disabled_tools=("echo",), tool_timeout=LONG)
    assert "echo" not in {tool.name for tool in stand.pool.tools(stand.settings(stricter))}
    assert text(await stand.call(stricter, "sums", numbers=[1])) == '{\n  "sum": 1\n}'
    assert len(stand.pids()) == 1


async def test_the_first_prompt_waits_for_an_unknown_server_no_longer_than_its_grace(stand: Stand) -> None:
    settings = stand.settings(stand.server("--wait-for", "go"), grace=0.05)
    await stand.pool.settle(settings)
    assert stand.pool.tools(settings) == ()
    (stand.folder / "go").touch()
    await stand.heard("ready")
    assert stand.pool.tools(settings)


async def test_a_required_server_is_waited_for_and_its_failure_stops_the_turn(stand: Stand) -> None:
    with pytest.raises(TreadleError, match=r"The MCP server fake, which is required, did not start"):
        await stand.pool.settle(stand.settings(stand.server("--refuse", required=True), grace=0.01))
    slow = stand.settings(stand.server("--wait-for", "go", name="slow", required=True), grace=0.01)
    waiting = asyncio.ensure_future(stand.pool.settle(slow))
    (stand.folder / "go").touch()
    await waiting
    assert stand.pool.tools(slow)


async def test_a_known_server_is_not_waited_for(stand: Stand) -> None:
    (stand.folder / "go").touch()
    settings = stand.settings(stand.server("--wait-for", "go"), grace=0)
    await stand.pool.settle(settings)
    known = stand.pool.tools(settings)
    await stand.pool.close()
    (stand.folder / "go").unlink()
    pool = stand.new_pool()
    await pool.settle(settings)
    assert pool.tools(settings) == known
    assert pool.statuses(settings)[0].state == "starting"


async def test_a_server_is_reached_over_http_with_the_headers_of_its_table(stand: Stand, over_http: Any) -> None:
    server = replace(over_http.server, bearer_token_env_var="SECRET_KEY", env_http_headers=(("X-Wanted", "WANTED"),))
    assert text(await stand.call(server, "echo", text="far away")) == "far away"
    status = stand.pool.statuses(stand.settings(server))[0]
    assert (status.state, status.auth) == ("ready", "bearer_token")
    assert status.origin == server.url.removesuffix("/mcp")  # type: ignore[union-attr]


async def test_a_server_over_http_that_is_killed_says_so_and_is_back_when_it_is(stand: Stand, over_http: Any) -> None:
    server = over_http.server
    await stand.call(server, "echo", text="x")
    await over_http.kill()
    with pytest.raises(ToolFailure, match="MCP server web"):
        await stand.call(server, "echo", text="x")
    await over_http.start()
    assert text(await stand.call(server, "echo", text="again")) == "again"


async def test_a_server_that_forgot_our_session_is_connected_anew(stand: Stand) -> None:
    class Forgetful:
        async def call_tool(self, *_: Any, **__: Any) -> Any:
            raise MCPError(-32600, "Session terminated")

    server = McpServer("web", url="http://127.0.0.1:9/mcp")
    session = Session(Forgetful(), server, Desk("web", stand.outside))  # type: ignore[arg-type]
    async with asyncio.timeout(LONG) as limit:
        with pytest.raises(Lost):
            await session.call("echo", {}, Talk(None, limit))


async def test_reloading_ends_what_is_not_wanted_and_tries_again_what_failed(stand: Stand) -> None:
    kept, gone = stand.server(), stand.server(name="gone")
    settings = stand.settings(kept, gone)
    await stand.pool.settle(settings)
    pids = stand.pids()
    await stand.pool.reload([stand.settings(kept)])
    alive = [pid for pid in pids if _alive(pid)]
    assert len(alive) == 1
    assert text(await stand.call(kept, "echo", text="kept")) == "kept"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_of_the_package_is_loaded_before_a_server_is_wanted() -> None:
    script = (
        "import sys, treadle.app; sys.exit(int(any(name.split('.')[0] in ('mcp', 'httpx2', 'anyio') for name in sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
