"""Tool lists on disk: found again by configuration and version, and as good as absent when the file is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from treadle.adapters.mcp import ToolCache
from treadle.adapters.mcp.cache import Offer
from treadle.core.mcp import McpTool
from treadle.core.settings import McpServer

SERVER = McpServer("docs", command="docs-server", args=("--fast",), env=(("DOCS_TOKEN", "sk-hidden"),))
OFFER = Offer((McpTool("docs", "search", "Finds é.", read_only=True), McpTool("docs", "odd")), resources=True)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_list_is_found_again_by_the_same_configuration_and_version(tmp_path: Path) -> None:
    ToolCache(tmp_path / "mcp").write(SERVER, OFFER)
    assert ToolCache(tmp_path / "mcp").read(SERVER) == OFFER
    assert ToolCache(tmp_path / "mcp", version="another").read(SERVER) is None
    assert [path.suffix for path in files(tmp_path)] == [".json"]


@pytest.mark.parametrize(
    "change",
    [{"name": "other"}, {"command": "other"}, {"args": ()}, {"env": ()}, {"cwd": "/x"}, {"url": "http://x", "command": None}],
)
def test_another_configuration_is_another_server(tmp_path: Path, change: dict) -> None:
    ToolCache(tmp_path).write(SERVER, OFFER)
    assert ToolCache(tmp_path).read(replace(SERVER, **change)) is None


def test_no_secret_is_written(tmp_path: Path) -> None:
    ToolCache(tmp_path).write(replace(SERVER, http_headers=(("Authorization", "sk-header"),)), OFFER)
    (path,) = files(tmp_path)
    assert "sk-" not in path.read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tools": 3}', b'{"tools": [{"no": 1}]}', b"\xff\xfe", b"[" * 100_000])
def test_a_broken_file_is_as_good_as_none_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    cache = ToolCache(tmp_path)
    cache.write(SERVER, OFFER)
    (path,) = files(tmp_path)
    path.write_bytes(content)
    assert cache.read(SERVER) is None
    cache.write(SERVER, OFFER)
    assert cache.read(SERVER) == OFFER


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "mcp").write_text("a file")
    ToolCache(tmp_path / "mcp").write(SERVER, OFFER)
    assert ToolCache(tmp_path / "mcp").read(SERVER) is None


def test_old_lists_go_when_there_are_many(tmp_path: Path) -> None:
    cache = ToolCache(tmp_path)
    for number in range(205):
        cache.write(replace(SERVER, name=f"s{number}"), OFFER)
    assert len(files(tmp_path)) == 200
    assert cache.read(replace(SERVER, name="s204")) == OFFER
