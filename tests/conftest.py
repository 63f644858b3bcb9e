"""Suite-wide: a scripted model server for whoever asks, and the check that prompts only grow."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

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


# How long an example takes says how busy the machine is. The same examples each time, so that nothing goes red by chance, but for
# whoever searches with FUZZ_EXAMPLES (`make fuzz`): others each time, and so many where a test does not say itself how many.
_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or 0)
_how_many: dict[str, Any] = {"max_examples": _EXAMPLES} if _EXAMPLES else {"derandomize": True, "database": None}
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], **_how_many)
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
