"""Patches that nobody should send, through a whole sidecar: refused in words, nothing written, and the thread goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import custom, reply, text
from fakes.house import PATCH, House, outputs
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.core.events import TurnCompleted


def adding(path: str, content: str = "x") -> str:
    return f"*** Begin Patch\n*** Add File: {path}\n+{content}\n*** End Patch"


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        pytest.param("*** Begin Patch\n*** Add File: a\n" + "+0123456789\n" * 900_000 + "*** End Patch", "split it", id="10 MB"),
        pytest.param(adding("a", "x\0y"), "line 3 holds a NUL character", id="NUL"),
        pytest.param(adding("a\0b"), "line 2 holds a NUL character", id="NUL in a path"),
        pytest.param(adding("../../out"), "declined", id="out of the workspace"),
        pytest.param(adding("sub/../../out"), "declined", id="out of the workspace by detours"),
        pytest.param(adding(".git/hooks/pre-commit"), "declined", id="protected"),
        pytest.param(adding("x" * 300), "File name too long", id="a long name"),
        pytest.param(adding("a/" * 3000 + "b"), "File name too long", id="a long path"),
        pytest.param("", "first line of the patch must be", id="nothing"),
    ],
)
async def test_a_bad_patch_is_refused_in_words_and_the_thread_goes_on(
    tmp_path: Path, model_server: ModelServer, patch: str, words: str
) -> None:
    house = House(tmp_path, model_server)
    # No model's window is as large: else the patch would be summed up, which is another test's matter.
    house.configure("model_context_window = 100000000\n" + house.configuration)
    model_server.script(
        [reply(custom("apply_patch", patch, deltas=3)), reply(custom("apply_patch", PATCH)), reply(text("Done."))]
    )
    agent, client = house.agent(), RecordingClient(lambda asked: "decline")
    _, turn_id = await house.begin(agent, client)
    ended = await client.until(lambda event: isinstance(event, TurnCompleted) and event.turn_id == turn_id, timeout=60)
    assert isinstance(ended, TurnCompleted) and ended.status == "completed"
    client.check_cards()
    refused, applied = outputs(model_server.requests[2].json)
    assert words in refused and len(refused) < 2_000
    assert applied.startswith("Success")
    assert sorted(path.name for path in house.workspace.parent.rglob("*") if ".git" not in path.parts) == [
        "AGENTS.md",
        "hello.py",
        "ws",
    ]
    await agent.close()
