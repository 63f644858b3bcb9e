"""Where the weights come from: the order of the sources, the hash that all must have, and files that are whole or not there."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from treadle.adapters.local import hub, parts
from treadle.adapters.local.catalogue import CATALOGUE, Part, Weights
from treadle.adapters.local.weights import Found, Search, locked
from treadle.core.errors import ModelError
from treadle.core.settings import LocalModel

Searching = Callable[..., Search]
Served = tuple[type["Hub"], dict[str, str]]

PIECES = (b"GGUF" + b"a" * 3000, b"b" * 3000, b"c" * 10)
CONTENT = b"".join(PIECES)
TINY = Weights(
    size="0.5b",
    name="Tiny",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    bytes=len(CONTENT),
    repository="Example/Tiny-GGUF",
    file="tiny.gguf",
    extra="local-small",
    parts=tuple(Part(f"treadle-tiny-part{n}", f"treadle_tiny_part{n}/data/part{n}.bin") for n in (1, 2, 3)),
)
LARGE = replace(
    TINY, size="1.5b", name="Large", sha256="0" * 64, extra="local", parts=(Part("treadle-large", "treadle_large/x.bin"),)
)
NO_HUB = {"HF_HUB_OFFLINE": "1"}


def install(site: Path, weights: Weights = TINY, pieces: tuple[bytes, ...] = PIECES) -> None:
    """The parts as installed distributions. Importing one would fail the test."""
    for part, piece in zip(weights.parts, pieces, strict=True):
        about = site / f"{part.distribution.replace('-', '_')}-0.1.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {part.distribution}\nVersion: 0.1\n")
        file = site / part.path
        file.parent.mkdir(parents=True)
        file.write_bytes(piece)
        (site / Path(part.path).parts[0] / "__init__.py").write_text("raise SystemExit('imported')")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "site"
    install(site)
    monkeypatch.syspath_prepend(str(site))
    return site


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def search(tmp_path: Path, lines: list[str]) -> Searching:
    def build(settings: LocalModel | None = None, environ: dict[str, str] = NO_HUB, python: str = sys.executable) -> Search:
        home = tmp_path / "home"
        return Search(settings or LocalModel(), home, python, lines.append, environ, catalogue=(LARGE, TINY), smallest=TINY)

    return build


class Hub(BaseHTTPRequestHandler):
    """The official file, with ranges; `cut_after` closes the connection early, `content` is what it serves."""

    content = CONTENT
    cut_after: int | None = None
    ranges: list[str | None] = []  # noqa: RUF012

    def do_GET(self) -> None:
        wanted = self.headers.get("range")
        type(self).ranges.append(wanted)
        if self.path != "/Example/Tiny-GGUF/resolve/main/tiny.gguf":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        data = self.content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.cut_after is not None:
            data, type(self).cut_after = data[: self.cut_after], None
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[Served]:
    kind = type("OneHub", (Hub,), {"ranges": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield kind, {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}"}
    server.shutdown()
    thread.join()
    server.server_close()


def files(found: Found) -> set[str]:
    return {
        path.name for path in found.path.parent.iterdir() if path.suffix not in (".lock", ".checked") and path.name != ".lock"
    }


async def test_a_configured_file_comes_first_and_its_hash_is_recorded(tmp_path: Path, installed: Path, search: Searching) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"my own")
    found = await search(LocalModel(model_path=str(mine))).find()
    assert found == Found(mine, "configured", hashlib.sha256(b"my own").hexdigest(), "mine.gguf")


async def test_a_configured_file_that_is_missing_is_named(search: Searching) -> None:
    with pytest.raises(ModelError, match=r"/no/such\.gguf") as raised:
        await search(LocalModel(model_path="/no/such.gguf")).find()
    assert "model_path" in raised.value.sentence()


async def test_installed_parts_are_joined_once_and_then_found_in_the_cache(
    installed: Path, search: Searching, lines: list[str]
) -> None:
    assert await search().problem() is None
    first = await search().find()
    assert (first.source, first.path.read_bytes()) == ("packages", CONTENT)
    assert lines[-1] == "Joining Tiny … 100 %"
    lines.clear()
    second = await search().find()
    assert (second.source, second.path, lines) == ("cache", first.path, [])
    assert files(first) == {f"{TINY.sha256}.gguf"}


async def test_a_cached_file_that_was_changed_is_made_again(installed: Path, search: Searching) -> None:
    first = await search().find()
    first.path.write_bytes(b"something else")
    again = await search().find()
    assert (again.source, again.path.read_bytes()) == ("packages", CONTENT)


async def test_parts_with_another_hash_are_refused_and_leave_nothing(tmp_path: Path, installed: Path, search: Searching) -> None:
    (installed / TINY.parts[1].path).write_bytes(b"evil")
    with pytest.raises(ModelError, match="refused") as raised:
        await search().find()
    assert "`make model`" in raised.value.sentence()
    assert not list((tmp_path / "home" / "models").glob("*.gguf"))
    assert not list((tmp_path / "home" / "models").glob("*.joining"))


async def test_with_no_source_the_sentence_has_the_way_out(search: Searching) -> None:
    with pytest.raises(ModelError) as raised:
        await search().find()
    sentence = raised.value.sentence()
    assert all(way in sentence for way in ("OPENAI_API_KEY", "config.toml", "`make run`", "`make model`", "local.model_path"))
    assert "pip" not in sentence
    assert await search().problem() == sentence
    assert "cannot be read" in (await search(LocalModel(model_path="/no/such.gguf")).problem() or "")
    assert "download" in (await search(environ={}).problem() or "")
    assert "HF_HUB_OFFLINE" in (raised.value.details or "")


async def test_auto_takes_the_larger_model_only_if_it_is_here(tmp_path: Path, installed: Path, search: Searching) -> None:
    assert (await search().find()).name == "Tiny"
    install(tmp_path / "site", LARGE, (CONTENT,))
    with pytest.raises(ModelError, match="Large"):
        await search().find()
    assert (await search(LocalModel(size="0.5b")).find()).name == "Tiny"


async def test_parts_in_another_interpreter_are_found(tmp_path: Path, search: Searching) -> None:
    await asyncio.to_thread(subprocess.run, [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = (await asyncio.to_thread(subprocess.check_output, where, text=True)).strip()
    install(Path(site))
    found = await search(python=str(python)).find()
    assert (found.source, found.path.read_bytes()) == ("packages", CONTENT)


async def test_the_hub_comes_before_the_packages(installed: Path, search: Searching, served: Served, lines: list[str]) -> None:
    found = await search(environ=served[1]).find()
    assert (found.source, found.path.read_bytes()) == ("hub", CONTENT)
    assert "Downloading Tiny … 100 %" in lines
    assert files(found) == {f"{TINY.sha256}.gguf"}


async def test_a_download_that_was_cut_goes_on_where_it_stopped(search: Searching, served: Served) -> None:
    kind, environ = served
    kind.cut_after = 2000
    found = await search(environ=environ).find()
    assert (found.source, found.path.read_bytes()) == ("hub", CONTENT)
    assert kind.ranges == [None, "bytes=2000-"]


@pytest.mark.parametrize("content", [b"x" * len(CONTENT), CONTENT + b"more"])
async def test_a_wrong_file_of_the_hub_is_refused_and_the_packages_are_used(
    content: bytes, installed: Path, search: Searching, served: Served
) -> None:
    kind, environ = served
    kind.content = content
    found = await search(environ=environ).find()
    assert (found.source, found.path.read_bytes()) == ("packages", CONTENT)
    assert files(found) == {f"{TINY.sha256}.gguf"}


async def test_a_hub_that_cannot_be_reached_is_passed_over(installed: Path, search: Searching) -> None:
    searching = search(environ={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert (await searching.find()).source == "packages"
    assert "cannot be reached" in searching.reasons[0]


def test_the_hub_is_asked_for_the_official_files() -> None:
    for weights in CATALOGUE:
        url = hub.address(weights, {}) or ""
        assert url.startswith(f"https://huggingface.co/Qwen/Qwen2.5-Coder-{weights.size.upper()}-Instruct-GGUF/resolve/main/")
        assert url.endswith("-q4_k_m.gguf")


def test_a_join_that_is_stopped_leaves_nothing(tmp_path: Path, installed: Path) -> None:
    stopped = threading.Event()
    target = tmp_path / "target.gguf"

    def stop(done: int) -> None:
        assert not target.exists()
        stopped.set()

    found = parts.locate(TINY, sys.executable)
    with pytest.raises(parts.Cancelled):
        parts.join(found, target, TINY.sha256, progress=stop, cancelled=stopped)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


async def test_a_cancelled_search_ends_its_thread_and_frees_the_lock(tmp_path: Path, installed: Path, search: Searching) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    searching = search()
    searching.progress = lambda _: loop.call_soon_threadsafe(begun.set)  # type: ignore[assignment,return-value]
    task = asyncio.create_task(searching.find())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert (await search().find()).path.read_bytes() == CONTENT


async def test_only_one_process_prepares_weights(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    script = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdin and other.stdout
    assert await other.stdout.readline() == b"held\n"

    async def take() -> None:
        async with locked(path):
            assert other.returncode is not None or other.stdin is None or other.stdin.is_closing()

    taking = asyncio.create_task(take())
    await asyncio.sleep(0)
    assert not taking.done()
    other.stdin.close()
    await other.wait()
    await taking


def test_children_get_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in json.dumps(parts.lean_environment(True))
