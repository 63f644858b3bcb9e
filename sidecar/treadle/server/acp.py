"""The door for editors that speak the Agent Client Protocol: version 1, a JSON text a line on standard input and output.

`serve` answers initialize first and loads the rest, the package `agent-client-protocol` among it, afterwards. The end of the
input, or SIGTERM, ends the agent and then the process. Nothing but the protocol is ever written to standard output.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from . import acp_hello

if TYPE_CHECKING:
    from ..core.items import JsonObject
    from ..runtime.agent import Agent
    from .early import Early

_GRACE, _PATIENCE = 0.5, 5.0
"Seconds that requests have to end when the editor is gone: all of them; those that wait for no turn. Loading is not counted."


def serve(open_agent: Callable[[], Awaitable[Agent]]) -> int:
    """Serve the editor at the other end of the standard streams until it is gone."""
    from .stdio import take_stdin, take_stdout  # noqa: PLC0415 - asyncio is loaded after the first answer

    stdin_fd, stdout_fd = take_stdin(), take_stdout()
    first = acp_hello.answer(stdin_fd, stdout_fd)
    import asyncio  # noqa: PLC0415

    asyncio.run(run(open_agent, stdin_fd=stdin_fd, stdout_fd=stdout_fd, first=first))
    return 0


async def run(
    open_agent: Callable[[], Awaitable[Agent]], *, stdin_fd: int, stdout_fd: int, first: Early[acp_hello.Editor] | None = None
) -> None:
    """Serve over these descriptors."""
    import asyncio  # noqa: PLC0415
    import importlib  # noqa: PLC0415

    from .acp_stream import Messages  # noqa: PLC0415
    from .outbox import Outbox  # noqa: PLC0415
    from .stdio import chunks  # noqa: PLC0415
    from .stream import Reading  # noqa: PLC0415

    reading = Reading()
    outbox = Outbox(stdout_fd, on_lost=reading.stop)
    unread = first.unread if first else b""
    messages = Messages(chunks(stdin_fd), outbox.put, unread)
    reading.hear_signals(outbox)
    try:
        await asyncio.to_thread(importlib.import_module, f"{__package__}.acp_agent")
        await _converse(open_agent, messages, first.handshake if first else None, reading.over)
    except asyncio.CancelledError:
        reading.task.uncancel()
    finally:
        reading.over()
    outbox.close()


async def _converse(
    open_agent: Callable[[], Awaitable[Agent]], messages: Any, editor: acp_hello.Editor | None, gone: Callable[[], None]
) -> None:
    """Until the editor is `gone`. However that happens, its turns are ended and its questions declined."""
    import asyncio  # noqa: PLC0415

    from acp.agent.router import build_agent_router  # noqa: PLC0415
    from acp.connection import Connection  # noqa: PLC0415
    from acp.meta import AGENT_METHODS  # noqa: PLC0415
    from acp.schema import DeleteSessionRequest  # noqa: PLC0415

    from .acp_agent import AcpAgent  # noqa: PLC0415

    def tell(session_id: str, update: JsonObject) -> None:
        messages.notify("session/update", {"sessionId": session_id, "update": update})

    async def request(method: str, params: JsonObject) -> Any:
        try:
            return await connection.send_request(method, params)
        except asyncio.CancelledError:
            messages.withdraw(params)
            raise
        finally:
            messages.answered(params)

    agent = AcpAgent(open_agent, tell, request)
    # close, resume and delete are of the stable protocol by now; the package has them among the others, or not at all
    router: Any = build_agent_router(agent, use_unstable_protocol=True)  # type: ignore[arg-type]
    router.route_request(AGENT_METHODS["session_delete"], DeleteSessionRequest, agent, "delete_session")
    connection = Connection(router, messages, listening=False)
    if editor is not None:
        agent.greet(editor)
    try:
        await connection.main_loop()
        await agent.settled()
        await messages.settled(_GRACE)
        await messages.settled(_PATIENCE, prompts=False)
    finally:
        gone()
        await connection.close()
        await agent.close()
