"""Every method of the Agent Client Protocol with parameters that are nearly right, made from the package's own schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from acp import schema
from hypothesis import given
from hypothesis import strategies as st

from . import ordinary, shapes
from .common import fuzzed
from .doors import text
from .junk import values
from .places import Place, placed

_MODELS = {
    "session/new": schema.NewSessionRequest,
    "session/load": schema.LoadSessionRequest,
    "session/resume": schema.ResumeSessionRequest,
    "session/fork": schema.ForkSessionRequest,
    "session/list": schema.ListSessionsRequest,
    "session/close": schema.CloseSessionRequest,
    "session/delete": schema.DeleteSessionRequest,
    "session/prompt": schema.PromptRequest,
    "session/set_mode": schema.SetSessionModeRequest,
    "session/set_config_option": schema.SetSessionConfigOptionBooleanRequest,
    "authenticate": schema.AuthenticateRequest,
}
_requests = st.sampled_from(sorted(_MODELS)).flatmap(
    lambda method: st.tuples(st.just(method), shapes.of(_MODELS[method].model_json_schema(by_alias=True)), st.just(True))
)
_notes = st.tuples(st.sampled_from(["session/cancel", "$/cancel_request", "_x/y", "no/such"]), values, st.just(False))
_unknown = st.tuples(
    st.sampled_from(["mcp/message", "logout", "_x/y", "providers/list", "document/didOpen", ""]), values, st.just(True)
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed("acp", tmp_path_factory.mktemp("acp")) as found:
        yield found


async def _ask(place: Place, asked: list[tuple[str, Any, bool]]) -> None:
    line = place.line
    session, _ = await ordinary.turn(line, place.cwd)
    for method, params, answered in asked:
        whole = line.request(method, params)[1] if answered else text({"jsonrpc": "2.0", "method": method, "params": params})
        await line.write(line.framed(whole.replace("@thread", session).replace("@workspace", place.cwd)))
    await place.settled()


@given(st.lists(st.one_of(_requests, _requests, _requests, _notes, _unknown), min_size=1, max_size=5))
@fuzzed(25, 0.25)
def test_every_method_of_an_editor_answers_what_is_nearly_right(place: Place, asked: list[tuple[str, Any, bool]]) -> None:
    place.run(_ask(place, asked))
