"""Suite-wide: a scripted model server for whoever asks, and the check that prompts only grow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.responses import ModelServer


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A running server without replies: give it some by `model_server.script([...])`."""
    with ModelServer() as server:
        yield server


@pytest.fixture(autouse=True)
def prompts_only_grow() -> Iterator[None]:
    """Within an epoch every request extends the one before, byte for byte, or its test says moves_prefix("why")."""
    yield
    for server in tuple(ModelServer.started):
        server.verify()
        if not server.running:
            ModelServer.started.remove(server)
