"""What the real program prints, once for all tests of this folder; and a house in which clients of others start our program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.app_server_schemas import Schemas
from fakes.mcp_house import House
from fakes.mcp_server import PIXEL
from fakes.responses import ModelServer

PEERS = Path(sys.prefix) / "peers"
"Clients in Python, see extension/dev/peers.sh; after all else, so that what we have is not replaced."
sys.path.append(str(PEERS))


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Schemas, Schemas]:
    """The stable schemas, and the whole ones."""
    folder: Path = tmp_path_factory.mktemp("schemas")
    return Schemas(folder, experimental=False), Schemas(folder, experimental=True)


@pytest.fixture
def treadle() -> str:
    """The program, where a client wants the path of the original."""
    return str(Path(sys.executable).parent / "treadle")


@pytest.fixture
def home(tmp_path: Path, model_server: ModelServer) -> Iterator[House]:
    """A workspace and homes; `environ` of it is for the client."""
    home = House(tmp_path, model_server)
    home.configure({})
    (home.workspace / "hello.py").write_text("print('helo')\n")
    (home.workspace / "a.png").write_bytes(PIXEL)
    yield home


@pytest.fixture
def environ(home: House) -> dict[str, str]:
    return {
        "CODEX_HOME": str(home.homes.codex),
        "TREADLE_HOME": str(home.homes.treadle),
        "HOME": str(home.folder / "home"),
        "SCRIPTED_KEY": "sk-scripted-123456",
    }
