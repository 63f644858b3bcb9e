"""Whatever the schemas let a client ask is served, or refused with the name of what we cannot do; and nothing of the protocol is
forgotten in our lists of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fakes.agent import ScriptedAgent
from fakes.app_server_schemas import Schemas, Side
from fakes.peer import HELLO, Peer
from fakes.schema_examples import Examples
from treadle.core.errors import RequestRefused
from treadle.server import unsupported
from treadle.server.wire.methods import CLIENT_NOTIFICATIONS, CLIENT_REQUESTS, SERVER_NOTIFICATIONS, SERVER_REQUESTS

REACHED = "the agent was asked"
SERVED = [name for name in CLIENT_REQUESTS if not name.startswith("treadle/") and name != "initialize"]
LISTS: list[tuple[Side, Mapping[str, Any], Mapping[str, Any]]] = [
    ("ClientRequest", CLIENT_REQUESTS, unsupported.METHODS),
    ("ClientNotification", CLIENT_NOTIFICATIONS, {}),
    ("ServerRequest", SERVER_REQUESTS, unsupported.NEVER_ASKED),
    ("ServerNotification", SERVER_NOTIFICATIONS, unsupported.NEVER_SAID),
]
SAYING = {"input", "input.0.url", "input.0.path", "input.0.type", "input.0.fileId"}
VALUES = {
    "thread/start": {"historyMode", "permissions"},
    "thread/resume": {"permissions"},
    "thread/fork": {"permissions", "beforeTurnId"},
    "thread/settings/update": {"permissions"},
    "thread/items/list": {"turnId"},
    "thread/items/read": {"itemIds"},
    "turn/start": SAYING | {"permissions"},
    "turn/steer": SAYING,
    "thread/queue/add": SAYING,
    "thread/queue/update": SAYING,
    "command/exec": {"size.rows", "size.cols", "permissionProfile", None},
    "command/exec/write": {"deltaBase64"},
    "command/exec/resize": {"size.rows", "size.cols"},
    "mcpServer/tool/call": {"arguments"},
}
"""Fields of which the schemas allow more than makes sense: a picture that is not there, a terminal without rows, a stream without
a name (None: the refusal names several fields). Of these some values are refused, and others served."""


ADDED = {("thread/resume", "goesOn"), ("thread/settings/update", "askBeforeEdits")}
"Fields of ours in requests of the protocol; protocol/README.md tells of them."


class Unwilling(ScriptedAgent):
    """Shows that a request came through to the agent."""

    async def submit(self, op: Any, client: Any) -> Any:
        raise RequestRefused(REACHED)

    async def info(self, what: Any, **args: Any) -> Any:
        raise RequestRefused(REACHED)


@pytest.mark.parametrize("method", SERVED)
async def test_what_the_schemas_allow_is_served_or_its_field_is_named(method: str, printed: tuple[Schemas, Schemas]) -> None:
    _, whole = printed
    schema = whole.params("ClientRequest", method)
    examples = [one for one in Examples(whole.definitions).of(schema) if not whole.wrong(schema, one)]
    assert examples
    peer, refused = Peer(Unwilling()), set[str | None]()
    await peer.result("initialize", HELLO)
    served = 0
    for example in examples:
        answer = await peer.ask(method, example)
        peer.told.clear()
        if "result" in answer or answer["error"]["message"] == REACHED:
            served += 1
            continue
        error = answer["error"]
        assert error["code"] in (-32600, -32602), (example, error)
        refused.add(error.get("data", {}).get("path"))
    await peer.connection.close()
    whole_fields = {name for of, name in unsupported.FIELDS if of == method}
    assert served
    assert whole_fields <= refused <= whole_fields | VALUES.get(method, set())


@pytest.mark.parametrize("method", SERVED)
def test_every_field_of_a_request_is_used_refused_or_known_to_change_nothing(
    method: str, printed: tuple[Schemas, Schemas]
) -> None:
    _, whole = printed
    model, _ = CLIENT_REQUESTS[method]
    used = {field.alias for field in model.model_fields.values()}
    listed = {name for of, name in [*unsupported.FIELDS, *unsupported.PASSED_OVER] if of == method}
    assert used & listed == set()
    added = {name for of, name in ADDED if of == method}
    assert added <= used
    assert used - added | listed == whole.fields(whole.params("ClientRequest", method))


@pytest.mark.parametrize(("side", "ours", "not_ours"), LISTS, ids=[side for side, _, _ in LISTS])
def test_every_message_of_the_protocol_is_served_or_said_not_to_be(
    side: Side, ours: Mapping[str, Any], not_ours: Mapping[str, Any], printed: tuple[Schemas, Schemas]
) -> None:
    served = {name for name in ours if not name.startswith("treadle/")}
    assert served & set(not_ours) == set(), "it works now: take it from server/unsupported.py"
    assert served | set(not_ours) == printed[1].methods(side)


async def test_a_method_that_we_do_not_have_is_refused_with_the_reason() -> None:
    peer = Peer(Unwilling())
    await peer.result("initialize", HELLO)
    for method, why in unsupported.METHODS.items():
        error = (await peer.ask(method, {}))["error"]
        assert error == {"code": -32601, "message": f"{method} is not supported. {why}"}
    assert (await peer.ask("no/such", {}))["error"]["message"] == "Method not found: no/such"
    await peer.connection.close()
