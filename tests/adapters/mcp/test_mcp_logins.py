"""Logins to a server over HTTP, against a real OAuth server: discovered, registered, proved, kept, renewed, and in no log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from fakes.mcp_stand import LONG, TESTS, Stand
from fakes.ports import reserved_port
from treadle.adapters.mcp.tokens import Login, TokenFile
from treadle.core.errors import ToolFailure, TreadleError
from treadle.core.mcp import LoginWish
from treadle.core.settings import McpServer


@asynccontextmanager
async def guarded(stand: Stand, *flags: str) -> AsyncIterator[McpServer]:
    place, port = reserved_port()
    arguments = ("-m", "fakes.mcp_oauth", "--port", str(port), "--folder", str(stand.folder), *flags)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env={**os.environ, "PYTHONPATH": TESTS})
    try:
        async with asyncio.timeout(LONG), httpx.AsyncClient(timeout=LONG) as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
        yield McpServer("guarded", url=f"http://127.0.0.1:{port}/mcp", startup_timeout=LONG, tool_timeout=LONG)
    finally:
        process.kill()
        await process.wait()
        place.close()


@pytest.fixture
async def server(stand: Stand) -> AsyncIterator[McpServer]:
    async with guarded(stand) as made:
        yield made


class Browser:
    """Opens addresses as a user's browser would, and goes where it is sent."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    async def open(self, url: str) -> httpx.Response:
        self.urls.append(url)
        async with httpx.AsyncClient(follow_redirects=True, timeout=LONG) as client:
            return await client.get(url)


async def log_in(
    stand: Stand, server: McpServer, wish: LoginWish | None = None, visit: Callable[[str], Any] | None = None
) -> str | None:
    """What went wrong, None when nothing did."""
    done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    url = await stand.pool.login(server, stand.settings(server), wish or LoginWish(seconds=LONG), done.set_result)
    await (visit or Browser().open)(url)
    return await done


def grants(stand: Stand) -> list[dict]:
    return [json.loads(line) for line in (stand.folder / "grants").read_text().splitlines()]


def kept(stand: Stand, server: McpServer) -> Login:
    login = stand.tokens.read(server)
    assert login is not None
    return login


async def test_a_server_that_wants_a_login_says_how_to_log_in_and_is_not_tried_again(stand: Stand, server: McpServer) -> None:
    with pytest.raises(ToolFailure, match="it wants you to log in: run `treadle mcp login guarded`"):
        await stand.call(server, "secret")
    status = stand.pool.statuses(stand.settings(server))[0]
    assert (status.state, status.auth, status.retry_in) == ("failed", "not_logged_in", None)
    assert not (stand.folder / "grants").exists(), "nobody is registered before a login is asked for"


async def test_a_login_opens_the_server_and_is_kept_where_only_its_owner_can_read_it(
    stand: Stand, server: McpServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "treadle")
    assert await log_in(stand, server) is None
    result = await stand.call(server, "secret")
    assert result["structuredContent"] == {"result": "open sesame"}
    assert stand.pool.statuses(stand.settings(server))[0].auth == "oauth"
    path = stand.folder / "tokens" / "mcp.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    registered, granted = grants(stand)
    assert registered == {"registered": "Treadle"}
    assert (granted["grant"], granted["scopes"], granted["resource"]) == ("authorization_code", ["read"], server.url)
    login = kept(stand, server)
    assert login.access_token in path.read_text()
    for secret in (login.access_token, login.refresh_token or "none"):
        assert secret not in caplog.text
        assert secret not in repr(login)
    # another process needs no login
    pool = stand.new_pool()
    assert (await pool.call(server, stand.settings(server), "secret", {}, print))["structuredContent"]


async def test_a_login_proves_itself_by_a_challenge(stand: Stand, server: McpServer) -> None:
    browser = Browser()
    assert await log_in(stand, server, visit=browser.open) is None
    query = parse_qs(urlsplit(browser.urls[0]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) > 20
    assert query["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert query["resource"] == [server.url]


async def test_the_scopes_of_the_user_come_before_those_of_the_server(stand: Stand, server: McpServer) -> None:
    assert await log_in(stand, server, LoginWish(("read", "write"), seconds=LONG)) is None
    assert grants(stand)[-1]["scopes"] == ["read", "write"]
    assert await log_in(stand, replace(server, scopes=("read", "write"))) is None
    assert grants(stand)[-1]["scopes"] == ["read", "write"]


async def test_a_program_that_was_registered_by_hand_is_not_registered_again(stand: Stand, server: McpServer) -> None:
    class Seen(Exception):
        pass

    async def visit(url: str) -> None:
        assert parse_qs(urlsplit(url).query)["client_id"] == ["by-hand"]
        raise Seen

    with pytest.raises(Seen):
        await log_in(stand, replace(server, oauth_client_id="by-hand"), visit=visit)
    assert not (stand.folder / "grants").exists()


async def test_a_token_is_renewed_before_it_runs_out_once_for_all_calls(stand: Stand) -> None:
    # a second less than what counts as late
    async with guarded(stand, "--expires", "29") as server:
        assert await log_in(stand, server) is None
        before = kept(stand, server)
        await asyncio.gather(*(stand.call(server, "secret") for _ in range(5)))
        after = kept(stand, server)
        assert after.access_token != before.access_token
        assert after.refresh_token != before.refresh_token
        assert grants(stand)[-1]["grant"] == "refresh_token"
        assert grants(stand)[-1]["resource"] == server.url


async def test_a_token_that_was_taken_back_is_renewed_and_the_call_is_made(stand: Stand, server: McpServer) -> None:
    assert await log_in(stand, server) is None
    (stand.folder / "revoked").write_text(kept(stand, server).access_token)
    assert (await stand.call(server, "secret"))["structuredContent"]
    assert [grant["grant"] for grant in grants(stand)[1:]] == ["authorization_code", "refresh_token"]


async def test_a_login_that_has_ended_says_so_and_a_new_one_helps(stand: Stand, server: McpServer) -> None:
    assert await log_in(stand, server) is None
    (stand.folder / "revoked").write_text(kept(stand, server).access_token)
    (stand.folder / "closed").touch()
    for _ in range(2):
        with pytest.raises(ToolFailure, match="its login has ended: run `treadle mcp login guarded`"):
            await stand.call(server, "secret")
    with pytest.raises(ToolFailure, match="its login has ended: run `treadle mcp login guarded`"):
        await stand.call(server, "secret")
    assert stand.pool.statuses(stand.settings(server))[0].auth == "not_logged_in"
    (stand.folder / "closed").unlink()
    assert await log_in(stand, server) is None
    assert (await stand.call(server, "secret"))["structuredContent"]


async def test_a_user_who_says_no_is_heard(stand: Stand, server: McpServer) -> None:
    (stand.folder / "refuse").touch()
    problem = await log_in(stand, server)
    assert problem == "The login to guarded failed: access_denied the user said no"
    assert stand.tokens.read(server) is None


async def test_who_does_not_know_the_state_is_sent_away_and_the_login_goes_on(stand: Stand, server: McpServer) -> None:
    answers: list[httpx.Response] = []

    async def visit(url: str) -> None:
        back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        async with httpx.AsyncClient(timeout=LONG) as client:
            answers.extend(
                [await client.get(f"{back}?code=stolen&state=guessed"), await client.get(back.replace("callback", "x"))]
            )
            answers.append(await client.post(back))
        answers.append(await Browser().open(url))

    assert await log_in(stand, server, visit=visit) is None
    assert [answer.status_code for answer in answers] == [400, 404, 404, 200]
    assert "You are logged in" in answers[-1].text


async def test_a_user_who_never_comes_is_not_waited_for(
    stand: Stand, server: McpServer, time_passes: Callable[[float], None]
) -> None:
    async def stay_away(url: str) -> None:
        time_passes(LONG)

    problem = await log_in(stand, server, LoginWish(seconds=LONG), stay_away)
    assert problem == "Nobody logged in to guarded within 60 s."


async def test_a_login_that_is_begun_again_ends_the_one_before(stand: Stand, server: McpServer) -> None:
    first: list[str | None] = []
    await stand.pool.login(server, stand.settings(server), LoginWish(seconds=LONG), first.append)
    assert await log_in(stand, server) is None
    assert first == ["The login was given up."]


async def test_of_two_logins_that_are_begun_at_once_both_are_answered(stand: Stand) -> None:
    server = McpServer("gone", url="http://127.0.0.1:9/mcp")
    begun = (stand.pool.login(server, stand.settings(server), LoginWish(seconds=LONG), lambda problem: None) for _ in range(2))
    async with asyncio.timeout(LONG):
        first, second = await asyncio.gather(*begun, return_exceptions=True)
    assert isinstance(first, TreadleError) and first.message == "The login was given up."
    assert isinstance(second, TreadleError) and "it cannot be reached" in second.message


async def test_a_server_without_a_login_says_so(stand: Stand, over_http: Any) -> None:
    with pytest.raises(TreadleError, match="There is nothing to log in to at web: it lets you in without a login"):
        await stand.pool.login(over_http.server, stand.settings(over_http.server), LoginWish(), lambda problem: None)
    with pytest.raises(TreadleError, match="fake is started by a command"):
        await stand.pool.login(stand.server(), stand.settings(), LoginWish(), lambda problem: None)
    gone = McpServer("gone", url="http://127.0.0.1:9/mcp")
    with pytest.raises(TreadleError, match="The login to gone failed: it cannot be reached"):
        await stand.pool.login(gone, stand.settings(gone), LoginWish(), lambda problem: None)


async def test_a_token_of_the_table_that_is_refused_is_not_taken_for_a_missing_login(stand: Stand, server: McpServer) -> None:
    with pytest.raises(ToolFailure, match=r"it refused the token that its table in config\.toml names \(401\)"):
        await stand.call(replace(server, bearer_token_env_var="SECRET_KEY"), "secret")


def test_a_login_is_good_for_one_server_at_one_address(stand: Stand) -> None:
    server = McpServer("a", url="https://a.example/mcp")
    stand.tokens.write(server, Login("https://a.example/mcp", "at", "https://a.example/token", {}))
    assert stand.tokens.read(server) is not None
    assert stand.tokens.read(replace(server, url="https://evil.example/mcp")) is None
    assert stand.tokens.read(replace(server, name="b")) is None
    stand.tokens.write(server, None)
    assert stand.tokens.read(server) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a|x": 3}', b"\xff", b"[" * 100_000])
def test_a_broken_file_of_logins_is_as_good_as_none(stand: Stand, content: bytes) -> None:
    path = stand.folder / "mcp.json"
    path.write_bytes(content)
    server = McpServer("a", url="https://a.example/mcp")
    assert TokenFile(path).read(server) is None
    TokenFile(path).write(server, Login("https://a.example/mcp", "at", "https://a.example/token", {}))
    assert TokenFile(path).read(server) is not None


def test_what_gives_access_is_known_also_what_says_who_we_are(stand: Stand) -> None:
    server = McpServer("a", url="https://a.example/mcp")
    client = {"client_id": "not secret", "client_secret": "s", "registration_access_token": "r"}
    stand.tokens.write(server, Login("https://a.example/mcp", "at", "https://a.example/token", client, "rt"))
    assert sorted(stand.tokens.secrets()) == ["at", "r", "rt", "s"]


def test_a_login_that_cannot_be_kept_is_said(stand: Stand) -> None:
    (stand.folder / "file").touch()
    with pytest.raises(TreadleError, match="The login cannot be kept"):
        TokenFile(stand.folder / "file" / "x.json").write(McpServer("a", url="u"), None)
