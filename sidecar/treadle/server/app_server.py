"""The JSON-lines door: one JSON text a line on standard input and output, without the "jsonrpc" member.

`serve` answers initialize first and loads the rest afterwards. A line that is no JSON is answered with -32700 and passed over.
The end of the input, or SIGTERM, ends the agent and then the process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from . import early

if TYPE_CHECKING:
    from ..runtime.agent import Agent
    from .handshake import Handshake


def serve(open_agent: Callable[[], Awaitable[Agent]]) -> int:
    """Serve the client at the other end of the standard streams until it is gone."""
    from .stdio import take_stdin, take_stdout  # noqa: PLC0415 - asyncio is loaded after the first answer

    stdin_fd, stdout_fd = take_stdin(), take_stdout()
    first = early.answer(stdin_fd, stdout_fd)
    import asyncio  # noqa: PLC0415

    asyncio.run(run(open_agent, stdin_fd=stdin_fd, stdout_fd=stdout_fd, first=first))
    return 0


async def run(
    open_agent: Callable[[], Awaitable[Agent]], *, stdin_fd: int, stdout_fd: int, first: early.Early[Handshake] | None = None
) -> None:
    """Serve over these descriptors."""
    from .framing import Lines  # noqa: PLC0415
    from .stream import serve_stream  # noqa: PLC0415

    framing = Lines()
    await serve_stream(framing, open_agent, stdin_fd=stdin_fd, stdout_fd=stdout_fd, first=first)
