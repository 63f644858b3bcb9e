"""What there is to choose from, as a whole sidecar says it: providers without their keys, profiles, hooks with their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.house import House
from fakes.peer import HELLO, Peer
from fakes.responses import ModelServer
from treadle.server.lsp import OURS
from treadle.server.wire.methods import CLIENT_REQUESTS

MORE = """
[model_providers.open]
base_url = "http://127.0.0.1:9/v1"
[model_providers.secret]
name = "Secret"
base_url = "https://user:word@example.com/v1"
experimental_bearer_token = "sk-hidden-in-the-file"
"""
HOOKS = {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./check", "timeout": 7}]}], "Nonsense": []}


@pytest.fixture
async def peer(tmp_path: Path, model_server: ModelServer) -> Any:
    house = House(tmp_path, model_server)
    house.configure(house.configuration + MORE)
    (house.homes.codex / "hooks.json").write_text(json.dumps({"hooks": HOOKS}))
    peer = Peer(house.agent())
    await peer.result("initialize", HELLO)
    peer.house = house  # type: ignore[attr-defined]
    yield peer
    await peer.connection.close()


def test_every_method_is_ours_at_the_editors_door_too_and_none_of_the_editors_is() -> None:
    assert [name for name in CLIENT_REQUESTS if not name.startswith(OURS)] == ["initialize"]
    theirs = ("shutdown", "textDocument/hover", "workspace/executeCommand", "window/workDoneProgress/cancel", "codeLens/resolve")
    assert not [name for name in theirs if name.startswith(OURS)]


async def test_providers_are_listed_with_the_way_to_their_key_and_without_it(peer: Peer) -> None:
    answer = await peer.result("modelProvider/list")
    assert answer["defaultProviderId"] == "scripted"
    found = {row["id"]: row for row in answer["data"]}
    assert set(found) == {"openai", "ollama", "lmstudio", "local", "scripted", "open", "secret"}
    assert found["openai"]["settings"] == {"type": "openai"}
    auth = {name: row["settings"]["auth"]["mode"] for name, row in found.items() if name != "openai"}
    assert (auth["scripted"], auth["open"], auth["secret"]) == ("environmentVariable", "none", "externallyConfigured")
    assert found["scripted"]["settings"]["auth"]["envKey"] == "SCRIPTED_KEY"
    assert (found["open"]["baseUrl"], found["secret"]["baseUrl"]) == ("http://127.0.0.1:9/v1", None)
    assert "sk-hidden" not in json.dumps(answer)
    assert await peer.result("modelProvider/capabilities/read") == {"imageGeneration": False, "webSearch": False}


async def test_hooks_are_listed_with_their_file_and_what_is_wrong_with_it(peer: Peer) -> None:
    house: House = peer.house  # type: ignore[attr-defined]
    asked = {"cwds": [str(house.workspace), "/no/such/folder"]}
    here, nowhere = (await peer.result("hooks/list", asked))["data"]
    (hook,) = here["hooks"]
    assert (hook["eventName"], hook["matcher"], hook["command"], hook["timeoutSec"]) == ("preToolUse", "Bash", "./check", 7)
    assert (hook["source"], hook["sourcePath"]) == ("user", str(house.homes.codex / "hooks.json"))
    assert any("Nonsense" in warning for warning in here["warnings"])
    assert "no such folder" in nowhere["errors"][0]["message"]
    thread_id = (await peer.result("thread/start", {"cwd": str(house.workspace)}))["thread"]["id"]
    (of_thread,) = (await peer.result("hooks/list", {"threadId": thread_id}))["data"]
    assert of_thread["hooks"] == here["hooks"]
    both = {"threadId": thread_id, "cwds": [str(house.workspace)]}
    assert (await peer.ask("hooks/list", both))["error"]["data"] == {"path": "cwds"}


async def test_profiles_come_in_pages_and_what_treadle_has_not_is_empty(peer: Peer) -> None:
    first = await peer.result("permissionProfile/list", {"limit": 2})
    rest = await peer.result("permissionProfile/list", {"cursor": first["nextCursor"]})
    ids = [row["id"] for page in (first, rest) for row in page["data"]]
    assert ids == [":read-only", ":workspace", ":danger-full-access"]
    assert (await peer.result("experimentalFeature/list")) == {"data": [], "nextCursor": None}
    assert (await peer.result("collaborationMode/list")) == {"data": []}
    assert (await peer.result("configRequirements/read")) == {"supportsIndependentSpeedModes": None, "requirements": None}
