"""The embedded model under the real agent, store and sandbox: streamed words, a command run, nothing left behind."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from treadle.app import Options, open_agent
from treadle.core.asking import ACCEPT, Asked, Decision
from treadle.core.events import CardCompleted, CardDelta, Event, ProgressReported, TurnCompleted, UsageUpdated
from treadle.core.items import Text
from treadle.core.ops import Overrides, StartThread, StartTurn
from treadle.core.settings import SandboxPolicy
from treadle.core.views import CallCard, MessageCard
from treadle.runtime.agent import ThreadState

pytestmark = [pytest.mark.e2e, pytest.mark.local_model]


class Watcher:
    """A client that says yes and remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.asked: list[Asked] = []
        self.over = asyncio.Event()

    def notify(self, events: Sequence[Event]) -> None:
        self.events += events
        if any(isinstance(event, TurnCompleted) for event in events):
            self.over.set()

    async def ask(self, asked: Asked) -> Decision:
        self.asked.append(asked)
        return ACCEPT


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A clean git repository, and homes of our own: half a gigabyte of weights that goes away again."""
    folder = tmp_path / "repository"
    git = ["git", "-C", str(folder), "-c", "user.name=Test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "notes.txt").write_text("buy milk\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "Take a note"], check=True)
    with tempfile.TemporaryDirectory(prefix="treadle-home-") as home:
        monkeypatch.setenv("TREADLE_HOME", home)
        monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        yield folder


async def changes(repository: Path) -> bytes:
    status = ["git", "-C", str(repository), "status", "--porcelain"]
    return await asyncio.to_thread(subprocess.check_output, status, env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"})


async def test_a_request_is_answered_by_the_embedded_model(repository: Path) -> None:
    watcher = Watcher()
    agent = await open_agent(Options({"local.size": "0.5b", "local.context": 4096}))
    try:
        read_only = Overrides(cwd=str(repository), sandbox=SandboxPolicy("read-only"))
        state = await agent.submit(StartThread(read_only), watcher)
        assert isinstance(state, ThreadState)
        await agent.submit(StartTurn(state.meta.id, (Text("Run `cat notes.txt` and tell me what it says."),)), watcher)
        await watcher.over.wait()
    finally:
        await agent.close()

    (ended,) = [event for event in watcher.events if isinstance(event, TurnCompleted)]
    assert (ended.status, ended.error) == ("completed", None)
    cards = [event.card for event in watcher.events if isinstance(event, CardCompleted)]
    calls = [card for card in cards if isinstance(card, CallCard)]
    assert [card.view.get("command") for card in calls] == ["cat notes.txt"]
    assert "buy milk" in str(calls[0].view.get("output"))
    assert len(watcher.asked) == 1
    said = [card.text for card in cards if isinstance(card, MessageCard)]
    pieces = [event.text for event in watcher.events if isinstance(event, CardDelta) and event.kind == "text"]
    assert len(pieces) > 1
    assert "".join(pieces) == "".join(said)
    first, *_, last = [event for event in watcher.events if isinstance(event, UsageUpdated)]
    assert last.last.cached_input_tokens >= first.last.total_tokens - 2
    progress = [event.message for event in watcher.events if isinstance(event, ProgressReported)]
    assert any(line and line.startswith("Joining") for line in progress)
    assert progress[-1] is None
    assert await changes(repository) == b""


async def test_exec_answers_with_the_embedded_model_and_leaves_the_tree_clean(repository: Path) -> None:
    command = [sys.executable, "-m", "treadle", "exec", "-C", str(repository), "-s", "read-only"]
    command += ["-c", 'local.size="0.5b"', "-c", "local.context=4096", "Say hello to Anna and wish her a nice day."]
    running = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout
    assert running.stderr
    errors = asyncio.create_task(running.stderr.read())
    pieces: list[bytes] = []
    while piece := await running.stdout.read(4096):
        pieces.append(piece)
    assert await running.wait() == 0, (await errors).decode()
    assert len(pieces) > 1
    assert "Anna" in b"".join(pieces).decode()
    assert b"Loading" in await errors
    assert await changes(repository) == b""
