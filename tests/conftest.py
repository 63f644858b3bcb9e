"""Suite-wide: a scripted model server for whoever asks, and the check that prompts only grow."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from fakes.responses import ModelServer

# Under nohup, or started in the background by a script, signals arrive ignored, and every process of a test would inherit that.
for _number, _usual in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)


# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


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
